// The live board: fetches a run's newest snapshot up to five times a second and draws what has changed. This does not run the page's script on
// the server, except when the run starts or stops by itself. Then the page runs once, because its buttons must change.

/** @import { View } from "./feed.js" */
/** @import { BoardData, Chart, ClassNote, Head, Snapshot } from "./types.js" */

import { find } from "./dom.js";
import { attendance, spread } from "./attendance.js";
import { Banner } from "./banner.js";
import { Cards } from "./cards.js";
import { Examples } from "./examples.js";
import { ANSWERS, Feed, HEAD, NETWORK, TILES } from "./feed.js";
import { Film, fetchMoment } from "./film.js";
import { addHelp } from "./help.js";
import { keepHistoryShort } from "./history.js";
import { readTheme } from "./layout.js";
import { Lines } from "./lines.js";
import { Members } from "./members.js";
import { Network } from "./network.js";
import { Overlays } from "./overlays.js";
import { canRecord } from "./record.js";
import { Speed } from "./speed.js";
import { Strip } from "./strip.js";
import { Tiles } from "./tiles.js";
import { Timeline } from "./timeline.js";

/** @typedef {View & { token: string, only: string, period: number, attends?: boolean, note?: ClassNote | null, ask: (without?: string[]) => Promise<number> }} Source of snapshots */
/** @typedef {{ feed: (token: string, only: string) => Source, moment: (token: string, step: number) => Promise<Snapshot | null> }} Sources */

/** @type {Sources} where everything comes from: the server, unless the board is in a file */
const SERVER = { feed: (token, only) => new Feed(token, only), moment: fetchMoment };

const CALM = 500; // ms between two fetches of a run that rests
const MOVING = ["training", "examining", "preparing"];
const ASK_AGAIN = 2000; // ms until the page is told again about a changed status, because a message can be lost

/** @type {WeakMap<Element, Board>} by the element from Streamlit, which stays the same over reruns */
const boards = new WeakMap();

/**
 * @param {{ parentElement: HTMLElement, data: BoardData, setTriggerValue: (name: string, value: string) => void, source?: Sources }} component
 */
export function mount({ parentElement, data, setTriggerValue, source = SERVER }) {
  const board = boards.get(parentElement) ?? new Board(parentElement, source);
  boards.set(parentElement, board);
  keepHistoryShort();
  board.show(data, setTriggerValue);
  return () => board.stop();
}

