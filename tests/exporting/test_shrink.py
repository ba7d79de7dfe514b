import numpy as np
import onnx
import pytest
import torch

from fastnst.exporting.export import export
from fastnst.models import NetConfig, build_net, save_net
from fastnst.runtime.engine.net_session import NetSession
from fastnst.styles.card import PaintingCredit, StyleCard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A net of three levels, exported as it was trained and as it is after it was rounded to half precision."""
    folder = tmp_path_factory.mktemp("nets")
    torch.manual_seed(0)
    net = build_net(NetConfig("swift", 8, 2, styles=3, levels=3))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    card = StyleCard(
        "a", (PaintingCredit(),), net.config.as_dict(), 8, 32, base=32
    )  # fmt: skip
    save_net(folder / "full.safetensors", net, card)
    save_net(folder / "half.safetensors", net.half(), card)
    return [export(folder / f"{name}.safetensors").path for name in ("full", "half")]


def test_a_file_of_weights_in_half_precision_is_half_as_large(files):
    full, half = (sum(t.ByteSize() for t in onnx.load(path).graph.initializer) for path in files)
    assert (
        half < 0.75 * full
    )  # The first convolution, which is divided by 127.5, is not in half precision any more.


def test_a_file_says_nothing_of_the_machine_that_wrote_it(files):
    for path in files:
        assert b".py" not in path.read_bytes()


def test_a_level_that_holds_nothing_of_its_canvas_does_not_compute_it(files):
    (branch,) = (node for node in onnx.load(files[0]).graph.node if node.op_type == "If")
    kinds = {each.name: [node.op_type for node in each.g.node] for each in branch.attribute}
    assert kinds["then_branch"].count("Conv") == 3
    assert kinds["else_branch"] == ["Identity"]
    # `export` compares a mixture of all rows with torch; this is each row for itself.
    session = NetSession(files[0], device="cpu")
    rng = np.random.default_rng(0)
    photo, canvas = rng.uniform(0, 255, (2, 1, 3, 64, 64)).astype(np.float32)
    other = np.clip(canvas + 40, 0, 255)
    painted = [
        np.mean(session.run(photo, each, rows=row) ) for row in np.eye(3, dtype=np.float32) for each in (canvas, other)
    ]  # fmt: skip
    # The norms take a brighter canvas away; the last level alone keeps its brightness.
    brighter = [after - before for before, after in zip(painted[::2], painted[1::2], strict=True)]
    assert max(map(abs, brighter[:2])) < 5 < brighter[2]
