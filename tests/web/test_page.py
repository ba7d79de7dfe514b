"""Links to the page, and two visitors at once."""

from types import SimpleNamespace

import gradio as gr
import pytest
from visitors import click_style, drop, visitor, wait_painted

from fastnst.errors import FastnstError, UnknownStyle
from fastnst.web.page import linked
from fastnst.web.sessions import Sessions
from fastnst.web.studio import Studio


@pytest.fixture
def studio(tmp_path):
    return Studio(Sessions(tmp_path))


REQUEST = SimpleNamespace(session_hash="one")
SAME = gr.skip()


def test_a_link_sets_style_strength_and_stroke(studio):
    asked = {"style": "great-wave", "strength": "0.7", "stroke": "0.25"}
    assert linked(asked, studio, REQUEST) == ("great-wave", 0.7, 0.25)
    assert linked({}, studio, REQUEST) == (SAME, SAME, SAME)


def test_a_wrong_link_is_an_error_in_a_sentence(studio):
    with pytest.raises(UnknownStyle, match="no style 'great-wav'. Did you mean 'great-wave'?"):
        linked({"style": "great-wav"}, studio, REQUEST)
    for number in ("2", "-1", "nan", "much"):
        with pytest.raises(FastnstError, match="The strength of the link is .* from 0 to 1"):
            linked({"strength": number}, studio, REQUEST)


@pytest.mark.slow
def test_a_link_paints_the_photo_as_soon_as_it_is_there(page, address, astronaut):
    page.goto(f"{address}/?style=the-kiss&strength=0.5")
    page.wait_for_function("document.querySelector('#style input')?.value === 'the-kiss'")
    page.set_input_files("#photo input[type=file]", astronaut)
    wait_painted(page, "astronaut-the-kiss-0.5.jpg")


@pytest.mark.slow
def test_visitors_do_not_see_one_another(browser, address, astronaut, make_photos, tmp_path, save):
    other_photo = make_photos(tmp_path / "photos", 1) / "000.jpg"
    (tmp_path / "page.jpg").write_text("<html>")
    with visitor(browser) as one, visitor(browser) as two, visitor(browser) as three:
        for page, photo in ((one, astronaut), (two, other_photo)):
            drop(page, address, photo)
        three.goto(address)
        three.wait_for_selector("#wall img")
        three.set_input_files("#photo input[type=file]", tmp_path / "page.jpg")
        three.wait_for_selector("text=page.jpg is not a picture that can be read")
        click_style(one, "udnie")
        click_style(two, "the-kiss")
        wait_painted(one, "astronaut-udnie.jpg")
        wait_painted(two, "000-the-kiss.jpg")
        for page in (one, two):
            assert "page.jpg" not in page.inner_text("body")
        shown = [page.get_attribute("#result img >> nth=0", "src") for page in (one, two)]
        assert len({src.split("/")[-3] for src in shown}) == 2  # Folders of their own.
