// Where the nodes of the drawn network are, in % of its width and height.

/** @import { Edge } from "./types.js" */

const IMAGE_AT = 9; // the middle of the image
export const CLASSES_AT = 63; // the points of the classes

/**
 * The middle of a column, in % of the width. The image is column 0, the classes are the last one.
 * @param {number} column
 * @param {number} layers how many hidden layers there are
 */
export function columnAt(column, layers) {
  return IMAGE_AT + ((CLASSES_AT - IMAGE_AT) * column) / (layers + 1);
}

/**
 * The middle of a node, in % of the height.
 * @param {number} row
 * @param {number} rows
 */
export function rowAt(row, rows) {
  return (100 * (row + 0.5)) / rows;
}

/**
 * A curve from one node to another.
 * @param {Edge} edge
 * @param {number[]} counts of nodes in each column
 * @param {number} layers
 */
export function curve([column, from, to], counts, layers) {
  const [x0, x1] = [columnAt(column, layers), columnAt(column + 1, layers)];
  const [y0, y1] = [rowAt(from, counts[column]), rowAt(to, counts[column + 1])];
  const middle = (x0 + x1) / 2;
  return `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
}
