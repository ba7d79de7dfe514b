import pytest

from fastnst.errors import FastnstError
from fastnst.runtime.video.options import VideoOptions


def test_what_can_not_be_is_refused():
    with pytest.raises(FastnstError, match=r"There is no codec 'x265'"):
        VideoOptions(codec="x265")
    with pytest.raises(FastnstError, match=r"The crf is 99"):
        VideoOptions(crf=99)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (2, 1, "From 2 s to 1 s"),
        (-3, None, "From -3 s to the end"),
        (float("nan"), None, "From nan s to the end"),
        (float("inf"), None, "From inf s to the end"),
        (0, float("nan"), "From 0 s to nan s"),
    ],
)
def test_a_part_without_a_length_is_refused(start, end, said):
    with pytest.raises(FastnstError, match=f"{said} there is nothing. Give a --start of 0 or more"):
        VideoOptions(start=start, end=end)
