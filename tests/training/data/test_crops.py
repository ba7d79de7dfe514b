import os
import threading

import numpy as np
import pytest
from PIL import Image

from fastnst.training.data.crops import UnusablePhoto, centre_crop, open_photo, random_crop


def test_random_crops_stay_inside_and_never_enlarge():
    photo = Image.fromarray(
        np.arange(70 * 90 * 3, dtype=np.uint32).astype(np.uint8).reshape(70, 90, 3)
    )
    for seed in range(20):
        pixels = random_crop(photo, 64, np.random.default_rng(seed))
        assert pixels.shape == (64, 64, 3)
    assert centre_crop(photo, 64).shape == (64, 64, 3)


def test_half_of_the_crops_are_mirrored():
    ramp = Image.linear_gradient("L").rotate(90).convert("RGB").resize((64, 64))
    rising = [
        bool(crop[0, -1, 0] > crop[0, 0, 0])
        for crop in (random_crop(ramp, 64, np.random.default_rng(seed)) for seed in range(40))
    ]
    assert 10 < sum(rising) < 30


def test_large_jpegs_are_decoded_at_a_fraction(tmp_path):
    Image.new("RGB", (2048, 1024)).save(tmp_path / "big.jpg")
    assert open_photo({"path": str(tmp_path / "big.jpg"), "bytes": None}, 64).size == (256, 128)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    said = []

    def read():
        with pytest.raises(UnusablePhoto, match="no file"):
            open_photo({"path": str(tmp_path / "pipe.jpg"), "bytes": None}, 64)
        said.append(True)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert said == [True]
