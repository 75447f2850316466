// One figure by itself, drawn as the board draws its own. Its points can be chosen with the mouse or the arrow keys.

/** @import { FigureData, Theme } from "./types.js" */

import { Card, loadPlotly } from "./cards.js";
import { find, setText } from "./dom.js";
import { readTheme } from "./layout.js";

const TITLE = 3.2; // rem, for the title and a sentence
const LOOK_AGAIN = 500; // ms; the theme may change while nothing else does

/** @type {WeakMap<Element, Figure>} by the element from Streamlit, which stays the same over reruns */
const figures = new WeakMap();

/**
 * @param {{ parentElement: HTMLElement, data: FigureData, setTriggerValue: (name: string, value: number[]) => void }} component
 */
export function mount({ parentElement, data, setTriggerValue }) {
  const figure = figures.get(parentElement) ?? new Figure(find(parentElement, ".board"));
  figures.set(parentElement, figure);
  figure.show(data, (point) => setTriggerValue("chosen", point));
  const timer = setInterval(() => figure.dress(), LOOK_AGAIN);
  return () => clearInterval(timer);
}

class Figure {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.cards = find(root, ".cards");
    this.spoken = find(root, ".spoken");
    this.failed = find(root, ".failed");
    /** @type {Card | null} */
    this.card = null;
    /** @type {FigureData | null} */
    this.data = null;
    /** @type {(point: number[]) => void} */
    this.choose = () => {};
    this.look = "";
    this.at = -1; // the point that the keys have reached
  }

  /**
   * @param {FigureData} data
   * @param {(point: number[]) => void} choose
   */
  show(data, choose) {
    const news = JSON.stringify(data) !== JSON.stringify(this.data);
    Object.assign(this, { data, choose });
    this.cards.style.setProperty("--plot-height", `${data.height / 16}rem`);
    this.cards.style.minHeight = `${data.height / 16 + TITLE}rem`; // what is below stays in its place
    if (news) this.draw(data);
  }

  dress() {
    if (this.data && this.look && JSON.stringify(readTheme(this.root)) !== this.look) this.draw(this.data);
  }

  /** @param {FigureData} data */
  async draw(data) {
    try {
      const Plotly = await loadPlotly(new URL(data.plotly, document.baseURI).href);
      if (data !== this.data) return; // a newer one has come in the meantime
      const theme = readTheme(this.root);
      this.look = JSON.stringify(theme);
      const card = this.cardFor(data.chart.name, Plotly);
      if (data.choosable) card.drawn = () => this.listen(card, data);
      card.take(data.chart);
      await card.update(data.key, theme, (chart) => chart, true);
    } catch (error) {
      console.error(error);
      setText(this.failed, `This figure can’t be drawn here (${error}). Reload the page to try again.`);
      this.data = null; // the next run of the page tries it again
    }
  }

  /**
   * The card; a new one if the figure has another name now.
   * @param {string} name
   * @param {any} Plotly
   */
  cardFor(name, Plotly) {
    setText(this.failed, "");
    if (this.card?.shown !== name) {
      this.card?.figure.remove();
      this.card = new Card(this.cards, name, Plotly);
      this.at = -1;
    }
    return this.card;
  }

  /**
   * @param {Card} card
   * @param {FigureData} data
   */
  listen(card, data) {
    const trace = data.chart.data.length - 1; // the points are in front
    const { plot } = card;
    plot.setAttribute("role", "application"); // a screen reader passes the arrow keys on
    plot.setAttribute("aria-label", `${plot.getAttribute("aria-label")} Arrow keys: move. Enter: choose.`);
    plot.removeAllListeners("plotly_click");
    plot.on("plotly_click", (/** @type {any} */ event) => this.choose([event.points[0].x, event.points[0].y]));
    plot.onkeydown = (/** @type {KeyboardEvent} */ event) => {
      const points = data.chart.data[trace];
      if (event.key === "Enter" && this.at >= 0) this.choose([points.x[this.at], points.y[this.at]]);
      const to = next(event.key, this.at, data.columns, points.x.length);
      if (!(to in points.x)) return;
      event.preventDefault();
      this.at = to;
      const cell = { type: "rect", x0: points.x[to] - 0.5, x1: points.x[to] + 0.5, y0: points.y[to] - 0.5, y1: points.y[to] + 0.5 };
      const frame = { ...cell, line: { color: readTheme(this.root).text, width: 2, dash: "dot" } };
      card.Plotly.relayout(plot, { shapes: [...(data.chart.layout.shapes ?? []), frame] });
      card.Plotly.Fx.hover(plot, [{ curveNumber: trace, pointNumber: to }]);
      setText(this.spoken, points.hovertext[to]);
    };
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
