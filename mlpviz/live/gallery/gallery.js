// Test images as tiles, all cut from one picture. A click, or Enter, opens one; the arrow keys go from tile to tile.

const COLUMNS = 100;
const galleries = new WeakMap(); // by the element that Streamlit gives, which outlives reruns

export function mount({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  const known = galleries.get(parentElement);
  const wanted = JSON.stringify([data.tiles, data.sprite]);
  galleries.set(parentElement, wanted);
  root.onclick = (event) => {
    const tile = event.target.closest("button");
    if (tile) setTriggerValue("open", Number(tile.dataset.index));
  };
  root.onkeydown = (event) => move(root, event);
  if (known !== wanted) draw(root, data);
  root.dataset.drawn = data.stamp; // for tests and benchmarks to read
  return () => {};
}

function draw(root, { tiles, sprite, rows, classes }) {
  const url = new URL(sprite, document.baseURI);
  root.replaceChildren(
    ...tiles.map(([index, truth, predicted, confidence], place) => {
      const tile = document.createElement("button");
      const right = truth === predicted;
      const sure = Number.isFinite(confidence) ? `${Math.round(100 * confidence)} %` : "no number";
      tile.dataset.index = index;
      tile.tabIndex = place ? -1 : 0; // one stop for the tab key; the arrows do the rest
      tile.className = right ? "right" : "wrong";
      tile.title = `Image ${index}`;
      tile.setAttribute(
        "aria-label",
        right ? `${classes[truth]}, rightly, at ${sure}` : `${classes[truth]}, taken for ${classes[predicted]} at ${sure}`,
      );
      const picture = document.createElement("i");
      picture.style.backgroundImage = `url("${url}")`;
      picture.style.backgroundSize = `${100 * COLUMNS}% ${100 * rows}%`;
      picture.style.backgroundPosition = `${share(index % COLUMNS, COLUMNS)} ${share(Math.floor(index / COLUMNS), rows)}`;
      tile.append(picture, line(classes[truth]), line(right ? `✓ ${sure}` : `→ ${classes[predicted]}`));
      if (!right) tile.append(line(sure));
      return tile;
    }),
  );
}

// Where CSS wants the background so that the k-th of n tiles shows.
function share(k, n) {
  return `${n > 1 ? (100 * k) / (n - 1) : 0}%`;
}

function line(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}

function move(root, event) {
  const tiles = [...root.children];
  const at = tiles.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = getComputedStyle(root).gridTemplateColumns.split(" ").length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const to = event.key === "Home" ? 0 : event.key === "End" ? tiles.length - 1 : at + (steps[event.key] ?? NaN);
  if (!tiles[to]) return;
  event.preventDefault();
  event.stopPropagation();
  tiles[at].tabIndex = -1;
  tiles[to].tabIndex = 0;
  tiles[to].focus();
}
