"""The command line as a user meets it: words in; text, status and files out."""

import subprocess
import sys

import pytest

from fastnst.cli import app as cli
from fastnst.system.installation import install_command


def test_help_names_the_jobs(fastnst):
    status, out, _ = fastnst("--help")
    assert status == 0
    for job in ("stylize", "styles", "train", "export", "optimize", "evaluate"):
        assert f"{job} " in out


def test_version(fastnst):
    from importlib.metadata import version

    assert fastnst("--version") == (0, f"{version('fastnst')}\n", "")


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
        (["xyz"], "There is no command 'xyz'. Choose from: evaluate, export, optimize, push, styles, stylize, train, web, webcam."),
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
    assert done.stderr.endswith(f"Install it with: {install_command('train')}\n")


def test_ctrl_c_is_one_word_and_status_130(fastnst, monkeypatch):
    def stop(_: object = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", stop)
    assert fastnst("styles") == (130, "", "Stopped.\n")


def test_ctrl_c_while_it_loads_is_one_word_too():
    code = """
import sys
class Pressed:
    def find_spec(self, name, path, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
from fastnst.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_help_of_stylize_is_grouped_and_has_examples(fastnst, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = fastnst("stylize", "--help")
    assert status == 0
    assert out.startswith("Usage: fastnst stylize INPUT... --style NAME [OPTIONS]")
    places = [
        out.index(f" {name} ")
        for name in ("Style and colours", "Size and tiles", "Video", "Files", "Device")
    ]
    assert places == sorted(places)
    assert out.index("--strength") < places[1] < out.index("--max-size") < places[2]
    assert "ARGS" not in out
    assert "()" not in out
    assert "fastnst stylize holiday/ --style water-lilies -o painted/ --skip-existing" in out


def test_the_tab_key_can_be_set_up(fastnst, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert "--install-completion" in fastnst("--help")[1]
    status, _, _ = fastnst("--install-completion", "--shell", "bash")
    assert status == 0
    (script,) = tmp_path.rglob("completions/fastnst")
    assert "--keep-color" in script.read_text()
