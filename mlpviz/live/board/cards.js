// The figures: one card for each place on the page. Plotly.react draws them, so that zoom and legend stay as they are.

/** @import { Action, Chart, Theme } from "./types.js" */

import { offer } from "./banner.js";
import { Choice } from "./choose.js";
import { find, setText } from "./dom.js";
import { addEnlarge, isLarge } from "./enlarge.js";
import { addHelp } from "./help.js";
import { copied, dress, isBare, readTheme, withoutTicks } from "./layout.js";
import { VIDEO, recording, save, saveButtons, saveVideo, titleOf } from "./save.js";
import { Sight } from "./sight.js";
import { Unit, countsSteps } from "./units.js";

const BUSY = 12; // ms of drawing after which the browser may show a frame: one long task would stop scrolling and typing
const CONFIG = { displayModeBar: false, responsive: false };

export class Cards {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    /** @type {Record<string, import("./help.js").Help>} by the name of the card */
    this.help = {};
    this.unit = new Unit();
    /** @type {import("./choose.js").Chosen | null} */
    this.chosen = null;
    this.counts = false; // whether the steps can be counted in other units
    /** @type {() => Promise<Chart[][]>} as in Card */
    this.film = async () => [];
  }

  /**
   * Draws the cards that have something new to show. Returns how many milliseconds the browser was busy.
   * @param {Chart[]} charts
   * @param {(chart: Chart) => Chart} over puts the lines of other runs into a chart
   * @param {boolean} all whether to draw every card: the colours or the other runs have changed
   * @param {string} run zoom and legend stay as they are while this is the same
   * @param {HTMLElement} themed an element with the page's colours
   * @param {string} plotlyUrl
   */
  async draw(charts, over, all, run, themed, plotlyUrl) {
    const Plotly = await loadPlotly(plotlyUrl);
    const theme = readTheme(themed);
    for (const chart of charts) {
      const card = this.cards.get(chart.card) ?? new Card(this.root, chart.card, Plotly);
      this.cards.set(chart.card, card);
      addHelp(card.figure, chart.card, this.help[chart.card]);
      card.take(chart);
      card.film = this.film;
      if (this.chosen && chart.data.at(-1)?.hovertext) card.choose(this.chosen); // its points are what one can choose
      card.nextUnit = this.counts ? () => this.nextUnit() : null;
    }
    let busy = 0;
    let sinceFrame = 0;
    for (const card of this.cards.values()) {
      const begun = performance.now();
      await card.update(run, theme, over, all);
      busy += performance.now() - begun;
      sinceFrame += performance.now() - begun;
      if (sinceFrame < BUSY) continue;
      await nextFrame(); // the page stays smooth
      sinceFrame = 0;
    }
    return busy;
  }

  /**
   * Show only the cards of these charts.
   * @param {Chart[]} charts
   */
  keep(charts) {
    for (const [name, card] of this.cards) card.figure.hidden = !charts.some((chart) => chart.card === name);
  }

  nextUnit() {
    this.unit.next();
    for (const card of this.cards.values()) card.redraw();
  }

  /**
   * What the reader can do with the run, in the first card.
   * @param {Action[]} tools
   * @param {(name: string) => void} act
   */
  offer(tools, act) {
    const [card] = this.cards.values();
    if (card) offer(find(card.figure, ".tools"), tools, act);
  }

  /**
   * The names of the charts that nobody sees now: their card is out of sight, or shows another chart.
   * @returns {string[]}
   */
  unseen() {
    return [...this.cards.values()].flatMap((card) => card.unseen());
  }
}

