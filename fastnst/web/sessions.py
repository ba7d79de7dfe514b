"""Sessions: what the page keeps of each visitor, in memory and in a folder of temporary files."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from fastnst.errors import FastnstError, Interrupted
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.web.limits import plain_name
from fastnst.web.training import Learner

KEPT_RESULTS = 2
"""Folders of a kind that are kept: the newest, and the one before it, which may be on its way to the visitor."""
MOST_SESSIONS = 100
"""Sessions at a time; a further one takes the place of the one that was idle longest."""
IDLE_SECONDS = 3600.0
"""Seconds after which a session without a page is forgotten."""


class Session:
    """Belongings of one visitor.

    Args:
        folder: Folder of the visitor's temporary files, which nobody else can name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.styles: dict[str, Path] = {}
        """Files of the visitor's own styles, by name."""
        self.photo: Path | None = None
        """The visitor's photo."""
        self.small: Image.Image | None = None
        """The photo, small, RGB."""
        self.video: Path | None = None
        """The visitor's video."""
        self.frame: Image.Image | None = None
        """The first frame of the video, small, RGB."""
        self.live: tuple[Any, Stylizer, KeptLevels] | None = None
        """The newest choice for the camera, what paints it, and the lower levels of its newest frame."""
        self.learner: Learner | None = None
        """The visitor's training, if one is under way."""
        self.mask: Path | None = None
        """Grey picture of where to paint; None for all over."""
        self.uploads: set[Path] = set()
        """Files that the visitor uploaded."""
        self.used = time.monotonic()
        """Time of the last call."""
        self._lock = threading.Lock()
        self._tickets: Counter[str] = Counter()
        self._folders: defaultdict[str, list[Path]] = defaultdict(list)
        self._busy = 0
        folder.mkdir(mode=0o700)

    @property
    def busy(self) -> bool:
        """Return whether something is painted for the visitor."""
        return self._busy > 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep the session while something is painted."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
            self.used = time.monotonic()

    def ticket(self, kind: str, *, new: bool = False) -> int:
        """Return the number of the newest work of a kind; `new` begins one, and ends those before it."""
        with self._lock:
            self._tickets[kind] += new
            return self._tickets[kind]

    def check(self, kind: str, ticket: int) -> None:
        """Check that no newer work of the kind has begun.

        Raises:
            Interrupted: One has.
        """
        if self.ticket(kind) != ticket:
            raise Interrupted("Stopped.")

    def new_folder(self, kind: str) -> Path:
        """Return an empty folder for files of a kind; of earlier ones the newest is kept."""
        with self._lock:
            folder = self.folder / f"{kind}-{secrets.token_hex(4)}"
            folder.mkdir()
            folders = self._folders[kind]
            folders.append(folder)
            while len(folders) > KEPT_RESULTS:
                shutil.rmtree(folders.pop(0), ignore_errors=True)
            return folder

    def close(self) -> None:
        """Remove the visitor's files, and stop what is painted."""
        with self._lock:
            for kind in self._tickets:
                self._tickets[kind] += 1
        if self.learner is not None:
            self.learner.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """Sessions of all visitors, by the page's random name for each.

    Args:
        root: Folder of all temporary files.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def of(self, name: str | None) -> Session:
        """Return the session of a name, new if there is none yet."""
        key = name or ""
        with self._lock:
            self._forget(keep=key)
            if key not in self._sessions:
                self._sessions[key] = Session(self.root / secrets.token_hex(16))
            session = self._sessions[key]
            session.used = time.monotonic()
            return session

    def find(self, name: str | None) -> Session | None:
        """Return the session of a name; None if there is none."""
        return self._sessions.get(name or "")

    def take(self, session: Session, upload: str | Path | None, kind: str) -> Path:
        """Copy an upload into a folder of the session, under a plain name.

        Raises:
            FastnstError: Nothing was uploaded, or the file is gone.
        """
        if not upload:
            raise FastnstError("There is no file yet.", "Drop one first.")
        source = Path(upload).resolve()
        if not source.is_relative_to(self.root) or not source.is_file():
            raise FastnstError(
                f"{source.name} is gone: the page was open for too long without a connection.",
                "Drop it again.",
            )
        session.uploads.add(source)
        target = session.new_folder(kind) / plain_name(source.name)
        try:
            target.hardlink_to(source)
        except OSError:  # Some file systems have no links.
            shutil.copyfile(source, target)
        return target

    def end(self, name: str | None) -> None:
        """Forget a session, and remove its files."""
        with self._lock:
            self._end(name or "")

    def close(self) -> None:
        """Forget all sessions."""
        with self._lock:
            for name in list(self._sessions):
                self._end(name)

    def _forget(self, keep: str) -> None:
        """Forget the sessions that were idle for long, and the idlest if there are too many."""
        now = time.monotonic()
        idle = sorted(
            (session.used, name)
            for name, session in self._sessions.items()
            if name != keep and not session.busy
        )
        over = len(self._sessions) + 1 - MOST_SESSIONS
        for number, (used, name) in enumerate(idle):
            if now - used > IDLE_SECONDS or number < over:
                self._end(name)

    def _end(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        if session is None:
            return
        session.close()
        # Two visitors who upload the same file share it.
        shared = set().union(*(other.uploads for other in self._sessions.values()))
        for path in session.uploads - shared:
            shutil.rmtree(path.parent, ignore_errors=True)
