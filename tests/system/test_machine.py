from types import SimpleNamespace

import pytest

from fastnst.errors import FastnstError
from fastnst.system import machine
from fastnst.system.machine import parse_bytes


@pytest.mark.parametrize(
    ("words", "bytes"),
    [("8G", 8 * 2**30), ("1.5GiB", 3 * 2**29), ("800 mb", 800 * 2**20), ("64", 64), (5, 5)],
)
def test_amounts_of_memory_are_read(words, bytes):
    assert parse_bytes(words) == bytes


@pytest.mark.parametrize("words", ["", "much", "-1G", "0", "1X", "1G2", "1.2.3M"])
def test_what_is_no_amount_is_named(words):
    with pytest.raises(
        FastnstError, match=r"The memory is .*\. Give an amount, such as 800M or 8G"
    ):
        parse_bytes(words)


def test_freed_memory_goes_back_to_the_system_where_the_system_has_a_way(monkeypatch):
    calls = []
    libc = SimpleNamespace(malloc_trim=lambda kept: calls.append(kept))
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: libc)
    for platform, wanted in (("linux", [0]), ("darwin", [])):
        calls.clear()
        monkeypatch.setattr(machine.sys, "platform", platform)
        machine.give_freed_memory_back()
        assert calls == wanted
    del libc.malloc_trim  # Another C library.
    monkeypatch.setattr(machine.sys, "platform", "linux")
    machine.give_freed_memory_back()
