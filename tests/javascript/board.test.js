// The parts of the live board that do not need a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { pageState } from "../../mlpviz/live/board/board.js";
import { split } from "../../mlpviz/live/board/banner.js";
import { next } from "../../mlpviz/live/board/choose.js";
import { copied, dress } from "../../mlpviz/live/board/layout.js";
import { Feed, View, charts, merged } from "../../mlpviz/live/board/feed.js";
import { Film, past } from "../../mlpviz/live/board/film.js";
import { Timeline, place } from "../../mlpviz/live/board/timeline.js";
import { length } from "../../mlpviz/live/board/arrays.js";
import { comparable } from "../../mlpviz/live/board/overlays.js";
import { chartIn, convert } from "../../mlpviz/live/board/units.js";
import { columnAt, curve, rowAt } from "../../mlpviz/live/board/columns.js";
import { isDark, shades } from "../../mlpviz/live/board/pixels.js";
import { csv } from "../../mlpviz/live/board/save.js";

const PALETTE = {
  negative: "#2166c8",
  positive: "#ca3228",
  zeroLight: "#fafafa",
  zeroDark: "#181b22",
  notFinite: "#b07a00",
};

test("parts that have not changed stay, and newer parts replace old ones", () => {
  const first = merged(null, { run: "a", version: 1, parts: { head: { step: 1 }, Loss: { name: "Loss" }, tiles: null } });
  const second = merged(first, { run: "a", version: 2, parts: { head: { step: 2 } } });
  assert.equal(second.version, 2);
  assert.deepEqual(second.parts, { head: { step: 2 }, Loss: { name: "Loss" }, tiles: null });
  assert.deepEqual(first.parts.head, { step: 1 }, "the old snapshot is not changed");
});

test("shared arrays are put into the lines that name them", () => {
  const x = { dtype: "f4", bdata: "AAAAAA==" };
  const loss = { name: "Loss", data: [{ x: { array: "a" }, y: [1], line: { color: "red" } }] };
  const first = merged(null, { run: "r", version: 1, parts: { Loss: loss, arrays: { a: x } } });
  assert.deepEqual(first.parts.Loss.data, [{ x, y: [1], line: { color: "red" } }]);
  const second = merged(first, { run: "r", version: 2, parts: { arrays: { b: [2] } } });
  assert.equal(second.parts.Loss, first.parts.Loss, "a chart that has not changed stays as it is");
  const third = merged(second, { run: "r", version: 3, parts: { Loss: { ...loss, data: [{ x: { array: "b" } }] } } });
  assert.deepEqual(third.parts.Loss.data, [{ x: [2] }], "the array came earlier");
  assert.deepEqual(charts(third).map((chart) => chart.name), ["Loss"]);
});

/** A feed whose server gives these answers, and what it was asked. */
function feedWith(answers) {
  const asked = [];
  globalThis.document = { hidden: false, baseURI: "http://host/" };
  globalThis.fetch = async (address) => {
    const params = new URL(address).searchParams;
    params.delete("after"); // how much time has passed
    asked.push(Object.fromEntries(params));
    const answer = answers.shift();
    return { status: answer ? 200 : 204, headers: new Map([["Mlpviz-Period", "400"]]), json: async () => answer };
  };
  return { feed: new Feed("token"), asked };
}

test("what nobody sees is not asked for, and all its changes come when it is seen", async () => {
  const parts = (...names) => Object.fromEntries(names.map((name) => [name, {}]));
  const { feed, asked } = feedWith([
    { run: "r", version: 3, parts: parts("head", "Loss", "tiles") },
    { run: "r", version: 5, parts: parts("head", "Loss") },
    { run: "r", version: 6, parts: parts("head", "tiles") },
    { run: "s", version: 1, parts: parts("head", "Loss", "tiles") },
  ]);
  await feed.ask();
  await feed.ask(["tiles"]);
  await feed.ask();
  await feed.ask();
  await feed.ask();
  assert.deepEqual(asked, [{}, { have: "r.3", without: "tiles" }, { have: "r.3" }, { have: "r.6" }, { have: "s.1" }]);
  assert.equal(feed.period, 400);
  delete globalThis.document;
  delete globalThis.fetch;
});

test("after a change of the run, what was left out comes when it is seen", async () => {
  const { feed, asked } = feedWith([
    { run: "r", version: 3, parts: { head: {}, Loss: {}, tiles: {} } },
    { run: "s", version: 1, parts: { head: {}, Loss: {} } },
    { run: "s", version: 1, parts: { head: {}, Loss: {}, tiles: {} } },
  ]);
  await feed.ask();
  await feed.ask(["tiles"]);
  await feed.ask();
  await feed.ask();
  assert.deepEqual(asked.slice(1), [{ have: "r.3", without: "tiles" }, { have: "s.0" }, { have: "s.1" }]);
  delete globalThis.document;
  delete globalThis.fetch;
});

