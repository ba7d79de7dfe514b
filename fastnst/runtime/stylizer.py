"""A style, loaded once, that paints whatever picture it is called with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from fastnst.errors import BadStyleFile, DeviceUnavailable, FastnstError
from fastnst.images import Pixels, read_image, resize_longer, upright_srgb
from fastnst.runtime.mixing import Blend, RowWeights, Stroke, row_weights, shares
from fastnst.styles import CARD_KEY, Credit, StyleCard, find_style, list_styles, names_in, read_card

Device = Literal["auto", "cpu", "cuda", "coreml", "directml"]
PROVIDERS: dict[str, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""onnxruntime's name of each device, in the order in which `auto` tries them."""
PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "coreml": "onnxruntime"}
STYLE_WEIGHTS = "style_weights"
"""The second input of a file of many styles: how much of each row of scales and shifts, (rows,)."""
FOREIGN_MULTIPLE = 4
"""What sizes a net without a card is given: nearly all halve twice."""
MARGIN = 16
"""Pixels of reflected photo around what the net is given, cut off again: nets paint a line along their
very edge, of 5 to 9 of 255 for the shipped style, and none with this. A multiple of every `multiple_of`."""

FloatBatch: TypeAlias = npt.NDArray[np.float32]
Photo = TypeVar("Photo", Image.Image, Pixels)


