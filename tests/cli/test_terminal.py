import time

from fastnst.cli.terminal import progress_bar
from fastnst.system import progress


def test_without_a_terminal_silent_work_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.05)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.1)
    with progress_bar() as bar:
        task = bar.add_task("Painting a.jpg", total=4)
        hidden = bar.add_task("Describing", total=1, visible=False)
        bar.update(task, completed=1)
        time.sleep(0.5)
    said = capsys.readouterr().err.splitlines()
    # After 0.05, 0.15, 0.25 seconds and so on; fewer where the machine is slow.
    assert 1 <= len(said) <= 5
    assert said[0].startswith("Painting a.jpg  25 %")
    assert hidden != task
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_work_that_speaks_has_no_other_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 1.0)
    with progress_bar() as bar:
        bar.add_task("Painting", total=None)
        for number in range(15):
            bar.console.print(f"{number}.jpg")
            time.sleep(0.1)
    assert capsys.readouterr().err.splitlines() == [f"{number}.jpg" for number in range(15)]
