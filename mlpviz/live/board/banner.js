// What is wrong, in a few sentences, with buttons for what one can do. It takes the place of the five lines, so that the
// figures below stay where they are.

/** @import { Action } from "./types.js" */

import { find, setText } from "./dom.js";

export class Banner {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.text = find(root, "p");
    this.actions = find(root, ".actions");
  }

  /**
   * @param {string} text empty for nothing
   * @param {string} kind
   */
  say(text, kind) {
    this.root.dataset.kind = kind;
    setText(this.text, text);
    this.root.hidden = !text;
  }

  /**
   * @param {Action[]} actions
   * @param {(name: string) => void} act
   */
  offer(actions, act) {
    offer(this.actions, actions, act);
    this.actions.firstElementChild?.classList.add("primary");
  }
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
