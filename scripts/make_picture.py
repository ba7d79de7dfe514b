"""Make the README's picture: the test photograph beside its painting by a bundled style.

python scripts/make_picture.py [STYLE]
"""

import sys
from pathlib import Path

from PIL import Image

from fastnst import Stylizer
from fastnst.images.read import read_image
from fastnst.images.write import write_image

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write .github/painted.jpg."""
    style = sys.argv[1] if len(sys.argv) > 1 else "in-the-rain"
    photo = read_image(ROOT / "tests" / "assets" / "astronaut.jpg")
    painted = Stylizer(style)(photo)
    both = Image.new("RGB", (photo.width * 2, photo.height))
    both.paste(photo, (0, 0))
    both.paste(painted, (photo.width, 0))
    write_image(ROOT / ".github" / "painted.jpg", both, quality=90)


if __name__ == "__main__":
    main()
