// Save a figure: as a picture, or its numbers as a table.

/** @import { Chart, Theme, Trace } from "./types.js" */

import { numbers } from "./arrays.js";
import { setText } from "./dom.js";
import { LATER } from "./layout.js";
import { HEIGHT, INK, PAPER, WIDTH } from "./paper.js";
import { record } from "./record.js";

export const VIDEO = "video";
/** @type {Record<string, string>} what each button saves */
const FORMATS = {
  png: "the figure as a picture",
  svg: "the figure as a picture",
  csv: "the numbers as a table",
  [VIDEO]: "the film of this figure as a video",
};

/**
 * Buttons that save what a card shows now, or its film.
 * @param {(format: string) => void} save
 * @param {string[]} formats some of `FORMATS`
 */
export function saveButtons(save, formats = Object.keys(FORMATS)) {
  return formats.map((format) => {
    const what = FORMATS[format];
    const button = document.createElement("button");
    const name = format === VIDEO ? "Video" : format.toUpperCase();
    Object.assign(button, { type: "button", textContent: name, title: `Save ${what}`, className: `save ${format}` });
    button.setAttribute("aria-label", `Save ${what}, ${name}`);
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
  if (format === "csv") return saveFile(new Blob([csv(chart)], { type: "text/csv" }), nameOf(chart, format));
  const picture = { data: plot.data, layout: onPaper(plot.layout, chart, theme), config: {} };
  download(await Plotly.toImage(picture, { format, width: WIDTH, height: HEIGHT, scale: 2 }), nameOf(chart, format));
}

/**
 * A figure's film.
 * @param {Chart[]} charts of one moment after another
 * @param {(chart: Chart, theme: Theme) => { data: Trace[], layout: Record<string, any> }} drawn what Plotly draws of each
 * @param {any} Plotly
 * @param {Theme} theme
 * @param {(done: number) => void} progress from 0 to 1
 */
export async function saveVideo(charts, drawn, Plotly, theme, progress) {
  const light = { ...theme, background: PAPER, text: INK };
  async function* pictures() {
    for (const [i, chart] of charts.entries()) {
      progress(i / charts.length);
      const { data, layout } = drawn(chart, light);
      yield Plotly.toImage({ data, layout: onPaper(layout, chart, light), config: {} }, { format: "png", width: WIDTH, height: HEIGHT });
    }
  }
  await saveFilm(pictures(), charts[0]);
}

/**
 * A drawing that Plotly does not make, or its film.
 * @template Moment
 * @param {string} format
 * @param {string} name
 * @param {Moment[]} moments those of the film, or one
 * @param {(moment: Moment) => HTMLCanvasElement | null} paint
 * @param {HTMLElement} sentence says how far it is
 */
export async function saveDrawing(format, name, moments, paint, sentence) {
  const before = sentence.textContent ?? "";
  async function* pictures() {
    for (const [i, moment] of moments.entries()) {
      setText(sentence, recording(i / moments.length));
      const picture = paint(moment);
      if (picture) yield picture.toDataURL();
    }
  }
  try {
    if (format === VIDEO) await saveFilm(pictures(), { name });
    else download(paint(moments[0])?.toDataURL() ?? "", nameOf({ name }, format));
    setText(sentence, before);
  } catch (error) {
    console.error(error);
    setText(sentence, `This could not be saved (${error}).`);
  }
}

/** @param {number} done from 0 to 1 */
export function recording(done) {
  return `Recording the film of this figure: ${Math.round(100 * done)} %`;
}

/**
 * @param {AsyncIterable<string>} pictures
 * @param {{ name: string }} figure
 */
async function saveFilm(pictures, figure) {
  const film = await record(pictures, WIDTH, HEIGHT);
  saveFile(film, nameOf(figure, film.type.includes("mp4") ? "mp4" : "webm"));
}

/**
 * @param {{ name: string }} figure
 * @param {string} ending
 */
function nameOf({ name }, ending) {
  return `mlpviz-${name.toLowerCase().replaceAll(" ", "-")}.${ending}`;
}

/**
 * The name of the chart, and the moment that it shows, if that is not the present.
 * @param {{ name: string, at?: number }} chart
 */
export function titleOf({ name, at }) {
  return at === undefined ? name : `${name} at step ${at.toLocaleString("en")}`;
}

/**
 * The layout for print: with a title, dark on white.
 * @param {Record<string, any>} layout
 * @param {Chart} chart
 * @param {Theme} theme
 */
function onPaper(layout, chart, theme) {
  /** @type {Record<string, any>} */
  const paper = { ...layout, title: { text: titleOf(chart), x: 0.02 }, margin: { l: 70, r: 20, t: 70, b: 60 } };
  Object.assign(paper, { paper_bgcolor: PAPER, plot_bgcolor: PAPER, font: { family: theme.font, size: 18, color: INK } });
  if (paper.xaxis && chart.layout.xaxis?.title) paper.xaxis = { ...paper.xaxis, title: { ...paper.xaxis.title, ...chart.layout.xaxis.title } };
  return paper;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function saveFile(blob, name) {
  const address = URL.createObjectURL(blob);
  download(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // some browsers read it later
}

/**
 * The points of all lines, one in each row: the line’s name, x and y.
 * @param {Chart} chart
 */
export function csv(chart) {
  const rows = chart.data.filter((trace) => trace.meta !== LATER).flatMap((trace) => {
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
