"""The interface for programs, by Gradio's own client."""

import shutil

import pytest
from visitors import serving

from fastnst.runtime.batch.stylize import stylize
from fastnst.styles.mix import StyleMix
from fastnst.styles.registry import list_styles

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    with serving(api_only=True) as url:
        yield url


def test_a_client_paints_what_the_command_line_paints(address, astronaut, workdir):
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError

    client = Client(address, download_files=str(workdir), verbose=False, analytics_enabled=False)
    assert client.predict(api_name="/styles") == list(list_styles())
    shutil.copy(astronaut, "photo.jpg")
    painted = client.predict(
        handle_file("photo.jpg"), "udnie", strength=0.5, stroke=0.25, api_name="/paint"
    )
    stylize(["photo.jpg"], "own.jpg", style=StyleMix("udnie", 0.5, stroke=0.25))
    assert painted.endswith("photo-udnie-0.5-stroke-0.25.jpg")
    with open(painted, "rb") as file:
        assert file.read() == (workdir / "own.jpg").read_bytes()
    (workdir / "page.jpg").write_text("<html>")
    # Every option has a default.
    plain = client.predict(handle_file("photo.jpg"), "udnie", api_name="/paint")
    assert plain.endswith("photo-udnie.jpg")
    for photo, style, words in (
        ("page.jpg", "udnie", "page.jpg is not a picture that can be read. Give a JPEG"),
        ("photo.jpg", "udni", "There is no style 'udni'. Did you mean 'udnie'?"),
    ):
        with pytest.raises(AppError) as error:
            client.predict(handle_file(photo), style, api_name="/paint")
        assert words in str(error.value)
        assert "/tmp" not in str(error.value)
    client.close()
