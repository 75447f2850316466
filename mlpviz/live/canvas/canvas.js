// A canvas of 28 × 28 pixels to draw on, bright on black, with the mouse, a finger or the keys. The end of each stroke
// sends the pixels to the page.

const SIDE = 28;
const RADIUS = 1.6; // of the pen, in pixels; its edge is half a pixel soft
const MOST_STROKES = 50; // how many strokes can be undone
const CURSOR = [213, 94, 0, 255]; // where the keys have taken the pen
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @type {WeakMap<Element, Drawing>} */
const drawings = new WeakMap();

/**
 * @param {{ parentElement: HTMLElement, data: { pixels: string | null },
 *           setStateValue: (name: string, value: string) => void }} component
 */
export function mount({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".drawing"));
  const drawing = drawings.get(root) ?? new Drawing(root, data.pixels);
  drawings.set(root, drawing);
  drawing.send = (text) => setStateValue("pixels", text);
  return () => {};
}

class Drawing {
  /**
   * @param {HTMLElement} root
   * @param {string | null} pixels in base64
   */
  constructor(root, pixels) {
    this.canvas = /** @type {HTMLCanvasElement} */ (root.querySelector("canvas"));
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    /** @type {(text: string) => void} */
    this.send = () => {};
    /** @type {Float32Array} */
    this.values = new Float32Array(SIDE * SIDE);
    if (pixels) Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0)).forEach((v, i) => (this.values[i] = v / 255));
    /** @type {Float32Array[]} the pixels before each stroke */
    this.past = [];
    this.pen = 1; // 0 for the eraser
    this.drawing = false;
    this.last = { x: SIDE / 2, y: SIDE / 2 };
    this.cursor = false; // whether the keys move the pen now
    this.canvas.onkeydown = (event) => this.onKey(event);
    this.canvas.onkeyup = (event) => event.key === "Shift" && this.end();
    this.canvas.onblur = () => this.leave();
    this.canvas.onpointerdown = (event) => this.begin(event);
    this.canvas.onpointermove = (event) => this.draw(event);
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.end();
    /** @type {Record<string, (button: HTMLButtonElement) => void>} by the buttons' names */
    const actions = { erase: (button) => this.erase(button), undo: () => this.undo(), clear: () => this.clear() };
    for (const button of root.querySelectorAll("button")) button.onclick = () => actions[button.name](button);
    this.paint();
  }

  /** @param {PointerEvent} event */
  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = false;
    this.last = this.place(event);
    this.beginStroke();
    this.draw(event);
  }

  beginStroke() {
    this.past.push(this.values.slice());
    if (this.past.length > MOST_STROKES) this.past.shift();
    this.drawing = true;
  }

  /**
   * The arrow keys move the pen; with Shift they draw; the space bar makes a dot.
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    const move = MOVES[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    this.cursor = true;
    const draws = event.key === " " || event.shiftKey;
    if (draws && !this.drawing) this.beginStroke();
    const [right, down] = move ?? [0, 0];
    const to = { x: within(this.last.x + right), y: within(this.last.y + down) };
    if (draws) this.line(to);
    this.last = to;
    this.paint();
    if (event.key === " ") this.end();
  }

  leave() {
    this.end();
    this.cursor = false;
    this.paint();
  }

  /** @param {PointerEvent} event */
  draw(event) {
    if (!this.drawing) return;
    this.line(this.place(event));
    this.paint();
  }

  /**
   * Draw from the last point to another.
   * @param {{ x: number, y: number }} to
   */
  line(to) {
    const steps = Math.max(1, Math.ceil(4 * Math.hypot(to.x - this.last.x, to.y - this.last.y)));
    for (let i = 0; i <= steps; i++) {
      this.dab(this.last.x + ((to.x - this.last.x) * i) / steps, this.last.y + ((to.y - this.last.y) * i) / steps);
    }
    this.last = to;
  }

  end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.tell();
  }

  /**
   * A soft, round pen; the eraser is the same in black.
   * @param {number} x
   * @param {number} y
   */
  dab(x, y) {
    for (let row = Math.max(0, Math.floor(y - 3)); row <= Math.min(SIDE - 1, y + 3); row++) {
      for (let column = Math.max(0, Math.floor(x - 3)); column <= Math.min(SIDE - 1, x + 3); column++) {
        const touch = Math.max(0, Math.min(1, RADIUS + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        const i = row * SIDE + column;
        this.values[i] = this.pen ? Math.max(this.values[i], touch) : Math.min(this.values[i], 1 - touch);
      }
    }
  }

  /** @param {PointerEvent} event */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
  }

  paint() {
    const image = this.context.createImageData(SIDE, SIDE);
    this.values.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
    if (this.cursor) image.data.set(CURSOR, 4 * (Math.floor(this.last.y) * SIDE + Math.floor(this.last.x)));
    this.context.putImageData(image, 0, 0);
  }

  tell() {
    const bytes = Uint8Array.from(this.values, (value) => Math.round(255 * value));
    this.send(btoa(String.fromCharCode(...bytes)));
  }

  /** @param {HTMLButtonElement} button */
  erase(button) {
    this.pen = this.pen ? 0 : 1;
    button.setAttribute("aria-pressed", String(!this.pen));
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.values = before;
    this.paint();
    this.tell();
  }

  clear() {
    this.past.push(this.values.slice());
    this.values.fill(0);
    this.paint();
    this.tell();
  }
}

/**
 * @param {number} place
 */
function within(place) {
  return Math.min(SIDE - 1, Math.max(0, place));
}
