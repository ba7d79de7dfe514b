import threading

import pytest

from fastnst.runtime.engine import memory as module


@pytest.mark.parametrize(
    ("memory", "pixels", "free", "bytes"),
    [
        (None, 0, 1e12, 1.25 * 2**30),
        (None, 10**8, 1e12, 1.25 * 2**30 - 6e8),
        (None, 10**9, 1e12, 0),
        (8 * 2**30, 10**8, 1e12, 7.75 * 2**30 - 6e8),
        (8 * 2**30, 10**8, 1e9, 6e8),
    ],
)
def test_the_room_is_what_is_allowed_and_free_less_what_the_picture_takes(
    monkeypatch, memory, pixels, free, bytes
):
    monkeypatch.setattr(module, "free_memory", lambda: free)
    assert module.room(memory, pixels) == pytest.approx(bytes)


def test_threads_wait_for_room_and_what_needs_more_than_there_is_goes_alone():
    running, most, lock = [], [], threading.Lock()

    def work(needed):
        with module.reserve(needed, 10):
            with lock:
                running.append(needed)
                most.append(sum(running))
            threading.Event().wait(0.02)
            with lock:
                running.remove(needed)

    threads = [threading.Thread(target=work, args=(needed,)) for needed in (6, 4, 5, 3, 50, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert all(total <= 10 or total == 50 for total in most)
    assert module._taken == 0
