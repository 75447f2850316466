// The live board: fetches a run's newest snapshot twice a second and draws it. Nothing here runs a script on the server,
// but when the run starts or stops by itself: then the page, whose buttons depend on it, is asked to run once.

import { Cards } from "./cards.js";
import { Overlays } from "./overlays.js";
import { Strip } from "./strip.js";
import { Tiles } from "./tiles.js";

const PERIOD = 500; // ms between two fetches
const PATIENCE = 8000; // ms until a fetch counts as lost
const ASK_AGAIN = 2000; // ms until the page is told of a changed status again

const boards = new WeakMap(); // by the element that Streamlit gives, which outlives reruns

export function mount({ parentElement, data, setTriggerValue }) {
  let board = boards.get(parentElement);
  if (!board) boards.set(parentElement, (board = new Board(parentElement)));
  board.show(data, setTriggerValue);
  return () => board.stop();
}

class Board {
  constructor(parent) {
    this.root = parent.querySelector(".board");
    this.banner = this.root.querySelector(".banner");
    this.strip = new Strip(this.root.querySelector(".strip"));
    this.cards = new Cards(this.root.querySelector(".cards"));
    this.tiles = new Tiles(this.root.querySelector(".tiles"));
    this.overlays = new Overlays(this.root.querySelector(".line"));
    this.root.dataset.refreshes = 0;
    this.turn = 0; // which loop is the present one
  }

  // Called at each run of the page's script, right after `stop`.
  show(data, setTriggerValue) {
    this.tell = (status) => setTriggerValue("status", status);
    this.follows = data.evaluations != null; // whether the page wants to hear of each evaluation
    this.pageState = this.follows ? `${plain(data.status)} ${data.evaluations}` : plain(data.status);
    this.stripOnly = data.stripOnly;
    this.cardNames = data.cards ?? [];
    this.root.classList.toggle("cards-only", this.cardNames.length > 0);
    this.overlays.choose(data.overlays ?? []);
    this.root.classList.toggle("strip-only", this.stripOnly);
    this.plotlyUrl = new URL(data.plotly, document.baseURI);
    this.told = { state: null, status: plain(data.status), at: performance.now() };
    if (data.token !== this.token) {
      this.token = data.token;
      this.have = "";
      this.snapshot = null;
    }
    this.loop();
  }

  stop() {
    clearTimeout(this.timer);
    this.turn += 1;
  }

  async loop() {
    const turn = (this.turn += 1);
    let due = performance.now();
    while (turn === this.turn) {
      const [answer] = await Promise.all([this.ask(), this.overlays.fetch()]);
      if (turn !== this.turn) return; // meanwhile the page showed another run
      let drawing = 0;
      try {
        drawing = await this.take(answer);
      } catch (error) {
        console.error(error);
      }
      const now = performance.now();
      due = Math.max(due + PERIOD, now + drawing / 2); // a slow machine draws less often
      await new Promise((resolve) => (this.timer = setTimeout(resolve, due - now)));
    }
  }

  // What the server answers: { status } and, with 200, { snapshot }. Status 0: it can't be reached.
  async ask() {
    const address = new URL(`live/${this.token}?have=${this.have}${this.stripOnly ? "&strip" : ""}`, document.baseURI);
    try {
      const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      return { status: response.status, snapshot: response.status === 200 ? await response.json() : null };
    } catch {
      return { status: 0, snapshot: null };
    }
  }

  // Show an answer; gives the milliseconds that the drawing took.
  async take({ status, snapshot }) {
    if (status === 404) {
      this.say("This run no longer exists on the server. Reload the page to begin it anew with the same settings.", "gone");
      return 0;
    }
    if (status !== 200 && status !== 204) {
      this.say("Connection lost. Trying again…", "lost");
      return 0;
    }
    if (snapshot) this.snapshot = snapshot;
    if (!this.snapshot) return 0;
    this.say(this.snapshot.notice, this.snapshot.notice_kind);
    const color = getComputedStyle(this.root).color;
    const news = snapshot || color !== this.color || this.overlays.changed();
    const drawing = news ? await this.draw(this.snapshot) : 0; // the theme may change at rest
    this.color = color;
    this.tellOf(this.snapshot);
    return drawing;
  }

  async draw(snapshot) {
    this.strip.draw(snapshot.headline);
    const drawing = this.stripOnly ? 0 : await this.drawFigures(snapshot);
    this.have = `${snapshot.run}.${snapshot.version}`;
    const { dataset } = this.root; // for tests and benchmarks to read
    dataset.step = snapshot.step;
    dataset.status = snapshot.status;
    dataset.refreshes = Number(dataset.refreshes) + 1;
    dataset.drawing = Math.round(drawing);
    return drawing;
  }

  async drawFigures(snapshot) {
    const some = this.cardNames.length > 0;
    this.tiles.draw(some ? null : snapshot.tiles, this.root);
    const charts = some ? snapshot.charts.filter((chart) => this.cardNames.includes(chart.card)) : snapshot.charts;
    const over = charts.map((chart) => this.overlays.over(chart));
    return this.cards.draw(over, snapshot.run, this.root, this.plotlyUrl);
  }

  // Tell the page of a status that its buttons don't show yet; again after a while, for a message can be lost.
  tellOf(snapshot) {
    const status = plain(snapshot.status);
    const state = this.follows ? `${status} ${snapshot.evaluations}` : status;
    const now = performance.now();
    const hurry = !this.follows || status !== this.told.status; // what is only a newer evaluation can wait
    const news = (hurry && state !== this.told.state) || now - this.told.at > ASK_AGAIN;
    if (state === this.pageState || !news) return;
    this.told = { state, status, at: now };
    this.tell(state);
  }

  say(text, kind) {
    this.banner.dataset.kind = kind;
    if (this.banner.textContent !== text) this.banner.textContent = text;
    this.banner.hidden = !text;
  }
}

// The buttons are the same while a run prepares as when it is paused.
function plain(status) {
  return status === "preparing" ? "paused" : status;
}
