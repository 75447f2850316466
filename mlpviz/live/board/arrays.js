// Arrays as the server sends them.

/** @import { TypedArray } from "./types.js" */

/** @type {Record<string, any>} by NumPy's names */
const ARRAYS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };

/**
 * @param {TypedArray | number[] | undefined} array
 * @returns {any[]}
 */
export function numbers(array) {
  if (!array) return [];
  if (Array.isArray(array)) return array;
  const bytes = Uint8Array.from(atob(array.bdata), (c) => c.charCodeAt(0));
  return Array.from(new ARRAYS[array.dtype](bytes.buffer));
}

/**
 * How many numbers an array has. It may be in base64.
 * @param {TypedArray | number[]} values
 */
export function length(values) {
  if (Array.isArray(values)) return values.length;
  const padding = values.bdata.endsWith("==") ? 2 : values.bdata.endsWith("=") ? 1 : 0;
  const bytes = (values.bdata.length / 4) * 3 - padding;
  return bytes / Number(values.dtype.slice(1)); // "f4" means four bytes per number
}
