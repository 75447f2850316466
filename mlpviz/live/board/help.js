// The help of a figure: a button with a question mark, and a box that it opens.

import { find } from "./dom.js";

/** @typedef {{ plain: string, healthy: string, formula: string }} Help */

/**
 * Put a help button into each figure of the board that has a help text.
 * @param {HTMLElement} figure
 * @param {string} name of the figure
 * @param {Help | undefined} help
 */
export function addHelp(figure, name, help) {
  if (!help || figure.querySelector(".help")) return;
  const box = document.createElement("div");
  box.className = "help";
  box.setAttribute("popover", "auto");
  box.setAttribute("role", "note");
  const title = document.createElement("h3");
  title.textContent = name;
  box.append(title, ...[help.plain, help.healthy, help.formula].map(paragraph));
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "?", title: "What is this?" });
  button.className = "ask";
  button.setAttribute("aria-label", `Help: ${name}`);
  button.popoverTargetElement = box;
  box.addEventListener("toggle", () => place(box, button.getBoundingClientRect()));
  find(figure, "h2").after(button);
  figure.append(box);
}

/** @param {string} text */
function paragraph(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}

/**
 * Below the button, but inside the window.
 * @param {HTMLElement} box
 * @param {DOMRect} at
 */
function place(box, at) {
  const left = Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8));
  const top = Math.max(8, Math.min(at.bottom + 6, innerHeight - box.offsetHeight - 8));
  Object.assign(box.style, { left: `${left}px`, top: `${top}px` });
}