test("a tab that was opened in the background gets its figures when it is seen", async () => {
  const { feed, asked } = feedWith([
    { run: "r", version: 3, parts: { head: {} } },
    { run: "r", version: 3, parts: { head: {}, Loss: {} } },
  ]);
  globalThis.document.hidden = true;
  await feed.ask();
  globalThis.document.hidden = false;
  await feed.ask();
  await feed.ask();
  assert.deepEqual(asked.slice(1), [{ have: "r.0" }, { have: "r.3" }]);
  delete globalThis.document;
  delete globalThis.fetch;
});

test("a hidden tab asks only for the head, and for the figures since then when it is seen again", async () => {
  const { feed, asked } = feedWith([
    { run: "r", version: 3, parts: { head: {}, Loss: {} } },
    { run: "r", version: 4, parts: { head: { step: 4 } } },
    { run: "r", version: 4, parts: { Loss: { step: 4 } } },
  ]);
  await feed.ask();
  const seen = feed.version;
  globalThis.document.hidden = true;
  await feed.ask();
  globalThis.document.hidden = false;
  const hidden = feed.version;
  await feed.ask();
  assert.deepEqual(asked.slice(1), [{ have: "r.3", only: "head", hidden: "1" }, { have: "r.3" }]);
  assert.notEqual(seen, hidden);
  assert.notEqual(hidden, feed.version, "the figures are news, though the version of the run is the same");
  delete globalThis.document;
  delete globalThis.fetch;
});

test("a page in a hidden tab says so, because the browser may delay its next request", async () => {
  const asked = [];
  globalThis.document = { hidden: false, baseURI: "http://host/base/" };
  globalThis.fetch = async (address) => {
    asked.push(new URL(address));
    return { status: 204, headers: new Map() };
  };
  const feed = new Feed("token");
  await feed.ask();
  globalThis.document.hidden = true;
  await feed.ask();
  assert.deepEqual(asked.map((address) => address.searchParams.get("hidden")), [null, "1"]);
  assert.equal(asked[1].pathname, "/base/live/token");
  delete globalThis.document;
  delete globalThis.fetch;
});

test("no part of another run is kept", () => {
  const first = merged(null, { run: "a", version: 9, parts: { head: { step: 9 }, Loss: { name: "Loss" } } });
  const other = merged(first, { run: "b", version: 1, parts: { head: { step: 0 } } });
  assert.deepEqual(other.parts, { head: { step: 0 } });
});

test("charts come in the order on the page, without head and tiles", () => {
  const first = merged(null, { run: "a", version: 1, parts: { head: {}, Loss: { name: "Loss", data: [] }, Weights: { name: "Weights", data: [] }, tiles: {}, network: null } });
  const second = merged(first, { run: "a", version: 2, parts: { Sharpness: { name: "Sharpness", data: [] }, Loss: { name: "Loss", data: [] } } });
  assert.deepEqual(charts(second).map((chart) => chart.name), ["Loss", "Weights", "Sharpness"]);
  assert.deepEqual(charts(null), []);
});

test("the page runs for a new status, and for a new evaluation only if it waits for one", () => {
  assert.equal(pageState("preparing", null), pageState("paused", null), "the buttons are the same");
  assert.notEqual(pageState("training", null), pageState("paused", null));
  assert.notEqual(pageState("paused", 1), pageState("paused", 2));
});

test("the length of an array in base64 is right", () => {
  for (const count of [0, 1, 2, 3, 600]) {
    for (const [dtype, type] of [["f4", Float32Array], ["f8", Float64Array], ["i8", BigInt64Array]]) {
      const bdata = Buffer.from(new type(count).buffer).toString("base64");
      assert.equal(length({ dtype, bdata }), count);
    }
  }
  assert.equal(length([1, 2, 3]), 3);
});

test("curves of other runs are shown, but no guide lines and no single steps", () => {
  const loss = { card: "Loss", layout: {} };
  assert.ok(comparable({ type: "scatter", name: "train" }, loss, false));
  assert.ok(!comparable({ type: "scatter", name: "guessing", hoverinfo: "skip" }, loss, false));
  assert.ok(!comparable({ type: "scatter", name: "each step", meta: "each step" }, loss, false));
  assert.ok(!comparable({ type: "bar", name: "train" }, loss, false));
});

