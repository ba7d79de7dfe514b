import pytest

from fastnst import StyleMix
from fastnst.errors import CannotWrite
from fastnst.runtime.batch.manifest import (
    manifest_row,
    open_manifest,
    read_manifest,
    write_manifest,
)

HEADER = "file,copy,style,strength,stroke,seed\n"
ROW = manifest_row("b.png", 2, StyleMix("x:0.3,y:0.7", 0.35, stroke=0.5), 7)
PLAIN = manifest_row("deep/a.png", 1, None, 7)


def test_rows_are_written_at_once_and_sorted_at_the_end(tmp_path):
    for name in ("b.png", "deep/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with open_manifest(tmp_path) as manifest:
        manifest.add(PLAIN)
        manifest.add(ROW)
        text = (tmp_path / "manifest.csv").read_text()
        assert text == HEADER + 'deep/a.png,1,,0,,7\nb.png,2,"x:0.3,y:0.7",0.35,0.5,7\n'
    text = (tmp_path / "manifest.csv").read_text()
    assert text == HEADER + 'b.png,2,"x:0.3,y:0.7",0.35,0.5,7\ndeep/a.png,1,,0,,7\n'
    assert read_manifest(tmp_path) == {"b.png": ROW, "deep/a.png": PLAIN}


def test_a_row_without_its_image_and_a_torn_line_are_dropped(tmp_path):
    (tmp_path / "b.png").touch()
    write_manifest(tmp_path, {"b.png": ROW})
    with (tmp_path / "manifest.csv").open("a") as file:
        file.write('gone.png,1,x,1,,7\nb2.png,1,"x:0.')
    with open_manifest(tmp_path):
        pass
    assert read_manifest(tmp_path) == {"b.png": ROW}


def test_a_later_row_takes_the_place_of_an_earlier_one(tmp_path):
    (tmp_path / "b.png").touch()
    for seed in (1, 2):
        with open_manifest(tmp_path) as manifest:
            manifest.add(manifest_row("b.png", 1, StyleMix("x"), seed))
    assert read_manifest(tmp_path)["b.png"].seed == "2"


def test_names_of_all_kinds_come_back(tmp_path):
    names = ["comma,.png", 'quote".png', "new\nline.png", "ümläut.png"]
    for name in names:
        (tmp_path / name).touch()
    with open_manifest(tmp_path) as manifest:
        for name in names:
            manifest.add(manifest_row(name, 1, StyleMix("x"), 0))
    assert sorted(read_manifest(tmp_path)) == sorted(names)


def test_a_file_that_is_no_manifest_is_named(tmp_path):
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe\x00")
    with (
        pytest.raises(CannotWrite, match=r"manifest\.csv is no manifest.*Remove it"),
        open_manifest(tmp_path),
    ):
        pass
