// The wall of a class: a tile for each student, with the state, the accuracy and the loss of their run.

/** @import { Tile } from "./types.js" */

import { setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 30; // of a curve, in units of its own; its width is 100

export class Members {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.list = /** @type {HTMLElement} */ (root.querySelector("ul"));
    /** @type {Map<string, HTMLElement>} by the student's id */
    this.tiles = new Map();
    /** @type {(id: string) => void} */
    this.choose = () => {};
  }

  /** @param {{ seats: Tile[] } | null} part null if the board is not that of a class */
  draw(part) {
    this.root.hidden = !part?.seats.length;
    if (!part) return;
    const { seats } = part;
    this.root.dataset.size = size(seats.length);
    const known = new Set(seats.map((seat) => seat.id));
    for (const [id, tile] of this.tiles) {
      if (known.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
    seats.forEach((seat, i) => {
      const tile = this.tiles.get(seat.id) ?? this.add(seat.id);
      if (this.list.children[i] !== tile) this.list.insertBefore(tile, this.list.children[i] ?? null);
      fill(tile, seat);
    });
  }

  /** @param {string} id */
  add(id) {
    const tile = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.onclick = () => this.choose(id);
    button.append(...["name", "accuracy", "state"].map((name) => Object.assign(document.createElement("span"), { className: name })));
    const curve = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" })) curve.setAttribute(name, value);
    curve.append(document.createElementNS(SVG, "path"));
    const bar = Object.assign(document.createElement("span"), { className: "bar" });
    button.append(curve, bar);
    tile.append(button);
    this.tiles.set(id, tile);
    return tile;
  }
}

/**
 * @param {HTMLElement} tile
 * @param {Tile} seat
 */
function fill(tile, seat) {
  const [name, accuracy, state] = ["name", "accuracy", "state"].map((part) => /** @type {HTMLElement} */ (tile.querySelector(`.${part}`)));
  setText(name, seat.name);
  setText(accuracy, seat.accuracy);
  setText(state, `${seat.predicts ? "✓ " : ""}${seat.away ? "away" : seat.state}`);
  tile.classList.toggle("away", seat.away);
  tile.classList.toggle("trains", seat.trains);
  tile.classList.toggle("ill", Boolean(seat.letter));
  tile.style.setProperty("--tile", seat.color || "var(--st-primary-color)");
  tile.style.setProperty("--share", `${Math.round(100 * seat.share)}%`);
  const path = /** @type {Element} */ (tile.querySelector("path"));
  const line = curve(seat.curve);
  if (path.getAttribute("d") !== line) path.setAttribute("d", line);
  const predicts = seat.predicts ? ", has predicted" : "";
  const spoken = `${seat.name}: ${seat.state}, test accuracy ${seat.accuracy}${predicts}${seat.away ? ", away" : ""}`;
  const button = /** @type {HTMLElement} */ (tile.firstElementChild);
  if (button.getAttribute("aria-label") !== spoken) button.setAttribute("aria-label", spoken);
}

/**
 * How large the tiles are: so that all of a class are on the screen.
 * @param {number} count
 */
export function size(count) {
  return count <= 12 ? "large" : count <= 40 ? "medium" : "small";
}

/**
 * The curve as the path of an SVG, from left to right; with a gap where there is no number.
 * @param {(number | null)[]} shares 1 at the top
 */
export function curve(shares) {
  const step = 100 / Math.max(1, shares.length - 1);
  let path = "";
  let pen = "M";
  shares.forEach((share, i) => {
    if (share !== null) path += `${pen}${(i * step).toFixed(1)} ${(HEIGHT * (1 - share)).toFixed(1)}`;
    pen = share === null ? "M" : "L";
  });
  return path;
}
