// Plays the film of a run from a single file, without a server: the same board, with the parts that the server would
// send. `mlpviz/export/html.py` puts everything into the file.

/** @import { BoardData, Snapshot } from "../board/types.js" */

import { mount } from "../board/board.js";
import { find } from "../board/dom.js";
import { View, merged } from "../board/feed.js";

const CALM = 1000; // ms between two looks at the theme

/** The run where it rested when the file was made: it never changes. */
export class Still extends View {
  /** @param {Snapshot} snapshot */
  constructor(snapshot) {
    super(merged(null, snapshot), snapshot.run);
    this.token = snapshot.run;
    this.only = "";
    this.period = CALM;
  }

  async ask() {
    return 204;
  }
}

/**
 * A text that was deflated (RFC 1950) and written in base64.
 * @param {string} base64
 */
export async function inflated(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** @param {string} id of an element that holds such a text */
function packed(id) {
  return inflated(find(document, `#${id}`).textContent ?? "");
}

/** @param {string} source of a script, which is to run now */
function run(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

export async function play() {
  const note = find(document, ".loading");
  try {
    await run(await packed("plotly"));
    /** @type {{ board: BoardData, now: Snapshot }} */
    const { board, now } = JSON.parse(await packed("run"));
    const still = new Still(now);
    /** @type {Record<string, string>} by step */
    const moments = JSON.parse(find(document, "#moments").textContent ?? "{}");
    const moment = async (/** @type {string} */ _, /** @type {number} */ step) => JSON.parse(await inflated(moments[step]));
    const parentElement = find(document, "main");
    mount({ parentElement, data: { ...board, token: still.token }, setTriggerValue: () => {}, source: { feed: () => still, moment } });
    note.remove();
  } catch (error) {
    console.error(error);
    note.textContent = `This browser can’t play the film (${error}). Please try a newer one.`;
  }
}
