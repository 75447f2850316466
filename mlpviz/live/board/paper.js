// The drawings that Plotly does not make, on white paper for slides: the network, and the pictures of the first layer.

/** @import { Examples, Network, Palette, Tiles } from "./types.js" */

import { columnAt, curve, rowAt } from "./columns.js";
import { bytes, newPicture, paintGrey, paintSigned, shades } from "./pixels.js";

export const [WIDTH, HEIGHT] = [1200, 676]; // both are even: a video needs that
export const [PAPER, INK] = ["#ffffff", "#10151e"];
const [TOP, BOTTOM] = [64, 20]; // above the drawing, and below it
const COLUMNS = 8; // of the pictures of the first layer
const FONT = "sans-serif";

/**
 * @param {Network} network
 * @param {Examples} examples
 * @param {Palette} palette
 * @param {boolean} back whether the error goes back
 * @param {string} title
 */
export function networkOnPaper(network, examples, palette, back, title) {
  const { canvas, context } = paper(title);
  const { layers, outputs } = network;
  const counts = [1, ...layers.map((layer) => layer.units.length), outputs.labels.length];
  const high = HEIGHT - TOP - BOTTOM;
  const at = (/** @type {number} */ x, /** @type {number} */ y) => [(WIDTH * x) / 100, TOP + (high * y) / 100];
  const scale = new DOMMatrix([WIDTH / 100, 0, 0, high / 100, 0, TOP]);
  for (const edge of (back ? network.backward : network.forward).edges) {
    const path = new Path2D();
    path.addPath(new Path2D(curve(edge, counts, layers.length)), scale);
    const size = Math.abs(edge[3]);
    Object.assign(context, { strokeStyle: edge[3] < 0 ? palette.negative : palette.positive, lineWidth: 1 + 7 * size, globalAlpha: 0.25 + 0.65 * size });
    context.setLineDash(edge[3] < 0 ? [8, 6] : []);
    context.stroke(path);
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  const colors = shades(palette, false);
  const small = newPicture();
  const put = (/** @type {number[]} */ [x, y], /** @type {number} */ size) => context.drawImage(small, x - size / 2, y - size / 2, size, size);
  paintGrey(small, bytes(examples.pixels), examples.focus);
  put(at(columnAt(0, layers.length), 50), 130);
  layers.forEach((layer, i) => {
    const pixels = bytes(layer.pixels);
    layer.units.forEach((_, k) => {
      paintSigned(small, pixels, k, colors);
      put(at(columnAt(i + 1, layers.length), rowAt(k, layer.units.length)), Math.min(64, (0.9 * high) / layer.units.length));
    });
  });
  const best = outputs.shares.indexOf(Math.max(...outputs.shares));
  outputs.labels.forEach((name, c) => {
    const [x, y] = at(columnAt(layers.length + 1, layers.length), rowAt(c, outputs.labels.length));
    const share = outputs.shares[c];
    context.fillStyle = "#b5cfe1";
    context.fillRect(x + 26, y - 20, share * (WIDTH - x - 50), 40);
    write(context, c === outputs.label ? "✓" : "•", x - 6, y, 24);
    write(context, name, x + 34, y, 24, c === best && share > 0);
    write(context, `${Math.round(100 * share)} %`, WIDTH - 24, y, 24, c === best && share > 0, "right");
  });
  return canvas;
}

/**
 * @param {Tiles} tiles
 * @param {Palette} palette
 * @param {string} title
 */
export function tilesOnPaper(tiles, palette, title) {
  const { canvas, context } = paper(title);
  const pixels = bytes(tiles.pixels);
  const colors = shades(palette, false);
  const small = newPicture();
  const rows = Math.ceil(tiles.labels.length / COLUMNS);
  const place = Math.min((WIDTH - 40) / COLUMNS, (HEIGHT - TOP - BOTTOM) / rows);
  const left = (WIDTH - place * COLUMNS) / 2;
  tiles.labels.forEach((_, i) => {
    paintSigned(small, pixels, i, colors);
    context.drawImage(small, left + (i % COLUMNS) * place, TOP + Math.floor(i / COLUMNS) * place, place - 6, place - 6);
  });
  return canvas;
}

/** @param {string} title */
function paper(title) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: WIDTH, height: HEIGHT });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = PAPER;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.imageSmoothingEnabled = false; // the pixels of the pictures stay visible
  write(context, title, 24, 34, 28);
  return { canvas, context };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y its middle
 * @param {number} size in px
 * @param {boolean} bold
 * @param {CanvasTextAlign} align
 */
function write(context, text, x, y, size, bold = false, align = "left") {
  Object.assign(context, { fillStyle: INK, font: `${bold ? "bold " : ""}${size}px ${FONT}`, textAlign: align, textBaseline: "middle" });
  context.fillText(text, x, y);
}