class Board {
  /**
   * @param {HTMLElement} parent
   * @param {Sources} source
   */
  constructor(parent, source) {
    this.source = source;
    this.root = find(parent, ".board");
    this.banner = new Banner(find(this.root, ".banner"));
    this.strip = new Strip(find(this.root, ".strip"), find(this.root, "progress"));
    this.speed = new Speed(find(this.root, ".speed"));
    this.lines = new Lines(find(this.root, ".five"));
    this.examples = new Examples(find(this.root, ".examples"));
    this.network = new Network(find(this.root, ".network"));
    this.members = new Members(find(this.root, ".members"));
    this.cards = new Cards(find(this.root, ".cards"));
    this.tiles = new Tiles(find(this.root, ".tiles"));
    this.overlays = new Overlays(find(this.root, ".line"));
    this.timeline = new Timeline(find(this.root, ".timeline"));
    this.timeline.moved = () => this.seek();
    this.film = new Film(source.moment);
    this.cards.film = async () => (await this.views()).map((view) => view.charts);
    this.network.film = this.tiles.film = () => this.views();
    this.seeking = false;
    this.missed = false; // whether the moment that the reader wanted last could not be fetched
    this.feed = source.feed("", "");
    this.root.dataset.refreshes = "0";
    this.turn = 0; // the number of the current loop
    this.stopped = false;
    this.drawn = ""; // which snapshot is shown
    this.look = ""; // colours and sizes in which it is drawn
    /** @type {string[]} */
    this.cardNames = [];
    this.plotlyUrl = "";
    this.offerTools = () => {};
    this.follows = false;
    this.pageState = "";
    this.announced = { state: "", status: "", at: 0 }; // what the page was last told
    /** @type {(state: string) => void} */
    this.tell = () => {};
    this.telling = ""; // what the page will be told soon
    /** @type {number | null} which run of the class the page shows; null if it is in no class */
    this.round = null;
    /** @type {(round: string) => void} */
    this.follow = () => {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.appear = () => this.wake();
    this.lines.ended = () => this.wake();
  }

  /**
   * Called at each run of the page's script, just after `stop`.
   * @param {BoardData} data
   * @param {(name: string, value: string) => void} setTriggerValue
   */
  show(data, setTriggerValue) {
    this.tell = (state) => setTriggerValue("status", `${data.filled} ${state}`);
    this.follows = data.evaluations !== null; // whether the page must know about each evaluation
    this.pageState = pageState(data.status, data.evaluations);
    this.cardNames = data.cards;
    this.root.classList.toggle("cards-only", this.cardNames.length > 0);
    this.root.classList.toggle("strip-only", data.stripOnly);
    this.root.classList.toggle("choosable", data.columns > 0);
    this.root.classList.toggle("in-lesson", data.inLesson);
    this.root.classList.toggle("presenting", data.presenting);
    this.overlays.choose(data.overlays);
    this.round = data.round;
    this.follow = (round) => setTriggerValue("class", `${data.filled} ${round}`);
    this.members.choose = (id) => setTriggerValue("member", id);
    this.stopped = false;
    document.addEventListener("visibilitychange", this.appear);
    this.speed.show(data.speed, (name) => setTriggerValue("speed", name), data.keys);
    this.timeline.listen(data.keys);
    if (data.end) this.timeline.inFile(data.end);
    this.lines.choose(data.code);
    const act = (/** @type {string} */ name) => setTriggerValue("action", name);
    this.banner.offer(data.actions, act);
    this.offerTools = () => this.cards.offer(data.tools, act);
    this.offerTools();
    this.examples.show(data.chooses ? (what) => setTriggerValue("examples", what) : null);
    this.network.show(data.palette, data.chooses ? (what) => setTriggerValue("examples", what) : null);
    this.tiles.palette = data.palette;
    this.cards.help = data.help;
    this.cards.chosen = data.columns
      ? {
          columns: data.columns,
          now: data.chosen,
          keeps: true,
          point: (point) => setTriggerValue("chosen", JSON.stringify(point)),
          rectangle: (corners) => setTriggerValue("zoomed", JSON.stringify(corners)),
        }
      : null;
    addHelp(this.examples.root, "What does it see?", data.help.Examples);
    addHelp(this.network.root, "Network", data.help.Network);
    addHelp(this.tiles.root, "First-layer weights", data.help.Tiles);
    this.plotlyUrl = new URL(data.plotly, document.baseURI).href;
    this.announced = { state: "", status: plain(data.status), at: performance.now() };
    const only = data.stripOnly ? HEAD : "";
    if (data.token !== this.feed.token || only !== this.feed.only) {
      this.feed = this.source.feed(data.token, only);
      this.drawn = "";
    }
    this.feed.attends = this.round !== null;
    if (data.chooses) this.attend();
    this.loop();
  }

  // What the class of this student says, if there is one.
  attend() {
    if (this.round === null) attendance.show(null, null, this.follow, this.root);
    else if (this.feed.note !== undefined) attendance.show(this.feed.note, this.round, this.follow, this.root);
  }

  stop() {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.appear);
    clearTimeout(this.timer);
    this.speed.stop();
    this.timeline.stop();
    this.turn += 1;
  }

  // The tab is in sight again, or the last line of a step is over: don't wait for the next fetch.
  wake() {
    if (document.hidden || this.stopped || !this.root.isConnected) return;
    clearTimeout(this.timer);
    this.loop();
  }

