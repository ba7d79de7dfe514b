import numpy as np
import pytest
import torch
from PIL import Image

from fastnst.perceptual.image_tensor import image_to_tensor


@pytest.mark.parametrize("form", [np.asarray, Image.fromarray])
def test_an_image_is_a_batch_of_one_channels_first(form):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    pixels.setflags(write=False)
    batch = image_to_tensor(form(pixels))
    assert (batch.shape, batch.dtype) == ((1, 3, 2, 3), torch.float32)
    # Red of the first row, green of the second.
    assert batch[0, 0, 0].tolist() == [0, 3, 6]
    assert batch[0, 1, 1].tolist() == [10, 13, 16]
    batch.zero_()
    assert pixels.sum() == sum(range(18))
