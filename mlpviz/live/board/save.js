// Save a figure: as a picture, or its numbers as a table.

/** @import { Chart, Theme } from "./types.js" */

import { numbers } from "./arrays.js";

const WIDTH = 1200;
const HEIGHT = 675;
const [PAPER, INK] = ["#ffffff", "#10151e"]; // for print, in each theme

/**
 * Three buttons that save what a card shows now.
 * @param {(format: string) => void} save "png", "svg" or "csv"
 */
export function saveButtons(save) {
  return ["png", "svg", "csv"].map((format) => {
    const button = document.createElement("button");
    const what = format === "csv" ? "the numbers as a table" : "the figure as a picture";
    Object.assign(button, { type: "button", textContent: format.toUpperCase(), title: `Save ${what}` });
    button.className = "save";
    button.setAttribute("aria-label", `Save ${what}, ${format.toUpperCase()}`);
    button.onclick = () => save(format);
    return button;
  });
}

/**
 * @param {string} format
 * @param {Chart} chart
 * @param {any} plot the element that Plotly has drawn
 * @param {any} Plotly
 * @param {Theme} theme
 */
export async function save(format, chart, plot, Plotly, theme) {
  const name = `mlpviz-${chart.name.toLowerCase().replaceAll(" ", "-")}.${format}`;
  if (format === "csv") {
    const address = URL.createObjectURL(new Blob([csv(chart)], { type: "text/csv" }));
    download(address, name);
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // some browsers read it later
    return;
  }
  const layout = { ...plot.layout, title: { text: chart.name, x: 0.02 }, margin: { l: 70, r: 20, t: 70, b: 60 } };
  Object.assign(layout, { paper_bgcolor: PAPER, plot_bgcolor: PAPER, font: { family: theme.font, size: 18, color: INK } });
  if (layout.xaxis && chart.layout.xaxis?.title) layout.xaxis = { ...layout.xaxis, title: { ...layout.xaxis.title, ...chart.layout.xaxis.title } };
  const picture = { data: plot.data, layout, config: {} };
  download(await Plotly.toImage(picture, { format, width: WIDTH, height: HEIGHT, scale: 2 }), name);
}

/**
 * The points of all lines, one in each row: the line’s name, x and y.
 * @param {Chart} chart
 */
export function csv(chart) {
  const rows = chart.data.flatMap((trace) => {
    const [x, y] = [numbers(trace.x), numbers(trace.y)];
    return y.map((value, i) => [quoted(String(trace.name ?? "")), x[i], value].join(","));
  });
  return [`series,${chart.layout?.xaxis?.title?.text ?? "x"},${chart.name.toLowerCase()}`, ...rows, ""].join("\n");
}

/** @param {string} text */
function quoted(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string} address
 * @param {string} name
 */
function download(address, name) {
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
}
