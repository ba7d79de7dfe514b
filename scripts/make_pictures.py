"""Make the pictures of the README and the docs: the test photograph, painted by the shipped files.

    python scripts/make_pictures.py [NAME ...]

Without a name, all of them, in .github/. The painting of `any` is drawn here, so that it is nobody else's.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from fastnst import Stylizer
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.runtime.photos.contact_sheet import write_contact_sheet
from fastnst.runtime.photos.options import PhotoOptions

ROOT = Path(__file__).resolve().parent.parent
SIDE = 320
"""Side in pixels of a picture in a strip."""
GAP = 4


def strip(pictures: list[Image.Image], height: int = SIDE) -> Image.Image:
    """Pictures side by side, of one height, with white between."""
    scaled = [p.resize((round(p.width * height / p.height), height)) for p in pictures]
    result = Image.new("RGB", (sum(p.width + GAP for p in scaled) - GAP, height), "white")
    left = 0
    for picture in scaled:
        result.paste(picture, (left, 0))
        left += picture.width + GAP
    return result


def headline(photo: Image.Image) -> Image.Image:
    """The photograph and four of the shipped styles."""
    styles = ("irises", "great-wave", "in-the-rain", "death-and-landsknecht")
    return strip([photo, *(Stylizer(style)(photo) for style in styles)])


def sheet(photo: Image.Image) -> Image.Image:
    """All shipped styles, with their names."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "photograph.png")
        photo.save(source)
        return write_contact_sheet(source, Path(folder, "sheet.png"), size=240)


def strokes(photo: Image.Image) -> Image.Image:
    """Fine, medium and bold strokes."""
    stylizer = Stylizer("irises")
    return strip([stylizer(photo, stroke=stroke) for stroke in ("fine", "medium", "bold")])


def strength(photo: Image.Image) -> Image.Image:
    """Strengths of 0, 0.35, 0.7 and 1."""
    stylizer = Stylizer("great-wave")
    return strip([stylizer(photo, strength=share) for share in (0, 0.35, 0.7, 1)])


def blend(photo: Image.Image) -> Image.Image:
    """From one style to another in five steps."""
    stylizer = Stylizer("starry-night")
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return strip(
        [stylizer(photo, f"starry-night:{1 - share},cafe-terrace:{share}") for share in shares]
    )


def painting() -> Image.Image:
    """Broad strokes in five colours along circles."""
    rng = np.random.default_rng(3)
    canvas = Image.new("RGB", (512, 512), "#17324d")
    draw = ImageDraw.Draw(canvas)
    colors = ("#e8573f", "#f2b134", "#f7eed6", "#2f8f83", "#17324d")
    for _ in range(900):
        x, y = rng.uniform(0, 512, 2)
        near = min(((150, 170), (370, 330)), key=lambda c: np.hypot(x - c[0], y - c[1]))
        angle = np.degrees(np.arctan2(y - near[1], x - near[0]))
        radius = np.hypot(x - near[0], y - near[1])
        box = (near[0] - radius, near[1] - radius, near[0] + radius, near[1] + radius)
        color = colors[int(radius / 34 + rng.uniform(0, 1.6)) % len(colors)]
        draw.arc(box, angle, angle + 2200 / max(radius, 30), color, width=int(rng.uniform(5, 12)))
    return canvas


def any_painting(photo: Image.Image) -> Image.Image:
    """A painting that no training saw, and the photograph in its style."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "painting.png")
        painting().save(file)
        return strip([painting(), photo, Stylizer(str(file))(photo)])


def masks(photo: Image.Image) -> Image.Image:
    """A mask, and the photograph with one style where it is white and another where it is black."""
    white = Image.new("L", photo.size, 255)
    ImageDraw.Draw(white).ellipse((130, 10, 330, 270), fill=0)
    ImageDraw.Draw(white).polygon([(40, 512), (130, 230), (330, 230), (470, 512)], fill=0)
    white = white.filter(ImageFilter.GaussianBlur(6))
    with TemporaryDirectory() as folder:
        files = (Path(folder, "around.png"), Path(folder, "within.png"))
        white.save(files[0])
        ImageOps.invert(white).save(files[1])
        options = PhotoOptions(masks=[f"{files[0]}=starry-night", f"{files[1]}=the-kiss"])
        return strip([white.convert("RGB"), options.paint(Stylizer("starry-night"), photo)])


def sizes(photo: Image.Image) -> Image.Image:
    """The photograph painted at 600 px and at 12 megapixels, and a part of the latter pixel for pixel."""
    stylizer, side = Stylizer("irises"), 256
    small, large = (
        stylizer(photo.resize((size, size), Image.Resampling.LANCZOS)) for size in (600, 3464)
    )
    left, top = (round(large.width * share) - side // 2 for share in (0.44, 0.24))
    return strip([small, large, large.crop((left, top, left + side, top + side))], side)


def video(_: Image.Image) -> Image.Image:
    """Frames of a pan over a photograph, and the same painted frame by frame by the net for videos."""
    photo = read_image(ROOT / "fastnst" / "web" / "assets" / "photos" / "pavilion.jpg")
    photo = photo.convert("RGB").resize((960, round(960 * photo.height / photo.width)))
    height = min(photo.height, 480)
    frames = [photo.crop((left, 0, left + 480, height)) for left in range(0, 481, 160)]
    stylizer = Stylizer("the-scream", fast=True)
    rows = [strip(part, 200) for part in (frames, [stylizer(frame) for frame in frames])]
    result = Image.new("RGB", (rows[0].width, 400 + GAP), "white")
    for number, row in enumerate(rows):
        result.paste(row, (0, number * (200 + GAP)))
    return result


PICTURES: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "headline": ("painted.jpg", headline),
    "styles": ("styles.webp", sheet),
    "strokes": ("strokes.webp", strokes),
    "strength": ("strength.webp", strength),
    "blend": ("blend.webp", blend),
    "any": ("any.webp", any_painting),
    "masks": ("masks.webp", masks),
    "sizes": ("sizes.webp", sizes),
    "video": ("video.webp", video),
}


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(PICTURES)}")
    photo = read_image(ROOT / "tests" / "assets" / "astronaut.jpg")
    for name in parser.parse_args().names or PICTURES:
        if name not in PICTURES:
            parser.error(f"there is no picture {name}; choose from {', '.join(PICTURES)}")
        file, make = PICTURES[name]
        write_image(ROOT / ".github" / file, make(photo), quality=70)


if __name__ == "__main__":
    main()
