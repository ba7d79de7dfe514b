"""A photo, small, in every style."""

from PIL import Image

from fastnst.styles.registry import list_styles
from fastnst.web.sessions import Session
from fastnst.web.wall import TILE_SIZE, paint_wall


def test_the_wall_has_every_style_and_the_visitors_own_first(tmp_path, astronaut, negative):
    session = Session(tmp_path / "session")
    session.styles["mine"] = negative
    with Image.open(astronaut) as image:
        photo = image.resize((200, 100))
    tiles = paint_wall(photo, session, "cpu")
    assert [name for _, name in tiles] == ["mine", *list_styles()]
    for path, _ in tiles:
        with Image.open(path) as tile:
            assert tile.size == (TILE_SIZE, TILE_SIZE // 2)


def test_files_that_are_no_styles_are_left_out(
    tmp_path, monkeypatch, astronaut, classifier, negative
):
    folder = tmp_path / "styles"
    folder.mkdir()
    for file in (classifier, negative):
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("FASTNST_STYLES", str(folder))
    with Image.open(astronaut) as image:
        tiles = paint_wall(image.convert("RGB"), Session(tmp_path / "session"), "cpu")
    names = [name for _, name in tiles]
    assert "negative" in names
    assert "classifier" not in names
