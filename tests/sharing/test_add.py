import pytest

from fastnst.errors import CannotWrite, FastnstError
from fastnst.sharing.add import add_style
from fastnst.styles.registry import find_style


def test_a_style_is_added_and_found_by_its_name(hub, workdir, many, monkeypatch):
    hub.commit("painter/two", {"two-styles.onnx": many.read_bytes()})
    path = add_style("hf:painter/two")
    assert str(path) == "checkpoints/two-styles.onnx"
    assert path.read_bytes() == many.read_bytes()
    assert find_style("alpha:0.5,beta").resolve() == path.resolve()
    with pytest.raises(CannotWrite, match="two-styles.onnx is there already"):
        add_style("hf:painter/two")
    assert str(add_style("hf:painter/two", name="pair")) == "checkpoints/pair.onnx"
    with pytest.raises(FastnstError, match=r"The name '\.\./pair' can't be asked for"):
        add_style("hf:painter/two", name="../pair")
    monkeypatch.setenv("FASTNST_STYLES", str(workdir / "mine"))
    assert add_style("hf:painter/two") == workdir / "mine" / "two-styles.onnx"
