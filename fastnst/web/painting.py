"""The calls of the page: what visitors choose, and the same jobs of the runtime that the command line runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image

from fastnst.errors import FastnstError, UnknownStyle, UnreadableImage, did_you_mean
from fastnst.images.colors import parse_keep_color
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.runtime.batch.files import OpenFile, StylizeResult, paint_video_file
from fastnst.runtime.batch.outputs import find_jobs, style_in_file_name
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.spec import StylizerSpec
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.options import VideoOptions
from fastnst.styles.mix import Stroke, StyleMix
from fastnst.styles.painting import is_picture, read_painting
from fastnst.styles.registry import find_style, list_styles
from fastnst.web.limits import Limits
from fastnst.web.sessions import Session

PREVIEW_SIZE = 448
"""Longer side of a preview in pixels."""
SHOWN_SIZE = 1600
"""Longer side in pixels of what the page shows of a larger picture."""
KEPT_NETS = 6
"""Nets that are kept in memory for all visitors: each has many styles."""
QUALITY = 95
"""Quality of JPEG, as the command line's default."""
USUAL_STROKE = 0.5
"""Place of a slider of strokes that stands for the net's default."""

OnShare = Callable[[float, str], None]


@dataclass(frozen=True)
class Choice:
    """Style and options as a visitor chose them."""

    style: str
    """Name of a style: a shipped one, or one of the visitor's own."""
    other: str = ""
    """Name of a second style; empty for none."""
    share: float = 0.5
    """Share of the second style, 0..1."""
    strength: float = 1.0
    """Strength of the style, 0..1."""
    stroke: Stroke | None = None
    """Size of the strokes: `fine`, `medium`, `bold`, or 0..1; None for the net's default."""
    keep_color: str = ""
    """Colours of the photo to keep: `luminance`, `palette`, or none."""

    def stylizer(self, session: Session, device: Device, *, fast: bool = False) -> Stylizer:
        """Return the stylizer of the choice.

        Args:
            session: Session of the visitor, whose own styles have names too.
            device: Device that paints.
            fast: Whether to take the net for real time.

        Raises:
            UnknownStyle: There is no such style.
            FastnstError: The two styles can't be mixed, or a number is out of range.
        """
        return _loaded(replace(self._spec(session), fast=fast, device=device))

    def for_frames(self, session: Session, device: Device, at_once: int) -> Stylizer:
        """Return the stylizer of the choice for the camera.

        Args:
            session: Session of the visitor.
            device: Device that paints.
            at_once: Number of frames that are painted at a time.

        Raises:
            FastnstError: As for `stylizer`.
        """
        return _loaded(replace(self._spec(session), device=device).for_video(at_once))

    def _spec(self, session: Session) -> StylizerSpec:
        if not self.style:
            raise FastnstError("No style is chosen.", "Click one.")
        names = [self.style]
        if self.other and self.other != self.style and self.share > 0:
            names = [self.style, self.other] if self.share < 1 else [self.other]
        for name in names:
            check_name(name, session)
        nets = [name for name in names if session.styles.get(name, Path()).suffix == ".onnx"]
        if nets and len(names) > 1:
            raise FastnstError(
                f"{nets[0]} is a net of its own, and can't be mixed with another.",
                "Mix styles that come with fastnst, and paintings.",
            )
        if nets:
            return StylizerSpec(
                StyleMix(None, self.strength, stroke=self.stroke), session.styles[nets[0]]
            )
        shares = [1.0] if len(names) == 1 else [1 - self.share, self.share]
        files = [str(session.styles.get(name, name)) for name in names]
        parts = [f"{file}:{share:g}" for file, share in zip(files, shares, strict=True)]
        style = files[0] if len(files) == 1 else ",".join(parts)
        return StylizerSpec(StyleMix(style, self.strength, stroke=self.stroke))

    def options(self, *, mask: Path | None = None, max_size: int | None = None) -> PhotoOptions:
        """Return the options besides the style.

        Args:
            mask: Grey picture, white where to paint; None for all over.
            max_size: Largest longer side in pixels; None for the photo's.
        """
        return PhotoOptions(
            max_size=max_size,
            keep_color=parse_keep_color(self.keep_color),
            masks=() if mask is None else (str(mask),),
        )


def _loaded(spec: StylizerSpec) -> Stylizer:
    """Return the stylizer of a specification; those of one file share its net."""
    return load_net(spec.find(), spec.device, spec.threads).sharing_net(spec)


@lru_cache(KEPT_NETS)
def load_net(path: Path, device: Device, threads: int | None = None) -> Stylizer:
    """Return a stylizer of a file, whose net all visitors share.

    Raises:
        FastnstError: It is no style net.
    """
    return Stylizer(model=path, device=device, threads=threads)


