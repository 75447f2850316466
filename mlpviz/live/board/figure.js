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
    this.failed = find(root, ".failed");
    /** @type {Card | null} */
    this.card = null;
    /** @type {FigureData | null} */
    this.data = null;
    /** @type {(point: number[]) => void} */
    this.choose = () => {};
    this.look = "";
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
      if (data.choosable) card.choose({ columns: data.columns, point: (point) => this.choose(point) });
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
    }
    return this.card;
  }
}
