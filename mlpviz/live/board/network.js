// The network as a drawing: one image, the strongest hidden units as pictures, the ten classes, and the largest
// contributions between them. The other direction shows how the error of this image goes back.

/** @import { View } from "./feed.js" */
/** @import { Examples, Layer, Network as NetworkPart, Palette } from "./types.js" */
/** @import { Tell } from "./examples.js" */

import { CLASSES_AT, columnAt, curve, rowAt } from "./columns.js";
import { find, setText } from "./dom.js";
import { bytes, isDark, newPicture, paintGrey, paintSigned, shades } from "./pixels.js";
import { addEnlarge, isLarge } from "./enlarge.js";
import { networkOnPaper } from "./paper.js";
import { VIDEO, saveButtons, saveDrawing, titleOf } from "./save.js";
import { Sight } from "./sight.js";

const SVG = "http://www.w3.org/2000/svg";

export class Network {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.sentence = find(root, "p");
    this.drawing = find(root, ".portrait");
    this.edges = find(root, ".edges");
    this.image = /** @type {HTMLCanvasElement} */ (find(root, ".image"));
    this.units = find(root, ".units");
    this.classes = find(root, ".classes");
    /** @type {Palette | null} */
    this.palette = null;
    /** @type {Tell} */
    this.tell = null;
    /** @type {NetworkPart | null} */
    this.shown = null;
    /** @type {Examples | null} */
    this.examples = null;
    this.background = "";
    this.back = newSwitch("error back", "Show how the error of this image goes back through the network");
    this.back.setAttribute("aria-pressed", "false");
    this.back.onclick = () => {
      this.back.setAttribute("aria-pressed", String(!this.isBack()));
      if (this.shown) this.drawEdges(this.shown);
    };
    this.why = newSwitch("explain", "Open this image: its history, saliency, contributions and neighbours");
    this.why.onclick = () => this.ask("explain");
    find(root, ".switches").append(this.back, this.why);
    addEnlarge(root, find(root, ".switches"), () => {});
    find(root, ".switches").append(...saveButtons((format) => this.save(format), ["png", VIDEO]));
    /** @type {number | undefined} the step of the moment, if it is not the present */
    this.at = undefined;
    /** @type {() => Promise<View[]>} all moments of the film, and the present */
    this.film = async () => [];
    this.sight = new Sight(root, () => {});
  }

  /** @param {string} format */
  async save(format) {
    const paint = (/** @type {{ network: NetworkPart | null, examples: Examples | null, at: number | undefined }} */ { network, examples, at }) =>
      network && examples && this.palette ? networkOnPaper(network, examples, this.palette, this.isBack(), titleOf({ name: "Network", at })) : null;
    const now = { network: this.shown, examples: this.examples, at: this.at };
    await saveDrawing(format, "Network", format === VIDEO ? await this.film() : [now], paint, this.sentence);
  }

  seen() {
    return this.root.hidden || this.sight.seen;
  }

  /** @param {string} what opens something, which an enlarged drawing would hide */
  ask(what) {
    if (isLarge(this.root)) this.root.hidePopover();
    this.tell?.(what);
  }

  isBack() {
    return this.back.getAttribute("aria-pressed") === "true";
  }

  /**
   * @param {Palette} palette
   * @param {Tell} tell
   */
  show(palette, tell) {
    Object.assign(this, { palette, tell });
    this.why.hidden = !tell;
  }

  /**
   * @param {NetworkPart | null} network
   * @param {Examples | null} examples
   * @param {HTMLElement} themed an element with the page's colours
   * @param {number | undefined} at
   */
  draw(network, examples, themed, at) {
    this.root.hidden = !network || !examples;
    if (!network || !examples || !this.palette) return;
    const background = getComputedStyle(themed).getPropertyValue("--st-background-color");
    if (network === this.shown && examples === this.examples && background === this.background) return;
    Object.assign(this, { shown: network, examples, background, at });
    paintGrey(this.image, bytes(examples.pixels), examples.focus);
    this.image.setAttribute("aria-label", examples.labels[examples.focus]);
    const colors = shades(this.palette, isDark(background));
    this.drawing.style.setProperty("--columns", String(network.layers.length + 2));
    this.drawUnits(network.layers, colors);
    this.drawClasses(network, colors);
    this.drawEdges(network);
  }

  /**
   * @param {Layer[]} layers
   * @param {Uint32Array} colors
   */
  drawUnits(layers, colors) {
    const all = layers.flatMap((layer, i) => layer.units.map((unit, k) => ({ layer, i, unit, k })));
    const pixels = layers.map((layer) => bytes(layer.pixels));
    while (this.units.children.length > all.length) this.units.lastChild?.remove();
    all.forEach(({ layer, i, unit, k }, place) => {
      const button = /** @type {HTMLButtonElement} */ (this.units.children[place] ?? this.units.appendChild(newUnit()));
      put(button, columnAt(i + 1, layers.length), rowAt(k, layer.units.length));
      if (button.title !== layer.labels[k]) button.title = layer.labels[k];
      button.setAttribute("aria-label", layer.labels[k]);
      button.disabled = !this.tell;
      button.onclick = () => this.ask(`unit ${i} ${unit}`);
      paintSigned(/** @type {HTMLCanvasElement} */ (button.firstElementChild), pixels[i], k, colors);
    });
  }

  /**
   * @param {NetworkPart} network
   * @param {Uint32Array} colors
   */
  drawClasses({ outputs }, colors) {
    const { labels, shares, label, pixels } = outputs;
    const best = shares.indexOf(Math.max(...shares));
    while (this.classes.children.length > labels.length) this.classes.lastChild?.remove();
    labels.forEach((name, c) => {
      const row = /** @type {HTMLElement} */ (this.classes.children[c] ?? this.classes.appendChild(newClass()));
      row.style.top = `${rowAt(c, labels.length)}%`;
      row.className = [c === best && shares[c] > 0 ? "best" : "", c === label ? "true" : ""].join(" ").trim();
      setText(row.children[1], name);
      setText(row.children[2], `${Math.round(100 * shares[c])} %`);
      row.style.setProperty("--share", String(shares[c]));
      const canvas = /** @type {HTMLCanvasElement} */ (row.children[0]);
      canvas.classList.toggle("point", !pixels);
      if (pixels) paintSigned(canvas, bytes(pixels), c, colors);
    });
  }

  /** @param {NetworkPart} network */
  drawEdges(network) {
    const back = this.isBack();
    const { edges, sentence, spoken } = back ? network.backward : network.forward;
    setText(this.sentence, sentence);
    this.sentence.title = sentence;
    this.edges.setAttribute("aria-label", spoken);
    this.drawing.classList.toggle("back", back);
    const counts = [1, ...network.layers.map((layer) => layer.units.length), network.outputs.labels.length];
    while (this.edges.children.length > edges.length) this.edges.lastChild?.remove();
    edges.forEach((edge, i) => {
      const path = this.edges.children[i] ?? this.edges.appendChild(newEdge());
      path.setAttribute("d", curve(edge, counts, network.layers.length));
      path.setAttribute("class", edge[3] < 0 ? "negative" : "positive");
      path.setAttribute("stroke-width", String(0.6 + 4.4 * Math.abs(edge[3])));
      path.setAttribute("stroke-opacity", String(0.25 + 0.65 * Math.abs(edge[3])));
      setText(/** @type {Element} */ (path.firstChild), edge[4]);
    });
  }
}

/**
 * @param {string} label
 * @param {string} description
 */
function newSwitch(label, description) {
  const button = document.createElement("button");
  return Object.assign(button, { type: "button", textContent: label, title: description });
}

function newUnit() {
  const button = document.createElement("button");
  button.type = "button";
  button.append(newPicture());
  return button;
}

function newClass() {
  const row = document.createElement("li");
  row.append(newPicture(), document.createElement("span"), document.createElement("b"));
  row.style.left = `${CLASSES_AT}%`;
  return row;
}

function newEdge() {
  const path = document.createElementNS(SVG, "path");
  path.append(document.createElementNS(SVG, "title"));
  return path;
}

/**
 * @param {HTMLElement} element
 * @param {number} x in %
 * @param {number} y in %
 */
function put(element, x, y) {
  element.style.left = `${x}%`;
  element.style.top = `${y}%`;
}
