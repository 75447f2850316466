// The keys in the gallery, and which part of the picture a tile shows.

import assert from "node:assert/strict";
import test from "node:test";

import { share, target } from "../../mlpviz/live/gallery/gallery.js";

test("the arrow keys move between tiles and between rows", () => {
  assert.equal(target("ArrowRight", 3, 48, 8), 4);
  assert.equal(target("ArrowDown", 3, 48, 8), 11);
  assert.equal(target("ArrowUp", 11, 48, 8), 3);
  assert.equal(target("Home", 11, 48, 8), 0);
  assert.equal(target("End", 11, 48, 8), 47);
});

test("other keys do nothing", () => {
  assert.ok(Number.isNaN(target("a", 3, 48, 8)));
});

test("the first and the last tile are at the ends of the picture", () => {
  assert.equal(share(0, 100), "0%");
  assert.equal(share(99, 100), "100%");
  assert.equal(share(0, 1), "0%");
});
