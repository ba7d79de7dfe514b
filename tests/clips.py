"""Clips that the tests make with FFmpeg."""

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace


def picture(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Smooth, so that codecs keep it, and different at each number."""
    y, x = np.mgrid[:height, :width]
    r = 128 + 90 * np.sin(x / 17 + number / 3)
    g = 128 + 90 * np.cos(y / 13 - number / 4)
    b = 60 + (x + 2 * number) % 128
    return np.stack([r, g, b], axis=-1).astype(np.uint8)


HEIGHT, WIDTH, BITS = 240, 324, 6
"""Of `bars`."""


def bars(number, height=HEIGHT, width=WIDTH):
    """A counter as bars, bright for 1."""
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    frame = np.empty((height, width, 3), np.uint8)
    for bit, left, right in zip(bits, edges, edges[1:], strict=False):
        frame[:, left:right] = 210 if bit else 40
    frame[: height // 2, :, 2] //= 2
    return frame


def make(
    path,
    count=12,
    size=(48, 64),
    stamps=None,
    base=Fraction(1, 1000),
    sound=False,
    codec="libx264",
    pix_fmt="yuv444p",
    options=None,
    matrix=Colorspace.ITU709,
    reach=ColorRange.MPEG,
    show=picture,
):
    """A clip, nearly without loss."""
    scales = ("video_track_timescale", "movie_timescale") if path.suffix == ".mp4" else ()
    with av.open(str(path), "w", options=dict.fromkeys(scales, str(base.denominator))) as out:
        video = out.add_stream(
            codec, rate=25, options=options if options is not None else {"crf": "1", "bf": "2"}
        )
        context = video.codec_context
        context.height, context.width, context.pix_fmt, context.time_base = *size, pix_fmt, base
        context.colorspace, context.color_range = int(matrix), int(reach)
        audio = None
        if sound:
            audio = out.add_stream("aac", rate=16000, layout="mono")
        stamps = stamps or [40 * n for n in range(count)]
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(show(number, *size), "rgb24").reformat(
                format=pix_fmt,
                dst_colorspace=matrix,
                dst_color_range=reach,
                src_color_range=ColorRange.JPEG,
            )
            frame.pts, frame.time_base = stamp, base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            wave = (8000 * np.sin(np.arange(8192) / 20)).astype(np.int16)[None]
            for k in range(8):
                part = av.AudioFrame.from_ndarray(
                    wave[:, 1024 * k : 1024 * k + 1024], "s16", "mono"
                )
                part.sample_rate, part.pts = 16000, 1024 * k
                out.mux(audio.encode(part))
            out.mux(audio.encode(None))
    return path


def song(path, image):
    """Sound alone, with a cover: a PNG file's bytes."""
    with av.open(str(path), "w") as out:
        audio = out.add_stream("aac", rate=16000, layout="mono")
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 8, 8, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(image)
        packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, Fraction(1)
        wave = (8000 * np.sin(np.arange(8192) / 20)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, "s16", "mono")
        frame.sample_rate, frame.pts = 16000, 0
        out.mux(audio.encode(frame))
        out.mux(packet)
        out.mux(audio.encode(None))
    return path