  // The reader has gone to another moment. Meanwhile the loop waits.
  async seek() {
    if (this.seeking) return;
    this.seeking = true;
    clearTimeout(this.timer);
    this.turn += 1;
    let shown;
    try {
      do {
        shown = this.timeline.at;
        const { token, snapshot } = this.feed;
        const there = shown === null || (snapshot && (await this.film.fetch(token, snapshot.run, shown)));
        if (shown !== null) this.missed = !there; // said until the reader goes to another moment
        if (!there) this.timeline.goLive();
        await this.take(200);
      } while (this.timeline.at !== shown && !this.stopped);
    } catch (error) {
      console.error(error);
    }
    this.seeking = false;
    if (!this.stopped) this.loop();
  }

  /** All moments of the film, and the present. */
  async views() {
    /** @type {View[]} */
    const all = [];
    const { token, snapshot } = this.feed;
    for (const step of this.timeline.steps) {
      if (snapshot && (await this.film.fetch(token, snapshot.run, step))) all.push(this.film.view(this.feed, step));
    }
    return [...all, this.feed];
  }

  /** What nobody sees need not be sent while it changes. Where the run rests, everything is fetched once. */
  unseen() {
    if (!MOVING.includes(this.feed.head?.status ?? "")) return [];
    const others = Object.entries({ [ANSWERS]: this.examples, [NETWORK]: this.network, [TILES]: this.tiles });
    return [...this.cards.unseen(), ...others.filter(([, part]) => !part.seen()).map(([name]) => name)];
  }

  async loop() {
    if (this.seeking) return; // it begins again after that
    const turn = (this.turn += 1);
    let due = performance.now();
    while (turn === this.turn) {
      const [status] = await Promise.all([this.feed.ask(this.unseen()), this.overlays.ask()]);
      if (turn !== this.turn) return; // the page has changed to another run in the meantime
      if (this.feed.attends) this.attend();
      let drawing = 0;
      try {
        drawing = await this.take(status);
      } catch (error) {
        console.error(error);
      }
      const now = performance.now();
      const moves = MOVING.includes(this.feed.head?.status ?? "");
      const period = moves ? this.feed.period : Math.max(CALM, this.feed.period);
      due = Math.max(due + period, now + Math.min(drawing, 200)); // a slow machine draws less often
      await new Promise((resolve) => (this.timer = setTimeout(resolve, due - now)));
    }
  }

  /**
   * Show what the server answered. Returns how many milliseconds the drawing took.
   * @param {number} status
   */
  async take(status) {
    if (status === 404) {
      this.banner.say("This run is no longer on the server. Perhaps another run needed its place. Reload the page to start it again.", "gone");
      this.strip.end("No longer on the server");
      return 0;
    }
    if (status !== 200 && status !== 204) {
      this.banner.say(status ? `The server could not answer (error ${status}). Trying again…` : "Connection lost. Trying again…", "lost");
      return 0;
    }
    const live = this.feed.head;
    if (!live) return 0;
    const rests = !MOVING.includes(live.status) && !this.cardNames.length;
    this.timeline.draw(this.feed.film, rests, live.step, this.feed.snapshot?.run ?? "");
    const view = this.film.view(this.feed, this.timeline.at);
    if (this.timeline.at !== null && view === this.feed && !this.seeking) {
      this.seek(); // the reader comes back from another view
      return 0;
    }
    const head = view.head ?? live;
    this.root.classList.toggle("past", view !== this.feed);
    this.root.classList.toggle("has-film", this.timeline.steps.length > 0 && canRecord());
    this.missed &&= rests;
    if (this.missed && !head.notice) this.banner.say("That moment could not be fetched. Please try it again.", "lost");
    else this.banner.say(head.notice, head.notice_kind);
    const look = JSON.stringify(readTheme(this.root));
    const all = this.overlays.changed() || look !== this.look; // the theme may change while nothing else does
    const news = view.version !== this.drawn; // perhaps a loop that was stopped has fetched it
    const turn = this.turn;
    if (!this.feed.only) this.lines.draw(this.cardNames.length ? null : view.lines, this.feed.snapshot?.run ?? "");
    const { step, status: before } = this.root.dataset;
    const waits = head.status === "training" && before === "training" && this.lines.plays(Number(step));
    const drawing = (news || all) && !waits ? await this.draw(view, head, all) : 0;
    if (turn !== this.turn || document.hidden || waits) this.overlays.news ||= all; // not all of it is drawn yet
    else Object.assign(this, { drawn: view.version, look });
    if (turn === this.turn) this.announce(live);
    return drawing;
  }

