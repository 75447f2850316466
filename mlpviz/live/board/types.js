// The types of the data from the server and from the page. Nothing here runs; only `tsc` reads it.

/** @typedef {{ dtype: string, bdata: string }} TypedArray an array in base64, in the form for Plotly */

/** @typedef {Record<string, any>} Trace one of Plotly's traces */

/**
 * @typedef {object} Chart
 * @property {string} name
 * @property {string} sentence what it shows now
 * @property {Trace[]} data
 * @property {Record<string, any>} layout
 * @property {string} card charts with the same card share one place, with a switch between them
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
 * @property {string} line the difference between a twin and the run
 */

/**
 * @typedef {object} Tiles
 * @property {string} sentence
 * @property {string[]} labels
 * @property {TypedArray} pixels int8, 28 × 28 for each label; −128 stands for a value that is not finite
 */

/** @typedef {Record<string, Chart | Head | Tiles | null>} Parts by name: "head", "tiles", and the name of each chart */

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
 * @typedef {object} BoardData what the page gives to the board at each run of its script
 * @property {string} token
 * @property {string} status the status for which the page has drawn its buttons
 * @property {string} plotly the address of Plotly
 * @property {boolean} stripOnly
 * @property {number | null} evaluations how many the page knows; null if it does not wait for new ones
 * @property {string[]} cards the cards to show; none for all
 * @property {Overlay[]} overlays
 * @property {Palette} palette
 */

/** @typedef {{ text: string, background: string, grid: string, font: string }} Theme */

export {};
