// Choosing a point of a figure, with the mouse or with the keys, and a rectangle of it.

/** @import { Chart } from "./types.js" */
/** @import { Card } from "./cards.js" */

import { find, setText } from "./dom.js";

/**
 * @typedef {object} Chosen what the page wants to know
 * @property {number} columns how many points are in a row, for the arrow keys
 * @property {(point: number[]) => void} point x and y of a point of the last trace
 * @property {(corners: number[]) => void} [rectangle] x from and to, y from and to, of what is in sight; empty if that is all
 * @property {number[] | null} [now] the point that is chosen now
 * @property {boolean} [keeps] whether the frame stays on the point that was chosen; otherwise the chart has its own
 */

export class Choice {
  /**
   * @param {Card} card
   */
  constructor(card) {
    this.card = card;
    this.spoken = document.createElement("span"); // for a screen reader
    this.spoken.className = "spoken";
    this.spoken.setAttribute("role", "status");
    card.figure.append(this.spoken);
    this.at = -1; // the point that the reader has reached
    this.framed = false;
    /** @type {Chosen | null} */
    this.chosen = null;
    this.corners = "[]";
    this.listens = false;
    this.run = "";
  }

  /** @param {Chosen} chosen */
  listenFor(chosen) {
    const left = Boolean(this.chosen?.now) && !chosen.now; // the reader looks at no point any more
    this.chosen = chosen;
    if (!left || !chosen.keeps) return;
    Object.assign(this, { at: -1, framed: false });
    this.card.redraw();
  }

  /** Called each time when the card is drawn. */
  listen() {
    const { plot } = this.card;
    plot.setAttribute("role", "application"); // a screen reader passes the arrow keys on
    plot.setAttribute("aria-label", `${plot.getAttribute("aria-label")} Arrow keys: move. Enter: choose.`);
    if (this.listens) return;
    this.listens = true;
    this.corners = this.read();
    plot.on("plotly_click", (/** @type {any} */ event) => this.take([event.points[0].x, event.points[0].y]));
    plot.on("plotly_relayout", (/** @type {object} */ event) => {
      if (Object.keys(event).some((key) => /^[xy]axis/.test(key))) this.zoomed(); // and not if only the size has changed
    });
    plot.onkeydown = (/** @type {KeyboardEvent} */ event) => this.press(event);
  }

  /** @param {KeyboardEvent} event */
  async press(event) {
    const points = this.points();
    if (!points || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && this.at >= 0) this.take([points.x[this.at], points.y[this.at]]);
    else if (event.key === "Enter") find(this.card.figure, ".enlarge").click();
    const to = next(event.key, this.at, this.chosen?.columns ?? 1, points.x.length);
    if (!(to in points.x)) return;
    event.preventDefault();
    Object.assign(this, { at: to, framed: true });
    setText(this.spoken, points.hovertext[to]);
    const { card } = this;
    await card.redraw();
    card.Plotly.Fx.hover(card.plot, [{ curveNumber: card.plot.data.length - 1, pointNumber: to }]);
  }

  /** @param {number[]} point */
  take([x, y]) {
    this.at = this.find(x, y);
    this.framed = Boolean(this.chosen?.keeps);
    this.card.Plotly.Fx.unhover(this.card.plot); // its text may soon be out of date
    this.card.redraw();
    this.chosen?.point([x, y]);
  }

  zoomed() {
    const corners = this.read();
    if (corners === this.corners) return;
    this.corners = corners;
    this.chosen?.rectangle?.(JSON.parse(corners));
  }

  /** What is in sight. */
  read() {
    const { xaxis, yaxis } = this.card.plot.layout;
    return JSON.stringify(xaxis.autorange || yaxis.autorange ? [] : [...xaxis.range, ...yaxis.range]);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  find(x, y) {
    const points = this.points();
    return points?.x.findIndex((/** @type {number} */ each, /** @type {number} */ i) => each === x && points.y[i] === y) ?? -1;
  }

  points() {
    return this.card.charts.get(this.card.shown)?.data.at(-1);
  }

  /**
   * The chart with a frame around the point that the reader has reached.
   * @param {Chart} chart
   */
  over(chart) {
    const { chosen, card } = this;
    if (card.run !== this.run) Object.assign(this, { run: card.run, at: -1, framed: false, corners: "" }); // another map
    if (this.at < 0 && chosen?.now) Object.assign(this, { at: this.find(chosen.now[0], chosen.now[1]), framed: true });
    const points = chart.data.at(-1);
    if (!this.framed || !(this.at in (points?.x ?? []))) return chart;
    const [x, y] = [points?.x[this.at], points?.y[this.at]];
    const cell = { type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5 };
    const frame = { ...cell, line: { color: this.card.theme?.text, width: 2, dash: "dot" } };
    return { ...chart, layout: { ...chart.layout, shapes: [...(chart.layout.shapes ?? []), frame] } };
  }
}

/**
 * The point that a key moves to, in rows of `columns` points; NaN for any other key. The arrows stay inside.
 * @param {string} key
 * @param {number} at the present one; −1 for none
 * @param {number} columns
 * @param {number} count
 */
export function next(key, at, columns, count) {
  const column = at % columns;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!key.startsWith("Arrow")) return NaN;
  if (at < 0) return 0;
  if (key === "ArrowLeft") return column ? at - 1 : at;
  if (key === "ArrowRight") return column < columns - 1 ? at + 1 : at;
  const to = key === "ArrowUp" ? at - columns : at + columns;
  return to < 0 || to >= count ? at : to;
}
