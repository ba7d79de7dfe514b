import torch

from fastnst.models import NetConfig, UNet, build_net


def test_it_has_a_quarter_of_the_multiplications_of_the_papers_net():
    macs = {"johnson": 0, "unet": 0}

    def count(name):
        def hook(conv, inputs, output):
            macs[name] += conv.weight.numel() * output.shape[2] * output.shape[3]

        return hook

    for name, blocks in (("johnson", 5), ("unet", 4)):
        net = build_net(NetConfig(name=name, blocks=blocks))
        for module in net.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(count(name))
        net(torch.zeros(1, 3, 64, 64))
    # A pixel: 6*6*3*32/4 + 4*4*32*64/16 + 4*4*64*128/64, eight of 3*3*128*128/64 in the blocks,
    # 3*3*96*64/16 and two of 3*3*64*64/16 at a quarter, 3*3*48*32/4 and 3*3*32*12/4 at a half.
    assert macs["unet"] == 64 * 64 * (864 + 2048 + 2048 + 18432 + 3456 + 4608 + 3456 + 864)
    assert macs["unet"] < macs["johnson"] / 3.5


def test_its_four_pixels_of_a_block_begin_alike():
    torch.manual_seed(0)
    net = UNet(NetConfig(name="unet", width=8, blocks=1))
    painted = net(torch.rand(1, 3, 64, 64) * 255)
    blocks = painted.reshape(3, 32, 2, 32, 2)
    assert (blocks - blocks[:, :, :1, :, :1]).abs().max() == 0