def style_names(session: Session | None = None) -> list[str]:
    """Return the names of all styles: the visitor's own, then the shipped ones."""
    return [*(session.styles if session else ()), *list_styles()]


def paints_like_any() -> bool:
    """Return whether there are nets that paint in the style of any painting."""
    try:
        return all(find_style("painting.png", fast=fast) for fast in (False, True))
    except UnknownStyle:
        return False


def add_painting(upload: Path, session: Session, limits: Limits) -> str:
    """Make a painting a style of the visitor's own, and return its name: that of the file, with a number if it is taken.

    Raises:
        FastnstError: It is no painting, or there is no style in it.
    """
    limits.check_photo(upload)
    read_painting(upload)
    name = free_name(upload.stem, session)
    if not is_picture(upload.name):
        raise UnreadableImage(f"{upload.name} is no picture by its name.", "Name it painting.jpg.")
    folder = session.folder / "paintings"
    folder.mkdir(exist_ok=True)
    session.styles[name] = upload.rename(folder / f"{name}{upload.suffix}")
    return name


def free_name(stem: str, session: Session) -> str:
    """Return a name for a style of the visitor's own, that of its file, with a number if it is taken."""
    stem = re.sub(r"[\s.,:=]+", "-", stem).strip("-") or "painting"
    name, number, taken = stem, 1, style_names(session)
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def check_name(name: str, session: Session) -> None:
    """Check a style's name: the runtime would also open a file by its path.

    Raises:
        FastnstError: There is no such style.
    """
    names = style_names(session)
    if name not in names:
        raise UnknownStyle(f"There is no style {name!r}.", did_you_mean(name, names))


def as_stroke(place: float | None) -> float | None:
    """Return what a slider of strokes says; None, the net's default, where it stands in the middle."""
    return None if place == USUAL_STROKE else place


def paint_photo(
    photo: Path,
    choice: Choice,
    session: Session,
    limits: Limits,
    device: Device,
    *,
    mask: Path | None = None,
    on_share: OnShare | None = None,
) -> StylizeResult:
    """Paint a photo at its full size, into its folder, as `fastnst stylize` does.

    Raises:
        FastnstError: It can't be painted.
    """
    limits.check_photo(photo)
    (result,) = stylize(
        [photo], style=choice.stylizer(session, device), photo_options=choice.options(mask=mask),
        quality=QUALITY, overwrite=True, max_megapixels=limits.megapixels, on_share=on_share,
    )  # fmt: skip
    if result.error:
        raise FastnstError(result.error)
    return result


def paint_video(
    video: Path,
    choice: Choice,
    session: Session,
    limits: Limits,
    device: Device,
    *,
    options: VideoOptions,
    stop: Callable[[], bool],
    on_share: OnShare | None = None,
) -> StylizeResult:
    """Paint a video into its folder, as `fastnst stylize` does.

    Args:
        video: The video.
        choice: Style and options.
        session: Session of the visitor.
        limits: What the video is held to.
        device: Device that paints.
        options: The part that is painted, and how it is encoded.
        stop: Asked before each frame whether to end early; what is painted is kept.
        on_share: Called after each frame.

    Raises:
        FastnstError: It can't be painted, or was stopped before its first frame.
    """
    limits.check_video(video)
    stylizer = choice.stylizer(session, device)
    (job,) = find_jobs([video], None, style_in_file_name(stylizer))
    target = job.target
    if isinstance(target, FastnstError):
        raise target
    result = paint_video_file(
        OpenFile(video, target, []), stylizer, choice.options(), options, QUALITY, stop, on_share
    )
    if result.error:
        raise FastnstError(result.error)
    if result.output is None:
        raise FastnstError("Stopped before the first frame.")
    return result


def paint_preview(
    photo: Image.Image, choice: Choice, session: Session, device: Device, mask: Path | None = None
) -> Image.Image:
    """Paint a photo, which was made small before, by the net for real time."""
    stylizer = choice.stylizer(session, device, fast=True)
    return choice.options(mask=mask).paint(stylizer, photo)


def small_copy(photo: Path, limits: Limits, size: int = PREVIEW_SIZE) -> Image.Image:
    """Read a photo, RGB, no larger than a longer side in pixels.

    Raises:
        FastnstError: It is no photo within the limits.
    """
    limits.check_photo(photo)
    image = read_image(photo, max_pixels=limits.pixels).convert("RGB")
    return resize_long_edge(image, size) if max(image.size) > size else image
