// The newest snapshot of one task, fetched from the server in parts and put together here. Each answer has only the
// parts that have changed since the last one.

/** @import { Answers, Chart, ClassNote, Examples, FilmPart, FiveLines, Head, Network, Snapshot, Tile, Tiles, Trace, TypedArray } from "./types.js" */

export const HEAD = "head";
export const TILES = "tiles";
export const ANSWERS = "answers"; // of the network, for the examples
export const NETWORK = "network"; // one example on its way through the network
const LINES = "lines";
const EXAMPLES = "examples";
const MEMBERS = "members"; // the students of a class
const CLASS = "class"; // what a student's class says
const FILM = "film"; // which moments can be shown again
const ARRAYS = "arrays"; // those that several lines of the figures share
const PERIOD = 200; // ms between two requests, if the server does not say
const PATIENCE = 8000; // ms until a request counts as lost

/** What the board draws: the parts of one snapshot. */
export class View {
  /**
   * @param {Snapshot | null} snapshot
   * @param {string} version a text that identifies it
   * @param {number} [at] the step of an earlier moment, if it is one
   */
  constructor(snapshot = null, version = "", at = undefined) {
    this.snapshot = snapshot;
    this.version = version;
    this.at = at;
  }

  /** @returns {Head | null} */
  get head() {
    return /** @type {Head | undefined} */ (this.snapshot?.parts[HEAD]) ?? null;
  }

  /** @returns {Tiles | null} */
  get tiles() {
    return /** @type {Tiles | undefined} */ (this.snapshot?.parts[TILES]) ?? null;
  }

  /** @returns {FiveLines | null} */
  get lines() {
    return /** @type {FiveLines | undefined} */ (this.snapshot?.parts[LINES]) ?? null;
  }

  /** @returns {Examples | null} */
  get examples() {
    return /** @type {Examples | undefined} */ (this.snapshot?.parts[EXAMPLES]) ?? null;
  }

  /** @returns {Answers | null} */
  get answers() {
    return /** @type {Answers | undefined} */ (this.snapshot?.parts[ANSWERS]) ?? null;
  }

  /** @returns {Network | null} */
  get network() {
    return /** @type {Network | undefined} */ (this.snapshot?.parts[NETWORK]) ?? null;
  }

  /** @returns {FilmPart | null} */
  get film() {
    return /** @type {FilmPart | undefined} */ (this.snapshot?.parts[FILM]) ?? null;
  }

  /** @returns {{ seats: Tile[] } | null} */
  get members() {
    return /** @type {{ seats: Tile[] } | undefined} */ (this.snapshot?.parts[MEMBERS]) ?? null;
  }

  /** @returns {Chart[]} in the order on the page */
  get charts() {
    return charts(this.snapshot);
  }
}

export class Feed extends View {
  /**
   * @param {string} token
   * @param {string} only the names of the wanted parts, separated by commas; empty for all
   */
  constructor(token, only = "") {
    super();
    this.token = token;
    this.only = only;
    /** @type {Map<string, number>} for each part: the version up to which we know all its changes */
    this.known = new Map();
    this.others = 0; // the same for all parts that we have not heard of
    this.heard = 0; // answers with news, so far
    this.askedAt = 0;
    this.period = PERIOD;
    this.attends = false; // whether to ask for news of the class
    /** @type {ClassNote | null | undefined} what the class says; undefined if it has not said anything yet */
    this.note = undefined;
  }

  /**
   * Ask the server. Returns the HTTP status, or 0 if it can't be reached. In a hidden tab, ask only for the head.
   * @param {string[]} without names of parts that nobody sees now
   * @returns {Promise<number>}
   */
  async ask(without = []) {
    const address = new URL(`live/${this.token}`, document.baseURI);
    const only = document.hidden ? HEAD : this.only;
    const wanted = only ? only.split(",") : [...this.known.keys()].filter((name) => !without.includes(name));
    if (this.snapshot) {
      const versions = wanted.map((name) => this.known.get(name) ?? 0);
      const have = Math.min(this.snapshot.version, ...versions, ...(only ? [] : [this.others]));
      address.searchParams.set("have", `${this.snapshot.run}.${have}`);
    }
    if (only) address.searchParams.set("only", only);
    else if (without.length) address.searchParams.set("without", without.join(","));
    if (document.hidden) address.searchParams.set("hidden", "1"); // the browser may delay the next request by a minute
    if (this.attends) address.searchParams.set("class", this.note?.version ?? "");
    const now = performance.now();
    if (this.askedAt) address.searchParams.set("after", String(Math.round(now - this.askedAt))); // to count the pages
    this.askedAt = now;
    try {
      const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      this.period = Number(response.headers.get("Mlpviz-Period")) || PERIOD;
      if (response.status === 200) this.take(await response.json(), wanted, only ? null : without);
      return response.status;
    } catch {
      return 0;
    }
  }

  /**
   * @param {Snapshot} newer
   * @param {string[]} wanted the names of the parts that were asked for, as far as they were known
   * @param {string[] | null} without the names of those that were left out; null if only the wanted ones were asked for
   */
  take(newer, wanted, without) {
    if (CLASS in newer.parts) {
      const { [CLASS]: note, ...parts } = newer.parts;
      this.note = /** @type {ClassNote | null} */ (note);
      newer = { ...newer, parts };
      if (!Object.keys(parts).length) return; // there is no other news
    }
    const same = this.snapshot?.run === newer.run;
    if (!same) this.known.clear();
    else for (const name of wanted) this.known.set(name, newer.version);
    for (const name of Object.keys(newer.parts)) this.known.set(name, newer.version);
    for (const name of without ?? []) if (!this.known.has(name)) this.known.set(name, 0);
    if (without) this.others = newer.version;
    else if (!same) this.others = 0;
    this.snapshot = merged(this.snapshot, newer);
    this.heard += 1;
    this.version = `${newer.run}.${this.heard}`;
  }
}

/**
 * The known snapshot, updated with the parts of a newer one. If the run is another one, nothing old is kept.
 * @param {Snapshot | null} known
 * @param {Snapshot} newer
 * @returns {Snapshot}
 */
export function merged(known, newer) {
  const same = known !== null && known.run === newer.run;
  const parts = same ? { ...known.parts, ...newer.parts } : { ...newer.parts };
  const arrays = /** @type {Record<string, TypedArray>} */ (parts[ARRAYS] ?? {});
  for (const name of Object.keys(newer.parts)) {
    const chart = /** @type {Chart | null} */ (parts[name]);
    if (chart?.data) parts[name] = { ...chart, data: chart.data.map((trace) => complete(trace, arrays)) };
  }
  return { ...newer, parts };
}

/**
 * The trace, with the shared arrays that it names.
 * @param {Trace} trace
 * @param {Record<string, TypedArray>} arrays
 * @returns {Trace}
 */
function complete(trace, arrays) {
  const values = Object.entries(trace).map(([key, value]) => [key, value?.array ? arrays[value.array] : value]);
  return Object.fromEntries(values);
}

/**
 * @param {Snapshot | null} snapshot
 * @returns {Chart[]}
 */
export function charts(snapshot) {
  const parts = /** @type {(Chart | null)[]} */ (Object.values(snapshot?.parts ?? {}));
  return parts.flatMap((part) => (part?.data ? [part] : []));
}