export class Card {
  /**
   * @param {HTMLElement} parent
   * @param {string} name the chart that is shown first
   * @param {any} Plotly
   */
  constructor(parent, name, Plotly) {
    this.Plotly = Plotly;
    /** @type {Map<string, Chart>} */
    this.charts = new Map();
    this.run = "";
    this.zoomed = false;
    this.stale = true; // whether there is something new to draw
    /** @type {(chart: Chart) => Chart} */
    this.over = (chart) => chart;
    /** @type {Theme | null} */
    this.theme = null;
    /** @type {boolean | undefined} what the reader chose */
    this.log = undefined;
    /** @type {HTMLButtonElement | undefined} */
    this.logButton = undefined;
    /** @type {(() => void) | null} counts the steps in the next unit; null if there is no other */
    this.nextUnit = null;
    this.shown = name;
    /** @type {Choice | null} */
    this.choice = null;
    /** @type {() => Promise<Chart[][]>} the charts of each moment of the film */
    this.film = async () => [];
    this.recording = false; // whether it is making a video
    this.told = ""; // which error was reported last
    this.figure = document.createElement("figure");
    this.figure.className = "card";
    this.figure.setAttribute("aria-label", name);
    this.figure.innerHTML =
      '<figcaption><div class="title"><h2></h2><div class="switches"><span class="tools"></span></div></div><p></p></figcaption><div class="plot" role="img"></div><button type="button" class="counts" title="Count in steps, epochs or images" hidden></button>';
    addEnlarge(this.figure, find(this.figure, ".switches"), () => this.redraw());
    find(this.figure, ".switches").append(...saveButtons((format) => this.save(format)));
    this.unit = find(this.figure, ".counts");
    this.unit.onclick = () => this.nextUnit?.();
    this.title = find(this.figure, "h2");
    setText(this.title, name);
    this.switches = /** @type {HTMLElement} */ (this.figure.querySelector(".switches"));
    this.sentence = /** @type {HTMLElement} */ (this.figure.querySelector("p"));
    /** @type {any} an element that Plotly adds its own properties to */
    this.plot = this.figure.querySelector(".plot");
    this.plot.tabIndex = 0;
    this.plot.setAttribute("aria-label", name);
    this.plot.onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") find(this.figure, ".enlarge").click();
    };
    parent.append(this.figure);
    this.sight = new Sight(this.figure, () => this.drawIfSeen());
    new ResizeObserver(() => {
      if (this.plot.data && this.plot.offsetParent) Plotly.Plots.resize(this.plot).catch(() => {}); // it has gone in the meantime
    }).observe(this.plot);
  }

  /**
   * From now on, the reader can choose a point.
   * @param {import("./choose.js").Chosen} chosen
   */
  choose(chosen) {
    this.choice ??= new Choice(this);
    this.choice.listenFor(chosen);
  }

  /** @param {Chart} chart */
  take(chart) {
    const first = !this.charts.has(chart.name);
    this.stale ||= this.charts.get(chart.name) !== chart && (first || chart.name === this.shown);
    this.charts.set(chart.name, chart);
    if (first && chart.log_axis) this.addSwitch("log scale", () => this.toggleLog());
    if (first && chart.name !== this.shown) this.addSwitch(chart.name.toLowerCase(), () => this.toggleChart(chart.name));
  }

  /**
   * @param {string} label
   * @param {() => boolean} toggle returns whether it is on now
   */
  addSwitch(label, toggle) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      button.setAttribute("aria-pressed", String(toggle()));
      this.redraw();
    };
    this.switches.insertBefore(button, find(this.switches, ".enlarge"));
    this.logButton ??= label === "log scale" ? button : undefined;
  }

  // The reader has zoomed: a logarithmic axis needs other ticks.
  zoom() {
    const now = this.plot.layout?.yaxis?.autorange === false;
    if (now !== this.zoomed) this.redraw();
    this.zoomed = now;
  }

  redraw() {
    this.stale = true;
    return this.drawIfSeen();
  }

  /** @param {string} format */
  save(format) {
    const chart = this.charts.get(this.shown);
    if (!chart || !this.theme) return;
    const saved = format === VIDEO ? this.saveVideo(this.theme) : save(format, this.over(chart), this.plot, this.Plotly, this.theme);
    saved.catch((error) => {
      console.error(error);
      setText(this.sentence, `This figure could not be saved (${error}).`);
    });
  }

  /** @param {Theme} theme */
  async saveVideo(theme) {
    if (this.recording) return;
    this.recording = true;
    try {
      const say = (/** @type {number} */ done) => setText(this.sentence, recording(done));
      say(0);
      const charts = (await this.film()).flatMap((all) => all.filter((each) => each.name === this.shown)).map(this.over);
      const drawn = (/** @type {Chart} */ chart, /** @type {Theme} */ light) => ({ data: chart.data.map((trace) => copied(trace, light, true)), layout: this.layout(chart, light) });
      await saveVideo(charts, drawn, this.Plotly, theme, say);
    } finally {
      this.recording = false;
      this.redraw();
    }
  }

  /** @param {unknown} error why the figure could not be drawn */
  say(error) {
    const text = String(error);
    if (this.told !== text) console.error(error);
    this.told = text;
    this.figure.classList.add("empty");
    setText(this.sentence, `This figure can’t be drawn here (${text}). The run and the other figures continue.`);
  }

  toggleLog() {
    this.log = !this.isLog();
    return this.log;
  }

  isLog() {
    return this.log ?? this.charts.get(this.shown)?.layout.yaxis.type === "log";
  }

  /** @param {string} name */
  toggleChart(name) {
    const [first] = this.charts.keys();
    this.shown = this.shown === name ? first : name;
    return this.shown === name;
  }

  unseen() {
    return [...this.charts.keys()].filter((name) => !this.sight.seen || name !== this.shown);
  }

  /**
   * Draw the card if it is in sight and has something new to show. Returns whether it did.
   * @param {string} run
   * @param {Theme} theme
   * @param {(chart: Chart) => Chart} over
   * @param {boolean} all
   */
  async update(run, theme, over, all) {
    this.stale ||= all || run !== this.run;
    Object.assign(this, { run, theme, over });
    return this.drawIfSeen();
  }

  async drawIfSeen() {
    if (!this.stale || !this.sight.seen || !this.theme) return false;
    this.stale = false;
    try {
      await this.draw(this.theme);
    } catch (error) {
      this.say(error); // the other cards are still drawn
    }
    return true;
  }

  /**
   * @param {Chart} chart
   * @param {Theme} theme
   */
  layout(chart, theme) {
    const layout = dress(chart.layout, theme, this.run, isLarge(this.figure));
    if (!chart.log_axis) return layout;
    const type = this.isLog() ? "log" : "linear";
    layout.yaxis = { ...layout.yaxis, type, uirevision: `${this.run} ${type}` };
    if (type === "log") Object.assign(layout.yaxis, chart.log_axis, { rangemode: "normal" });
    return layout;
  }

  /** @param {Theme} theme */
  async draw(theme) {
    const { run } = this;
    const known = this.charts.get(this.shown);
    if (!known) return;
    const chart = this.choice?.over(this.over(known)) ?? this.over(known);
    setText(this.title, isLarge(this.figure) ? titleOf(chart) : chart.name);
    setText(this.sentence, chart.sentence);
    this.sentence.title = chart.sentence; // for sentences that are longer than the line
    this.figure.classList.toggle("empty", chart.data.length === 0); // then the sentence gets all the space
    this.figure.setAttribute("aria-label", chart.name);
    this.plot.setAttribute("aria-label", `${chart.name}: ${chart.sentence}`);
    this.unit.hidden = !this.nextUnit || !countsSteps(known) || isBare(chart);
    setText(this.unit, `${chart.layout.xaxis?.title?.text ?? ""}`);
    const layout = this.layout(chart, theme);
    const zoomed = this.plot.layout?.yaxis?.autorange === false;
    if (chart.log_axis) this.logButton?.setAttribute("aria-pressed", String(this.isLog()));
    if (!this.unit.hidden) {
      layout.xaxis.uirevision = `${run} ${layout.xaxis.title.text}`; // a zoom has no meaning in another unit
      layout.xaxis.title = { ...layout.xaxis.title, text: " " }; // the button says it
    }
    if (isBare(chart)) for (const name of Object.keys(layout)) if (/^[xy]axis/.test(name)) layout[name] = { ...layout[name], visible: false };
    if (zoomed && layout.yaxis?.type === "log") layout.yaxis = withoutTicks(layout.yaxis);
    const first = !this.plot.data;
    try {
      await this.Plotly.react(this.plot, chart.data.map((trace) => copied(trace, theme, isLarge(this.figure))), layout, CONFIG);
    } catch (error) {
      if (!(error instanceof Error && error.stack?.includes("_rehover"))) throw error; // the mouse was over a point that has just gone
    }
    if (first) this.plot.on("plotly_relayout", () => this.zoom());
    this.choice?.listen();
  }
}

/**
 * Paper has another width than the window.
 * @param {boolean} scales whether the drawings take the width of their cards, with all that is in them
 */
function fit(scales) {
  for (const svg of /** @type {NodeListOf<SVGElement>} */ (document.querySelectorAll(".board .main-svg"))) {
    svg.style.maxWidth = scales ? "100%" : "";
    if (scales) svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    else svg.removeAttribute("viewBox");
  }
}
if (globalThis.document) {
  addEventListener("beforeprint", () => fit(true));
  addEventListener("afterprint", () => fit(false));
}

/** @type {any} where Plotly stores itself */
const global = globalThis;
/** @type {Promise<any> | undefined} */
let loading;

/** @param {string} url */
export function loadPlotly(url) {
  if (global.Plotly) return Promise.resolve(global.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(global.Plotly);
    script.onerror = () => {
      loading = undefined;
      script.remove();
      reject(new TypeError("plotly.js could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** @returns {Promise<void>} */
function nextFrame() {
  // A hidden tab draws no frames, and a tab may become hidden at any time. A timer still runs there.
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
    setTimeout(resolve, 200);
  });
}
