import pytest

from fastnst.system import progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the test moves on."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_soon_one_a_minute_and_one_at_the_end(clock, capsys):
    shown = progress.StepProgress("steps", 100, done=10)
    for step in range(11, 101):
        clock[0] += 2
        shown.update(step, "total 1.5")
    shown.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "step 14/100  total 1.5  0.50 steps/s  2:52 left",
        "step 44/100  total 1.5  0.50 steps/s  1:52 left",
        "step 74/100  total 1.5  0.50 steps/s  0:52 left",
        "step 100/100  total 1.5  0.50 steps/s  0:00 left",
    ]


def test_the_time_left_goes_by_the_share_of_the_work(clock, capsys):
    shown = progress.StepProgress("iterations", 100)
    clock[0] += 60
    shown.update(50, "total 1.5", share=0.2)
    assert capsys.readouterr().err.endswith("4:00 left\n")
