// What the network answers: one tile for each example, with the answer and how sure the network is.

/** @import { Answers, Examples as ExamplesPart } from "./types.js" */

import { find, setText } from "./dom.js";
import { bytes, newPicture, paintGrey } from "./pixels.js";
import { Sight } from "./sight.js";

const OWN = "Add a picture that you draw or upload";

/** Which examples the reader can choose: the name, the button, and what it does. */
const KINDS = [
  ["classes", "one of each class", "Show the first test image of each class"],
  ["hardest", "the hardest", "Show the test images with the largest loss in the latest test"],
  ["own", "my picture", OWN],
];

/** @typedef {((what: string) => void) | null} Tell passes on what the reader asks for; null if nobody can ask here */

export class Examples {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.sentence = /** @type {HTMLElement} */ (root.querySelector("p"));
    this.list = /** @type {HTMLElement} */ (root.querySelector("ol"));
    this.switches = /** @type {HTMLElement} */ (root.querySelector(".switches"));
    /** @type {Tell} */
    this.tell = null;
    /** @type {ExamplesPart | null} */
    this.shown = null;
    /** @type {Answers | null} */
    this.answers = null;
    this.switches.append(...KINDS.map((kind) => this.newSwitch(kind)));
    this.sight = new Sight(root, () => {});
  }

  seen() {
    return this.root.hidden || this.sight.seen;
  }

  /** @param {Tell} tell */
  show(tell) {
    this.tell = tell;
    this.switches.hidden = !tell;
    for (const button of this.list.querySelectorAll("button")) button.disabled = !tell;
  }

  /** @param {string[]} kind */
  newSwitch([name, label, description]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: label, title: description });
    button.dataset.kind = name;
    button.onclick = () => this.tell?.(`kind ${name}`);
    return button;
  }

  /**
   * @param {ExamplesPart | null} examples
   * @param {Answers | null} answers
   */
  draw(examples, answers) {
    this.root.hidden = !examples || !answers;
    if (!examples || !answers) return;
    if (examples !== this.shown) this.drawPictures(examples);
    if (examples !== this.shown || answers !== this.answers) this.drawAnswers(examples, answers);
    Object.assign(this, { shown: examples, answers });
  }

  /** @param {ExamplesPart} examples */
  drawPictures(examples) {
    const pixels = bytes(examples.pixels);
    while (this.list.children.length > examples.labels.length) this.list.lastChild?.remove();
    examples.labels.forEach((_, i) => {
      const tile = this.list.children[i] ?? this.list.appendChild(this.newTile(i));
      paintGrey(/** @type {HTMLCanvasElement} */ (tile.querySelector("canvas")), pixels, i);
      tile.querySelector("button")?.setAttribute("aria-pressed", String(i === examples.focus));
    });
    for (const button of /** @type {Iterable<HTMLElement>} */ (this.switches.children)) {
      const on = button.dataset.kind === "own" ? examples.own : button.dataset.kind === examples.kind;
      button.setAttribute("aria-pressed", String(on));
      if (button.dataset.kind === "own") button.title = on ? "Remove your picture" : OWN;
    }
  }

  /** @param {number} i */
  newTile(i) {
    const tile = document.createElement("li");
    tile.innerHTML = '<button type="button"><span class="sure"></span><i><b></b></i><span class="answer"></span><span class="truth"></span></button>';
    const button = /** @type {HTMLButtonElement} */ (tile.firstElementChild);
    button.prepend(newPicture("image"));
    button.title = "Draw this image’s way through the network";
    button.disabled = !this.tell;
    button.onclick = () => {
      if (!this.tell) return;
      for (const other of this.list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
      this.tell(`focus ${i}`);
    };
    return tile;
  }

  /**
   * @param {ExamplesPart} examples
   * @param {Answers} answers
   */
  drawAnswers(examples, answers) {
    setText(this.sentence, answers.sentence);
    answers.answers.forEach(([answer, probability, right], i) => {
      const tile = this.list.children[i];
      if (!tile) return; // the pictures are those of the next answer
      const sign = right === null ? "" : right ? "✓ " : "✗ ";
      tile.className = right === null ? "" : right ? "right" : "wrong";
      setText(find(tile, ".answer"), `${sign}${answer}`);
      setText(find(tile, ".sure"), `${Math.round(100 * probability)} %`);
      setText(find(tile, ".truth"), right === false ? `is ${examples.labels[i]}` : right === null ? "yours" : "");
      find(tile, "b").style.width = `${100 * probability}%`;
      find(tile, "canvas").setAttribute("aria-label", examples.labels[i]);
    });
  }
}
