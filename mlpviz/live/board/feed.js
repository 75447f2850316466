// The newest snapshot of one task, fetched from the server in parts and put together here. Each answer has only the
// parts that have changed since the last one.

/** @import { Chart, Head, Snapshot, Tiles } from "./types.js" */

export const HEAD = "head";
const TILES = "tiles";
const PATIENCE = 8000; // ms until a request counts as lost

export class Feed {
  /**
   * @param {string} token
   * @param {string} only the names of the wanted parts, separated by commas; empty for all
   */
  constructor(token, only = "") {
    this.token = token;
    this.only = only;
    /** @type {Snapshot | null} */
    this.snapshot = null;
  }

  /**
   * Ask the server. Returns the HTTP status, or 0 if it can't be reached.
   * @returns {Promise<number>}
   */
  async ask() {
    const address = new URL(`live/${this.token}`, document.baseURI);
    if (this.snapshot) address.searchParams.set("have", this.version);
    if (this.only) address.searchParams.set("only", this.only);
    if (document.hidden) address.searchParams.set("hidden", "1"); // the browser may delay the next request by a minute
    try {
      const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (response.status === 200) this.snapshot = merged(this.snapshot, await response.json());
      return response.status;
    } catch {
      return 0;
    }
  }

  /** A text that identifies the current snapshot. */
  get version() {
    return this.snapshot ? `${this.snapshot.run}.${this.snapshot.version}` : "";
  }

  /** @returns {Head | null} */
  get head() {
    return /** @type {Head | undefined} */ (this.snapshot?.parts[HEAD]) ?? null;
  }

  /** @returns {Tiles | null} */
  get tiles() {
    return /** @type {Tiles | undefined} */ (this.snapshot?.parts[TILES]) ?? null;
  }

  /** @returns {Chart[]} in the order on the page */
  get charts() {
    return charts(this.snapshot);
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
  return { ...newer, parts: same ? { ...known.parts, ...newer.parts } : newer.parts };
}

/**
 * @param {Snapshot | null} snapshot
 * @returns {Chart[]}
 */
export function charts(snapshot) {
  const names = Object.keys(snapshot?.parts ?? {}).filter((name) => name !== HEAD && name !== TILES);
  return names.map((name) => /** @type {Chart} */ (snapshot?.parts[name]));
}
