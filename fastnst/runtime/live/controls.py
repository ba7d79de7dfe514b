"""Keys of the webcam's window, and what they change."""

from __future__ import annotations

from dataclasses import dataclass

from fastnst.styles.mix import StyleMix

STEP = 0.1
"""Change of the strength at a key press."""
STROKE_STEP = 0.25
"""Change of the stroke at a key press."""
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
"""Names of special keys and of aliases, by OpenCV's key code."""


@dataclass
class Controls:
    """State of the window that keys change."""

    styles: list[str]
    """Names to choose from."""
    mix: StyleMix
    """Style, strength and stroke that are painted now; the stroke is a number."""
    strokes: bool = True
    """True if the net has strokes of several sizes."""
    strengths: bool = True
    """True if the net has strengths below 1."""
    mirror: bool = False
    beside: bool = False
    full: bool = False
    figures: bool = True
    help: bool = False
    quit: bool = False
    message: str = ""
    """Effect of the last key, for the screen."""

    def press(self, key: str) -> str:
        """Take a key: a letter, or `left`, `right`, `up`, `down`.

        Returns:
            `record` or `snapshot`, for the caller to do; else nothing.
        """
        self.message = ""
        match key:
            case "left" | "right":
                step = 1 if key == "right" else -1
                style = self.mix.style
                at = self.styles.index(str(style)) if style in self.styles else -step
                self._choose(at + step)
            case "up" | "down":
                if self.strengths:
                    change = STEP if key == "up" else -STEP
                    strength = round(min(1.0, max(0.0, self.mix.strength + change)), 2)
                    self.mix = self.mix.changed(strength=strength)
                self.message = (
                    f"strength {self.mix.strength:g}" if self.strengths else "one strength"
                )
            case "+" | "-":
                if self.strokes:
                    change = STROKE_STEP if key == "+" else -STROKE_STEP
                    stroke = min(1.0, max(0.0, self.mix.stroke_size(0.0) + change))
                    self.mix = self.mix.changed(stroke=stroke)
                self.message = f"stroke {self.mix.stroke:g}" if self.strokes else "one stroke"
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
        self.message = self.styles[number % len(self.styles)]
        self.mix = self.mix.changed(self.message)


def named(code: int) -> str:
    """Return the name of a key by OpenCV's code; empty for no key."""
    if code in ARROWS:
        return ARROWS[code]
    code &= 0xFF if code >= 0 else 0
    return ARROWS.get(code, chr(code).lower() if 32 <= code < 127 else "")
