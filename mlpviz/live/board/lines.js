// The five lines of code that train, with what each of them did. A slow run plays each step: one line lights up after
// another. The step itself was made as a whole; this shows what was measured.

/** @import { CodeLine, FiveLines } from "./types.js" */

import { find, setText } from "./dom.js";
import { bytes, newPicture, paintGrey } from "./pixels.js";

const RESERVE = 400; // ms between the last line and the next step, in which the figures are drawn
const CALM = "(prefers-reduced-motion: reduce)";

export class Lines {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.title = /** @type {HTMLElement} */ (root.querySelector("h2"));
    this.list = /** @type {HTMLElement} */ (root.querySelector("ol"));
    /** @type {FiveLines | null} */
    this.shown = null;
    this.run = "";
    /** @type {ReturnType<typeof setTimeout>[]} */
    this.timers = [];
    this.ended = () => {};
  }

  /** @param {string[]} code */
  choose(code) {
    if (!this.list.children.length) this.list.append(...code.map(newLine));
  }

  /**
   * @param {FiveLines | null} lines
   * @param {string} run
   */
  draw(lines, run) {
    this.root.hidden = !lines;
    if (!lines || lines === this.shown) return;
    const same = run === this.run;
    const isNew = same && this.shown !== null && lines.step !== this.shown.step;
    this.shown = lines;
    this.run = run;
    setText(this.title, lines.title);
    const pictures = lines.large && lines.step > 0;
    this.root.classList.toggle("large", lines.large);
    this.root.classList.toggle("pictures", pictures);
    lines.lines.forEach((line, i) => fill(this.list.children[i], line, pictures));
    if (isNew || !same || !lines.step) this.finish();
    const plays = isNew && lines.step > 0 && !matchMedia(CALM).matches && !document.hidden;
    if (plays) this.play((1000 * lines.seconds - RESERVE) / lines.lines.length);
  }

  // The last line is over: the figures need not wait any longer.
  end() {
    this.finish();
    this.ended();
  }

  // All lines are done.
  finish() {
    this.timers.forEach(clearTimeout);
    this.timers = [];
    for (const line of this.list.children) line.className = "";
  }

  /**
   * Whether the lines of the step after this one are lighting up now, in a slow run. The figures wait for the last line.
   * @param {number} step
   */
  plays(step) {
    return this.timers.length > 0 && this.shown !== null && this.shown.large && this.shown.step === step + 1;
  }

  /** @param {number} each milliseconds for each line */
  play(each) {
    this.root.style.setProperty("--each", `${each}ms`);
    const all = [...this.list.children];
    const light = (/** @type {number} */ now) => all.forEach((line, i) => (line.className = i < now ? "" : i === now ? "lit" : "waits"));
    light(0);
    this.timers = all.map((_, i) => setTimeout(() => (i + 1 < all.length ? light(i + 1) : this.end()), (i + 1) * each));
  }
}

/** @param {string} code */
function newLine(code) {
  const line = document.createElement("li");
  line.innerHTML =
    '<code></code><p class="does"></p><div class="result"><div class="images"></div><div class="number"></div><div class="bars"></div></div><div class="share"><span></span></div><p class="said"></p>';
  find(line, "code").textContent = code;
  return line;
}

/**
 * @param {Element} line
 * @param {CodeLine} content
 * @param {boolean} large with pictures
 */
function fill(line, content, large) {
  setText(find(line, ".does"), content.does);
  setText(find(line, ".said"), (large && content.caption) || content.short);
  const share = find(line, ".share");
  share.classList.toggle("unknown", content.share === undefined);
  /** @type {HTMLElement} */ (share.firstElementChild).style.width = `${100 * (content.share ?? 0)}%`;
  setText(find(line, ".number"), (large && content.number) || "");
  const bars = find(line, ".bars");
  bars.classList.toggle("cleared", Boolean(content.cleared));
  bars.replaceChildren(...((large && content.bars) || []).map(newBar));
  find(line, ".images").replaceChildren(...((large && newImages(content)) || []));
}

/**
 * @param {[string, number, string]} bar
 * @param {number} i
 */
function newBar([label, length, value], i) {
  const bar = document.createElement("div");
  bar.style.setProperty("--i", String(i));
  bar.innerHTML = "<span></span><b></b><i></i>";
  setText(bar.children[0], label);
  setText(bar.children[1], value);
  /** @type {HTMLElement} */ (bar.children[2]).style.width = `${100 * length}%`;
  return bar;
}

/** @param {CodeLine} content */
function newImages({ images }) {
  if (!images) return [];
  const pixels = bytes(images.pixels);
  return images.captions.map(([answer, probability, instead], i) => {
    const spoken = instead ? `${instead}; the answer is ${answer}` : answer;
    const image = document.createElement("figure");
    image.className = instead ? "wrong" : "right";
    const canvas = newPicture(spoken);
    canvas.title = spoken;
    paintGrey(canvas, pixels, i);
    const caption = document.createElement("figcaption");
    caption.append(answer, document.createElement("br"), `${instead ? "✗" : "✓"} ${probability}`);
    if (instead) caption.append(document.createElement("br"), `is ${instead}`);
    image.append(canvas, caption);
    return image;
  });
}
