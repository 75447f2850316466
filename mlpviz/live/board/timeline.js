// The timeline: where the run rests, the bar of its progress becomes a slider over the moments of its film, with a button
// that plays them, marks for what happened, and "Live" for the way back.

/** @import { FilmPart } from "./types.js" */

import { find, isWriting, setText } from "./dom.js";

const EACH = 250; // ms that a moment is shown, at least
const KEYS = { j: "back", k: "play", l: "on" };

/** @type {Map<string, number>} the moments that readers have gone to, by `key`: they find them again after another view */
const PLACES = new Map();

export class Timeline {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */ (find(root, "input"));
    this.button = /** @type {HTMLButtonElement} */ (find(root, ".play"));
    this.live = /** @type {HTMLButtonElement} */ (find(root, ".live"));
    this.marks = find(root, ".marks");
    /** @type {FilmPart | null} */
    this.film = null;
    /** @type {number[]} the steps of the moments before the present step */
    this.steps = [];
    this.now = 0; // the present step
    this.key = ""; // the run, and its present step
    this.places = PLACES;
    this.opening = Infinity; // the place where it begins
    this.playing = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {() => Promise<void>} shows the moment that the reader has gone to */
    this.moved = async () => {};
    this.slider.oninput = () => {
      this.pause();
      this.tell();
    };
    this.button.onclick = () => (this.playing ? this.pause() : this.play());
    this.live.onclick = () => this.at !== null && this.goLive();
    this.press = (/** @type {KeyboardEvent} */ event) => this.onKey(event);
  }

  /** @param {boolean} keys whether the keys act */
  listen(keys) {
    document.removeEventListener("keydown", this.press);
    if (keys) document.addEventListener("keydown", this.press);
  }

  stop() {
    document.removeEventListener("keydown", this.press);
    this.pause();
  }

  /**
   * In a file there is nothing live, and the film begins at its beginning.
   * @param {string} end what the way back is called
   */
  inFile(end) {
    setText(this.live, end);
    this.opening = 0;
  }

  /** The step of the moment that the reader has gone to; null for the present. */
  get at() {
    return this.root.classList.contains("on") ? (this.steps[Number(this.slider.value)] ?? null) : null;
  }

  /**
   * @param {FilmPart | null} film
   * @param {boolean} rests
   * @param {number} now the present step
   * @param {string} run whose film it is
   */
  draw(film, rests, now, run) {
    const steps = rests && film ? film.steps.filter((step) => step < now) : [];
    this.root.classList.toggle("on", steps.length > 0);
    if (!steps.length) {
      this.pause();
      Object.assign(this, { steps, key: "" });
      return;
    }
    const key = `${run} ${now}`; // after another step, the reader wants to see what it did
    if (key === this.key && film === this.film) return;
    const before = this.places.get(key);
    if (key !== this.key) this.pause();
    Object.assign(this, { film, steps, now, key });
    const place = before === undefined ? -1 : steps.indexOf(before);
    this.slider.max = String(steps.length);
    this.slider.value = String(place < 0 ? Math.min(this.opening, steps.length) : place);
    this.drawMarks();
    this.say();
  }

  drawMarks() {
    this.marks.replaceChildren(
      ...(this.film?.marks ?? []).map(([step, kind, text]) => {
        const mark = document.createElement("i");
        mark.className = kind;
        mark.title = `Step ${step.toLocaleString("en")}: ${text}`;
        mark.style.left = `${100 * place(step, [...this.steps, this.now])}%`;
        mark.onclick = () => this.go(this.steps.filter((each) => each < step).length);
        return mark;
      }),
    );
  }

  // What the controls say now.
  say() {
    const { at } = this;
    const step = (at ?? this.now).toLocaleString("en");
    const words = [at === null ? `${this.live.textContent}, step ${step}` : `Step ${step}`, ...this.here(at ?? this.now)];
    this.slider.setAttribute("aria-valuetext", words.join(". "));
    this.slider.title = `${this.film?.size}. Keys: J back, K play, L on`;
    this.slider.style.setProperty("--filled", `${(100 * Number(this.slider.value)) / Math.max(1, this.steps.length)}%`);
    this.live.setAttribute("aria-disabled", String(at === null)); // a button that is disabled would lose the focus
    this.live.title = `Back to step ${this.now.toLocaleString("en")}`;
    setText(this.button, this.playing ? "❚❚" : "▶");
    this.button.setAttribute("aria-label", this.playing ? "Stop the film" : "Play the film");
    this.button.title = `${this.playing ? "Stop" : "Play"} the film: ${this.film?.size}. Key: K`;
  }

  /**
   * What happened since the moment before.
   * @param {number} at
   */
  here(at) {
    const before = Math.max(-1, ...this.steps.filter((each) => each < at));
    return (this.film?.marks ?? []).flatMap(([step, , text]) => (before < step && step <= at ? [`${text}, at step ${step}`] : []));
  }

  /** @param {number} position of a moment; beyond the last one, the present */
  async go(position) {
    this.slider.value = String(Math.max(0, Math.min(position, this.steps.length)));
    await this.tell();
  }

  async tell() {
    const { at } = this;
    if (at === null) this.places.delete(this.key);
    else this.places.set(this.key, at);
    this.say();
    await this.moved();
  }

  goLive() {
    this.pause();
    this.go(this.steps.length);
  }

  async play() {
    this.playing = true;
    await this.go(this.at === null ? 0 : Number(this.slider.value));
    this.later();
  }

  // Show the next moment after a while.
  later() {
    clearTimeout(this.timer);
    if (this.playing) this.timer = setTimeout(() => this.playOn(), EACH);
  }

  async playOn() {
    await this.go(Number(this.slider.value) + 1);
    if (this.at === null) this.pause();
    this.later();
  }

  pause() {
    clearTimeout(this.timer);
    if (!this.playing) return;
    this.playing = false;
    this.say();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const does = KEYS[/** @type {"j" | "k" | "l"} */ (event.key.toLowerCase())];
    if (!does || !this.steps.length || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (event.defaultPrevented || !this.root.isConnected || document.querySelector('[role="dialog"]')) return;
    event.preventDefault();
    if (does === "play") return void this.button.click();
    this.pause();
    this.go(Number(this.slider.value) + (does === "on" ? 1 : -1));
  }
}

/**
 * Where a step is among the moments, from 0 to 1. Moments have equal distances.
 * @param {number} step
 * @param {number[]} steps ascending
 */
export function place(step, steps) {
  const after = steps.findIndex((each) => each >= step);
  if (after === 0) return 0;
  if (after < 0) return 1;
  const [from, to] = [steps[after - 1], steps[after]];
  return (after - 1 + (step - from) / (to - from)) / (steps.length - 1);
}
