// Test images as tiles, all cut from one picture. A click or Enter opens one. The arrow keys move between tiles.

/**
 * @typedef {object} GalleryData
 * @property {[number, number, number, number | null][]} tiles index, true class, predicted class, confidence
 * @property {string} sprite a picture with these images, in the same order
 * @property {number} columns how many images are in a row of it
 * @property {string[]} classes
 * @property {number} brings how often the page asked to scroll here
 * @property {string} stamp tells tests and benchmarks what is drawn
 */

/** @type {WeakMap<Element, { wanted: string, brings: number }>} by the element from Streamlit, which stays the same over reruns */
const galleries = new WeakMap();

/**
 * @param {{ parentElement: HTMLElement, data: GalleryData, setTriggerValue: (name: string, value: number) => void }} component
 */
export function mount({ parentElement, data, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".gallery"));
  const known = galleries.get(parentElement);
  const wanted = JSON.stringify([data.tiles, data.sprite]);
  galleries.set(parentElement, { wanted, brings: data.brings });
  root.onclick = (event) => {
    const tile = event.target instanceof Element ? event.target.closest("button") : null;
    if (tile) setTriggerValue("open", Number(tile.dataset.index));
  };
  root.onkeydown = (event) => move(root, event);
  if (known?.wanted !== wanted) draw(root, data);
  if (known && data.brings > known.brings) bring(root);
  root.dataset.drawn = data.stamp; // for tests and benchmarks to read
  return () => {};
}

/** @param {HTMLElement} root */
function bring(root) {
  root.scrollIntoView({ block: "start" });
  root.querySelector("button")?.focus({ preventScroll: true }); // the keys go on from there, and a screen reader speaks
}

/**
 * @param {HTMLElement} root
 * @param {GalleryData} data
 */
function draw(root, { tiles, sprite, columns, classes }) {
  const rows = Math.ceil(tiles.length / columns);
  root.style.setProperty("--sprite", `url("${sprite}")`);
  root.replaceChildren(
    ...tiles.map(([index, truth, predicted, confidence], place) => {
      const tile = document.createElement("button");
      const right = truth === predicted;
      const sure = confidence === null ? "not a number" : `${Math.round(100 * confidence)} %`;
      tile.dataset.index = String(index);
      tile.tabIndex = place ? -1 : 0; // the tab key stops only once in the gallery; the arrow keys do the rest
      tile.className = right ? "right" : "wrong";
      tile.title = `Image ${index}`;
      tile.setAttribute(
        "aria-label",
        `${classes[truth]}, predicted ${right ? "correctly" : `as ${classes[predicted]}`}, confidence ${sure}`,
      );
      const picture = document.createElement("i");
      picture.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
      picture.style.backgroundPosition = `${share(place % columns, columns)} ${share(Math.floor(place / columns), rows)}`;
      tile.append(picture, line(classes[truth]), line(right ? `✓ ${sure}` : `→ ${classes[predicted]}`));
      if (!right) tile.append(line(sure));
      return tile;
    }),
  );
}

/**
 * The position of the background in CSS that shows the k-th of n tiles.
 * @param {number} k
 * @param {number} n
 */
export function share(k, n) {
  return `${n > 1 ? (100 * k) / (n - 1) : 0}%`;
}

/** @param {string} text */
function line(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}

/**
 * @param {HTMLElement} root
 * @param {KeyboardEvent} event
 */
function move(root, event) {
  const tiles = /** @type {HTMLElement[]} */ ([...root.children]);
  const at = tiles.findIndex((tile) => tile === document.activeElement);
  if (at < 0) return;
  const columns = getComputedStyle(root).gridTemplateColumns.split(" ").length;
  const to = target(event.key, at, tiles.length, columns);
  if (!tiles[to]) return;
  event.preventDefault();
  event.stopPropagation();
  tiles[at].tabIndex = -1;
  tiles[to].tabIndex = 0;
  tiles[to].focus();
}

/**
 * The tile that a key moves to; NaN for any other key.
 * @param {string} key
 * @param {number} at
 * @param {number} count
 * @param {number} columns
 */
export function target(key, at, count, columns) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : at + (steps[key] ?? NaN);
}
