// The camera, painted: frames go to the server as JPEG, two at a time; those that it can't take are dropped.
const IN_FLIGHT = 2;
const QUALITY = 0.85;
const RECENT_MS = 2000;
const find = (id) => document.getElementById(`live-${id}`);
const visitor = () => document.querySelector("#visitor [data-name]")?.dataset.name ?? "";
const state = { stream: null, recorder: null, fresh: false, inFlight: 0, sent: 0, shown: 0, times: [], delay: 0, dropped: 0 };
const small = document.createElement("canvas");

function say(text) {
  find("figures").textContent = text;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function fillStyles() {
  const select = find("style");
  const names = await (await fetch(`live/styles?visitor=${encodeURIComponent(visitor())}`)).json();
  const chosen = select.value || window.fastnst.chosen();
  select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

async function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    say("This browser gives the camera to pages of this machine, or of https, alone.");
    return;
  }
  try {
    await fillStyles();
    state.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } }, audio: false });
  } catch (error) {
    say(`There is no camera: ${error.message}`);
    return;
  }
  const video = find("video");
  video.srcObject = state.stream;
  await video.play();
  Object.assign(state, { inFlight: 0, sent: 0, shown: 0, times: [], delay: 0, dropped: 0 });
  find("start").textContent = "Stop the camera";
  find("record").disabled = find("snapshot").disabled = false;
  next(state.stream);
}

function stop() {
  state.recorder?.stop();
  state.stream?.getTracks().forEach((track) => track.stop());
  state.stream = null;
  find("start").textContent = "Start the camera";
  find("record").disabled = find("snapshot").disabled = true;
}

// A new frame of the camera takes the place of one that was not sent yet.
function next(stream) {
  if (state.stream !== stream) return;
  if (!find("video")) return stop();
  find("video").requestVideoFrameCallback(() => {
    state.fresh = true;
    pump(stream);
    next(stream);
  });
}

function pump(stream) {
  if (state.stream !== stream || !state.fresh || state.inFlight >= IN_FLIGHT || !find("video")) return;
  state.fresh = false;
  send(stream);
}

async function send(stream) {
  const video = find("video");
  const scale = Math.min(1, Number(find("size").value) / Math.max(video.videoWidth, video.videoHeight));
  const width = Math.round(video.videoWidth * scale), height = Math.round(video.videoHeight * scale);
  if (small.width !== width || small.height !== height) Object.assign(small, { width, height });
  const pen = small.getContext("2d", { alpha: false });
  find("mirror").checked ? pen.setTransform(-1, 0, 0, 1, width, 0) : pen.resetTransform();
  pen.drawImage(video, 0, 0, width, height);
  const number = ++state.sent, began = performance.now();
  let painted = null;
  state.inFlight++;
  try {
    const jpeg = await new Promise((done) => small.toBlob(done, "image/jpeg", QUALITY));
    const asked = new URLSearchParams({
      visitor: visitor(), style: find("style").value, strength: find("strength").value, stroke: find("stroke").value,
    });
    const answer = await fetch(`live/frame?${asked}`, { method: "POST", body: jpeg });
    if (state.stream !== stream) return;
    if (answer.status === 503) {
      state.dropped++;
    } else if (!answer.ok) {
      say(await answer.text());
      stop();
    } else {
      painted = await answer.blob();
    }
  } catch (error) {
    if (state.stream === stream) {
      say(`The server does not answer: ${error.message}`);
      stop();
    }
  } finally {
    if (state.stream === stream) state.inFlight--;
    pump(stream);
  }
  if (painted && state.stream === stream) show(await createImageBitmap(painted), number, began);
}

function show(bitmap, number, began) {
  const canvas = find("canvas");
  if (number < state.shown || !canvas) return; // A later frame was there first, or the tab was left.
  state.shown = number;
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
  bitmap.close();
  const now = performance.now();
  state.times = state.times.filter((time) => now - time < RECENT_MS).concat(now);
  state.delay += ((now - began) - state.delay) / Math.min(state.times.length, 10);
  const rate = (state.times.length - 1) / Math.max((now - state.times[0]) / 1000, 0.001);
  if (state.times.length > 1) say(`${rate.toFixed(0)} frames a second, ${state.delay.toFixed(0)} ms behind`);
}

function record() {
  if (state.recorder) return state.recorder.stop();
  const parts = [], recorder = new MediaRecorder(find("canvas").captureStream());
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => {
    state.recorder = null;
    find("record").textContent = "Record";
    const kind = recorder.mimeType.includes("mp4") ? "mp4" : "webm";
    save(new Blob(parts, { type: recorder.mimeType }), `painted.${kind}`);
  };
  recorder.start();
  state.recorder = recorder;
  find("record").textContent = "Stop recording";
}

// The elements come and go with the tab, so the document listens.
document.addEventListener("click", (event) => {
  switch (event.target.id) {
    case "live-start": return state.stream ? stop() : start();
    case "live-record": return record();
    case "live-snapshot": return find("canvas").toBlob((blob) => save(blob, "painted.png"));
  }
});
new MutationObserver(() => {
  if (find("style") && !find("style").dataset.filled) {
    find("style").dataset.filled = true;
    fillStyles();
  }
}).observe(document.body, { childList: true, subtree: true });
