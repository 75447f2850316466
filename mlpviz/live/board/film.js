// The film of a run: its earlier moments, fetched from the server and shown in place of the newest snapshot.

/** @import { Chart, Parts, Snapshot } from "./types.js" */

import { numbers } from "./arrays.js";
import { View } from "./feed.js";
import { CURSOR, VEIL } from "./layout.js";
import { countsSteps } from "./units.js";

const MOST = 250; // moments that are kept: more than a run has
const BEYOND = 1.03; // the last point has a width
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
    if (this.latest?.version !== version) this.latest = new View(past(now.snapshot, moment, step), version);
    return this.latest;
  }
}

/**
 * The snapshot of an earlier moment. The curves are those of now, covered from the moment on.
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
    if (!chart?.data || !countsSteps(chart)) continue;
    const then = /** @type {Chart | undefined} */ (moment.parts[name]);
    parts[name] = { ...chart, sentence: then?.sentence ?? chart.sentence, layout: covered(chart, step) };
  }
  return { ...now, parts };
}

/**
 * @param {Chart} chart
 * @param {number} step
 * @returns {Record<string, any>} its layout, covered from this step on
 */
function covered({ data, layout }, step) {
  const ends = data.map((trace) => numbers(trace.x ?? []).at(-1) ?? 0);
  const end = BEYOND * Math.max(step, ...ends, ...(layout.xaxis.autorangeoptions?.include ?? []));
  const whole = { yref: "paper", y0: 0, y1: 1, layer: "above" };
  const veil = { ...whole, name: VEIL, type: "rect", x0: step, x1: end, line: { width: 0 } };
  const cursor = { ...whole, name: CURSOR, type: "line", x0: step, x1: step, line: { width: 1.5 } };
  return { ...layout, shapes: [...(layout.shapes ?? []), veil, cursor] };
}
