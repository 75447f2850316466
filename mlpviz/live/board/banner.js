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
    const labels = [...this.actions.children].map((button) => button.textContent);
    if (labels.join() === actions.map(([, label]) => label).join()) return; // so that no button loses the focus
    this.actions.replaceChildren(
      ...actions.map(([name, label, description], i) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: label, title: description });
        button.classList.toggle("primary", i === 0);
        button.onclick = () => act(name);
        return button;
      }),
    );
  }
}
