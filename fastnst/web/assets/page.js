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
