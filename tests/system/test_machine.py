import pytest

from fastnst.errors import FastnstError
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
