import threading
import time

import pytest

from fastnst.runtime.video.prefetch import prefetch


def test_items_keep_their_order_and_are_made_in_another_thread():
    threads = set()

    def items():
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    assert list(prefetch(items(), 3)) == [*range(20)]
    assert len(threads) == 1
    assert threading.current_thread() not in threads
    assert list(prefetch(iter([]), 3)) == []


def test_as_many_as_asked_for_are_made_ahead():
    made = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    coming = prefetch(items(), 3)
    assert next(coming) == 0
    time.sleep(0.2)
    assert made == [0, 1, 2, 3]
    coming.close()


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        yield 2
        raise ValueError("no third")

    coming = prefetch(items(), 8)
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(ValueError, match="no third"):
        next(coming)
    assert list(coming) == []


def test_closing_it_closes_the_items_and_ends_the_thread():
    closed = []

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)

    before = threading.active_count()
    coming = prefetch(items())
    next(coming)
    assert threading.active_count() == before + 1
    coming.close()
    assert closed == [True]
    assert threading.active_count() == before


def test_an_interruption_while_the_thread_starts_waits_for_it(monkeypatch):
    """A signal's exception in `Thread.start` leaves a thread that the executor does not know."""
    closed = []

    def items():
        try:
            time.sleep(0.2)
            yield 0
        finally:
            closed.append(True)

    start = threading.Thread.start

    def interrupted(thread):
        start(thread)
        raise SystemExit(143)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(SystemExit, match="143"):
        next(prefetch(items()))
    assert closed == [True]
