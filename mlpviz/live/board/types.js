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
 * @property {number} [at] the step of an earlier moment, if it shows one
 * @property {Record<string, any> | null} log_axis how its axis looks on a logarithmic scale; null if there is no choice
 */

/**
 * @typedef {object} Headline
 * @property {string} status
 * @property {string} setting
 * @property {string} [brief] the settings that matter most, for those who don’t see the sidebar
 * @property {number} progress from 0 to 1
 * @property {[string, string, string][]} values label, value, note
 * @property {string} [speed] how fast the run trains, in words; only of a run
 */

/** @typedef {{ steps_per_epoch: number, batch_size: number, images: number }} Pace images: in an epoch */

/**
 * @typedef {object} Head everything above the figures
 * @property {string} status
 * @property {number} step
 * @property {string} notice
 * @property {string} notice_kind "alarm" or "note"
 * @property {Headline} headline
 * @property {number} evaluations
 * @property {Pace} [pace] only of a run
 * @property {string} line the difference between a twin and the run
 */

/**
 * @typedef {object} Tiles
 * @property {string} sentence
 * @property {string[]} labels
 * @property {TypedArray} pixels int8, 28 × 28 for each label; −128 stands for a value that is not finite
 */

/**
 * @typedef {object} CodeLine what one of the five lines did
 * @property {string} does
 * @property {string} short its result in a few words
 * @property {number} [share] of the time of a step
 * @property {string} [caption]
 * @property {[string, number, string][]} [bars] label, length from 0 to 1, value
 * @property {boolean} [cleared] the bars show what is gone
 * @property {string} [number]
 * @property {{ pixels: TypedArray, captions: [string, string, string][] }} [images] uint8, 28 × 28 each; for each the
 *   answer, its probability, and what would have been right, if the answer is wrong
 */

/**
 * @typedef {object} FiveLines
 * @property {string} title
 * @property {number} step the step that is shown line by line; 0 for none
 * @property {boolean} large whether there is time for pictures
 * @property {number} seconds how long it takes to play one step
 * @property {CodeLine[]} lines
 */

/**
 * @typedef {object} Examples the images that the network answers for
 * @property {string} kind why these
 * @property {boolean} own whether the first is the reader's own picture
 * @property {string[]} labels the true class of each
 * @property {(number | null)[]} images the index of each in the test set
 * @property {number} focus which one is drawn through the network
 * @property {TypedArray} pixels uint8, 28 × 28 each
 */

/**
 * @typedef {object} Answers
 * @property {string} sentence
 * @property {[string, number, boolean | null][]} answers for each example the answer, its probability, and whether it is
 *   right; null if nobody knows
 */

/**
 * @typedef {object} Layer the strongest units of a hidden layer
 * @property {string} name
 * @property {number[]} units
 * @property {string[]} labels
 * @property {TypedArray} pixels int8, 28 × 28 each
 */

/** @typedef {[number, number, number, number, string]} Edge column, from, to, strength from −1 to 1, value */

/**
 * @typedef {object} Network one image on its way through the network
 * @property {Layer[]} layers
 * @property {{ labels: string[], shares: number[], label: number | null, pixels: TypedArray | null }} outputs
 * @property {{ edges: Edge[], sentence: string, spoken: string }} forward
 * @property {{ edges: Edge[], sentence: string, spoken: string }} backward
 */

/**
 * @typedef {object} FilmPart
 * @property {number[]} steps of the moments that can be shown again
 * @property {[number, string, string][]} marks step, kind ("test", "change", "alarm"), text
 * @property {string} size in words
 */

/**
 * @typedef {Record<string, Answers | Chart | ClassNote | { seats: Tile[] } | Examples | Head | FilmPart | FiveLines | Network | Tiles | null>} Parts
 *   by name: "head", "lines", "examples", "answers", "network", "tiles", "film", and the name of each chart
 */

/**
 * @typedef {object} Tile a student of a class
 * @property {string} id
 * @property {string} name
 * @property {string} state of the run, in a few words
 * @property {boolean} away whether their page is closed
 * @property {boolean} predicts whether they have answered the question
 * @property {string} accuracy on the test set, in words
 * @property {number} share the same from 0 to 1
 * @property {string} color of an ill run; empty otherwise
 * @property {string} letter of an ill run; empty otherwise
 * @property {boolean} trains
 * @property {(number | null)[]} curve the loss, as shares of the height
 */

/**
 * @typedef {object} Question to a class
 * @property {string} id
 * @property {string} text
 * @property {string[]} options
 * @property {number | null} mine the option that this student chose
 * @property {number[]} counts how many chose each option; empty while they are hidden
 * @property {number | null} outcome the option that came true, if the teacher has said so
 */

/**
 * @typedef {object} ClassNote what a student's class says
 * @property {string} version
 * @property {string} name of the student
 * @property {number} round grows when the class gives this page another run
 * @property {number} students in the class
 * @property {string} sentence over the whole page; or empty
 * @property {Question | null} question
 */

/** @typedef {{ run: string, version: number, parts: Parts }} Snapshot */

/**
 * @typedef {object} Palette colours as #rrggbb
 * @property {string} negative
 * @property {string} positive
 * @property {string} zeroLight
 * @property {string} zeroDark
 * @property {string} notFinite
 */

/** @typedef {{ now: string, choices: [string, string, string][] }} SpeedChoices for each: name, button, description */

/** @typedef {[string, string, string]} Action something that the reader can do: name, button, description */

/**
 * @typedef {{ token: string, label: string, about: string, twin: boolean }} Overlay another run in the same figures; `about`
 *   says what is different in it, in a few words
 */

/**
 * @typedef {object} BoardData what the page gives to the board at each run of its script
 * @property {string} token
 * @property {string} status the status for which the page has drawn its buttons
 * @property {string} plotly the address of Plotly
 * @property {boolean} stripOnly
 * @property {boolean} inLesson whether a lesson is above it
 * @property {boolean} presenting whether the page is shown to a lecture hall
 * @property {number | null} evaluations how many the page knows; null if it does not wait for new ones
 * @property {number} filled how often the page has filled in its fields
 * @property {string} [end] what the way back from the film is called, if the board is in a file
 * @property {number} columns of the points that can be chosen in the figures, for the arrow keys; 0 if none can be
 * @property {number[] | null} chosen x and y of the point that is chosen now
 * @property {string[]} cards the cards to show; none for all
 * @property {Overlay[]} overlays
 * @property {Palette} palette
 * @property {SpeedChoices | null} speed null if nobody can choose it here
 * @property {Action[]} actions beside what is wrong, the most important first
 * @property {Action[]} tools in the card of the loss
 * @property {number | null} round which run of the class the page shows; null if it is in no class
 * @property {boolean} chooses whether the reader can choose the examples here
 * @property {string[]} code the five lines
 * @property {boolean} keys whether keyboard shortcuts act
 * @property {Record<string, import("./help.js").Help>} help by the name of the figure
 */

/**
 * @typedef {object} FigureData a figure by itself
 * @property {Chart} chart
 * @property {string} plotly the address of Plotly
 * @property {string} key zoom stays as it is while this is the same
 * @property {number} height of the plot, in px at the usual size of text
 * @property {boolean} choosable whether a click or the keys choose a point of the last trace
 * @property {number} columns how many points of it are in a row
 */

/** @typedef {{ text: string, background: string, grid: string, font: string, rem: number }} Theme */

export {};
