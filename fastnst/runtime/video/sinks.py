"""Sinks: outputs of painted videos. A new one is a class, and a line in `SINKS`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from fastnst.errors import CannotWrite
from fastnst.images.formats import WRITABLE_EXTENSIONS, takes_animation
from fastnst.images.metadata import ImageMetadata
from fastnst.images.write import write_image
from fastnst.runtime.video.decode import Packet, Video, VideoFrame
from fastnst.runtime.video.encode import VideoEncoder
from fastnst.runtime.video.options import VIDEO_EXTENSIONS, VideoOptions
from fastnst.system.atomic import atomic_write

NUMBER = re.compile(r"%(0\d+)?d")
"""Place of a number in a file name, as FFmpeg writes it."""
ONLY_FRAME_SECONDS = 0.1
"""Duration of the frame of an animation that has one."""


class Sink(ABC):
    """A place for the painted frames of one video.

    Args:
        target: Where they go.
        video: Where they are from.
        options: How they are encoded.
        quality: Quality of JPEG, WebP, AVIF and HEIC, 1..100.
    """

    names: ClassVar[str]
    """The names that it takes, to end the sentence "Give a name that ..."."""
    copies_streams: ClassVar[bool] = False
    """True if it takes sound and subtitles."""

    def __init__(self, target: Path, video: Video, options: VideoOptions, *, quality: int) -> None:
        self.target, self.video, self.options, self.quality = target, video, options, quality
        self.note = ""
        """Note on the parts that could not be kept, to follow the video's name and a colon."""

    @staticmethod
    @abstractmethod
    def takes(target: Path) -> bool:
        """Return whether it can write a file of this name."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Complete the output when the block ends; after an error leave nothing half-written.

        Raises:
            CannotWrite: The format or the disk refuses.
        """
        yield

    @abstractmethod
    def add(self, frame: VideoFrame) -> None:
        """Add the next frame; all have the size of the first.

        Raises:
            CannotWrite: The format or the disk refuses.
        """

    def copy(self, packet: Packet) -> None:
        """Add a packet of sound or subtitles, which is left out where `copies_streams` is false."""
        return


class NumberedPictures(Sink):
    """A picture for each frame, numbered from 1; those that are written stay, whatever comes."""

    names = "has a number: frame-%04d.png"

    def __init__(self, target: Path, video: Video, options: VideoOptions, *, quality: int) -> None:
        super().__init__(target, video, options, quality=quality)
        self._number = 0

    @staticmethod
    def takes(target: Path) -> bool:
        """Return whether the name has the place of one number, and the ending of a picture."""
        places = len(NUMBER.findall(target.name))
        return (
            places == 1 == target.name.count("%") and target.suffix.lower() in WRITABLE_EXTENSIONS
        )

    def add(self, frame: VideoFrame) -> None:
        """Write the next picture."""
        self._number += 1
        path = self.target.with_name(self.target.name % self._number)
        write_image(path, Image.fromarray(frame.pixels), quality=self.quality)


class Animation(Sink):
    """An animated GIF, WebP or PNG that loops; its frames are in memory until the end."""

    names = "ends in .gif, .webp or .apng"

    def __init__(self, target: Path, video: Video, options: VideoOptions, *, quality: int) -> None:
        super().__init__(target, video, options, quality=quality)
        self._pictures: list[Image.Image] = []
        self._seconds: list[float] = []

    @staticmethod
    def takes(target: Path) -> bool:
        """Return whether the format can hold an animation."""
        return takes_animation(target)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write the file when the block ends."""
        yield
        gaps = [*np.diff(self._seconds)] or [ONLY_FRAME_SECONDS]
        if len(self._seconds) > 1:
            gaps.append(gaps[-1])
        durations = tuple(round(1000 * gap) for gap in gaps)
        metadata = ImageMetadata(durations=durations, loop=0)
        write_image(self.target, self._pictures, quality=self.quality, metadata=metadata)

    def add(self, frame: VideoFrame) -> None:
        """Keep the frame and its time."""
        self._pictures.append(Image.fromarray(frame.pixels))
        self._seconds.append(frame.seconds)


class VideoFile(Sink):
    """A video with the times, sound, subtitles and metadata of its source."""

    names = f"ends in {', '.join(sorted(VIDEO_EXTENSIONS))}"
    copies_streams = True

    def __init__(self, target: Path, video: Video, options: VideoOptions, *, quality: int) -> None:
        super().__init__(target, video, options, quality=quality)
        self._encoder: VideoEncoder
        self._early: list[Packet] = []
        """Packets that came before the first frame, without which the file can't begin."""
        self._first = 0
        """Time stamp of the source that becomes 0."""

    @staticmethod
    def takes(target: Path) -> bool:
        """Return whether the ending is a video's."""
        return target.suffix.lower() in VIDEO_EXTENSIONS

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Give the file its name when the block ends; after an error there is none."""
        with (
            atomic_write(self.target) as temporary,
            VideoEncoder(
                temporary,
                self.target,
                time_base=self.video.time_base,
                rate=self.video.rate,
                codec=self.options.codec,
                crf=self.options.crf,
                metadata=self.video.container.metadata,
            ) as self._encoder,
        ):
            yield

    def add(self, frame: VideoFrame) -> None:
        """Encode the frame at its time, from 0 if the video was not painted from its beginning."""
        if self._encoder.size is None:
            self._begin(frame)
        self._encoder.write(frame.pixels, frame.pts - self._first, frame.duration)

    def copy(self, packet: Packet) -> None:
        """Write the packet at its time."""
        if self._encoder.size is None:
            self._early.append(packet)
        else:
            self._encoder.copy(packet, self._first * self.video.time_base)

    def _begin(self, frame: VideoFrame) -> None:
        """Add all streams, once the size of the frames is known."""
        height, width = frame.pixels.shape[:2]
        aspect: Fraction | None = self.video.stream.sample_aspect_ratio
        if aspect and frame.transposed:
            aspect = 1 / aspect
        self._encoder.add_video(width, height, color=frame.color, pixel_aspect=aspect)
        self._first = frame.pts if self.options.start else 0
        for stream in self.video.sound_and_subtitles:
            if not self._encoder.add_copy(stream):
                codec = stream.codec_context.name if stream.codec_context else "unknown"
                self.note = (
                    f"its {stream.type} ({codec}) has no place in {self.target.suffix},"
                    " and was left out"
                )
        for packet in self._early:
            self.copy(packet)
        self._early.clear()


SINKS: tuple[type[Sink], ...] = (NumberedPictures, Animation, VideoFile)
"""All sinks; the first that takes a name writes it."""


def sink_for(source: Path, target: Path) -> type[Sink]:
    """Choose the sink that writes a video to a name.

    Raises:
        CannotWrite: There is none.
    """
    for sink in SINKS:
        if sink.takes(target):
            return sink
    raise CannotWrite(
        f"The video {source} can't become {target}.",
        f"Give a name that {'; or one that '.join(sink.names for sink in SINKS)}.",
    )
