// What a student's page shows of their class, over everything else: the teacher's sentence, and a question to predict.

/** @import { ClassNote, Question } from "./types.js" */

import { setText } from "./dom.js";

const LONGEST = 15; // seconds until the last page of a large class follows, so that not all run at once
const AGAIN = 10_000; // ms until a page that has not followed is asked again
const EACH = 0.1; // seconds more for each student

export class Attendance {
  constructor() {
    /** @type {ClassNote | null} */
    this.note = null;
    /** @type {HTMLElement | undefined} */
    this.themed = undefined;
    this.problem = "";
    this.changing = false; // whether the student wants to change the answer
    /** @type {string} the question whose chip was closed */
    this.closed = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.students = 1;
    this.later = ""; // the question that the student does not want to answer now
    this.asked = ""; // for which round the page was asked to follow
  }

  /**
   * Show what the class says, and let the page follow if the class has given it another run.
   * @param {ClassNote | null} note null if the student is not in a class
   * @param {number | null} round what the page shows; null if it knows of no class
   * @param {(round: string) => void} follow runs the page's script
   * @param {HTMLElement} themed an element with the page's colours
   */
  show(note, round, follow, themed) {
    this.themed = themed;
    if (note && this.note && older(note, this.note)) note = this.note; // of another board on the page
    this.students = note?.students ?? this.students;
    if (note?.question?.id !== this.note?.question?.id) Object.assign(this, { changing: false, problem: "" });
    this.note = note;
    this.draw();
    const news = String(note?.round ?? "left");
    if (round === null || news === String(round)) {
      this.asked = "";
      clearTimeout(this.timer); // the page has followed by itself
    } else if (this.asked !== news) {
      this.asked = news;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        follow(news);
        this.timer = setTimeout(() => (this.asked = ""), AGAIN); // it may not have followed
      }, spread(this.students));
    }
  }

  draw() {
    const sentence = this.note?.sentence ?? "";
    const question = this.note?.question ?? null;
    const open = question !== null && !question.counts.length && (question.mine === null || this.changing) && this.later !== question.id;
    document.body.classList.toggle("mlpviz-asks", question !== null && !question.counts.length);
    modal("mlpviz-eyes", sentence !== "", (root) => {
      setText(part(root, "p"), sentence);
      setText(part(root, "div"), "Your teacher has paused the class.");
    });
    modal("mlpviz-question", open && !sentence, (root) => question && this.fill(root, question));
    keepKeys();
    const chip = question !== null && !open && !sentence && this.closed !== `${question.id}.${question.outcome}`;
    this.chip(chip ? question : null);
    for (const root of document.querySelectorAll(".mlpviz-over")) if (this.themed) dress(/** @type {HTMLElement} */ (root), this.themed);
  }

  /**
   * @param {HTMLElement} root
   * @param {Question} question
   */
  fill(root, question) {
    setText(part(root, "h2"), question.text);
    const list = part(root, "div");
    if (root.dataset.question !== question.id) {
      root.dataset.question = question.id;
      list.replaceChildren(
        ...question.options.map((option, i) => {
          const button = Object.assign(document.createElement("button"), { type: "button", textContent: option });
          button.onclick = () => this.answer(question.id, i);
          return button;
        }),
      );
      const later = Object.assign(document.createElement("button"), { type: "button", className: "later", textContent: "Not now" });
      later.onclick = () => {
        this.later = question.id;
        this.draw();
      };
      list.append(later);
    }
    [...list.children].slice(0, -1).forEach((button, i) => button.setAttribute("aria-pressed", String(question.mine === i)));
    setText(part(root, "p"), this.problem || "What do you think? The class sees only how many chose each answer. Your teacher can see yours.");
  }

  /**
   * @param {string} id of the question
   * @param {number} option
   */
  async answer(id, option) {
    this.problem = "";
    try {
      const body = JSON.stringify({ question: id, option });
      const response = await fetch(new URL("live/answer", document.baseURI), { method: "POST", body, cache: "no-store" });
      const now = this.note?.question;
      if (response.ok) {
        this.changing = false;
        if (now?.id === id) now.mine = option;
      } else this.problem = (await response.text()) || "The answer did not arrive. Please try again.";
    } catch {
      this.problem = "The answer did not arrive. Please try again.";
    }
    this.draw();
  }

  /**
   * What the student has predicted, in a corner of the page.
   * @param {Question | null} question
   */
  chip(question) {
    const root = box("aside", "mlpviz-chip", "<div><p></p><p role='status'></p></div><button type='button'></button>");
    root.hidden = !question;
    if (!question) return;
    setText(part(root, "p"), question.text);
    setText(part(root, "[role=status]"), predicted(question));
    const button = /** @type {HTMLButtonElement} */ (part(root, "button"));
    const fixed = question.counts.length > 0;
    setText(button, fixed ? "Close" : question.mine === null ? "Predict" : "Change");
    button.onclick = () => {
      if (fixed) this.closed = `${question.id}.${question.outcome}`;
      else Object.assign(this, { changing: true, later: "" });
      this.draw();
    };
  }
}

