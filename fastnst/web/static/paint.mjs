// The whole page. The same file is the worker that runs the net, so that the page stays alive while it paints.
import { ground, levelSizes, resized } from "./levels.mjs";

const WALL_SIZE = 128;
const SETTLE_MS = 150;
const RECENT_MS = 2000;
const STEP = 16;
const CUT = 8;
const ORT = new URL("ort/", import.meta.url).href;

/** Shares of the net's rows at each level, the statistics of the paintings, and the side of the coarsest level, for a
    blend of styles, a strength and a stroke: as fastnst's StyleMix has them. `paintings` has the statistics of each
    painting by its name. */
export function styleOf(card, blend, strength, stroke, paintings) {
  const rows = Array.from({ length: card.levels }, () => new Float32Array(card.rows));
  const statistics = new Float32Array(card.statistics), shown = [];
  const total = Object.values(blend).reduce((sum, share) => sum + share, 0);
  for (const [name, share] of Object.entries(blend)) {
    const part = share / total, painting = paintings[name];
    const own = painting ? card.rows - card.identity - card.predicted : card.styles.indexOf(name) * card.levels;
    rows.forEach((shares, level) => { shares[own + level] += strength * part; });
    if (painting) shown.push([part, painting]);
  }
  if (card.identity) for (const shares of rows) shares[card.rows - 1] = 1 - strength;
  if (shown.length) collage(shown, statistics);
  return { rows, statistics, base: card.base * card.stroke_range ** (1 - 2 * stroke) };
}

/** Means and deviations of a collage that shows paintings in shares of its area. */
function collage(shown, result) {
  const half = result.length / 2, total = shown.reduce((sum, [share]) => sum + share, 0);
  for (let k = 0; k < half; k++) {
    let mean = 0, square = 0;
    for (const [share, given] of shown) {
      mean += (share / total) * given[k];
      square += (share / total) * (given[half + k] ** 2 + given[k] ** 2);
    }
    result[k] = mean;
    result[half + k] = Math.sqrt(Math.max(square - mean ** 2, 0));
  }
}

/** Whether two styles are the same. */
function alike(one, other) {
  const equal = (a, b) => a.every((value, k) => value === b[k]);
  return one.base === other.base && equal(one.statistics, other.statistics)
    && one.rows.every((shares, level) => equal(shares, other.rows[level]));
}

/** Place in a row of n pixels that is continued by its mirror image again and again. */
function mirrored(place, n) {
  if (n === 1) return 0;
  const period = 2 * (n - 1), at = ((place % period) + period) % period;
  return at < n ? at : period - at;
}

function padded(side, card) {
  return Math.max(card.minimum, Math.ceil((side + 2 * card.padding) / card.multiple_of) * card.multiple_of);
}

// ---------------------------------------------------------------- the worker

