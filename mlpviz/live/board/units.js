// What the horizontal axis of the curves counts: steps, epochs, or images seen. Runs with different batch sizes can be
// compared fairly by the images that they have seen.

/** @import { Chart, Pace, Trace, TypedArray } from "./types.js" */

import { numbers } from "./arrays.js";

export const UNITS = ["step", "epoch", "images seen"];
const STEP = UNITS[0]; // what the server counts in
const KEY = "mlpviz-unit"; // in the browser's storage
/** @type {Record<string, string>} how a value is written in a hover text */
const WORDS = { epoch: "epoch %{x:.2f}", "images seen": "%{x:,} images" };

/** Which unit the reader has chosen; kept for the next visit. */
export class Unit {
  constructor() {
    this.now = STEP;
    try {
      const kept = localStorage.getItem(KEY) ?? "";
      if (UNITS.includes(kept)) this.now = kept;
    } catch {
      // no storage here: the choice is not kept
    }
  }

  next() {
    this.now = UNITS[(UNITS.indexOf(this.now) + 1) % UNITS.length];
    try {
      localStorage.setItem(KEY, this.now);
    } catch {
      // as above
    }
  }
}

/** @param {Chart} chart */
export function countsSteps(chart) {
  return chart.layout?.xaxis?.title?.text === STEP;
}

/**
 * How far a run is after a step.
 * @param {number} step
 * @param {string} unit
 * @param {Pace} pace
 */
export function convert(step, unit, { steps_per_epoch: steps, batch_size: batch, images }) {
  if (unit === "epoch") return step / steps;
  if (unit !== "images seen") return step;
  const left = step % steps; // the last mini-batch of an epoch may be smaller
  return Math.floor(step / steps) * images + Math.min(left * batch, images);
}

/**
 * @param {Trace} trace
 * @param {string} unit
 * @param {Pace | undefined} pace none if the task has no epochs
 * @returns {Trace}
 */
export function traceIn(trace, unit, pace) {
  if (unit === STEP || !pace || !trace.x) return trace;
  const x = numbers(trace.x).map((step) => convert(step, unit, pace));
  return { ...trace, x, hovertemplate: trace.hovertemplate?.replace("step %{x:,}", WORDS[unit]) };
}

/**
 * The chart with its horizontal axis in another unit.
 * @param {Chart} chart
 * @param {string} unit
 * @param {Pace | undefined} pace
 * @returns {Chart}
 */
export function chartIn(chart, unit, pace) {
  if (unit === STEP || !pace || !countsSteps(chart)) return chart;
  const to = (/** @type {number} */ step) => convert(step, unit, pace);
  const { xaxis, shapes, annotations } = chart.layout;
  const layout = {
    ...chart.layout,
    xaxis: {
      ...xaxis,
      title: { ...xaxis.title, text: unit },
      tickformat: unit === "epoch" ? "~g" : "~s",
      autorangeoptions: { include: xaxis.autorangeoptions?.include?.map(to) ?? [] },
    },
    shapes: shapes?.map((/** @type {any} */ each) => ({ ...each, x0: to(each.x0), x1: to(each.x1) })),
    annotations: annotations?.map((/** @type {any} */ each) => ({ ...each, x: to(each.x) })),
  };
  return { ...chart, layout, data: chart.data.map((trace) => traceIn(trace, unit, pace)) };
}