/**
 * @param {Question} question
 */
export function predicted({ options, mine, counts, outcome }) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const most = counts.indexOf(Math.max(...counts));
  const said = mine === null ? "You did not answer." : `You predicted: ${options[mine]}.`;
  if (!counts.length) return said;
  if (outcome !== null) {
    if (mine === null) return `${said} What happened: ${options[outcome]}.`;
    return mine === outcome ? `✓ ${said} That is what happened.` : `✗ ${said} What happened: ${options[outcome]}.`;
  }
  if (mine !== null) return `${said} ${counts[mine]} of ${all} students predicted this.`;
  return all ? `${said} Most chose: ${options[most]} (${counts[most]} of ${all}).` : said;
}

/**
 * How many milliseconds a page waits before it runs its script for the class, so that not all pages run at once.
 * @param {number} [students]
 */
export function spread(students = 1) {
  return 1000 * Math.random() * Math.min(LONGEST, EACH * students);
}

/**
 * Whether a note was made before another one of the same class. Its version is the class, and two numbers that grow.
 * @param {ClassNote} note
 * @param {ClassNote} other
 */
export function older(note, other) {
  const [room, ...numbers] = note.version.split(".");
  const [same, ...others] = other.version.split(".");
  return room === same && numbers.some((number, i) => Number(number) < Number(others[i]));
}

let keeps = false;

/** While a dialog of the class is open, no key reaches the page below it. */
function keepKeys() {
  if (keeps) return;
  keeps = true;
  const keep = (/** @type {KeyboardEvent} */ event) => {
    if (document.querySelector("dialog.mlpviz-over[open]")) event.stopImmediatePropagation();
  };
  for (const kind of /** @type {const} */ (["keydown", "keyup"])) window.addEventListener(kind, keep, true);
}

/**
 * A dialog over the whole page, which only this code closes.
 * @param {string} name
 * @param {boolean} open
 * @param {(root: HTMLElement) => void} fill
 */
function modal(name, open, fill) {
  const known = document.querySelector(`.${name}`);
  if (!known && !open) return;
  const inside = `<h2 id="${name}-title" tabindex="-1" autofocus></h2><div></div><p id="${name}-text" role="status"></p>`;
  const root = /** @type {HTMLDialogElement} */ (box("dialog", name, inside));
  root.setAttribute("aria-labelledby", name === "mlpviz-question" ? `${name}-title` : `${name}-text`);
  if (open) fill(root);
  root.oncancel = (event) => event.preventDefault(); // the key Esc
  if (open && !root.open) root.showModal();
  if (!open && root.open) root.close();
}

/**
 * An element of the whole page, made once.
 * @param {string} tag
 * @param {string} name
 * @param {string} inside
 */
function box(tag, name, inside) {
  const known = /** @type {HTMLElement | null} */ (document.querySelector(`.${name}`));
  if (known) return known;
  const root = Object.assign(document.createElement(tag), { className: `${name} mlpviz-over`, innerHTML: inside });
  if (tag !== "dialog") root.setAttribute("aria-label", "Class");
  document.body.append(root);
  return root;
}

const COLOURS = ["--st-background-color", "--st-text-color", "--st-primary-color", "--st-font"];

/**
 * Give an element outside of the board the board's colours and its font.
 * @param {HTMLElement} root
 * @param {HTMLElement} themed
 */
function dress(root, themed) {
  const style = getComputedStyle(themed);
  for (const name of COLOURS) root.style.setProperty(name, style.getPropertyValue(name));
}

/**
 * @param {Element} root
 * @param {string} selector
 */
function part(root, selector) {
  return /** @type {HTMLElement} */ (root.querySelector(selector));
}

/** The page has one, whichever boards come and go. */
export const attendance = new Attendance();
