from fastnst.models import NetConfig, build_net


def test_the_paper_s_net_has_the_paper_s_size():
    # Published for this architecture (width 32, 5 blocks, instance norm): 1,679,235 parameters, with
    # biases in the convolutions before norms, which we leave out.
    net = build_net(NetConfig())
    biases = 32 + 64 + 128 + 10 * 128 + 64 + 32
    assert sum(p.numel() for p in net.parameters()) == 1_679_235 - biases
