// How all figures look: margins, sizes, colours of the theme.

/** @import { Chart, Theme } from "./types.js" */

import { length } from "./overlays.js";

const MARGIN = { l: 50, r: 10, t: 26, b: 38 };
export const SMALL = 12; // px, the size of the text in a figure
export const LARGE = 18; // in a figure that fills the window

/**
 * The common layout of all figures, with the figure's own layout on top. `uirevision` keeps zoom and legend during a run.
 * @param {Record<string, any>} layout
 * @param {Theme} theme
 * @param {string} run
 * @param {number} size of the text, in px
 * @returns {Record<string, any>}
 */
export function dress(layout, theme, run, size = SMALL) {
  const axis = {
    gridcolor: theme.grid,
    linecolor: theme.grid,
    zeroline: false,
    ticks: "",
    automargin: false,
    minexponent: 4,
    exponentformat: "power",
    tickfont: { size },
  };
  /** @type {Record<string, any>} */
  const dressed = {
    uirevision: run,
    margin: scaled(MARGIN, size / SMALL),
    font: { family: theme.font, size, color: theme.text },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "x unified",
    hoverlabel: { bgcolor: theme.background, bordercolor: theme.grid, font: { color: theme.text, size } },
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.0, yanchor: "bottom", font: { size: size - 1 }, itemwidth: 30 },
    ...layout,
  };
  for (const key of Object.keys(dressed)) {
    if (!/^[xy]axis\d*$/.test(key)) continue;
    const own = dressed[key];
    dressed[key] = { ...axis, ...own };
    if (own.title) dressed[key].title = { standoff: 4, font: { size }, ...own.title };
  }
  return dressed;
}

/**
 * Whether there is nothing to see yet but guide lines. Then axes would have invented numbers.
 * @param {Chart} chart
 */
export function isBare(chart) {
  return chart.data.every((trace) => trace.hoverinfo === "skip" || !length(trace.y ?? []));
}

/**
 * The axis with the ticks that Plotly chooses.
 * @param {Record<string, any>} axis
 */
export function withoutTicks(axis) {
  return Object.fromEntries(Object.entries(axis).filter(([name]) => !["tickmode", "tickvals", "ticktext", "dtick"].includes(name)));
}

/**
 * @param {Record<string, number>} lengths
 * @param {number} factor
 */
function scaled(lengths, factor) {
  return Object.fromEntries(Object.entries(lengths).map(([side, length]) => [side, length * factor]));
}

/**
 * @param {HTMLElement} element
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  /** @type {(name: string, otherwise: string) => string} */
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read("--st-text-color", "#31333f"),
    background: read("--st-background-color", "#ffffff"),
    grid: "rgba(128,128,128,0.28)",
    font: read("--st-font", "sans-serif"),
  };
}
