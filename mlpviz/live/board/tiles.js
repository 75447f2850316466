// The first layer's weights as small images, blue for negative and red for positive.

import { setText } from "./strip.js";

const SIDE = 28;
const NEGATIVE = [33, 102, 200];
const POSITIVE = [202, 50, 40];

export class Tiles {
  constructor(root) {
    this.root = root;
    this.sentence = root.querySelector("p");
    this.row = root.querySelector(".row");
  }

  draw(tiles, themed) {
    this.root.hidden = !tiles;
    if (!tiles) return;
    setText(this.sentence, tiles.sentence);
    const colors = palette(getComputedStyle(themed).getPropertyValue("--st-background-color"));
    const pixels = new Int8Array(Uint8Array.from(atob(tiles.pixels.bdata), (c) => c.charCodeAt(0)).buffer);
    while (this.row.children.length > tiles.labels.length) this.row.lastChild.remove();
    tiles.labels.forEach((label, i) => {
      const canvas = this.row.children[i] ?? this.row.appendChild(newCanvas());
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

function paint(canvas, pixels, colors) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  new Uint32Array(image.data.buffer).set(Array.from(pixels, (value) => colors[value + 128]));
  context.putImageData(image, 0, 0);
}

// 256 colours as little-endian RGBA, from negative through the page's own background to positive.
function palette(background) {
  const middle = isDark(background) ? [24, 27, 34] : [250, 250, 250];
  return Uint32Array.from({ length: 256 }, (_, i) => {
    if (i === 0) return 0xff007ab0; // not finite: ochre
    const share = Math.min(1, Math.abs(i - 128) / 127);
    const end = i < 128 ? NEGATIVE : POSITIVE;
    const [r, g, b] = middle.map((from, channel) => Math.round(from + share * (end[channel] - from)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

function isDark(color) {
  const [r, g, b] = color.trim().startsWith("#")
    ? color.trim().slice(1, 7).match(/../g).map((hex) => parseInt(hex, 16))
    : (color.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;
}
