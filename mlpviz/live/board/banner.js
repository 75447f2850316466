// What is wrong, in a few sentences, with buttons for what one can do. It takes the place of the five lines, so that the
// figures below stay where they are.

/** @import { Action } from "./types.js" */

import { find, setText } from "./dom.js";

const TITLE = 5; // words at most

export class Banner {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.title = find(root, "b");
    this.first = find(root, ".first");
    this.more = find(root, ".more");
    this.actions = find(root, ".actions");
  }

  /**
   * @param {string} text empty for nothing
   * @param {string} kind
   */
  say(text, kind) {
    this.root.dataset.kind = kind;
    const [title, first, more] = split(text);
    setText(this.title, title);
    setText(this.first, first);
    setText(this.more, more);
    this.withFocus(() => (this.root.hidden = !text));
  }

  /**
   * Make a change. If the button that has the focus goes, the focus goes to what one would press next. Otherwise the
   * next key would start from the top of the page.
   * @param {() => void} change
   */
  withFocus(change) {
    const inside = this.root.contains(document.activeElement);
    change();
    if (!inside || (!this.root.hidden && this.root.contains(document.activeElement))) return;
    /** @type {HTMLElement | null} */ (document.querySelector(".st-key-start button"))?.focus();
  }

  /**
   * @param {Action[]} actions
   * @param {(name: string) => void} act
   */
  offer(actions, act) {
    this.withFocus(() => offer(this.actions, actions, act));
    this.actions.firstElementChild?.classList.add("primary");
  }
}

/**
 * A message in three parts: its title of a few words, perhaps none; its first sentence; the rest.
 * @param {string} text
 * @returns {[string, string, string]}
 */
export function split(text) {
  const sentences = text.split(/(?<=[.!?…]) /);
  const title = sentences.length > 1 && sentences[0].split(" ").length <= TITLE ? sentences.splice(0, 1)[0] : "";
  return [title, sentences[0], sentences.slice(1).join(" ")];
}

/**
 * Fill an element with a button for each action. Buttons that are there already keep the focus.
 * @param {HTMLElement} root
 * @param {Action[]} actions
 * @param {(name: string) => void} act
 */
export function offer(root, actions, act) {
  const known = new Map([...root.children].map((button) => [/** @type {HTMLElement} */ (button).dataset.name, button]));
  const buttons = actions.map(([name, label, description]) => {
    const button = /** @type {HTMLButtonElement} */ (known.get(name) ?? document.createElement("button"));
    Object.assign(button, { type: "button", title: description, onclick: () => act(name) });
    button.dataset.name = name;
    setText(button, label);
    return button;
  });
  for (const button of known.values()) if (!buttons.includes(/** @type {any} */ (button))) button.remove();
  buttons.forEach((button, i) => root.children[i] !== button && root.insertBefore(button, root.children[i] ?? null));
}
