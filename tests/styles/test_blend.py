import pytest

from fastnst.styles.blend import split_blend


@pytest.mark.parametrize(
    ("blend", "parts"),
    [
        ("a", [("a", "")]),
        ("a:0.6, b", [("a", "0.6"), ("b", "")]),
        ("a:x", [("a", "x")]),
        ("p.jpg", [("p.jpg", "")]),
        ("some folder/p.PNG:0.5,b:0.5", [("some folder/p.PNG", "0.5"), ("b", "0.5")]),
        (r"C:\p.jpg", [(r"C:\p.jpg", "")]),
        (r"C:\p.jpg:0.5", [(r"C:\p.jpg", "0.5")]),
    ],
)
def test_a_blend_is_names_and_shares(blend, parts):
    assert split_blend(blend) == parts


def test_a_file_is_found_whatever_its_name(workdir):
    (workdir / "red, blue:2.jpg").touch()
    assert split_blend("red, blue:2.jpg") == [("red, blue:2.jpg", "")]
