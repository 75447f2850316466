// Small helpers for the elements of the page.

/**
 * @param {Element} parent
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
