// A figure over the whole window, and back.

/**
 * Add a button that enlarges a figure. Escape, the button, or a click beside it brings it back.
 * @param {HTMLElement} figure
 * @param {HTMLElement} switches where the button goes
 * @param {() => void} changed called after the size has changed
 */
export function addEnlarge(figure, switches, changed) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "⤢", title: "Enlarge (Enter)" });
  button.className = "enlarge";
  button.setAttribute("aria-label", "Enlarge");
  button.onclick = () => (isLarge(figure) ? figure.hidePopover() : enlarge(figure));
  figure.addEventListener("toggle", (event) => {
    if (event.target !== figure) return; // the help box in it has opened or closed
    const large = isLarge(figure);
    if (!large) figure.removeAttribute("popover"); // otherwise it would be hidden
    Object.assign(button, large ? { textContent: "✕", title: "Back to its place (Esc)" } : { textContent: "⤢", title: "Enlarge (Enter)" });
    button.setAttribute("aria-label", large ? "Back to its place" : "Enlarge");
    changed();
  });
  switches.append(button);
}

/** @param {HTMLElement} figure */
export function isLarge(figure) {
  return figure.matches(":popover-open");
}

/** @param {HTMLElement} figure */
function enlarge(figure) {
  figure.setAttribute("popover", "auto");
  figure.showPopover();
}
