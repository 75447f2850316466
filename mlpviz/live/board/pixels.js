// Small pictures of 28 × 28 pixels, from the arrays that the server sends.

/** @import { Palette, TypedArray } from "./types.js" */

export const SIDE = 28;
const SIZE = SIDE * SIDE;

/** @param {string} [label] what a screen reader says; without it, the text around the picture says enough */
export function newPicture(label) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const attributes = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  Object.entries(attributes).forEach(([name, value]) => canvas.setAttribute(name, value));
  return canvas;
}

/** @param {TypedArray} array */
export function bytes(array) {
  return Uint8Array.from(atob(array.bdata), (c) => c.charCodeAt(0));
}

/**
 * Paint one of several pictures in shades of grey.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} pixels
 * @param {number} i which one
 */
export function paintGrey(canvas, pixels, i) {
  paint(canvas, Array.from(pixels.subarray(i * SIZE, (i + 1) * SIZE), (value) => ((255 << 24) | (value * 0x10101)) >>> 0));
}

/**
 * Paint one of several pictures whose values have a sign.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} pixels int8 values
 * @param {number} i which one
 * @param {Uint32Array} colors as `shades` makes them
 */
export function paintSigned(canvas, pixels, i, colors) {
  const signed = new Int8Array(pixels.buffer).subarray(i * SIZE, (i + 1) * SIZE);
  paint(canvas, Array.from(signed, (value) => colors[value + 128]));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} colors RGBA, little-endian
 */
function paint(canvas, colors) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(SIDE, SIDE);
  new Uint32Array(image.data.buffer).set(colors);
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
