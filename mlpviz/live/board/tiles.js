// The weights of the first layer as small images. The colours go from negative to positive values.

/** @import { View } from "./feed.js" */
/** @import { Palette, Tiles as TilesPart } from "./types.js" */

import { find, setText } from "./dom.js";
import { tilesOnPaper } from "./paper.js";
import { bytes, isDark, newPicture, paintSigned, shades } from "./pixels.js";
import { VIDEO, saveButtons, saveDrawing, titleOf } from "./save.js";
import { Sight } from "./sight.js";

export class Tiles {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.sentence = /** @type {HTMLElement} */ (root.querySelector("p"));
    this.row = /** @type {HTMLElement} */ (root.querySelector(".row"));
    /** @type {Palette | null} */
    this.palette = null;
    /** @type {TilesPart | null} */
    this.shown = null;
    this.background = ""; // of the page, when they were drawn
    this.sight = new Sight(root, () => {});
    /** @type {number | undefined} as in Network */
    this.at = undefined;
    /** @type {() => Promise<View[]>} as in Network */
    this.film = async () => [];
    const switches = document.createElement("div");
    switches.className = "switches";
    switches.append(...saveButtons((format) => this.save(format), ["png", VIDEO]));
    find(root, "figcaption").append(switches);
  }

  /** @param {string} format */
  async save(format) {
    const paint = (/** @type {{ tiles: TilesPart | null, at: number | undefined }} */ { tiles, at }) =>
      tiles && this.palette ? tilesOnPaper(tiles, this.palette, titleOf({ name: "First-layer weights", at })) : null;
    const now = { tiles: this.shown, at: this.at };
    await saveDrawing(format, "First-layer weights", format === VIDEO ? await this.film() : [now], paint, this.sentence);
  }

  // Whether the reader sees them. A hidden figure is in nobody's sight, but it must be asked for to be shown.
  seen() {
    return this.root.hidden || this.sight.seen;
  }

  /**
   * @param {TilesPart | null} tiles
   * @param {HTMLElement} themed an element with the page's colours
   * @param {number | undefined} at
   */
  draw(tiles, themed, at) {
    this.root.hidden = !tiles;
    if (!tiles || !this.palette) return;
    const background = getComputedStyle(themed).getPropertyValue("--st-background-color");
    if (tiles === this.shown && background === this.background) return;
    Object.assign(this, { shown: tiles, background, at });
    setText(this.sentence, tiles.sentence);
    const colors = shades(this.palette, isDark(background));
    const pixels = bytes(tiles.pixels);
    while (this.row.children.length > tiles.labels.length) this.row.lastChild?.remove();
    tiles.labels.forEach((label, i) => {
      const canvas = /** @type {HTMLCanvasElement} */ (this.row.children[i] ?? this.row.appendChild(newPicture(label)));
      if (canvas.title !== label) {
        canvas.title = label;
        canvas.setAttribute("aria-label", `Weights of ${label}`);
      }
      paintSigned(canvas, pixels, i, colors);
    });
  }
}
