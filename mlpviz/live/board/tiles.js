// The weights of the first layer as small images. The colours go from negative to positive values.

/** @import { Palette, Tiles as TilesPart } from "./types.js" */

import { Sight } from "./sight.js";
import { setText } from "./strip.js";

const SIDE = 28;

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
  }

  // Whether the reader sees them. A hidden figure is in nobody's sight, but it must be asked for to be shown.
  seen() {
    return this.root.hidden || this.sight.seen;
  }

  /**
   * @param {TilesPart | null} tiles
   * @param {HTMLElement} themed an element with the page's colours
   */
  draw(tiles, themed) {
    this.root.hidden = !tiles;
    if (!tiles || !this.palette) return;
    const background = getComputedStyle(themed).getPropertyValue("--st-background-color");
    if (tiles === this.shown && background === this.background) return;
    Object.assign(this, { shown: tiles, background });
    setText(this.sentence, tiles.sentence);
    const colors = shades(this.palette, isDark(background));
    const pixels = new Int8Array(Uint8Array.from(atob(tiles.pixels.bdata), (c) => c.charCodeAt(0)).buffer);
    while (this.row.children.length > tiles.labels.length) this.row.lastChild?.remove();
    tiles.labels.forEach((label, i) => {
      const canvas = /** @type {HTMLCanvasElement} */ (this.row.children[i] ?? this.row.appendChild(newCanvas()));
      if (canvas.title !== label) {
        canvas.title = label;
        canvas.setAttribute("aria-label", `Weights of ${label}`);
      }
      paint(canvas, pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE), colors);
    });
  }
}

function newCanvas() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("role", "img");
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Int8Array} pixels
 * @param {Uint32Array} colors
 */
function paint(canvas, pixels, colors) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(SIDE, SIDE);
  new Uint32Array(image.data.buffer).set(Array.from(pixels, (value) => colors[value + 128]));
  context.putImageData(image, 0, 0);
}

/**
 * 256 colours as little-endian RGBA for the values from −128 to 127. The first is for values that are not finite. The
 * others go from negative, through the background colour of the page, to positive.
 * @param {Palette} palette
 * @param {boolean} dark
 */
export function shades(palette, dark) {
  const [middle, low, high] = [dark ? palette.zeroDark : palette.zeroLight, palette.negative, palette.positive].map(rgb);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    if (i === 0) return packed(rgb(palette.notFinite));
    const share = Math.min(1, Math.abs(i - 128) / 127);
    const end = i < 128 ? low : high;
    return packed(middle.map((from, channel) => Math.round(from + share * (end[channel] - from))));
  });
}

/** @param {number[]} color red, green and blue */
function packed([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * @param {string} hex as #rrggbb
 * @returns {number[]} red, green and blue
 */
function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** @param {string} color as #rrggbb or rgb(…) */
export function isDark(color) {
  const text = color.trim();
  const [r, g, b] = text.startsWith("#") ? rgb(text) : (text.match(/[\d.]+/g) ?? ["255", "255", "255"]).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128; // luminance, with the weights of ITU-R BT.709
}
