import torch

from fastnst.perceptual import load_loss_network
from fastnst.perceptual.statistics import LAYERS, statistics


def test_statistics_are_the_means_and_then_the_deviations_of_four_layers():
    network = load_loss_network()
    painting = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255
    values = statistics(network, painting)
    assert values.shape == (2 * (64 + 128 + 256 + 512),)
    features = network(painting, LAYERS)
    torch.testing.assert_close(values[:64], features["relu1_2"][0].mean((1, 2)))
    deviations = features["relu4_3"][0].flatten(1).std(1, correction=0)
    torch.testing.assert_close(values[-512:], deviations)