async function work() {
  let card, session, ort, device, describer, kept;

  async function open({ threads }) {
    card = await (await fetch(new URL("net.json", import.meta.url))).json();
    const net = await (await fetch(new URL("net.onnx", import.meta.url))).arrayBuffer();
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    for (device of adapter ? ["webgpu", "wasm"] : ["wasm"]) {
      ort = await import(`${ORT}ort.${device}.min.mjs`);
      ort.env.wasm.wasmPaths = ORT;
      ort.env.wasm.numThreads = threads;
      try {
        session = await ort.InferenceSession.create(net, { executionProviders: [device] });
        return { card, device, threads };
      } catch (error) {
        if (device === "wasm") throw error;
      }
    }
  }

  /** Statistics of a painting. */
  async function describe({ pixels, width, height }) {
    describer ??= ort.InferenceSession.create(
      await (await fetch(new URL("painting.onnx", import.meta.url))).arrayBuffer(), { executionProviders: [device] },
    );
    const plane = width * height, data = new Float32Array(3 * plane);
    for (let k = 0; k < plane; k++) for (let c = 0; c < 3; c++) data[c * plane + k] = pixels[4 * k + c];
    const painting = new ort.Tensor("float32", data, [1, 3, height, width]);
    return Float32Array.from(await (await (await describer).run({ painting })).statistics.getData());
  }

  /** Pixels, and a border of their mirror image, as the net takes them. */
  function planes(pixels, width, height, h, w) {
    const plane = h * w, data = new Float32Array(3 * plane), at = new Int32Array(w);
    for (let x = 0; x < w; x++) at[x] = 4 * mirrored(x - card.padding, width);
    for (let y = 0; y < h; y++) {
      const line = 4 * width * mirrored(y - card.padding, height);
      for (let x = 0, to = y * w; x < w; x++, to++) {
        const from = line + at[x];
        data[to] = pixels[from];
        data[to + plane] = pixels[from + 1];
        data[to + 2 * plane] = pixels[from + 2];
      }
    }
    return new ort.Tensor("float32", data, [1, 3, h, w]);
  }

  /** Paint a picture over a canvas of the same size. */
  async function paintLevel(pixels, canvas, width, height, rows, statistics) {
    const h = padded(height, card), w = padded(width, card), plane = h * w;
    const each = (values) => new ort.Tensor("float32", values, card.style_each ? [1, values.length] : [values.length]);
    const feed = { image: planes(pixels, width, height, h, w), style_weights: each(rows) };
    feed.canvas = planes(canvas, width, height, h, w);
    if (card.statistics) feed.statistics = each(statistics);
    const output = await session.run(feed);
    const painted = await output.stylized.getData();
    const result = new Uint8ClampedArray(4 * width * height);
    for (let y = 0, to = 0; y < height; y++) {
      for (let x = 0, from = (y + card.padding) * w + card.padding; x < width; x++, from++, to += 4) {
        result[to] = painted[from]; // Rounded, as the type of the array does.
        result[to + 1] = painted[from + plane];
        result[to + 2] = painted[from + 2 * plane];
        result[to + 3] = pixels[4 * (y * width + x) + 3];
      }
    }
    return result;
  }

  /** Paint a picture from coarse to fine, each level over the one below. A live one that follows closely on another is
      painted over what lay under that. */
  async function paint({ pixels, width, height, style, live }) {
    const { rows, statistics, base } = style, sizes = levelSizes(height, width, base), last = sizes.length - 1;
    const level = (number, picture, canvas, w, h) =>
      paintLevel(picture, canvas, w, h, rows[Math.min(number, rows.length - 1)], statistics);
    let canvas;
    if (live && kept?.fresh && same(kept, style, pixels, width, height)) {
      canvas = kept.canvas;
      kept.fresh = false;
    } else {
      canvas = ground(...sizes[0]);
      for (let number = 0; number < last; number++) {
        const [h, w] = sizes[number], [nextH, nextW] = sizes[number + 1];
        canvas = await level(number, resized(pixels, width, height, w, h), canvas, w, h);
        canvas = resized(canvas, w, h, nextW, nextH);
      }
      kept = live && { fresh: true, style, pixels, width, height, canvas };
    }
    return level(last, pixels, canvas, width, height);
  }

  /** Whether a frame has the style and the size of the kept one, and shows nearly the same: as kept_levels.py has it. */
  function same(kept, style, pixels, width, height) {
    if (kept.width !== width || kept.height !== height || !alike(kept.style, style)) return false;
    let sum = 0, count = 0;
    for (let y = 0; y < height; y += STEP) {
      for (let x = 0; x < width; x += STEP, count += 3) {
        const at = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) sum += Math.abs(pixels[at + c] - kept.pixels[at + c]);
      }
    }
    return sum < CUT * count;
  }

  let last = Promise.resolve();
  onmessage = ({ data: { id, job, ...given } }) => {
    last = last.then(async () => {
      try {
        const result = await { open, describe, paint }[job](given);
        postMessage({ id, result }, result.buffer ? [result.buffer] : []);
      } catch (error) {
        postMessage({ id, error: String(error?.message ?? error) });
      }
    });
  };
}

// ---------------------------------------------------------------- the page

