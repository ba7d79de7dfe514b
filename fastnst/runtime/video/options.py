"""How videos are painted: which part of them, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from fastnst.errors import FastnstError


@dataclass(frozen=True)
class Clip:
    """What of a video is painted, and how it is kept."""

    codec: str | None = None
    """As FFmpeg names it; None for H.264, or what the format takes."""
    crf: int = 18
    """Quality: 0 is without loss, 51 bad; 18 looks like the original."""
    start: float = 0.0
    """Seconds from where on."""
    end: float | None = None
    """Seconds up to where; None for all."""
    steady: bool = False
    """Whether what holds still in it does so in its painting, see `Steady`."""

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 63:
            raise FastnstError(f"The crf is {self.crf}.", "Give 0 (without loss) to 63 (bad).")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise FastnstError(
                f"From {self.start} to {self.end} seconds there is nothing.",
                "Give a --start of 0 or more, and an --end after it.",
            )
        if self.codec is not None:
            from fastnst.runtime.video.ffmpeg import av  # Which photos do not need.

            if self.codec not in av.codecs_available:
                raise FastnstError(
                    f"There is no codec {self.codec!r}.",
                    "Give FFmpeg's name of one: libx264, libx265, ...",
                )
