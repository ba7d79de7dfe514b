"""The tab of photos, in a browser."""

import pytest
from visitors import click_style, drop, wait_painted

from fastnst.runtime.batch.stylize import stylize

pytestmark = pytest.mark.slow


def test_three_clicks_paint_what_the_command_line_paints(page, address, astronaut, save, workdir):
    drop(page, address, astronaut)
    click_style(page, "great-wave")
    wait_painted(page, "astronaut-great-wave.jpg")
    found = save(page, "#download")
    stylize([astronaut], "painted.jpg", style="great-wave")
    assert found.name == "astronaut-great-wave.jpg"
    assert found.read_bytes() == (workdir / "painted.jpg").read_bytes()
