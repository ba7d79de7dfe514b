import numpy as np
import pytest

from fastnst.errors import BadStyleFile
from fastnst.models import NetConfig, build_net, load_net, save_net
from fastnst.styles.card import PaintingCredit, StyleCard


def card(net) -> StyleCard:
    return StyleCard("a", (PaintingCredit(),), net.config.as_dict(), net.multiple_of, net.minimum)


def test_what_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(BadStyleFile, match=r"text\.safetensors can't be read as safetensors"):
        load_net(tmp_path / "text.safetensors")
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be read"):
        load_net(tmp_path / "gone.safetensors")
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "bare.safetensors")
    with pytest.raises(BadStyleFile, match="holds no style card"):
        load_net(tmp_path / "bare.safetensors")
    net = build_net(NetConfig(width=4, blocks=1))
    other = card(build_net(NetConfig(width=8, blocks=1)))
    save_net(tmp_path / "mixed.safetensors", net, other)
    with pytest.raises(BadStyleFile, match="do not fit the net of its card"):
        load_net(tmp_path / "mixed.safetensors")
