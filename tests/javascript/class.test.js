// The parts of a class's pages that do not need a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { older, predicted, spread } from "../../mlpviz/live/board/attendance.js";
import { Feed } from "../../mlpviz/live/board/feed.js";
import { curve, size } from "../../mlpviz/live/board/members.js";

test("a curve goes from left to right, with a gap where there is no number", () => {
  assert.equal(curve([1, 0.5, 0]), "M0.0 0.0L50.0 15.0L100.0 30.0");
  assert.equal(curve([1, null, 0]), "M0.0 0.0M100.0 30.0");
  assert.equal(curve([]), "");
});

test("the more students, the smaller the tiles", () => {
  assert.deepEqual([1, 12, 13, 40, 41, 200].map(size), ["large", "large", "medium", "medium", "small", "small"]);
});

test("a student reads what they predicted, and then what happened", () => {
  const question = { id: "q", text: "Why?", options: ["falls", "rises"], mine: 0, counts: [], outcome: null };
  assert.equal(predicted(question), "You predicted: falls.");
  assert.equal(predicted({ ...question, counts: [3, 1] }), "You predicted: falls. 3 of 4 students predicted this.");
  assert.equal(predicted({ ...question, counts: [3, 1], outcome: 0 }), "✓ You predicted: falls. That is what happened.");
  assert.equal(predicted({ ...question, counts: [3, 1], outcome: 1 }), "✗ You predicted: falls. What happened: rises.");
  assert.equal(predicted({ ...question, mine: null }), "You did not answer.");
  assert.equal(predicted({ ...question, mine: null, counts: [3, 1], outcome: 1 }), "You did not answer. What happened: rises.");
});

test("who did not answer reads what most have chosen", () => {
  const question = { id: "q", text: "Why?", options: ["falls", "rises"], mine: null, counts: [1, 3], outcome: null };
  assert.equal(predicted(question), "You did not answer. Most chose: rises (3 of 4).");
  assert.equal(predicted({ ...question, counts: [0, 0] }), "You did not answer.");
});

test("of two notes of the same class, the newer one counts", () => {
  const note = (version) => ({ version });
  assert.equal(older(note("a.1.5"), note("a.2.5")), true);
  assert.equal(older(note("a.2.4"), note("a.2.5")), true);
  assert.equal(older(note("a.10.5"), note("a.9.5")), false);
  assert.equal(older(note("a.2.5"), note("a.2.5")), false);
  assert.equal(older(note("a.1.1"), note("b.2.2")), false, "of another class");
});

test("the pages of a class run one after another, and all within 15 seconds", () => {
  const waits = Array.from({ length: 500 }, () => spread(200));
  assert.ok(Math.min(...waits) >= 0 && Math.max(...waits) <= 15_000 && Math.max(...waits) > 10_000);
  assert.ok(spread(1) <= 100);
});

test("news of the class alone leave the run as it is", () => {
  const feed = new Feed("token");
  feed.take({ run: "r", version: 7, parts: { head: { step: 1 } } }, [], []);
  const { version, snapshot } = feed;
  feed.take({ run: "", version: 0, parts: { class: { version: "a.1.1" } } }, ["head"], []);
  assert.deepEqual([feed.version, feed.snapshot, feed.note.version], [version, snapshot, "a.1.1"]);
  feed.take({ run: "r", version: 8, parts: { head: { step: 2 }, class: null } }, ["head"], []);
  assert.equal(feed.note, null);
  assert.deepEqual(Object.keys(feed.snapshot.parts), ["head"]);
  assert.equal(feed.head.step, 2);
});
