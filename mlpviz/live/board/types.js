// The shapes of what the server sends and the page hands over. Nothing here runs; `tsc` reads it.

/** @typedef {{ dtype: string, bdata: string }} TypedArray an array in base64, as Plotly takes it */

/** @typedef {Record<string, any>} Trace one of Plotly's traces */

/**
 * @typedef {object} Chart
 * @property {string} name
 * @property {string} sentence what it shows now
 * @property {Trace[]} data
 * @property {Record<string, any>} layout
 * @property {string} card charts of the same card share a place, and a switch between them
 * @property {boolean} log_switch
 */

/**
 * @typedef {object} Headline
 * @property {string} status
 * @property {string} setting
 * @property {number} progress from 0 to 1
 * @property {[string, string, string][]} values label, value, note
 */

/**
 * @typedef {object} Head everything above the figures
 * @property {string} status
 * @property {number} step
 * @property {string} notice
 * @property {string} notice_kind "alarm" or "note"
 * @property {Headline} headline
 * @property {number} evaluations
 * @property {string} line what a twin says of the difference
 */

/**
 * @typedef {object} Tiles
 * @property {string} sentence
 * @property {string[]} labels
 * @property {TypedArray} pixels int8, 28 × 28 for each label; −128 stands for a value that is not finite
 */

/** @typedef {Record<string, Chart | Head | Tiles | null>} Parts by name: "head", "tiles", and each chart's */

/** @typedef {{ run: string, version: number, parts: Parts }} Snapshot */

/**
 * @typedef {object} Palette colours as #rrggbb
 * @property {string} negative
 * @property {string} positive
 * @property {string} zeroLight
 * @property {string} zeroDark
 * @property {string} notFinite
 */

/** @typedef {{ token: string, label: string, twin: boolean }} Overlay another run in the same figures */

/**
 * @typedef {object} BoardData what the page hands over at each run of its script
 * @property {string} token
 * @property {string} status with which the page drew its buttons
 * @property {string} plotly where Plotly is
 * @property {boolean} stripOnly
 * @property {number | null} evaluations how many the page knows of, if it wants to hear of others
 * @property {string[]} cards the cards to show; none for all
 * @property {Overlay[]} overlays
 * @property {Palette} palette
 */

/** @typedef {{ text: string, background: string, grid: string, font: string }} Theme */

export {};
