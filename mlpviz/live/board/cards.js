// The figures: one card for each place on the page, drawn by Plotly.react so that zoom and legend survive.

import { setText } from "./strip.js";

const MARGIN = { l: 56, r: 10, t: 26, b: 38 };
const CONFIG = { displayModeBar: false, responsive: false };

export class Cards {
  constructor(root) {
    this.root = root;
    this.cards = new Map();
  }

  // Draws all; gives the milliseconds that it kept the browser busy.
  async draw(charts, run, themed, plotlyUrl) {
    const Plotly = await loadPlotly(plotlyUrl);
    const theme = readTheme(themed);
    for (const chart of charts) {
      if (!this.cards.has(chart.card)) this.cards.set(chart.card, new Card(this.root, chart.card, Plotly));
      this.cards.get(chart.card).take(chart);
    }
    let busy = 0;
    for (const card of this.cards.values()) {
      const begun = performance.now();
      await card.draw(run, theme);
      busy += performance.now() - begun;
      await nextFrame(); // one figure a frame: the page stays smooth
    }
    return busy;
  }
}

class Card {
  constructor(parent, name, Plotly) {
    this.Plotly = Plotly;
    this.charts = new Map();
    this.shown = name;
    this.figure = document.createElement("figure");
    this.figure.className = "card";
    this.figure.setAttribute("aria-label", name);
    this.figure.innerHTML =
      '<figcaption><div class="title"><h3></h3><div class="switches"></div></div><p></p></figcaption><div class="plot" role="img"></div>';
    this.title = this.figure.querySelector("h3");
    this.switches = this.figure.querySelector(".switches");
    this.sentence = this.figure.querySelector("p");
    this.plot = this.figure.querySelector(".plot");
    parent.append(this.figure);
    new ResizeObserver(() => {
      if (this.plot.data && this.plot.offsetParent) Plotly.Plots.resize(this.plot).catch(() => {}); // gone meanwhile
    }).observe(this.plot);
  }

  take(chart) {
    const first = !this.charts.has(chart.name);
    this.charts.set(chart.name, chart);
    if (first && chart.log_switch) this.addSwitch("log scale", () => this.toggleLog());
    if (first && chart.name !== this.shown) this.addSwitch(chart.name.toLowerCase(), () => this.toggleChart(chart.name));
  }

  addSwitch(label, toggle) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      button.setAttribute("aria-pressed", String(toggle()));
      this.draw(this.run, this.theme);
    };
    this.switches.append(button);
    this.logButton ??= label === "log scale" ? button : undefined;
  }

  toggleLog() {
    this.log = !this.isLog();
    return this.log;
  }

  isLog() {
    return this.log ?? this.charts.get(this.shown).layout.yaxis.type === "log";
  }

  toggleChart(name) {
    this.shown = this.shown === name ? this.charts.keys().next().value : name;
    return this.shown === name;
  }

  async draw(run, theme) {
    Object.assign(this, { run, theme });
    const chart = this.charts.get(this.shown);
    setText(this.title, chart.name);
    setText(this.sentence, chart.sentence);
    this.sentence.title = chart.sentence; // where the line is too short for it
    this.figure.setAttribute("aria-label", chart.name);
    this.plot.setAttribute("aria-label", `${chart.name}: ${chart.sentence}`);
    const layout = dress(chart.layout, theme, run);
    if (chart.log_switch) {
      const type = this.isLog() ? "log" : "linear";
      layout.yaxis = { ...layout.yaxis, type, uirevision: `${run} ${type}` };
      if (type === "log") layout.yaxis.rangemode = "normal";
      this.logButton.setAttribute("aria-pressed", String(type === "log"));
    }
    try {
      await this.Plotly.react(this.plot, chart.data, layout, CONFIG);
    } catch (error) {
      if (!String(error?.stack).includes("_rehover")) throw error; // hover over a point that has just gone
    }
  }
}

// A figure's own layout over what all figures share; `uirevision` keeps zoom and legend for as long as the run lasts.
function dress(layout, theme, run) {
  const axis = {
    gridcolor: theme.grid,
    linecolor: theme.grid,
    zeroline: false,
    ticks: "",
    automargin: false,
    minexponent: 4,
    exponentformat: "power",
    tickfont: { size: 12 },
  };
  const dressed = {
    uirevision: run,
    margin: MARGIN,
    font: { family: theme.font, size: 12, color: theme.text },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "x unified",
    hoverlabel: { bgcolor: theme.background, bordercolor: theme.grid, font: { color: theme.text, size: 12 } },
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.0, yanchor: "bottom", font: { size: 12 }, itemwidth: 30 },
    ...layout,
  };
  for (const key of Object.keys(dressed)) {
    if (!/^[xy]axis\d*$/.test(key)) continue;
    const own = dressed[key];
    dressed[key] = { ...axis, ...own };
    if (own.title) dressed[key].title = { standoff: 4, font: { size: 12 }, ...own.title };
  }
  return dressed;
}

function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read("--st-text-color", "#31333f"),
    background: read("--st-background-color", "#ffffff"),
    grid: "rgba(128,128,128,0.28)",
    font: read("--st-font", "sans-serif"),
  };
}

let loading;
function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = undefined;
      script.remove();
      reject(new TypeError("plotly.js could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

function nextFrame() {
  // A hidden tab draws no frames, perhaps from now on; a timer goes on there.
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
    setTimeout(resolve, 200);
  });
}
