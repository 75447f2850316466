// Whether an element is in the part of the page that the reader sees, or just beyond it.

const BEYOND = "150px";

export class Sight {
  /**
   * @param {Element} element
   * @param {() => void} appear called when the element comes into sight
   */
  constructor(element, appear) {
    this.seen = true; // until the browser has looked
    const options = { rootMargin: BEYOND, scrollMargin: BEYOND };
    const observer = new IntersectionObserver((entries) => {
      const before = this.seen;
      this.seen = entries[entries.length - 1].isIntersecting;
      if (this.seen && !before) appear();
    }, options);
    observer.observe(element);
  }
}
