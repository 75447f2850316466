// The live board: fetches a run's newest snapshot twice a second and draws it. Nothing here runs a script on the server,
// but when the run starts or stops by itself: then the page, whose buttons depend on it, is asked to run once.

import { Cards } from "./cards.js";
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
    this.have = "";
    this.told = { status: null, at: 0 };
    this.root.dataset.refreshes = 0;
  }

  show(data, setTriggerValue) {
    this.tell = (status) => setTriggerValue("status", status);
    this.pageStatus = data.status;
    this.plotlyUrl = data.plotly;
    this.told.status = null;
    if (data.token !== this.token) {
      this.token = data.token;
      this.have = "";
      this.gone = false;
    }
    if (!this.running) {
      this.running = true;
      this.loop();
    }
  }

  stop() {
    // A rerun stops and shows the board in one breath; only a board that isn't shown again has gone.
    clearTimeout(this.timer);
    this.running = false;
    this.turn = (this.turn ?? 0) + 1;
  }

  async loop() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    let due = performance.now();
    while (this.running && turn === this.turn) {
      let drawing = 0;
      try {
        drawing = await this.refresh();
      } catch (error) {
        if (!(error instanceof TypeError || error.name === "TimeoutError" || error.name === "AbortError")) console.error(error);
        this.say("Connection lost. Trying again…", "lost");
      }
      const now = performance.now();
      due = Math.max(due + PERIOD, now + drawing / 2); // a slow machine draws less often
      await new Promise((resolve) => (this.timer = setTimeout(resolve, due - now)));
    }
  }

  // Fetch and draw; gives the milliseconds that the drawing took.
  async refresh() {
    const address = new URL(`live/${this.token}?have=${this.have}`, document.baseURI);
    const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (response.status === 404) {
      this.say("This run no longer exists on the server. Reload the page to begin it anew with the same settings.", "gone");
      return 0;
    }
    if (!response.ok) throw new TypeError(`status ${response.status}`);
    if (response.status === 204) {
      if (this.banner.dataset.kind === "lost") this.say(this.notice ?? "", "notice");
      return 0;
    }
    const snapshot = await response.json();
    const drawing = await this.draw(snapshot);
    this.root.dataset.drawing = Math.round(drawing);
    return drawing;
  }

  async draw(snapshot) {
    this.notice = snapshot.notice;
    this.say(snapshot.notice, "notice");
    this.strip.draw(snapshot.headline);
    this.tiles.draw(snapshot.tiles, this.root);
    const drawing = await this.cards.draw(snapshot.charts, snapshot.run, this.root, new URL(this.plotlyUrl, document.baseURI));
    this.have = `${snapshot.run}.${snapshot.version}`;
    this.root.dataset.step = snapshot.step;
    this.root.dataset.status = snapshot.status;
    this.root.dataset.refreshes = Number(this.root.dataset.refreshes) + 1;
    this.tellOf(snapshot.status === "preparing" ? "paused" : snapshot.status);
    return drawing;
  }

  tellOf(status) {
    const now = performance.now();
    const news = status !== this.told.status || now - this.told.at > ASK_AGAIN;
    if (status === this.pageStatus || !news) return;
    this.told = { status, at: now };
    this.tell(status);
  }

  say(text, kind) {
    this.banner.dataset.kind = kind;
    if (this.banner.textContent !== text) this.banner.textContent = text;
    this.banner.hidden = !text;
  }
}