  /**
   * @param {View} view
   * @param {Head} head
   * @param {boolean} all whether to draw every figure, even if it has not changed
   */
  async draw(view, head, all) {
    const { turn } = this;
    this.strip.draw(head.headline);
    this.speed.draw(head.headline.speed);
    const drawing = this.feed.only || document.hidden ? 0 : await this.drawFigures(view, all);
    if (turn !== this.turn) return drawing; // a newer loop draws now
    const { dataset } = this.root; // tests and benchmarks read these
    dataset.step = String(head.step);
    dataset.status = head.status;
    dataset.refreshes = String(Number(dataset.refreshes) + 1);
    dataset.drawing = String(Math.round(drawing));
    return drawing;
  }

  /**
   * @param {View} view
   * @param {boolean} all
   */
  async drawFigures(view, all) {
    const some = this.cardNames.length > 0;
    const { examples, answers, network, tiles } = view;
    this.examples.draw(some ? null : examples, answers);
    this.network.draw(some ? null : network, examples, this.root, view.at);
    this.tiles.draw(some ? null : tiles, this.root, view.at);
    this.root.classList.toggle("classroom", view.members !== null);
    this.members.draw(view.members);
    const charts = some ? view.charts.filter((chart) => this.cardNames.includes(chart.card)) : view.charts;
    const pace = view.head?.pace;
    this.cards.counts = Boolean(pace);
    const over = (/** @type {Chart} */ chart) => this.overlays.over(chart, this.cards.unit.now, pace);
    const drawing = await this.cards.draw(charts, over, all, this.feed.snapshot?.run ?? "", this.root, this.plotlyUrl);
    this.offerTools(); // the first card is new
    if (view.members) this.cards.keep(charts); // a question is over
    return drawing;
  }

  /**
   * Tell the page about a status that its buttons don't show yet.
   * @param {Head} head
   */
  announce(head) {
    const state = pageState(head.status, this.follows ? head.evaluations : null);
    const status = plain(head.status);
    const now = performance.now();
    const hurry = !this.follows || status !== this.announced.status; // if only the evaluation is newer, it can wait
    const news = (hurry && state !== this.announced.state) || now - this.announced.at > ASK_AGAIN;
    if (state === this.pageState || !news) return;
    this.announced = { state, status, at: now };
    if (this.round === null) this.tell(state);
    else if (this.telling !== state) {
      this.telling = state; // not all pages of a class at once
      const { tell } = this;
      setTimeout(() => {
        if (this.telling === state) this.telling = "";
        if (tell === this.tell) tell(state); // the page has not run in the meantime
      }, spread(this.feed.note?.students));
    }
  }
}

/**
 * A text for what the page depends on. When it changes, the page has to run.
 * @param {string} status
 * @param {number | null} evaluations
 */
export function pageState(status, evaluations) {
  return evaluations === null ? plain(status) : `${plain(status)} ${evaluations}`;
}

/**
 * The buttons are the same in "preparing" and "paused".
 * @param {string} status
 */
function plain(status) {
  return status === "preparing" ? "paused" : status;
}