test("distributions come only from a twin, and only if the figure has a place for the layer", () => {
  const weights = { card: "Weights", layout: { xaxis: {}, xaxis2: {} } };
  assert.ok(comparable({ type: "scatter", name: "layer 1 now", xaxis: "x2" }, weights, true));
  assert.ok(!comparable({ type: "scatter", name: "layer 1 now", xaxis: "x3" }, weights, true), "a twin with more layers");
  assert.ok(!comparable({ type: "scatter", name: "layer 1 now" }, weights, false), "a pinned run");
  assert.ok(!comparable({ type: "scatter", name: "layer 1 at the start" }, weights, true));
});

test("the shades go from negative through the background to positive", () => {
  for (const dark of [false, true]) {
    const colors = shades(PALETTE, dark);
    const hex = (i) => `#${[0, 8, 16].map((shift) => ((colors[i] >> shift) & 255).toString(16).padStart(2, "0")).join("")}`;
    assert.equal(hex(1), PALETTE.negative);
    assert.equal(hex(128), dark ? PALETTE.zeroDark : PALETTE.zeroLight);
    assert.equal(hex(255), PALETTE.positive);
    assert.equal(hex(0), PALETTE.notFinite, "the value −128");
  }
});

test("dark and light backgrounds are recognised in every notation", () => {
  assert.ok(isDark("#0e1117") && isDark(" rgb(14, 17, 23)"));
  assert.ok(!isDark("#ffffff") && !isDark("rgb(250, 250, 250)") && !isDark(""));
});

test("a figure's own layout has priority over the common layout", () => {
  const theme = { text: "#111111", background: "#ffffff", grid: "#cccccc", font: "sans" };
  const dressed = dress({ xaxis: { title: { text: "step" } }, yaxis2: { type: "log" }, hovermode: "closest" }, theme, "run");
  assert.equal(dressed.uirevision, "run");
  assert.equal(dressed.hovermode, "closest");
  assert.equal(dressed.xaxis.title.text, "step");
  assert.equal(dressed.xaxis.gridcolor, theme.grid);
  assert.equal(dressed.yaxis2.type, "log");
});

test("an edge of the network runs from the middle of one node to the middle of another", () => {
  const counts = [1, 8, 10];
  const ends = (edge) => curve(edge, counts, 1).match(/[\d.]+/g).map(Number);
  const [x0, y0, , , , , x1, y1] = ends([1, 2, 9, 0.5, "0.5"]);
  assert.deepEqual([x0, y0, x1, y1], [columnAt(1, 1), rowAt(2, 8), columnAt(2, 1), rowAt(9, 10)]);
  assert.equal(ends([0, 0, 7, 1, "1"])[1], 50, "the image is in the middle");
  for (let layers = 0; layers <= 6; layers += 1) {
    const columns = Array.from({ length: layers + 2 }, (_, i) => columnAt(i, layers));
    assert.ok(columns.every((x, i) => x > 0 && x < 100 && (i === 0 || x > columns[i - 1])));
    assert.equal(columns[layers + 1], columnAt(1, 0), "the classes keep their place");
  }
});

test("a saved table has the points of all lines, with the values that were drawn", () => {
  const encode = (array) => Buffer.from(array.buffer).toString("base64");
  const x = { dtype: "f4", bdata: encode(Float32Array.of(1, 2)) };
  const y = { dtype: "f8", bdata: encode(Float64Array.of(0.1, NaN)) };
  const chart = { name: "Loss", layout: { xaxis: { title: { text: "step" } } }, data: [{ name: "train", x, y }, { name: 'a "b", c', x: [0, 9], y: [2.5, 2.5] }, { name: "empty" }] };
  assert.equal(csv(chart), 'series,step,loss\ntrain,1,0.1\ntrain,2,NaN\n"a ""b"", c",0,2.5\n"a ""b"", c",9,2.5\n');
});

test("a message has a title of a few words, a first sentence and the rest", () => {
  assert.deepEqual(split("Dead units. 99 % give 0. The rate is 3.16. Lower it."), ["Dead units.", "99 % give 0.", "The rate is 3.16. Lower it."]);
  assert.deepEqual(split("Connection lost. Trying again…"), ["Connection lost.", "Trying again…", ""]);
  assert.deepEqual(split("This run is no longer on the server."), ["", "This run is no longer on the server.", ""]);
  assert.deepEqual(split(""), ["", "", ""]);
});

