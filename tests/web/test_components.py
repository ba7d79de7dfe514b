"""Inputs and errors of the page."""

import asyncio

import gradio as gr
import pytest
from gradio.data_classes import FileData, ImageData, ListFiles

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.web.components import as_uploaded, explained, in_words


def test_an_input_hands_over_the_file_as_it_was_uploaded(tmp_path):
    image, files = as_uploaded(gr.Image()), as_uploaded(gr.File(file_count="multiple"))
    assert image.preprocess(ImageData(path="/a/b.jpg", orig_name="b.jpg")) == "/a/b.jpg"
    assert image.preprocess(ImageData(url="data:image/svg+xml,<svg/>")) is None
    assert image.preprocess(None) is None
    both = ListFiles(root=[FileData(path="/a"), FileData(path="/b")])
    assert files.preprocess(both) == ["/a", "/b"]
    assert image.get_block_name() == "image"


def test_addresses_are_not_opened():
    image = as_uploaded(gr.Image())
    with pytest.raises(gr.Error, match="Addresses are not opened here"):
        asyncio.run(image.async_move_resource_to_block_cache("http://192.0.2.1/a.jpg"))


def test_errors_are_plain_sentences_without_folders(tmp_path):
    def call(error):
        raise error

    shown = explained(tmp_path)(call)
    gone = UnreadableImage(f"{tmp_path}/0f1e/photo-1/my photo.jpg is damaged.", "Give another.")
    with pytest.raises(gr.Error, match=r"^'my photo.jpg is damaged. Give another.'$"):
        shown(gone)
    with pytest.raises(gr.Error, match="The server can't work: No space left"):
        shown(OSError(28, "No space left", f"{tmp_path}/x"))
    with pytest.raises(ValueError, match="bug"):
        shown(ValueError("bug"))


def test_paths_elsewhere_stay(tmp_path):
    assert in_words(FastnstError("/usr/a.onnx is bad."), tmp_path) == "/usr/a.onnx is bad."