class Stylizer:
    """A style, or all styles of a file, ready to paint.

    Example:
        >>> stylizer = Stylizer("great-wave")
        >>> stylizer("photo.jpg").save("painted.jpg")
        >>> stylizer("photo.jpg", style="the-kiss:0.6,great-wave:0.4", strength=0.8).save("mixed.jpg")
    """

    def __init__(
        self,
        style: str | os.PathLike[str],
        *,
        blend: Blend | None = None,
        strength: float = 1.0,
        stroke: Stroke = "fine",
        fast: bool = False,
        device: Device = "auto",
    ) -> None:
        """Load a style.

        Args:
            style: The name of a style; a blend of several of one file, `a:0.6,b:0.4`; or the path of an
                .onnx file: one of fastnst's, or any that takes one float
                RGB image (N, 3, H, W) in 0..255 and gives one back, as the fast-neural-style files of
                the ONNX model zoo do.
            blend: Of an .onnx file given by its path: which of its styles; None for the first.
            strength: 0 gives the photo, 1 the painting. For files of many styles, as `stroke`.
            stroke: `fine`, `bold`, or from 0 to 1 between them.
            fast: Take the faster net where a name has two.
            device: Where to run. `auto` takes the fastest that can load the style.

        Raises:
            UnknownStyle: There is no such style or file.
            BadStyleFile: The file is no style net.
            DeviceUnavailable: The device was asked for by name and is not there.
            FastnstError: A share, the strength or the stroke is out of range, or the file has none.
        """
        self.path = find_style(style if isinstance(style, str) else Path(style), fast=fast)
        self._session, self.device = _open_session(self.path, device)
        try:
            text = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        except UnicodeDecodeError as error:
            raise BadStyleFile(f"The metadata of {self.path} are damaged.") from error
        self.card = StyleCard.from_json(text, self.path) if text else None
        """The file's card; None for a file that fastnst did not write."""
        self._blend: Blend | None = blend
        if isinstance(style, str) and not style.lower().endswith(".onnx"):
            self._blend = style
        self._strength, self._stroke = strength, stroke
        self._rows = row_weights(self.path, self.card, self._blend, strength, stroke)
        self._inputs, self._output, self.fixed_size = _check_signature(
            self._session, self.path, len(self._rows)
        )
        self._multiple = self.card.multiple_of if self.card else FOREIGN_MULTIPLE
        self._minimum = self.card.minimum if self.card else FOREIGN_MULTIPLE

    @property
    def name(self) -> str:
        """The style's name, or those of a blend, as a part of file names."""
        return "-".join(shares(self._blend)) if self._blend else self.path.stem

    @property
    def styles(self) -> list[str]:
        """What the styles of the file are called."""
        return names_in(self.path, self.card)

    @property
    def note(self) -> str:
        """What a user should know before using it; empty for most."""
        if self.fixed_size is None:
            return ""
        height, width = self.fixed_size
        return f"{self.path.name} paints at {width}x{height} px only, so that is the size of what it gives."

    @overload
    def __call__(
        self,
        photo: str | os.PathLike[str],
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Image.Image: ...
    @overload
    def __call__(
        self,
        photo: Photo,
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Photo: ...
    def __call__(
        self,
        photo: str | os.PathLike[str] | Image.Image | Pixels,
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Image.Image | Pixels:
        """Paint a photo.

        Args:
            photo: A path, a Pillow image, or a uint8 RGB array (H, W, 3).
            size: Scale the photo so that its longer side has this many pixels; None keeps its size.
            style: Another style of the file, or a blend of its styles; None for the one it was loaded
                with, as for `strength` and `stroke`. To change them costs nothing.
            strength: 0 gives the photo, 1 the painting.
            stroke: `fine`, `bold`, or from 0 to 1 between them.

        Returns:
            An array for an array, else a Pillow image, of the photo's size (or `size`). It is RGB, or
            RGBA with the photo's own transparency if it has any. A net of one fixed size gives a
            picture that fits into that.

        Raises:
            UnreadableImage: The path is no picture.
            UnknownStyle: The file has no such style.
            FastnstError: The array is not uint8 (H, W, 3), the size is below 1, a share, the strength or
                the stroke is out of range, or memory ran out.
        """
        rows = self._rows
        if (style, strength, stroke) != (None, None, None):
            rows = row_weights(
                self.path,
                self.card,
                self._blend if style is None else style,
                self._strength if strength is None else strength,
                self._stroke if stroke is None else stroke,
            )
        try:
            return self._painted(photo, size, rows)
        except (MemoryError, OverflowError) as error:
            wish = f"with a longer side of {size} px" if size else "of this size"
            raise FastnstError(
                f"There is not enough memory to paint a picture {wish}.",
                "Give a smaller size: --size N",
            ) from error

    def _painted(
        self,
        photo: str | os.PathLike[str] | Image.Image | Pixels,
        size: int | None,
        rows: RowWeights,
    ) -> Image.Image | Pixels:
        if isinstance(photo, np.ndarray):
            _check_array(photo)
            image = Image.fromarray(photo)
        elif isinstance(photo, Image.Image):
            image = upright_srgb(photo)
        else:
            image = read_image(photo)
        image = self._scaled(image, size)
        painted = self._paint(np.asarray(image.convert("RGB")), rows)
        if isinstance(photo, np.ndarray):
            return painted
        result = Image.fromarray(painted)
        if image.mode == "RGBA":
            result.putalpha(image.getchannel("A"))
        return result

    def _scaled(self, image: Image.Image, size: int | None) -> Image.Image:
        if self.fixed_size is not None:
            height, width = self.fixed_size
            fit = min(width / image.width, height / image.height)
            return resize_longer(image, round(max(image.size) * fit))
        return image if size is None else resize_longer(image, size)

    def _paint(self, pixels: Pixels, rows: RowWeights) -> Pixels:
        """Pad to what the net takes, run it, crop, round."""
        height, width = pixels.shape[:2]
        before = 0 if self.fixed_size else MARGIN
        target = self.fixed_size or tuple(
            max(self._minimum, -(-(side + 2 * MARGIN) // self._multiple) * self._multiple)
            for side in (height, width)
        )
        after = (target[0] - height - before, target[1] - width - before)
        padded = np.pad(pixels, ((before, after[0]), (before, after[1]), (0, 0)), "reflect")
        batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        painted = self.run(batch, rows)[0, :, before : before + height, before : before + width]
        # In place: new memory of this size costs more than the rounding.
        return np.rint(painted, out=painted).transpose(1, 2, 0).astype(np.uint8)

    def run(self, batch: FloatBatch, rows: RowWeights | None = None) -> FloatBatch:
        """Run the bare net, without padding.

        Args:
            batch: float32 RGB (N, 3, H, W), 0..255; H and W are what the net takes.
            rows: How much of each row of scales and shifts, for a file of many styles; None for what
                the style was loaded with.

        Returns:
            The same shape and range.

        Raises:
            FastnstError: Memory ran out.
            BadStyleFile: The net failed.
        """
        try:
            given = (batch, self._rows if rows is None else rows)
            # A file of one style has no second input.
            feed = dict(zip(self._inputs, given, strict=False))
            (painted,) = self._session.run([self._output], feed)
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            height, width = batch.shape[2:]
            if "alloc" in str(error).lower():
                raise FastnstError(
                    f"There is not enough memory to paint {width}x{height} px at once.",
                    "Give a smaller size: --size N",
                ) from error
            raise BadStyleFile(
                f"{self.path} failed on a picture of {width}x{height} px: {_first_line(error)}."
            ) from error
        # Two looks without a copy: either is no number if one of the values is.
        low, high = (painted.min(), painted.max()) if painted.size else (0.0, 0.0)
        if painted.shape != batch.shape or not np.isfinite([low, high]).all():
            raise BadStyleFile(
                f"{self.path} is no style net: it made {list(painted.shape)} of {list(batch.shape)},"
                " or values that are no numbers."
            )
        result: FloatBatch = painted
        if low < 0 or high > 255:  # Not of files that fastnst wrote.
            result = np.clip(painted, 0, 255)
        return result


def _check_array(photo: Any) -> None:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise FastnstError(
            f"The array is {photo.dtype} of shape {photo.shape}.",
            "Give uint8 RGB of shape (height, width, 3).",
        )


def _open_session(path: Path, device: Device) -> tuple[ort.InferenceSession, str]:
    available = ort.get_available_providers()
    if device == "auto":
        candidates = [name for name, provider in PROVIDERS.items() if provider in available]
    elif device not in PROVIDERS:
        raise DeviceUnavailable(
            f"There is no device {device!r}.", f"Choose from: auto, {', '.join(PROVIDERS)}."
        )
    elif PROVIDERS[device] not in available:
        raise DeviceUnavailable(
            f"The device {device!r} is not available in the installed onnxruntime, which has: "
            f"{', '.join(name for name, provider in PROVIDERS.items() if provider in available)}.",
            f"Install it with: pip install {PACKAGES[device]}",
        )
    else:
        candidates = [device]
    options = ort.SessionOptions()
    options.log_severity_level = 4  # Errors come as exceptions; the log would print them again.
    for name in candidates:
        try:
            session = ort.InferenceSession(path, options, providers=[PROVIDERS[name]])
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            if name == candidates[-1]:
                raise BadStyleFile(
                    f"{path} can't be loaded as an ONNX net: {_first_line(error)}.",
                    "Give a style that `fastnst export` wrote, or see `fastnst styles`.",
                ) from error
            continue
        # onnxruntime itself falls back to the CPU with only a line in its log.
        if PROVIDERS[name] in session.get_providers():
            return session, name
    raise DeviceUnavailable(
        f"The device {device!r} could not be started.",
        "Check its driver, or run on the processor: --device cpu",
    )


def _check_signature(
    session: ort.InferenceSession, path: Path, rows: int
) -> tuple[list[str], str, tuple[int, int] | None]:
    """Names of the inputs and the output, and the height and width if they are fixed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    image = inputs[0] if inputs else None
    weights = [[STYLE_WEIGHTS, "tensor(float)", [rows]]] if rows > 1 else []
    if (
        image is None
        or [[node.name, node.type, node.shape] for node in inputs[1:]] != weights
        or image.type != "tensor(float)"
        or len(image.shape) != 4
        or image.shape[1] != 3
        or not outputs
        or outputs[0].type != "tensor(float)"
        or (len(outputs[0].shape) != 4 or outputs[0].shape[1] not in (3, None))
    ):
        taken = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs) or "nothing"
        raise BadStyleFile(
            f"{path} is no style net: it takes {taken}.",
            "A style net takes one float image of shape (N, 3, H, W) and gives one back.",
        )
    height, width = image.shape[2:]
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return [node.name for node in inputs], outputs[0].name, fixed


def _first_line(error: Exception) -> str:
    """What onnxruntime says, without its code and error number in front."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.removeprefix("[ONNXRuntimeError] : ").split(" : ", 2)[-1].rstrip(".")


def describe_styles() -> list[dict[str, Any]]:
    """The facts of every style that can be used, a row each: name, title, artist, ... size in MB."""
    rows = []
    for name, path in list_styles().items():
        card = read_card(path)
        if card is None:
            try:
                Stylizer(path, device="cpu")
            except FastnstError:
                continue  # Some other .onnx file that lies in one of the folders.
        credits = {credit.name: credit for credit in card.styles} if card else {"": Credit()}
        credit = credits.get(name, next(iter(credits.values())))
        rows.append(
            {
                "name": name,
                "title": credit.title,
                "artist": credit.artist,
                "year": credit.year,
                "licence": credit.licence,
                "net": card.net["name"] if card else "",
                "size_mb": round(path.stat().st_size / 1e6, 1),
            }
        )
    return rows