test("figures grow with the size of the page’s text", () => {
  const theme = { text: "black", background: "white", grid: "grey", font: "sans", rem: 24 };
  const layout = { xaxis: {}, yaxis: {}, annotations: [{ text: "a", font: { size: 12, color: "red" } }], shapes: [{ line: { width: 2 } }] };
  const dressed = dress(layout, theme, "run");
  assert.equal(dressed.xaxis.tickfont.size, 18);
  assert.deepEqual(dressed.annotations, [{ text: "a", font: { size: 18, color: "red" } }]);
  assert.deepEqual(dressed.shapes, [{ line: { width: 3 } }]);
  assert.deepEqual(layout.shapes, [{ line: { width: 2 } }], "the chart is not changed");
  const trace = { x: [1], line: { color: "red", width: 2 }, marker: { size: [4, 8] } };
  assert.deepEqual(copied(trace, theme), { x: [1], line: { color: "red", width: 3 }, marker: { size: [4, 8] } });
});

test("the arrow keys move in the rows of a figure and stay inside", () => {
  const moves = (at) => ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].map((key) => next(key, at, 3, 9));
  assert.deepEqual(moves(4), [3, 5, 1, 7, 0, 8]);
  assert.deepEqual(moves(0), [0, 1, 0, 3, 0, 8]);
  assert.deepEqual(moves(8), [7, 8, 5, 8, 0, 8]);
  assert.deepEqual(moves(-1), [0, 0, 0, 0, 0, 8]);
  assert.ok(Number.isNaN(next("Enter", 4, 3, 9)));
});

test("steps are counted in epochs and in images seen", () => {
  const pace = { steps_per_epoch: 3, batch_size: 100, images: 250 }; // the third mini-batch has 50 images
  const counts = (unit) => [0, 1, 2, 3, 4, 7.5].map((step) => convert(step, unit, pace));
  assert.deepEqual(counts("step"), [0, 1, 2, 3, 4, 7.5]);
  assert.deepEqual(counts("epoch"), [0, 1 / 3, 2 / 3, 1, 4 / 3, 2.5]);
  assert.deepEqual(counts("images seen"), [0, 100, 200, 250, 350, 650]);
  assert.equal(convert(2.9, "images seen", pace), 250, "never more than the epoch has");
  const xaxis = { title: { text: "step" }, autorangeoptions: { include: [0, 30] }, tickformat: ",d" };
  const shapes = [{ x0: 3, x1: 3, line: {} }];
  const trace = { x: [0, 6], y: [1, 2], hovertemplate: "step %{x:,}: %{y}" };
  const chart = { layout: { xaxis, shapes, annotations: [{ x: 3, text: "a" }] }, data: [trace] };
  const changed = chartIn(chart, "images seen", pace);
  assert.equal(changed.layout.xaxis.title.text, "images seen");
  assert.deepEqual(changed.layout.xaxis.autorangeoptions.include, [0, 2500]);
  assert.deepEqual([changed.layout.shapes[0].x0, changed.layout.annotations[0].x], [250, 250]);
  assert.deepEqual(changed.data, [{ x: [0, 500], y: [1, 2], hovertemplate: "%{x:,} images: %{y}" }]);
  assert.equal(chartIn(chart, "epoch", undefined), chart, "a task without epochs");
  const other = { layout: { xaxis: { title: { text: "confidence" } } }, data: [trace] };
  assert.equal(chartIn(other, "epoch", pace), other);
});

