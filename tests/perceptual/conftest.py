"""A loss network, a painting and photos of noise."""

import pytest
import torch

from fastnst.perceptual import PerceptualLoss, load_loss_network

STYLE = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@pytest.fixture(scope="package")
def network():
    return load_loss_network()


@pytest.fixture(scope="package")
def painting():
    return torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1)) * 255


@pytest.fixture(scope="package")
def photos():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 255


@pytest.fixture(scope="package")
def make():
    """Build a calibrated loss with weights of 1 but for those that are given."""

    def build(network, painting, photos, **weights):
        weights = {"content_weight": 1.0, "style_weight": 1.0, "tv_weight": 1.0} | weights
        loss = PerceptualLoss(
            network, content_layers={"relu3_3": 1}, style_layers=dict.fromkeys(STYLE, 1), **weights
        )
        loss.set_styles([painting])
        loss.calibrate(photos)
        return loss

    return build
