"""Styles as augmentation: a callable that paints the images of a data set in styles drawn by chance."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnst.errors import FastnstError
from fastnst.images.kinds import to_batch
from fastnst.images.pixels import Pixels
from fastnst.runtime.batch.choices import AnyStyle, find_choices
from fastnst.runtime.engine.devices import ON_PROCESSOR, Device
from fastnst.runtime.engine.spec import StylizerSpec
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.draw import RANDOM, Range, StyleDraws, content_key
from fastnst.styles.mix import StyleMix

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

AT_ONCE = 16
"""Images that a graphics card paints at a time."""


class StyleAugment:
    """Transform that paints images in styles drawn by chance, and leaves the others as they are.

    It takes a Pillow image, a uint8 array (H, W, 3) or (N, H, W, 3), a uint8 tensor of torch (3, H, W) or (N, 3, H, W),
    a list of images, or a batch of columns, and returns the same: kind, size and device. Size and geometry stay, so
    labels, boxes and masks stay right. What is drawn for an image depends on the seed, its pixels and the epoch alone.

    It can be pickled and sent to other processes, by fork or spawn. Each process opens sessions of its own when it
    paints its first image.

    Example:
        >>> augment = StyleAugment(strength=(0.3, 1.0), share=0.5, seed=0)
        >>> transforms.Compose([augment, ToTensor()])  # torchvision
        >>> dataset.map(augment, batched=True)  # Hugging Face datasets
        >>> dataset.map_batches(StyleAugment, fn_constructor_kwargs={"seed": 0}, batch_format="numpy")  # Ray Data
    """

    def __init__(
        self,
        styles: AnyStyle | Sequence[AnyStyle] = RANDOM,
        model: str | os.PathLike[str] | None = None,
        *,
        strength: Range = (0.3, 1.0),
        stroke: Range | None = (0.0, 1.0),
        share: float = 0.5,
        seed: int = 0,
        column: str = "image",
        key: str | None = None,
        fast: bool = True,
        device: Device = "cpu",
        threads: int | None = None,
        report: Progress | None = None,
    ) -> None:
        """Find the styles; sessions are opened when they are first needed.

        Args:
            styles: `random` draws blends of one to three of all styles of a file; a folder of paintings, blends of
                one to three of their styles, which are predicted. From a list one is drawn: of names of styles,
                blends such as `a:0.6,b:0.4`, .onnx files, paintings, and folders of paintings. The statistics of
                paintings are computed here, for all processes.
            model: An .onnx file whose styles are meant; None finds each by its name, and takes the gallery that
                ships for `random`.
            strength: Strength, 0..1, or the range that it is drawn from.
            stroke: Size of the strokes, 0..1, or the range that it is drawn from; None for the default of the net.
                Nets of one size of strokes paint in theirs.
            share: Probability that an image is painted.
            seed: Seed of all draws.
            column: Column of a batch that holds the images.
            key: Column of a batch with the identity of each image, to draw by it in place of the image's content.
            fast: Take the faster net where a name has two.
            device: Where to run. The processor, by onnxruntime, gives the same bytes in each process; `auto` takes the
                fastest device that can load the file.
            threads: Threads of the processor; None for one in a worker process, for `$OMP_NUM_THREADS` where that is
                set (as Ray does), else for one a core.
            report: Called after each painting that is described here, with the share that is done, 0..1, and a note.

        Raises:
            UnknownStyle: There is no such style or file.
            UnreadableImage: A painting can't be read.
            FastnstError: A number is out of range, a net has one strength and another was chosen, or a painting has no
                style to learn.
        """
        self._choices = choices = find_choices(styles, model, fast=fast, report=report)
        drawn_stroke = None if choices.one_size else stroke
        self.draws = StyleDraws(choices.names, choices.blended, strength, drawn_stroke, share, seed)
        """Rules of the draws."""
        # Names and strengths that a file lacks are said here, before a data set is half painted.
        choices.check(strength[0] if isinstance(strength, tuple) else strength)
        self.epoch = 0
        """Number of the pass over the data, see `set_epoch`."""
        self.column, self._key = column, key
        self._device, self._threads = device, threads

    def set_epoch(self, epoch: int) -> None:
        """Draw anew for the next pass over the data.

        Workers of a data loader that live on after an epoch keep a copy that this does not reach: start them anew
        (`persistent_workers=False`).
        """
        self.epoch = epoch

    def open(self) -> None:
        """Open the sessions of this process before the first image.

        Raises:
            BadStyleFile: A file is no style net.
            FastnstError: A net has one fixed size.
        """
        for file in dict.fromkeys(self._choices.files):
            self._stylizer(file)

    def __call__(self, image: Any) -> Any:
        """Paint an image, a batch, a list of images, or the images of a batch of columns.

        Args:
            image: Image of one of the kinds above; a list or an array of objects that holds such; or a mapping with a
                column of them, of which a new one with all columns is returned.

        Returns:
            What was given, with some of its images painted.

        Raises:
            FastnstError: An image is of another kind, or can't be painted.
        """
        if not isinstance(image, Mapping):
            return self._paint(image, None)
        if self.column not in image:
            raise FastnstError(
                f"The batch has no column {self.column!r}, but {', '.join(map(str, image)) or 'none'}.",
                "Name the column of the images: StyleAugment(column=...).",
            )
        keys = None if self._key is None else image[self._key]
        return {**image, self.column: self._paint(image[self.column], keys)}

    def draw(self, pixels: Pixels, epoch: int | None = None) -> tuple[Stylizer, StyleMix] | None:
        """Draw the style of an image by its content.

        Args:
            pixels: Uint8 RGB (H, W, 3).
            epoch: Number of the pass or copy; None for that of `set_epoch`.

        Returns:
            Stylizer of this process, and the mix that it is to paint; None if the image stays as it is.
        """
        return self._drawn(_content(pixels), self.epoch if epoch is None else epoch)

    def _drawn(self, key: bytes, epoch: int) -> tuple[Stylizer, StyleMix] | None:
        drawn = self.draws.draw(key, epoch)
        return None if drawn is None else (self._stylizer(self._choices.files[drawn[0]]), drawn[1])

    def _stylizer(self, file: Path) -> Stylizer:
        threads = _threads() if self._threads is None else self._threads
        spec = StylizerSpec(StyleMix(), file, device=self._device, threads=threads)
        return _stylizer(spec, os.getpid())

    def _paint(self, images: Any, keys: Any) -> Any:
        several = isinstance(images, list | tuple) or _holds_objects(images)
        batches = [to_batch(image) for image in (images if several else [images])]
        photos = [photo for batch, _ in batches for photo in batch]
        if keys is None:
            words = [_content(photo) for photo in photos]
        else:
            keys = [keys] if np.ndim(keys) == 0 else keys
            words = [str(getattr(key, "item", lambda key=key: key)()).encode() for key in keys]
        painted = iter(self._paint_all(photos, words))
        results = [back(np.stack([next(painted) for _ in batch])) for batch, back in batches]
        if not several:
            return results[0]
        if isinstance(images, np.ndarray):
            array = np.empty(len(results), object)
            array[:] = results
            return array
        return type(images)(results)

    def _paint_all(self, photos: list[Pixels], keys: list[bytes]) -> list[Pixels]:
        """Paint those photos for which a style is drawn, together where that is faster."""
        results = list(photos)
        groups: dict[tuple[Stylizer, tuple[int, ...]], list[tuple[int, StyleMix]]] = {}
        for number, (photo, key) in enumerate(zip(photos, keys, strict=True)):
            drawn = self._drawn(key, self.epoch)
            if drawn is not None:
                groups.setdefault((drawn[0], photo.shape), []).append((number, drawn[1]))
        for (stylizer, _), group in groups.items():
            # On a processor a batch is no faster, and alone an image has the same bytes in any company.
            at_once = 1 if stylizer.device in ON_PROCESSOR else AT_ONCE
            for first in range(0, len(group), at_once):
                numbers, mixes = zip(*group[first : first + at_once], strict=True)
                batch = np.stack([photos[number] for number in numbers])
                for number, painted in zip(
                    numbers, stylizer.paint_batch(batch, mixes), strict=True
                ):
                    results[number] = painted
        return results


@cache
def _stylizer(spec: StylizerSpec, process: int) -> Stylizer:
    """Open a file once in a process: a session does not outlive a fork.

    Args:
        spec: Specification of the stylizer.
        process: Number of the process; sessions of the process that forked it are never touched, nor closed.

    Raises:
        FastnstError: The net has one fixed size.
    """
    stylizer = Stylizer.from_spec(spec)
    if stylizer.fixed_size is not None:
        raise FastnstError(stylizer.note, "Give a net that keeps the size of its photo.")
    return stylizer


def _holds_objects(images: Any) -> bool:
    return isinstance(images, np.ndarray) and images.dtype.hasobject


def _content(pixels: Pixels) -> bytes:
    return content_key(pixels.shape, np.ascontiguousarray(pixels).data)


def _threads() -> int | None:
    import multiprocessing  # A hundredth of a second of each start of the command line.

    if multiprocessing.parent_process() is not None:
        return 1
    number = os.environ.get("OMP_NUM_THREADS", "")
    return int(number) if number.isdigit() and int(number) else None
