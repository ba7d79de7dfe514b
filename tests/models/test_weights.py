import json

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


def hostile(path, header, data=b""):
    """A file of safetensors with a header of any kind."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}},
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [1 << 60, (1 << 60) + 4]}},
        b"[" * 100_000,
        b"",
    ],
)
def test_headers_of_strangers_are_damaged_files(tmp_path, header):
    with pytest.raises(BadStyleFile, match=r"a\.safetensors can't be read as safetensors"):
        load_net(hostile(tmp_path / "a.safetensors", header, b"1234"))


def test_a_header_that_claims_to_be_huge_is_a_damaged_file(tmp_path):
    (tmp_path / "a.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    with pytest.raises(BadStyleFile, match="can't be read as safetensors"):
        load_net(tmp_path / "a.safetensors")


@pytest.mark.parametrize("size", ["width", "blocks", "styles", "levels"])
def test_a_net_that_is_larger_than_its_file_is_never_built(tmp_path, size):
    net = {"name": "swift", "width": 8, "blocks": 1, "styles": 1, "identity": False}
    net[size] = {"levels": 16}.get(size, 60_000)
    card = {"name": "a", "styles": [{"name": ""}], "net": net, "multiple_of": 8, "minimum": 32, "format": 1, "base": 64}  # fmt: skip
    header = {"__metadata__": {"fastnst": json.dumps(card)}}
    header["w"] = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    with pytest.raises(BadStyleFile, match="do not fit the net of its card"):
        load_net(hostile(tmp_path / "a.safetensors", header, b"1234"))
