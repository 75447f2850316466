// The film of a run: its earlier moments, fetched from the server and shown in place of the newest snapshot.

/** @import { Chart, Parts, Snapshot, Trace } from "./types.js" */

import { numbers } from "./arrays.js";
import { View } from "./feed.js";
import { LATER } from "./layout.js";
import { countsSteps } from "./units.js";

const MOST = 250; // moments that are kept: more than a run has
const GREY = "#808080";
const FAINT = 0.2; // opacity of what comes later
const PATIENCE = 8000; // ms until a request counts as lost

/**
 * Fetch a moment from the server.
 * @param {string} token
 * @param {number} step
 * @returns {Promise<Snapshot | null>} null if there is no such moment, or no answer
 */
export async function fetchMoment(token, step) {
  try {
    const address = new URL(`live/${token}/at/${step}`, document.baseURI);
    const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return response.status === 200 ? await response.json() : null;
  } catch {
    return null;
  }
}

export class Film {
  /** @param {(token: string, step: number) => Promise<Snapshot | null>} get */
  constructor(get) {
    this.get = get;
    this.run = "";
    /** @type {Map<number, Snapshot>} by step */
    this.moments = new Map();
    /** @type {View | null} */
    this.latest = null;
  }

  /**
   * Fetch a moment of a run, if it is not here yet. Returns whether it is here now.
   * @param {string} token
   * @param {string} run
   * @param {number} step
   */
  async fetch(token, run, step) {
    if (run !== this.run) this.moments.clear();
    this.run = run;
    if (this.moments.has(step)) return true;
    const moment = await this.get(token, step);
    if (!moment || moment.run !== this.run) return false;
    if (this.moments.size >= MOST) this.moments.clear();
    this.moments.set(step, moment);
    return true;
  }

  /**
   * The run as it was at a step; `now` itself if that moment is not here.
   * @param {View} now
   * @param {number | null} step
   * @returns {View}
   */
  view(now, step) {
    const moment = step === null || now.snapshot?.run !== this.run ? undefined : this.moments.get(step);
    if (!moment || !now.snapshot || step === null) return now;
    const version = `${now.version}@${step}`;
    if (this.latest?.version !== version) this.latest = new View(past(now.snapshot, moment, step), version, step);
    return this.latest;
  }
}

/**
 * The snapshot of an earlier moment. The curves are those of now, faint from the moment on.
 * @param {Snapshot} now
 * @param {Snapshot} moment
 * @param {number} step
 * @returns {Snapshot}
 */
export function past(now, moment, step) {
  /** @type {Parts} */
  const parts = { ...now.parts, ...moment.parts };
  for (const [name, part] of Object.entries(now.parts)) {
    const chart = /** @type {Chart | null} */ (part);
    if (!chart?.data) continue;
    const then = /** @type {Chart | undefined} */ (moment.parts[name]);
    const own = countsSteps(chart) ? { ...chart, ...until(chart, step) } : (then ?? chart);
    parts[name] = { ...own, sentence: then?.sentence ?? "Not measured yet.", at: step };
  }
  return { ...now, parts };
}

/**
 * The lines and the layout of a chart, as far as a step. What comes later is faint, and the mouse does not read it.
 * @param {Chart} chart
 * @param {number} step
 */
function until({ data, layout }, step) {
  const cursor = { type: "line", x0: step, x1: step, yref: "paper", y0: 0, y1: 1, line: { color: GREY, width: 1.5 } };
  const lines = data.map((trace) => (trace.hoverinfo === "skip" ? { before: trace, after: null } : split(trace, step)));
  const later = (/** @type {any} */ each) => each.yref === "paper" && each.x > step; // what a mark says
  return {
    data: [...lines.flatMap(({ after }) => after ?? []), ...lines.map(({ before }) => before)],
    layout: {
      ...layout,
      shapes: [...(layout.shapes ?? []).filter((/** @type {any} */ each) => each.x0 <= step), cursor],
      annotations: layout.annotations?.filter((/** @type {any} */ each) => !later(each)),
    },
  };
}

/**
 * @param {Trace} trace
 * @param {number} step
 */
function split(trace, step) {
  const [x, y] = [numbers(trace.x ?? []), numbers(trace.y ?? [])];
  const count = x.filter((each) => each <= step).length;
  const style = { ...trace };
  for (const name of ["hovertemplate", "fill"]) delete style[name];
  const faint = { meta: LATER, hoverinfo: "skip", showlegend: false, opacity: FAINT * (trace.opacity ?? 1) };
  const from = Math.max(0, count - 1); // the line goes on from the last point
  return {
    before: { ...trace, x: x.slice(0, count), y: y.slice(0, count) },
    after: { ...style, ...faint, x: x.slice(from), y: y.slice(from) },
  };
}
