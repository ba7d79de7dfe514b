"""Images as tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fastnst.images.pixels import Pixels


def image_to_tensor(image: Image.Image | Pixels, device: torch.device | str = "cpu") -> Tensor:
    """An image as a batch of one.

    Args:
        image: RGB; as an array uint8 (H, W, 3).
        device: Where the batch is to be.

    Returns:
        float32 (1, 3, H, W), 0..255; writing to it changes nothing else.
    """
    return torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1)[None].float()
