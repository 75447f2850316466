// The strip above the figures: status, progress, and a few numbers with labels.

/** @import { Headline } from "./types.js" */

import { setText } from "./dom.js";

export class Strip {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} progress
   */
  constructor(root, progress) {
    this.status = /** @type {HTMLElement} */ (root.querySelector(".status"));
    this.brief = /** @type {HTMLElement} */ (root.querySelector(".brief"));
    this.setting = /** @type {HTMLElement} */ (root.querySelector(".setting"));
    this.progress = /** @type {HTMLProgressElement} */ (progress);
    this.values = /** @type {HTMLElement} */ (root.querySelector(".values"));
  }

  /**
   * The run has gone. The last values stay, except those that make sense only while it trains.
   * @param {string} status
   */
  end(status) {
    setText(this.status, status);
    for (const cell of this.values.children) {
      if (cell.children[0].textContent === "Time left") setText(cell.children[1], "–");
    }
  }

  /** @param {Headline} headline */
  draw({ status, setting, brief, progress, values }) {
    setText(this.status, status);
    setText(this.brief, brief ?? "");
    setText(this.setting, setting);
    this.setting.title = setting; // it may be longer than its line
    this.progress.value = progress;
    values.forEach(([label, value, note], i) => {
      const cell = this.values.children[i] ?? this.values.appendChild(newCell());
      setText(cell.children[0], label);
      setText(cell.children[1], value);
      setText(cell.children[2], note);
    });
  }
}

function newCell() {
  const cell = document.createElement("div");
  cell.append(document.createElement("dt"), document.createElement("dd"), document.createElement("dd"));
  return cell;
}
