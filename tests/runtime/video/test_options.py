import pytest

from fastnst.errors import FastnstError
from fastnst.runtime.video.options import VideoOptions


def test_what_can_not_be_is_refused():
    with pytest.raises(FastnstError, match=r"There is no codec 'x265'"):
        VideoOptions(codec="x265")
    with pytest.raises(FastnstError, match=r"The crf is 99"):
        VideoOptions(crf=99)
    with pytest.raises(FastnstError, match=r"From 2 to 1 seconds there is nothing"):
        VideoOptions(start=2, end=1)
