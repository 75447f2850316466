// How all figures look: margins, sizes, colours of the theme.

/** @import { Chart, Theme, Trace } from "./types.js" */

import { length } from "./arrays.js";

const MARGIN = { l: 50, r: 26, t: 26, b: 38 };
const SMALL = 12; // px, the size of the text in a figure
const LARGE = 18; // in a figure that fills the window
export const LATER = "later"; // marks the lines of what comes after the shown moment
const REM = 16; // px, the browser's usual size of text; all lengths here are for this size

/**
 * The common layout of all figures, with the figure's own layout on top. `uirevision` keeps zoom and legend during a run.
 * @param {Record<string, any>} layout
 * @param {Theme} theme
 * @param {string} run
 * @param {boolean} large whether the figure fills the window
 * @returns {Record<string, any>}
 */
export function dress(layout, theme, run, large = false) {
  const small = (SMALL * theme.rem) / REM;
  const size = large ? Math.max(LARGE, 1.1 * small) : small;
  const axis = {
    gridcolor: theme.grid,
    linecolor: theme.grid,
    zeroline: false,
    ticks: "",
    automargin: false,
    ticklabeloverflow: "allow", // otherwise the browser measures each label at each refresh: a quarter of all drawing
    tickangle: 0,
    minexponent: 4,
    exponentformat: "power",
    tickfont: { size },
  };
  /** @type {Record<string, any>} */
  const dressed = {
    uirevision: run,
    margin: scaled(MARGIN, Object.keys(MARGIN), size / SMALL),
    font: { family: theme.font, size, color: theme.text },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "x unified",
    hoverlabel: { bgcolor: theme.background, bordercolor: theme.grid, font: { color: theme.text, size } },
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yref: "container", yanchor: "top", font: { size }, itemwidth: 30 },
    ...layout,
  };
  const factor = size / SMALL;
  dressed.annotations = layout.annotations?.map((/** @type {any} */ each) => ({ ...each, font: { ...each.font, size: size } }));
  dressed.shapes = layout.shapes?.map((/** @type {any} */ each) => ({ ...each, line: scaled(each.line, ["width"], factor) }));
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
  return chart.data.every((trace) => trace.meta !== LATER && (trace.hoverinfo === "skip" || !length(trace.y ?? [])));
}

/**
 * The axis with the ticks that Plotly chooses.
 * @param {Record<string, any>} axis
 */
export function withoutTicks(axis) {
  return Object.fromEntries(Object.entries(axis).filter(([name]) => !["tickmode", "tickvals", "ticktext", "dtick"].includes(name)));
}

/**
 * A copy of a trace for Plotly, which writes into it. Lines, points and text get thicker with the size of the page's text.
 * @param {Trace} trace
 * @param {Theme} theme
 * @param {boolean} large whether there is room for long names
 * @returns {Trace}
 */
export function copied(trace, theme, large = false) {
  const factor = theme.rem / REM;
  const { short, ...copy } = trace;
  if (short && !large) copy.name = short;
  for (const [part, length] of [["line", "width"], ["marker", "size"], ["textfont", "size"]]) {
    if (trace[part]) copy[part] = scaled(trace[part], [length], factor);
  }
  return copy;
}

/**
 * @param {Record<string, any>} style
 * @param {string[]} lengths the names of what is to grow
 * @param {number} factor
 */
function scaled(style, lengths, factor) {
  return Object.fromEntries(
    Object.entries(style ?? {}).map(([name, value]) => [name, lengths.includes(name) && typeof value === "number" ? value * factor : value]),
  );
}

/**
 * @param {HTMLElement} element
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  /** @type {(name: string, otherwise: string) => string} */
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const forced = matchMedia("(forced-colors: active)").matches; // then the system's colours, not the page's
  return {
    text: forced ? style.color : read("--st-text-color", "#31333f"),
    background: forced ? style.backgroundColor : read("--st-background-color", "#ffffff"),
    grid: "rgba(128,128,128,0.28)",
    font: read("--st-font", "sans-serif"),
    rem: parseFloat(getComputedStyle(document.documentElement).fontSize) || REM,
  };
}