function page() {
  const find = (id) => document.getElementById(id);
  const state = { card: null, style: "", photo: null, stream: null, recorder: null, turn: 0, times: [], paintings: {} };
  const worker = new Worker(import.meta.url, { type: "module" });
  const waiting = new Map();
  let jobs = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error === undefined ? resolve(result) : reject(new Error(error));
  };
  const call = (job, given, move = []) => new Promise((resolve, reject) => {
    waiting.set(++jobs, { resolve, reject });
    worker.postMessage({ id: jobs, job, ...given }, move);
  });
  const say = (text) => { find("status").textContent = text; };

  function blend() {
    const other = find("other").value, share = Number(find("share").value);
    if (!other || other === state.style || share === 0) return { [state.style]: 1 };
    return share === 1 ? { [other]: 1 } : { [state.style]: 1 - share, [other]: share };
  }

  /** Pixels of a picture, no larger than a longer side. */
  function scaled(source, width, height, size) {
    const scale = Math.min(1, size / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  }

  const style = () => styleOf(
    state.card, blend(), Number(find("strength").value), Number(find("stroke").value), state.paintings,
  );

  async function painted(image, style, live = false) {
    const pixels = image.data.slice();
    const result = await call("paint", { pixels, width: image.width, height: image.height, style, live }, [pixels.buffer]);
    return new ImageData(result, image.width, image.height);
  }

  function show(before, after) {
    for (const [id, image] of [["before", before], ["after", after]]) {
      const canvas = find(id);
      if (canvas.width !== image.width || canvas.height !== image.height) {
        canvas.width = image.width;
        canvas.height = image.height;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
  }

  async function paintPhoto() {
    const turn = ++state.turn;
    if (!state.photo || !state.style || state.stream) return;
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    if (turn !== state.turn) return;
    say("Painting");
    const began = performance.now();
    const image = scaled(state.photo, state.photo.width, state.photo.height, Number(find("size").value));
    const after = await painted(image, style());
    if (turn !== state.turn) return;
    show(image, after);
    find("save").disabled = false;
    say(`${state.style}, ${image.width}x${image.height} px, ${((performance.now() - began) / 1000).toFixed(2)} s`);
  }

  async function paintWall() {
    const photo = state.photo;
    const image = scaled(photo, photo.width, photo.height, WALL_SIZE);
    for (const button of find("wall").children) {
      if (photo !== state.photo) return;
      const plain = styleOf(state.card, { [button.dataset.style]: 1 }, 1, state.card.default_stroke, state.paintings);
      const result = await painted(image, plain);
      const canvas = button.querySelector("canvas");
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext("2d").putImageData(result, 0, 0);
    }
    if (!state.style) say("Click a style.");
  }

  async function take(file) {
    try {
      state.photo = await createImageBitmap(file);
    } catch {
      say(`${file.name} is not a picture that this browser can read.`);
      return;
    }
    stop();
    const small = scaled(state.photo, state.photo.width, state.photo.height, Number(find("size").value));
    show(small, small);
    say("Painting the wall");
    paintPhoto();
    await paintWall();
  }

  function addStyle(name, first = false) {
    const button = document.createElement("button"), canvas = document.createElement("canvas"), label = document.createElement("span");
    Object.assign(button, { type: "button", title: name });
    button.dataset.style = label.textContent = name;
    button.setAttribute("aria-pressed", "false");
    button.append(canvas, label);
    button.onclick = () => choose(name);
    first ? find("wall").prepend(button) : find("wall").append(button);
    find("other").append(new Option(name, name));
  }

  /** Make a painting a style, and choose it. */
  async function takePainting(file) {
    let painting;
    try {
      painting = await createImageBitmap(file);
    } catch {
      say(`${file.name} is not a picture that this browser can read.`);
      return;
    }
    say("Looking at the painting");
    const { width, height } = painting, side = state.card.painting_side;
    const size = Math.min(Math.max(width, height), Math.round((side * Math.max(width, height)) / Math.sqrt(width * height)));
    const image = scaled(painting, width, height, size);
    const stem = file.name.replace(/\.[^.]*$/, "") || "painting";
    let name = stem;
    for (let number = 2; name in state.paintings || state.card.styles.includes(name); number++) name = `${stem}-${number}`;
    state.paintings[name] = await call("describe", { pixels: image.data, width: image.width, height: image.height });
    addStyle(name, true);
    choose(name);
    if (state.photo) paintWall();
    else say("Drop a photo.");
  }

  async function start() {
    try {
      state.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      say(`There is no camera: ${error.message}`);
      return;
    }
    const video = document.createElement("video");
    Object.assign(video, { srcObject: state.stream, muted: true, playsInline: true });
    await video.play();
    if (!state.style) choose(state.card.styles[0]);
    if (Number(find("size").value) > 640) find("size").value = "480";
    find("camera").textContent = "Stop the camera";
    find("record").disabled = find("save").disabled = false;
    state.times = [];
    const stream = state.stream;
    while (state.stream === stream) { // The newest frame, as soon as the one before it is painted.
      const image = scaled(video, video.videoWidth, video.videoHeight, Number(find("size").value));
      const began = performance.now(), after = await painted(image, style(), true);
      if (state.stream !== stream) break;
      show(image, after);
      const now = performance.now();
      state.times = state.times.filter((time) => now - time < RECENT_MS).concat(now);
      const rate = (state.times.length - 1) / Math.max((now - state.times[0]) / 1000, 0.001);
      say(`${rate.toFixed(1)} frames a second, ${(now - began).toFixed(0)} ms behind`);
    }
  }

  function stop() {
    state.recorder?.stop();
    state.stream?.getTracks().forEach((track) => track.stop());
    state.stream = null;
    find("camera").textContent = "Start the camera";
    find("record").disabled = true;
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function record() {
    if (state.recorder) return state.recorder.stop();
    const parts = [], recorder = new MediaRecorder(find("after").captureStream());
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      state.recorder = null;
      find("record").textContent = "Record";
      save(new Blob(parts, { type: recorder.mimeType }), recorder.mimeType.includes("mp4") ? "painted.mp4" : "painted.webm");
    };
    recorder.start();
    state.recorder = recorder;
    find("record").textContent = "Stop recording";
  }

  function choose(name) {
    state.style = name;
    for (const button of find("wall").children) button.setAttribute("aria-pressed", button.dataset.style === name);
    paintPhoto();
  }

  function divide() {
    find("before").style.clipPath = `inset(0 ${100 * (1 - Number(find("divide").value))}% 0 0)`;
  }

  async function begin() {
    if (await isolated()) return; // The page loads again, with threads.
    const threads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    const { card, device } = await call("open", { threads });
    state.card = card;
    find("stroke").value = card.default_stroke;
    for (const name of card.styles) addStyle(name);
    find("like").hidden = !card.predicted;
    const asked = new URLSearchParams(location.search);
    if (card.styles.includes(asked.get("style"))) choose(asked.get("style"));
    for (const id of ["strength", "stroke"]) if (asked.has(id)) find(id).value = asked.get(id);
    say(`Drop a photo. (${device === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} ${threads > 1 ? "threads" : "thread"}`})`);
    document.body.dataset.ready = device;
  }

  /** Set up the worker that keeps the page for offline use; return whether the page loads again because of it. */
  async function isolated() {
    if (!("serviceWorker" in navigator) || !isSecureContext) return false;
    await navigator.serviceWorker.register("keep.js");
    await navigator.serviceWorker.ready;
    if (crossOriginIsolated || sessionStorage.getItem("again")) return false;
    sessionStorage.setItem("again", "1");
    location.reload();
    return true;
  }

  find("file").onchange = ({ target }) => target.files[0] && take(target.files[0]);
  find("painting").onchange = ({ target }) => target.files[0] && takePainting(target.files[0]);
  for (const kind of ["dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      find("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    });
  }
  addEventListener("paste", (event) => event.clipboardData.files[0] && take(event.clipboardData.files[0]));
  find("camera").onclick = () => (state.stream ? stop() : start());
  find("record").onclick = record;
  find("save").onclick = () => find("after").toBlob((blob) => save(blob, `painted-${state.style}.png`));
  for (const id of ["strength", "stroke", "other", "share", "size"]) find(id).oninput = paintPhoto;
  find("other").addEventListener("input", () => { find("share").parentElement.hidden = !find("other").value; });
  addEventListener("unhandledrejection", ({ reason }) => say(`It can't be painted: ${reason?.message ?? reason}`));
  find("divide").oninput = divide;
  divide();
  begin().catch((error) => say(`The net can't be loaded: ${error.message}`));
}

typeof document === "undefined" ? work() : page();
