// A figure's film as a video: each moment is drawn on a canvas, and the browser's own recorder makes the file.

const EACH = 250; // ms that a moment is shown
const LAST = 1500; // ms that the last one is shown
const TYPES = ["video/webm;codecs=vp9", "video/webm", "video/mp4"]; // Safari has no WebM

/** Whether this browser can record. */
export function canRecord() {
  return type() !== undefined && "captureStream" in HTMLCanvasElement.prototype;
}

function type() {
  return globalThis.MediaRecorder && TYPES.find((each) => MediaRecorder.isTypeSupported(each));
}

/**
 * @param {AsyncIterable<string>} pictures the addresses of the pictures, one after another
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob>}
 */
export async function record(pictures, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const stream = canvas.captureStream();
  const recorder = new MediaRecorder(stream, { mimeType: type(), videoBitsPerSecond: 4_000_000 });
  /** @type {Blob[]} */
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const stopped = new Promise((resolve, reject) => Object.assign(recorder, { onstop: resolve, onerror: reject }));
  const picture = new Image();
  const paint = () => context.drawImage(picture, 0, 0, width, height);
  let due = 0;
  try {
    for await (const address of pictures) {
      picture.src = address;
      await picture.decode();
      await wait(due - performance.now());
      paint();
      if (recorder.state === "inactive") recorder.start();
      due = performance.now() + EACH;
    }
    await wait(LAST);
    paint(); // otherwise the film would end with the first sight of the last picture
    await wait(EACH);
  } finally {
    if (recorder.state !== "inactive") recorder.stop();
    stream.getTracks().forEach((track) => track.stop());
  }
  await stopped;
  return new Blob(pieces, { type: recorder.mimeType });
}

/** @param {number} milliseconds */
function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
