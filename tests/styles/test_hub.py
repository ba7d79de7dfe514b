import pytest

from fastnst.errors import BadStyleFile, FastnstError, UnknownStyle
from fastnst.styles import hub as module
from fastnst.styles.hub import fetch_style


def test_a_file_is_downloaded_once_and_pinned_by_its_revision(hub, many, negative):
    old = hub.commit("u/n", {"a.onnx": many.read_bytes(), "README.md": b""})
    path = fetch_style("hf:u/n")
    assert path.read_bytes() == many.read_bytes()
    new = hub.commit("u/n", {"a.onnx": negative.read_bytes()})
    assert fetch_style("hf:u/n").read_bytes() == negative.read_bytes()
    assert fetch_style(f"hf:u/n@{old}") == path
    downloads = [p for command, p in hub.requests if command == "GET" and "/resolve/" in p]
    assert len(downloads) == 2
    assert new in fetch_style("hf:u/n").parts


def test_the_file_of_the_repository_s_name_is_meant(hub, many, negative):
    hub.commit("u/n", {"n.onnx": many.read_bytes(), "n-fp16.onnx": negative.read_bytes()})
    assert fetch_style("hf:u/n").read_bytes() == many.read_bytes()
    assert fetch_style("hf:u/n/n-fp16.onnx").read_bytes() == negative.read_bytes()
    hub.commit("u/other", {"a.onnx": b"", "b.onnx": b""})
    with pytest.raises(UnknownStyle, match=r"has 2 \.onnx files\. Name one: hf:u/other/a\.onnx"):
        fetch_style("hf:u/other")
    with pytest.raises(UnknownStyle, match=r"has no file c\.onnx"):
        fetch_style("hf:u/other/c.onnx")
    hub.commit("u/none", {"model.bin": b""})
    with pytest.raises(UnknownStyle, match=r"hf:u/none has 0 \.onnx files"):
        fetch_style("hf:u/none")


def test_without_a_connection_the_cache_is_used(hub, many, monkeypatch):
    import huggingface_hub.constants

    hub.commit("u/n", {"a.onnx": many.read_bytes()})
    path = fetch_style("hf:u/n")
    with monkeypatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        assert fetch_style("hf:u/n") == path
        with pytest.raises(
            FastnstError, match=r"can't be reached, and hf:u/other is not in its cache"
        ):
            fetch_style("hf:u/other")
    hub.server.shutdown()
    hub.server.server_close()
    assert fetch_style("hf:u/n") == path
    with pytest.raises(FastnstError, match=r"Connect to the internet \(without HF_HUB_OFFLINE\)"):
        fetch_style("hf:u/other")


def test_what_the_hub_refuses_is_said(hub, many, monkeypatch):
    with pytest.raises(
        UnknownStyle, match=r"There is no hf:u/x on the hub, or it is private.*hf auth"
    ):
        fetch_style("hf:u/x")
    hub.commit("u/n", {"a.onnx": many.read_bytes()})
    with pytest.raises(UnknownStyle, match=r"hf:u/n has no revision 'v9'"):
        fetch_style("hf:u/n@v9")
    hub.gated.add("u/n")
    with pytest.raises(FastnstError, match=r"gives it to those alone who asked"):
        fetch_style("hf:u/n")


def test_a_file_that_is_too_large_is_not_downloaded(hub, many, monkeypatch):
    hub.commit("u/n", {"a.onnx": many.read_bytes()})
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    with pytest.raises(FastnstError, match=r"a\.onnx of hf:u/n has 0 MB; style nets have"):
        fetch_style("hf:u/n")
    assert not [path for _, path in hub.requests if "/resolve/" in path]


def test_a_file_that_reaches_out_is_refused(hub):
    hub.commit("u/n", {"a.onnx": b"\x08\x07 not a net"})
    with pytest.raises(BadStyleFile, match=r"a\.onnx is not taken from a stranger"):
        fetch_style("hf:u/n")


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(FastnstError, match=r"need huggingface_hub\. .*\[hub\]"):
        fetch_style("hf:u/n")
