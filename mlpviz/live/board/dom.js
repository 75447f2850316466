// Small helpers for the elements of the page.

/**
 * @param {Element | Document} parent
 * @param {string} selector of an element that is there
 */
export function find(parent, selector) {
  return /** @type {HTMLElement} */ (parent.querySelector(selector));
}

/**
 * Change a text only if it is different, because screen readers read each text that is set.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Whether somebody is writing there, so that a key is a letter of a text.
 * @param {EventTarget | null} target
 */
export function isWriting(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["radio", "checkbox", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
