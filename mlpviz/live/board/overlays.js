// Other runs in the same figures: pinned ones behind the live run, faint and lettered; a twin before it, dashed.

import { setText } from "./strip.js";

const PATIENCE = 8000; // ms until a fetch counts as lost

export class Overlays {
  constructor(line) {
    this.line = line; // what a twin says of the difference
    this.list = [];
    this.kept = new Map(); // by token: what the server said of it last
    this.news = false;
  }

  // `list`: { token, label, twin } each.
  choose(list) {
    this.news ||= JSON.stringify(list) !== JSON.stringify(this.list);
    this.list = list;
    for (const token of this.kept.keys()) if (!list.some((each) => each.token === token)) this.kept.delete(token);
    if (!list.some((each) => each.twin)) this.line.hidden = true;
  }

  // A pinned run stands still, so it is fetched once; a twin each time.
  async fetch() {
    await Promise.all(this.list.filter((each) => each.twin || !this.kept.has(each.token)).map((each) => this.ask(each)));
  }

  async ask({ token, twin }) {
    const have = this.kept.get(token);
    const version = have ? `${have.run}.${have.version}` : "";
    try {
      const address = new URL(`live/${token}?have=${version}`, document.baseURI);
      const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (response.status !== 200) return;
      const snapshot = await response.json();
      this.kept.set(token, snapshot);
      this.news = true;
      if (twin) this.say(snapshot.line);
    } catch {
      // it comes with the next fetch
    }
  }

  // Whether there is anything to draw since last asked.
  changed() {
    const news = this.news;
    this.news = false;
    return news;
  }

  // The chart with the other runs' lines in it.
  over(chart) {
    const behind = [];
    const before = [];
    for (const { token, label, twin } of this.list) {
      const other = this.kept.get(token)?.charts.find((each) => each.name === chart.name);
      for (const trace of other?.data ?? []) {
        if (!comparable(trace, chart, twin)) continue;
        (twin ? before : behind).push(twin ? dashed(trace, label) : faint(trace, label));
      }
    }
    return behind.length || before.length ? { ...chart, data: [...behind, ...chart.data, ...before] } : chart;
  }

  say(text) {
    setText(this.line, text ?? "");
    this.line.hidden = !text;
  }
}

// Lines that say how a run went; no guide lines, no single steps, and distributions of a twin alone.
function comparable(trace, chart, twin) {
  if (trace.type !== "scatter" || trace.hoverinfo === "skip") return false;
  if (chart.card !== "Weights") return trace.showlegend !== false;
  return twin && trace.name === "now" && `xaxis${(trace.xaxis ?? "x").slice(1)}` in chart.layout;
}

function faint(trace, label) {
  const points = length(trace.x);
  const text = Array(points).fill("");
  if (points) text[points - 1] = label;
  return {
    ...trace,
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

function dashed(trace, label) {
  const { fill, ...rest } = trace;
  return {
    ...rest,
    mode: "lines",
    showlegend: false,
    hovertemplate: `${label}: ${trace.hovertemplate ?? "%{y:.3g}"}<extra></extra>`,
    line: { ...trace.line, dash: "dash", width: 2 },
  };
}

// How many numbers an array has that comes as { dtype, bdata } in base64.
function length(values) {
  if (!values.bdata) return values.length ?? 0;
  const bytes = (values.bdata.length / 4) * 3 - (values.bdata.endsWith("==") ? 2 : values.bdata.endsWith("=") ? 1 : 0);
  return bytes / Number(values.dtype.slice(1));
}
