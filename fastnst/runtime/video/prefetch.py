"""Items made in a thread, a few ahead of their use."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import GeneratorType
from typing import Any, TypeVar

PREFETCH_ITEMS = 8
"""Items that wait to be used, at most."""

Item = TypeVar("Item")


def prefetch(items: Iterator[Item], ahead: int = PREFETCH_ITEMS) -> Generator[Item, None, None]:
    """Yield the items in order, while a thread makes the next ones.

    Closing the generator, or an error in what uses it, ends the thread and closes `items`. An error in
    `items` is raised where its item would have come.

    Args:
        items: An iterator, used by the thread alone until it is closed.
        ahead: Items that may wait, 1 or more.
    """
    end: Any = object()
    thread = ThreadPoolExecutor(1)
    try:
        waiting: deque[Future[Item]] = deque(thread.submit(next, items, end) for _ in range(ahead))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, items, end))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
        if isinstance(items, GeneratorType):
            # A signal while the thread starts hides it from `shutdown`: it may still be at work.
            while items.gi_running:
                time.sleep(0.01)
            items.close()
