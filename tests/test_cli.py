"""The command line as a user meets it: words in; text, status and files out."""

import io
import json
import subprocess
import sys

import pytest
from PIL import Image

from fastnst.cli import app as cli


@pytest.fixture
def fastnst(capsys, monkeypatch):
    """Runs a command line; gives back status, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fastnst", *map(str, words)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_help_names_the_jobs(fastnst):
    status, out, _ = fastnst("--help")
    assert status == 0
    for job in ("stylize", "styles", "train", "export", "optimize", "evaluate"):
        assert f"{job} " in out


def test_version(fastnst):
    from importlib.metadata import version

    assert fastnst("--version") == (0, f"{version('fastnst')}\n", "")


def test_a_photo_is_painted(fastnst, workdir, astronaut, negative):
    status, _, err = fastnst("stylize", astronaut, "--model", negative, "-o", "a.png", "--size", 40)
    assert (status, err) == (0, "a.png  40x40  " + err.split("40x40  ")[1])
    with Image.open("a.png") as image:
        assert image.size == (40, 40)


def test_json_is_one_line_per_file_and_a_bad_one_sets_the_status(
    fastnst, workdir, astronaut, negative
):
    status, out, err = fastnst(
        "stylize", astronaut, "gone.jpg", "--model", negative, "-o", "o", "--json"
    )
    good, bad = (json.loads(line) for line in out.splitlines())
    assert status == 1
    assert good.pop("seconds") > 0
    assert good == {
        "input": str(astronaut),
        "output": "o/astronaut.jpg",
        "width": 512,
        "height": 512,
    }
    assert bad["error"] == "There is no file gone.jpg."
    assert err == "There is no file gone.jpg.\n"


def test_a_zoo_net_says_its_size(fastnst, workdir, astronaut, zoo):
    status, _, err = fastnst("stylize", astronaut, "--model", zoo, "-o", "a.png")
    assert status == 0
    assert "zoo.onnx paints at 224x224 px only" in err
    with Image.open("a.png") as image:
        assert image.size == (224, 224)


def test_styles_are_listed(fastnst, monkeypatch, negative):
    monkeypatch.setenv("FASTNST_STYLES", str(negative.parent))
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = fastnst("styles", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0
    assert rows["negative"]["licence"] == "MIT"
    status, out, _ = fastnst("styles")
    assert "starry-night" in out
    assert "The Starry Night" in out
    assert "Vincent van Gogh" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["stylize", "a.jpg"], "fastnst: No style was given. Give --style NAME"),
        (["stylize", "a.jpg", "--style", "starry-night", "--strength", "2"], "fastnst: The strength is 2."),
        (["stylize", "a.jpg", "--style", ""], "fastnst: There is no style ''."),
        (["stylize", "a.jpg", "--stile", "starry-night"], "fastnst: There is no option --stile. Did you mean"),
        (["stylize", "a.jpg", "--style", "stary-night"], "There is no style 'stary-night'. Did you mean 'starry-night'?"),
        (["stylize", "a.jpg", "--model", "gone.onnx"], "fastnst: There is no file gone.onnx."),
        (["stylize", "--style", "starry-night"], "fastnst: No photo was given."),
        (["stylize", "a.jpg", "--style", "starry-night", "--size", "0"], "fastnst: The size is 0."),
        (["stylize", "a.jpg", "--style", "starry-night", "--size", "x"], 'unable to convert "x" into int'),
        (["stylize", "a.jpg", "--style", "starry-night", "--device", "tpu"], "--device"),
        (["stylize", "a.jpg", "--style", "starry-night"], "There is no file a.jpg."),
        (["xyz"], "There is no command 'xyz'. Choose from: evaluate, export, optimize, styles, stylize, train, webcam."),
        (["stylise"], "There is no command 'stylise'. Did you mean 'stylize' or 'styles'?"),
    ],
)  # fmt: skip
def test_bad_words_are_one_sentence_and_status_1(fastnst, workdir, words, text):
    status, out, err = fastnst(*words)
    assert status == 1
    assert out == ""
    assert text in err
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("job", ["train", "export"])
def test_a_missing_extra_says_what_to_install(job, workdir):
    hide = "import sys; sys.modules.update(dict.fromkeys(['torch', 'onnx', 'pytorch_lightning']))"
    code = f"{hide}; sys.argv = ['fastnst', {job!r}, 'a']; from fastnst.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"fastnst: `fastnst {job}` needs ")
    assert done.stderr.endswith("Install it with: pip install 'fastnst[train]'\n")


def test_ctrl_c_is_one_word_and_status_130(fastnst, monkeypatch):
    def stop(_: object = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", stop)
    assert fastnst("styles") == (130, "", "Stopped.\n")


def test_a_file_of_many_styles_paints_a_blend_at_a_strength_and_a_stroke(
    fastnst, workdir, many, astronaut
):
    words = ["stylize", astronaut, "--model", many, "-o", "a.png", "--size", "32"]
    mixed = ["--style", "alpha:1,beta:3", "--strength", "0.5", "--stroke", "bold"]
    assert fastnst(*words, *mixed)[0] == 0
    with Image.open("a.png") as painted, Image.open(astronaut) as photo:
        # 0.5 of the photo, 0.125 of 200 - x / 2 and 0.375 of x / 2 + 50.
        expected = photo.resize((32, 32), Image.Resampling.LANCZOS).getpixel((9, 9))
        for found, value in zip(painted.getpixel((9, 9)), expected, strict=True):
            assert found == pytest.approx(0.625 * value + 43.75, abs=1)
    status, _, err = fastnst(*words, "--style", "alpa")
    assert (status, err) == (1, "fastnst: many.onnx has no style 'alpa'. Did you mean 'alpha'?\n")


def test_a_photo_goes_through_a_pipe(astronaut, negative):
    command = [sys.executable, "-m", "fastnst", "stylize", "-", "-o", "-", "--model", negative]
    done = subprocess.run(command, input=astronaut.read_bytes(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("JPEG", (512, 512))
    done = subprocess.run(command, input=b"nonsense", capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"What was piped in is not a picture")
