import pytest
from PIL import Image

from fastnst.errors import UnreadableImage
from fastnst.runtime.video.decode import frames


def test_a_picture_is_no_video(workdir):
    Image.new("RGB", (8, 8)).save("a.txt.png")
    with pytest.raises(UnreadableImage):
        list(frames(workdir / "gone.mp4"))
