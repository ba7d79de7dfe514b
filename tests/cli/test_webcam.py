import pytest

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst.cli.app import main


def test_no_display_is_one_sentence(capsys, monkeypatch, tmp_path):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.argv", ["fastnst", "webcam", "--style", "the-scream"])
    with pytest.raises(SystemExit):
        main()
    assert "There is no display" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--size", "0"], ["--camera", "none.mp4"], []])
def test_what_is_wrong_is_one_sentence(words, monkeypatch, capsys):
    monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: True)
    style = ["--style", "the-scream"] if words else []
    monkeypatch.setattr("sys.argv", ["fastnst", "webcam", *style, *words])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert said.startswith("fastnst: ")
    assert len(said.splitlines()) == 1
