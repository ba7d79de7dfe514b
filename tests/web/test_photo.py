"""The tab of photos, in a browser."""

import numpy as np
import pytest
from PIL import Image
from visitors import click_style, drop, serving, wait_painted

from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.styles.mix import StyleMix
from fastnst.styles.registry import list_styles

pytestmark = pytest.mark.slow


def test_three_clicks_paint_what_the_command_line_paints(page, address, astronaut, save, workdir):
    drop(page, address, astronaut)
    click_style(page, "great-wave")
    wait_painted(page, "astronaut-great-wave.jpg")
    found = save(page, "#download")
    stylize([astronaut], "painted.jpg", style="great-wave")
    assert found.name == "astronaut-great-wave.jpg"
    assert found.read_bytes() == (workdir / "painted.jpg").read_bytes()


def test_a_slider_shows_a_preview_and_then_the_full_size(page, address, astronaut, save, workdir):
    drop(page, address, astronaut)
    click_style(page, "the-kiss")
    wait_painted(page, "astronaut-the-kiss.jpg")
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    for _ in range(6):
        slider.press("ArrowLeft")
    wait_painted(page, "astronaut-the-kiss-0.7.jpg")
    page.click("#color label:has-text('palette')")
    page.wait_for_function("document.querySelector('#status').innerText.includes('Preview')")
    wait_painted(page, "astronaut-the-kiss-0.7.jpg")
    options = PhotoOptions(keep_color="palette")
    mix = StyleMix("the-kiss", 0.7)
    stylize([astronaut], "painted.jpg", style=mix, photo_options=options)
    assert save(page, "#download").read_bytes() == (workdir / "painted.jpg").read_bytes()


def test_two_styles_are_mixed(page, address, astronaut, save, workdir):
    drop(page, address, astronaut)
    click_style(page, "udnie")
    page.click("#other input")
    page.get_by_role("option", name="the-kiss", exact=True).click()
    wait_painted(page, "astronaut-udnie-0.5-the-kiss-0.5.jpg")
    stylize([astronaut], "painted.jpg", style="udnie:0.5,the-kiss:0.5")
    assert save(page, "#download").read_bytes() == (workdir / "painted.jpg").read_bytes()


def test_only_what_is_brushed_is_painted(page, address, astronaut, save):
    drop(page, address, astronaut)
    page.click("#where >> text=Where to paint")
    canvas = page.locator("#editor canvas").first
    canvas.wait_for()
    page.wait_for_timeout(1000)  # The canvas fits itself to its place.
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.up()
    page.click("#brush")
    click_style(page, "the-kiss")
    wait_painted(page, "astronaut-the-kiss.jpg")
    with Image.open(save(page, "#download")) as painted, Image.open(astronaut) as photo:
        change = np.abs(np.asarray(painted, int) - np.asarray(photo)).mean(2)
    assert change[:20, :20].mean() < 3  # JPEG.
    assert change[246:266, 246:266].mean() > 15


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.jpg", b"<html><script>document.title = 'no'</script></html>"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>"),
        ("<img src=x onerror=document.title=1>.png", b"no picture"),
    ],
)
def test_a_hostile_upload_gets_a_sentence(page, address, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    page.goto(address)
    page.wait_for_selector("#wall img")
    page.set_input_files("#photo input[type=file]", tmp_path / name)
    page.wait_for_selector("text=/not a picture that can be read|Invalid file type/i")
    assert page.title() == "fastnst"
    assert "/tmp" not in page.inner_text("body")


def test_the_example_is_painted_by_the_keyboard_alone(page, address):
    page.goto(address)
    page.wait_for_selector("#wall img")
    page.focus("#example")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#status').innerText.includes('Click a style')")
    page.focus("#wall .thumbnail-item >> nth=1")
    page.keyboard.press("Enter")
    wait_painted(page, "astronaut-autumn-school.jpg")


def test_keys_move_the_handle_between_before_and_after(page, address, astronaut):
    drop(page, address, astronaut)
    click_style(page, "udnie")
    wait_painted(page, "astronaut-udnie.jpg")
    handle = page.get_by_role("slider", name="Before and after")
    handle.focus()
    before = int(handle.get_attribute("aria-valuenow"))
    for key, moved in (("ArrowLeft", -5), ("ArrowRight", 0), ("ArrowUp", 5)):
        handle.press(key)
        wanted = f"n => Math.abs(n.ariaValueNow - {before + moved}) <= 1"
        page.wait_for_function(wanted, arg=handle.element_handle())
    for key, side in (("Home", "== 0"), ("End", "== 100")):
        handle.press(key)
        page.wait_for_function(f"n => n.ariaValueNow {side}", arg=handle.element_handle())


def test_any_painting_dropped_beside_the_photo_joins_the_wall(
    page, any_painting, astronaut, save, tmp_path, workdir
):
    painting = tmp_path / "my painting.jpg"
    with Image.open(astronaut) as image:
        image.resize((200, 160)).save(painting)
    with serving() as address:
        drop(page, address, astronaut)
        page.set_input_files("#painting input[type=file]", painting)
        page.wait_for_selector("#wall .thumbnail-item:has-text('my-painting')")
        wait_painted(page, "astronaut-my-painting.jpg")  # It is the chosen one at once.
        chosen = page.locator("#wall [aria-pressed=true]")
        assert [each.get_attribute("aria-label") for each in chosen.all()] == ["my-painting"]
        for tab in ("Video", "Many"):
            page.get_by_role("tab", name=tab).click()
            assert page.input_value(f"#{tab.lower()}-style input") == "my-painting"
        page.get_by_role("tab", name="Photo").click()
        stylize([astronaut], "painted.jpg", style=painting)
        assert save(page, "#download").read_bytes() == (workdir / "painted.jpg").read_bytes()
        page.fill("#kept-name input, #kept-name textarea", "mine")
        page.click("#kept-name button")
        page.wait_for_function(
            "document.querySelector('#status').innerText.includes('mine is kept')"
        )
    assert "mine" in list_styles()
