"""What the keys of the webcam's window do."""

from __future__ import annotations

from dataclasses import dataclass

from fastnst.styles.mix import Blend

STEP = 0.1
"""What a key press changes the strength by."""
STROKE_STEP = 0.25
"""The same of the stroke."""
HELP = (
    ("left right", "style"),
    ("1 ... 9", "style by number"),
    ("up down", "strength"),
    ("- +", "stroke"),
    ("s", "photo beside it"),
    ("m", "mirror"),
    ("r", "record"),
    ("space", "snapshot"),
    ("f", "full screen"),
    ("o", "figures"),
    ("h", "help"),
    ("q", "quit"),
)
ARROWS = {
    # Of X and Wayland, of macOS, of Windows.
    **dict.fromkeys((65361, 63234, 2424832), "left"),
    **dict.fromkeys((65362, 63232, 2490368), "up"),
    **dict.fromkeys((65363, 63235, 2555904), "right"),
    **dict.fromkeys((65364, 63233, 2621440), "down"),
    # Of the pad of numbers, and with shift or without.
    **dict.fromkeys((65451, ord("=")), "+"),
    65453: "-",
    27: "q",
    ord("?"): "h",
    ord("n"): "right",
    ord("p"): "left",
}
"""What keys that are no letters, or mean what another does, are called here, by OpenCV's number."""


@dataclass
class Controls:
    """What the keys change."""

    styles: list[str]
    """Names to choose from."""
    style: Blend
    """The one at hand, or a blend."""
    strength: float = 1.0
    stroke: float = 0.0
    strokes: bool = True
    """Whether the net has sizes of them."""
    strengths: bool = True
    """Whether the net has them."""
    mirror: bool = False
    beside: bool = False
    full: bool = False
    figures: bool = True
    help: bool = False
    quit: bool = False
    message: str = ""
    """What the last key did, for the screen."""

    def press(self, key: str) -> str:
        """Take a key: a letter, or `left`, `right`, `up`, `down`.

        Returns:
            What is for others to do: `record`, `snapshot` or nothing.
        """
        self.message = ""
        match key:
            case "left" | "right":
                step = 1 if key == "right" else -1
                at = self.styles.index(self.style) if self.style in self.styles else -step
                self._choose(at + step)
            case "up" | "down":
                if self.strengths:
                    change = STEP if key == "up" else -STEP
                    self.strength = round(min(1.0, max(0.0, self.strength + change)), 2)
                self.message = f"strength {self.strength:g}" if self.strengths else "one strength"
            case "+" | "-":
                if self.strokes:
                    change = STROKE_STEP if key == "+" else -STROKE_STEP
                    self.stroke = min(1.0, max(0.0, self.stroke + change))
                self.message = f"stroke {self.stroke:g}" if self.strokes else "one stroke"
            case "s":
                self.beside = not self.beside
            case "m":
                self.mirror = not self.mirror
            case "f":
                self.full = not self.full
            case "o":
                self.figures = not self.figures
            case "h":
                self.help = not self.help
            case "q":
                self.quit = True
            case "r":
                return "record"
            case " ":
                return "snapshot"
            case _ if key.isdigit() and key != "0":
                if int(key) <= len(self.styles):
                    self._choose(int(key) - 1)
        return ""

    def _choose(self, number: int) -> None:
        self.style = self.message = self.styles[number % len(self.styles)]


def named(code: int) -> str:
    """What a key is called here, of OpenCV's number for it; empty for none."""
    if code in ARROWS:
        return ARROWS[code]
    code &= 0xFF if code >= 0 else 0
    return ARROWS.get(code, chr(code).lower() if 32 <= code < 127 else "")
