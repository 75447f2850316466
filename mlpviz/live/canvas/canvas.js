// A canvas of 28 × 28 pixels to draw on, bright on black; each stroke's end sends the pixels to the page.

const SIDE = 28;

export function mount({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".drawing");
  root.drawing ??= new Drawing(root, data.pixels);
  root.drawing.send = (text) => setStateValue("pixels", text);
  return () => {};
}

class Drawing {
  constructor(root, pixels) {
    this.canvas = root.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.values = new Float32Array(SIDE * SIDE);
    if (pixels) Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0)).forEach((v, i) => (this.values[i] = v / 255));
    this.past = [];
    this.pen = 1;
    this.canvas.onpointerdown = (event) => this.begin(event);
    this.canvas.onpointermove = (event) => this.draw(event);
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.end();
    for (const button of root.querySelectorAll("button")) button.onclick = () => this[button.name](button, root);
    this.paint();
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.past.push(this.values.slice());
    if (this.past.length > 50) this.past.shift();
    this.last = this.place(event);
    this.drawing = true;
    this.draw(event);
  }

  draw(event) {
    if (!this.drawing) return;
    const to = this.place(event);
    const steps = Math.max(1, Math.ceil(4 * Math.hypot(to.x - this.last.x, to.y - this.last.y)));
    for (let i = 0; i <= steps; i++) {
      this.dab(this.last.x + ((to.x - this.last.x) * i) / steps, this.last.y + ((to.y - this.last.y) * i) / steps);
    }
    this.last = to;
    this.paint();
  }

  end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.tell();
  }

  // A soft, round pen, 1.6 pixels in radius; the eraser is the same in black.
  dab(x, y) {
    for (let row = Math.max(0, Math.floor(y - 3)); row <= Math.min(SIDE - 1, y + 3); row++) {
      for (let column = Math.max(0, Math.floor(x - 3)); column <= Math.min(SIDE - 1, x + 3); column++) {
        const touch = Math.max(0, Math.min(1, 2.1 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        const i = row * SIDE + column;
        this.values[i] = this.pen ? Math.max(this.values[i], touch) : Math.min(this.values[i], 1 - touch);
      }
    }
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
  }

  paint() {
    const image = this.context.createImageData(SIDE, SIDE);
    this.values.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
    this.context.putImageData(image, 0, 0);
  }

  tell() {
    const bytes = Uint8Array.from(this.values, (value) => Math.round(255 * value));
    this.send(btoa(String.fromCharCode(...bytes)));
  }

  erase(button) {
    this.pen = this.pen ? 0 : 1;
    button.setAttribute("aria-pressed", String(!this.pen));
  }

  undo() {
    if (!this.past.length) return;
    this.values = this.past.pop();
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
