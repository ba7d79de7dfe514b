import copy
import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from fastnst import StyleMix, Stylizer, StylizerSpec
from fastnst.errors import FastnstError

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)


def paint(stylizer):
    """Work of a process of its own."""
    return os.getpid(), stylizer(PHOTO)


def test_it_holds_the_arguments_and_can_be_compared_and_hashed(many):
    stylizer = Stylizer("beta", many, strength=0.5, tile=128, threads=1)
    wanted = StylizerSpec(StyleMix("beta", 0.5), many, tile=128, threads=1)
    assert stylizer.spec == wanted
    assert {stylizer.spec: 1}[wanted] == 1
    assert Stylizer.from_spec(wanted).spec == wanted


def test_a_stylizer_goes_to_a_spawned_process_and_paints_the_same_there(many, engine):
    # There `auto` may be another, as nothing is patched.
    if engine != "onnxruntime":
        pytest.skip("In bfloat16, the process may differ.")
    stylizer = Stylizer("alpha:0.3,beta:0.7", many, strength=0.5, stroke="bold", device="cpu")
    stylizer(PHOTO)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        process, painted = pool.apply(paint, (stylizer,))
    assert process != os.getpid()
    assert np.array_equal(painted, stylizer(PHOTO))


@pytest.mark.parametrize("tile", ["auto", 64])
def test_a_copy_has_a_session_of_its_own(many, tile):
    stylizer = Stylizer("beta", many, tile=tile)
    stylizer(PHOTO)
    for other in (copy.deepcopy(stylizer), copy.copy(stylizer)):
        assert other.net._session is not stylizer.net._session
        assert other.spec == stylizer.spec
        assert np.array_equal(other(PHOTO), stylizer(PHOTO))


def test_a_file_is_found_from_another_folder(many, tmp_path, monkeypatch):
    monkeypatch.chdir(many.parent)
    text = pickle.dumps(Stylizer("beta", "many.onnx"))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(text).path == many


def test_a_style_of_a_name_is_found_by_it_and_so_is_its_net_for_videos(many, monkeypatch):
    monkeypatch.setenv("FASTNST_STYLES", str(many.parent))
    spec = pickle.loads(pickle.dumps(Stylizer("beta"))).spec
    assert (spec.model, spec.find()) == (None, many)
    assert spec.for_video().fast
    assert spec.for_video(1000).threads == 1


def test_a_file_may_be_the_style_and_two_files_are_refused(many, negative):
    assert Stylizer(str(many)).spec == Stylizer(model=many).spec == Stylizer(many).spec
    with pytest.raises(FastnstError, match=r"Two files were given: .*negative\.onnx and .*many"):
        Stylizer(negative, many)
    with pytest.raises(FastnstError, match=r"No style was given\. Give the name of a style, or"):
        Stylizer()


@pytest.mark.parametrize("tile", ["of", 63, 0, -5])
def test_an_impossible_tile_is_refused(tile):
    with pytest.raises(
        FastnstError, match=r"The tile is .* Give auto, off, or a side of 64 px or more"
    ):
        StylizerSpec(StyleMix(), Path("a.onnx"), tile=tile)
