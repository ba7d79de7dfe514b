// The wall: its pictures have the names of their styles, and the chosen one is marked, however it was chosen.
const wall = { chosen: "" };

function mark() {
  for (const button of document.querySelectorAll("#wall .thumbnail-item")) {
    const name = button.querySelector(".caption-label")?.textContent.trim() ?? "", pressed = String(name === wall.chosen);
    if (button.ariaLabel !== name) button.ariaLabel = name;
    if (button.ariaPressed !== pressed) button.ariaPressed = pressed;
  }
}

window.fastnst = {
  choose(name) {
    wall.chosen = name ?? "";
    mark();
  },
  chosen: () => wall.chosen,
};
new MutationObserver(mark).observe(document.body, { childList: true, subtree: true, characterData: true });

// The handle between before and after, which Gradio moves by the mouse alone, takes the keys of a slider.
const STEP = 0.05;

function handle() {
  const divider = document.querySelector("#result [data-testid=slider]");
  if (!divider) return {};
  const image = divider.parentElement.querySelector("img"), around = image.getBoundingClientRect();
  const width = Math.min(around.width, around.height * image.naturalWidth / image.naturalHeight);
  const picture = { left: around.left + (around.width - width) / 2, width }, own = divider.getBoundingClientRect();
  return { divider, picture, share: (own.left + own.width / 2 - picture.left) / width };
}

function describeHandle() {
  const { divider, share } = handle();
  if (!Number.isFinite(share)) return; // The picture is not there yet.
  const shown = { role: "slider", tabIndex: 0, ariaLabel: "Before and after", ariaValueMin: "0", ariaValueMax: "100",
    ariaValueNow: String(Math.round(100 * share)) };
  for (const [name, value] of Object.entries(shown)) if (divider[name] !== value) divider[name] = value;
}

document.addEventListener("keydown", (event) => {
  const { divider, picture, share } = handle();
  if (!divider || event.target !== divider) return;
  const to = { ArrowLeft: share - STEP, ArrowRight: share + STEP, ArrowDown: share - STEP, ArrowUp: share + STEP, Home: 0, End: 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const clientX = picture.left + Math.min(1, Math.max(0, to)) * picture.width;
  divider.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, view: window, clientX }));
  window.dispatchEvent(new MouseEvent("mouseup", { view: window, clientX }));
  requestAnimationFrame(describeHandle);
});
document.addEventListener("load", describeHandle, true);
document.addEventListener("mouseup", () => requestAnimationFrame(describeHandle));
new MutationObserver(describeHandle).observe(document.body, { childList: true, subtree: true });
