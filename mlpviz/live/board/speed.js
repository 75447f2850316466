// The speed of the run: a button for each, and the keys , (slower) and . (faster).

/** @import { SpeedChoices } from "./types.js" */

import { isWriting, setText } from "./dom.js";

const KEYS = { ",": -1, ".": 1 };
const PATIENCE = 2000; // ms until the page must have taken over what it was told
let count = 0; // of groups of buttons so far, because each needs a name of its own

export class Speed {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.choices = /** @type {HTMLElement} */ (root.querySelector(".choices"));
    this.measured = /** @type {HTMLElement} */ (root.querySelector(".measured"));
    this.group = `speed-${(count += 1)}`;
    /** @type {(name: string) => void} */
    this.tell = () => {};
    this.told = ""; // what the page was last told
    this.toldAt = -Infinity;
    this.press = (/** @type {KeyboardEvent} */ event) => this.onKey(event);
  }

  /**
   * @param {SpeedChoices | null} speed
   * @param {(name: string) => void} tell
   * @param {boolean} keys whether the keys act
   */
  show(speed, tell, keys) {
    this.tell = (name) => {
      Object.assign(this, { told: name, toldAt: performance.now() });
      tell(name);
    };
    this.root.classList.toggle("fixed", !speed);
    document.removeEventListener("keydown", this.press);
    if (!speed) return;
    if (!this.choices.children.length) this.choices.append(...speed.choices.map((choice) => this.button(choice)));
    const late = speed.now !== this.told && performance.now() - this.toldAt < PATIENCE; // an answer to an earlier key
    if (!late) for (const input of this.inputs()) input.checked = input.value === speed.now;
    if (keys) document.addEventListener("keydown", this.press);
  }

  stop() {
    document.removeEventListener("keydown", this.press);
  }

  /** @param {string | undefined} speed how fast the run trains now; other tasks than a run have no speed */
  draw(speed) {
    this.root.hidden = speed === undefined;
    setText(this.measured, speed ?? "");
  }

  /** @param {[string, string, string]} choice */
  button([name, label, description]) {
    const button = document.createElement("label");
    button.title = `${description}. Keys: , slower and . faster`;
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: this.group, value: name });
    input.setAttribute("aria-label", description);
    input.onchange = () => this.tell(name);
    // Streamlit's keys do nothing while a field has the focus. After a click with the mouse, nobody needs it here.
    input.onclick = (event) => event.detail && input.blur();
    button.append(input, label);
    return button;
  }

  /** @returns {HTMLInputElement[]} */
  inputs() {
    return [...this.choices.querySelectorAll("input")];
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const way = KEYS[/** @type {"," | "."} */ (event.key)];
    if (!way || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (event.defaultPrevented || !this.root.isConnected) return; // another board of the same run has taken it
    if (document.querySelector('[role="dialog"]')) return; // the reader can't see what would change
    event.preventDefault();
    const inputs = this.inputs();
    const next = inputs[inputs.findIndex((input) => input.checked) + way];
    if (!next) return;
    next.checked = true;
    this.tell(next.value);
  }
}
