import pytest

from fastnst.errors import FastnstError
from fastnst.styles.hub_names import HubName, is_hub_name


def test_names_are_read_and_written():
    for text, name in {
        "hf:u/n": HubName("u/n"),
        "hf:u/n@v1.0": HubName("u/n", revision="v1.0"),
        "hf:u/n/deep/a.onnx@abc": HubName("u/n", "deep/a.onnx", "abc"),
    }.items():
        assert HubName.parse(text) == name
        assert str(name) == text
    assert is_hub_name("hf:u/n")
    assert not is_hub_name("great-wave")
    for text in ("hf:", "hf:u", "hf:u/", "hf:/n", "u/n", "hf:u/n/a.txt"):
        with pytest.raises(FastnstError, match=r"is no style of the hub\. Write hf:user/name"):
            HubName.parse(text)
