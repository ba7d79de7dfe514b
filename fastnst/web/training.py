"""Trainings for visitors: `fastnst train` and `fastnst export` in a process of their own, watched through its files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from fastnst.errors import FastnstError

WINDOW = 128
"""Pixels a side of each crop that are painted and judged: a step is three times cheaper, and the net knows the large
forms already."""
SHOWN = 2
"""Photos that are kept out of the training, and shown painted."""
STEPS_A_LOOK = 50
"""Steps from one look at them to the next."""
STARTING = "Starting"
LOOK_SECONDS = 1.0
"""Seconds between two looks at a training."""
WATCHED = (
    "import fastnst.system.progress as progress; progress.LINE_SECONDS = 1.0;"
    " from fastnst.cli import main; main()"
)
"""Program that runs a command line, and tells its progress every second."""
KEPT_LINES = 200


def can_train() -> bool:
    """Return whether the extra `train` is installed."""
    return all(find_spec(name) for name in ("torch", "pytorch_lightning", "jsonargparse"))


@dataclass(frozen=True)
class Moment:
    """State of a training at a moment."""

    line: str
    """Step, losses, rate and time left, in words."""
    samples: Path | None
    """Newest sheet of held-out photos, and the same painted."""


class Learner:
    """A training that is under way.

    Args:
        painting: Painting to learn from.
        photos: Folder of photos.
        name: Name of the style, that of a folder.
        folder: Empty folder, in which the training works.
        steps: Steps of the training.
        minutes: Minutes after which it ends, if it has not ended before.
    """

    def __init__(
        self, painting: Path, photos: Path, name: str, folder: Path, *, steps: int, minutes: float
    ) -> None:
        self.name, self._folder, self._minutes = name, folder, minutes
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.stopped = False
        """True if it was told to end before its time was over."""
        self._ending = False
        self._run = folder / "runs" / name
        self._process = self._start(
            "train", str(painting), "--data", str(photos), "--name", name, "--steps", str(steps),
            "--init-from", "any", f"--model.window={WINDOW}", "--model.identity=true", "--data.num_workers=0",
            f"--data.holdout={SHOWN}", f"--trainer.val_check_interval={STEPS_A_LOOK}",
        )  # fmt: skip

    def watch(self) -> Iterator[Moment]:
        """Yield the state of the training about every second, until it ends.

        Raises:
            FastnstError: It failed; the message has its own words.
        """
        began: float | None = None
        while self._process.poll() is None:
            moment = self._moment()
            if moment.line != STARTING:
                began = began or time.monotonic()
                if time.monotonic() - began > 60 * self._minutes:
                    self._end()
            yield moment
            time.sleep(LOOK_SECONDS)
        yield self._moment()
        if not self._weights.is_file():
            raise FastnstError(self._last_words("The training ended without a style."))

    def export(self) -> Path:
        """Write the style that was learnt, and return its file.

        Raises:
            FastnstError: It can't be written.
        """
        target = self._folder / f"{self.name}.onnx"
        self._process = self._start("export", str(self._run), "-o", str(target))
        if self._process.wait() or not target.is_file():
            raise FastnstError(self._last_words("The style could not be written."))
        return target

    def stop(self) -> None:
        """End the training after the step at hand; what is learnt is kept."""
        self.stopped = self.stopped or not self._ending
        self._end()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def _end(self) -> None:
        # A second signal would end it at once, and nothing would be kept.
        if not self._ending and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._ending = True

    @property
    def _weights(self) -> Path:
        return self._run / f"{self.name}.safetensors"

    def _start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHED, *words],
            cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        assert process.stderr is not None
        threading.Thread(target=self._collect, args=(process.stderr,), daemon=True).start()
        return process

    def _collect(self, words: TextIO) -> None:
        """Keep the last lines that a process says."""
        with words:
            self._lines.extend(words)

    def _moment(self) -> Moment:
        lines = [line.strip() for line in list(self._lines) if re.match(r"steps? \d", line)]
        sheets = sorted(self._run.glob("samples/step-*.png"))
        return Moment(lines[-1] if lines else STARTING, sheets[-1] if sheets else None)

    def _last_words(self, otherwise: str) -> str:
        lines = [line.removeprefix("fastnst: ").strip() for line in list(self._lines)]
        return next((line for line in reversed(lines) if line), otherwise)
