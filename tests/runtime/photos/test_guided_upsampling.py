import numpy as np
import pytest
from PIL import Image

from fastnst.runtime.photos.guided_upsampling import guided_upsample


@pytest.fixture
def photo(astronaut) -> Image.Image:
    with Image.open(astronaut) as image:
        return image.convert("RGB").crop((100, 60, 401, 281))


def test_a_painting_carried_to_its_own_size_is_itself(photo):
    before = np.asarray(photo)
    assert (
        np.abs(guided_upsample(255 - before, before, before).astype(int) - (255 - before)).max()
        <= 1
    )


def test_the_photos_detail_is_carried_over():
    # A step between two pixels of the small copy: the large painting has it where the photo has.
    photo = np.zeros((240, 240, 3), np.uint8)
    photo[:, 101:] = 200
    small = np.asarray(Image.fromarray(photo).resize((60, 60), Image.Resampling.BOX))
    painted = (40 + 0.8 * small).astype(np.uint8)
    large = guided_upsample(painted, small, photo).astype(int)
    plain = np.asarray(
        Image.fromarray(painted).resize((240, 240), Image.Resampling.BICUBIC)
    ).astype(int)
    wanted = 40 + 0.8 * photo
    assert np.abs(large - wanted)[:, 90:112].max() < 12
    assert np.abs(plain - wanted)[:, 90:112].max() > 50
