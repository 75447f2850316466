// Other runs in the same figures: pinned runs behind the live run, faint and with a letter; a twin in front, dotted.

/** @import { Chart, Overlay, Pace, Trace } from "./types.js" */

import { length } from "./arrays.js";
import { setText } from "./dom.js";
import { Feed } from "./feed.js";
import { chartIn, countsSteps, traceIn } from "./units.js";

const NAMED = "Loss"; // the chart whose legend names the other runs
const OTHERS = ["lines", "examples", "answers", "network", "tiles", "film"]; // parts that are not drawn for another run

export class Overlays {
  /** @param {HTMLElement} line shows the difference between a twin and the run */
  constructor(line) {
    this.line = line;
    /** @type {Overlay[]} */
    this.list = [];
    /** @type {Map<string, Feed>} by token */
    this.feeds = new Map();
    this.news = false;
  }

  /** @param {Overlay[]} list */
  choose(list) {
    this.news ||= JSON.stringify(list) !== JSON.stringify(this.list);
    this.list = list;
    const tokens = new Set(list.map((each) => each.token));
    for (const token of this.feeds.keys()) if (!tokens.has(token)) this.feeds.delete(token);
    for (const token of tokens) if (!this.feeds.has(token)) this.feeds.set(token, new Feed(token));
    if (!list.some((each) => each.twin)) this.line.hidden = true;
  }

  // A pinned run does not change, so it is fetched once. A twin is fetched each time.
  async ask() {
    if (document.hidden) return; // nobody sees the figures
    await Promise.all(
      this.list.map(async ({ token, twin }) => {
        const feed = this.feeds.get(token);
        if (!feed || (feed.snapshot && !twin)) return;
        const before = feed.version;
        await feed.ask(OTHERS); // if this fails, the next request brings it
        const news = feed.version !== before;
        this.news ||= news;
        if (news && twin) this.say(feed.head?.line ?? "");
      }),
    );
  }

  // Whether there is anything new to draw since the last call.
  changed() {
    const news = this.news;
    this.news = false;
    return news;
  }

  /**
   * The chart, together with the lines of the other runs.
   * @param {Chart} chart
   * @param {string} unit of the horizontal axis
   * @param {Pace | undefined} pace
   * @returns {Chart}
   */
  over(chart, unit, pace) {
    /** @type {Trace[]} */
    const behind = [];
    /** @type {Trace[]} */
    const before = [];
    for (const { token, label, about, twin } of this.list) {
      if (twin && chart.at !== undefined && !countsSteps(chart)) continue; // it shows the present
      const feed = this.feeds.get(token);
      const other = feed?.charts.find((each) => each.name === chart.name);
      const lines = (other?.data ?? []).filter((trace) => comparable(trace, chart, twin));
      lines.forEach((trace, i) => {
        const its = countsSteps(chart) ? traceIn(trace, unit, feed?.head?.pace) : trace;
        const drawn = twin ? dotted(its, label) : faint(its, label);
        drawn.showlegend = chart.name === NAMED && i === 0; // once for each run
        if (drawn.showlegend && about) Object.assign(drawn, { name: `${label}: ${about}`, short: label });
        (twin ? before : behind).push(drawn);
      });
    }
    const own = chartIn(chart, unit, pace);
    const about = chart.name === NAMED ? this.list.filter((each) => each.about).map((each) => ` ${each.label}: ${each.about}.`) : [];
    if (!behind.length && !before.length) return own;
    return { ...own, sentence: own.sentence + about.join(""), data: [...behind, ...own.data, ...before] };
  }

  /** @param {string} text */
  say(text) {
    setText(this.line, text);
    this.line.hidden = !text;
  }
}

const EACH_STEP = "each step"; // as in figures/chart.py

/**
 * Whether a line of another run may be drawn: curves, but no guide lines or single steps. Distributions only from a twin.
 * @param {Trace} trace
 * @param {Chart} chart
 * @param {boolean} twin
 */
export function comparable(trace, chart, twin) {
  if (trace.type !== "scatter" || trace.hoverinfo === "skip") return false;
  if (chart.card !== "Weights") return trace.meta !== EACH_STEP;
  return twin && trace.name.endsWith(" now") && `xaxis${(trace.xaxis ?? "x").slice(1)}` in chart.layout;
}

/**
 * @param {Trace} trace
 * @param {string} label
 * @returns {Trace}
 */
function faint(trace, label) {
  const points = length(trace.x);
  const text = Array(points).fill("");
  if (points) text[points - 1] = label;
  return {
    ...trace,
    name: `${trace.name} (${label})`,
    mode: "lines+text",
    text,
    textposition: "middle right",
    textfont: { color: trace.line.color, size: 12 },
    opacity: 0.5,
    hovertemplate: `${label}: ${trace.hovertemplate ?? "%{y:.3g}"}<extra></extra>`,
    line: { ...trace.line, width: 1.5 },
    cliponaxis: false,
  };
}

/**
 * @param {Trace} trace
 * @param {string} label
 * @returns {Trace}
 */
function dotted(trace, label) {
  const { fill: _, ...rest } = trace;
  return {
    ...rest,
    name: `${trace.name} (${label})`,
    mode: "lines",
    hovertemplate: `${label}: ${trace.hovertemplate ?? "%{y:.3g}"}<extra></extra>`,
    line: { ...trace.line, dash: "dot", width: 2.5 },
  };
}
