"""The table of nets: a new one is a file and a line here."""

from __future__ import annotations

from fastnst.errors import FastnstError, did_you_mean
from fastnst.models.config import NetConfig
from fastnst.models.johnson import JohnsonNet
from fastnst.models.style_net import StyleNet
from fastnst.models.swift import SwiftNet
from fastnst.models.unet import UNet

NETS: dict[str, type[StyleNet]] = {
    "johnson": JohnsonNet,
    "swift": SwiftNet,
    "unet": UNet,
}
"""Class of a net by its name in configurations and cards."""


def build_net(config: NetConfig) -> StyleNet:
    """Build a net with fresh weights.

    Raises:
        FastnstError: No net has the name.
        ValueError: The net can't have the width.
    """
    if config.name not in NETS:
        raise FastnstError(f"There is no net {config.name!r}.", did_you_mean(config.name, NETS))
    net = NETS[config.name](config)
    net.add_predictor()
    return net
