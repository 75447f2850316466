// Other runs in the same figures: pinned runs behind the live run, faint and with a letter; a twin in front, dotted.

/** @import { Chart, Overlay, Trace, TypedArray } from "./types.js" */

import { setText } from "./dom.js";
import { Feed } from "./feed.js";

const OTHERS = ["lines", "examples", "answers", "network", "tiles"]; // parts that are not drawn for another run

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
   * @returns {Chart}
   */
  over(chart) {
    const behind = [];
    const before = [];
    for (const { token, label, twin } of this.list) {
      const other = this.feeds.get(token)?.charts.find((each) => each.name === chart.name);
      for (const trace of other?.data ?? []) {
        if (!comparable(trace, chart, twin)) continue;
        if (twin) before.push(dotted(trace, label));
        else behind.push(faint(trace, label));
      }
    }
    return behind.length || before.length ? { ...chart, data: [...behind, ...chart.data, ...before] } : chart;
  }

  /** @param {string} text */
  say(text) {
    setText(this.line, text);
    this.line.hidden = !text;
  }
}

/**
 * Whether a line of another run may be drawn: curves, but no guide lines or single steps. Distributions only from a twin.
 * @param {Trace} trace
 * @param {Chart} chart
 * @param {boolean} twin
 */
export function comparable(trace, chart, twin) {
  if (trace.type !== "scatter" || trace.hoverinfo === "skip") return false;
  if (chart.card !== "Weights") return trace.showlegend !== false;
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
    opacity: 0.38,
    showlegend: false,
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
    showlegend: false,
    hovertemplate: `${label}: ${trace.hovertemplate ?? "%{y:.3g}"}<extra></extra>`,
    line: { ...trace.line, dash: "dot", width: 2.5 },
  };
}

/**
 * How many numbers an array has. It may be in base64.
 * @param {TypedArray | number[]} values
 */
export function length(values) {
  if (Array.isArray(values)) return values.length;
  const padding = values.bdata.endsWith("==") ? 2 : values.bdata.endsWith("=") ? 1 : 0;
  const bytes = (values.bdata.length / 4) * 3 - padding;
  return bytes / Number(values.dtype.slice(1)); // "f4" means four bytes per number
}