test("a moment of the film has its own parts, and the curves of now, faint from there on", () => {
  const lines = [
    { name: "train", x: [1, 2, 5, 9], y: [4, 3, 2, 1], hovertemplate: "train", line: {} },
    { name: "guessing", x: [0, 120], y: [2, 2], hoverinfo: "skip" },
  ];
  const layout = {
    xaxis: { title: { text: "step" } },
    shapes: [{ x0: 3 }, { x0: 8 }],
    annotations: [{ x: 3, yref: "paper", text: "then" }, { x: 8, yref: "paper", text: "later" }, { x: 9, text: "W₁" }],
  };
  const curve = { name: "Loss", card: "Loss", sentence: "now", data: lines, layout };
  const bars = { name: "Weights", card: "Weights", sentence: "now", data: [{ x: [0] }], layout: { xaxis: {} } };
  const now = { run: "a", version: 9, parts: { head: { step: 9 }, Loss: curve, Weights: bars, Sharpness: { ...curve, name: "Sharpness" } } };
  const moment = { run: "a", version: 9, parts: { head: { step: 5 }, Loss: { name: "Loss", sentence: "then" }, Weights: { ...bars, sentence: "then" } } };
  const { parts } = past(now, moment, 5);
  assert.equal(parts.head.step, 5);
  assert.deepEqual([parts.Weights.sentence, parts.Loss.sentence, parts.Sharpness.sentence], ["then", "then", "Not measured yet."]);
  assert.deepEqual([parts.Weights.at, parts.Loss.at], [5, 5]);
  const [later, train, guessing] = parts.Loss.data;
  assert.deepEqual([train.x, train.y], [[1, 2, 5], [4, 3, 2]]);
  assert.deepEqual([later.x, later.y], [[5, 9], [2, 1]], "the line goes on from the last point");
  assert.ok(later.hoverinfo === "skip" && later.hovertemplate === undefined && later.opacity < 0.5 && !later.showlegend);
  assert.equal(guessing, lines[1]);
  assert.deepEqual(parts.Loss.layout.annotations.map((each) => each.text), ["then", "W₁"]);
  assert.deepEqual(parts.Loss.layout.shapes.map((each) => each.x0), [3, 5]);
  assert.ok(!csv(parts.Loss).includes(",9,"), "a table has nothing of what comes later");
  assert.ok(csv(curve).includes(",9,"));
  assert.deepEqual(curve.data[0].x, [1, 2, 5, 9], "the curve of now is not changed");
});

test("marks lie between the moments, which have equal distances", () => {
  const steps = [0, 1, 5, 105];
  assert.deepEqual([0, 1, 5, 105].map((step) => place(step, steps)), [0, 1 / 3, 2 / 3, 1]);
  assert.equal(place(3, steps), 0.5);
  assert.equal(place(55, steps), 2.5 / 3);
  assert.deepEqual([place(-1, steps), place(999, steps)], [0, 1]);
});

test("a film fetches each moment once, and forgets those of another run", async () => {
  const asked = [];
  const film = new Film(async (token, step) => {
    asked.push([token, step]);
    return step < 9 ? { run: "a", version: 1, parts: { head: { step } } } : null;
  });
  const now = new View({ run: "a", version: 1, parts: { head: { step: 9 } } }, "a.1");
  assert.equal(film.view(now, 3), now, "it is not here yet");
  assert.ok((await film.fetch("t", "a", 3)) && (await film.fetch("t", "a", 3)));
  assert.equal(film.view(now, 3).head.step, 3);
  assert.notEqual(film.view(now, 3).version, now.version);
  assert.equal(film.view(now, null), now);
  assert.equal(await film.fetch("t", "a", 9), false);
  assert.equal(await film.fetch("t", "b", 3), false, "a moment of the run before came late");
  assert.deepEqual(asked, [["t", 3], ["t", 9], ["t", 3]]);
});

/** As much of an element as the timeline needs. */
function element() {
  const classes = new Set();
  const inside = {};
  return {
    classList: { toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)), contains: (name) => classes.has(name) },
    style: { setProperty: () => {} },
    value: "0",
    max: "0",
    textContent: "Live",
    setAttribute: () => {},
    replaceChildren: () => {},
    querySelector: (name) => (inside[name] ??= element()),
  };
}

test("the timeline follows the run: after an alarm, another step, another run, another view", async () => {
  const film = { steps: [0, 1, 5], marks: [], size: "3 moments" };
  const timeline = new Timeline(element());
  timeline.draw(film, true, 9, "a");
  assert.deepEqual([timeline.steps, timeline.at], [[0, 1, 5], null], "it begins at the present");
  await timeline.go(1);
  assert.equal(timeline.at, 1);
  timeline.draw(film, false, 9, "a");
  assert.deepEqual([timeline.steps, timeline.at], [[], null], "the run looks for the cause of an alarm");
  timeline.draw(film, true, 9, "a");
  assert.deepEqual([timeline.steps, timeline.at], [[0, 1, 5], 1], "it rests at the same step again");
  timeline.draw({ ...film, steps: [0, 1, 5, 9] }, true, 10, "a");
  assert.equal(timeline.at, null, "after another step, the present is shown");
  await timeline.go(0);
  timeline.draw(film, true, 10, "b");
  assert.equal(timeline.at, null, "another run");
  const again = new Timeline(element());
  again.draw({ ...film, steps: [0, 1, 5, 9] }, true, 10, "a");
  assert.equal(again.at, 0, "after another view, the reader finds the place again");
  const inFile = new Timeline(element());
  inFile.inFile("End");
  inFile.draw(film, true, 9, "c");
  assert.equal(inFile.at, 0, "a file begins at the beginning");
  await inFile.go(99);
  assert.equal(inFile.at, null);
});
