import numpy as np
import pytest

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.runtime.engine.painting_statistics import describe_paintings, painting_statistics
from fastnst.styles.painting import read_painting, scaled_like


def test_the_runtime_describes_a_painting_as_the_training_does(astronaut):
    pytest.importorskip("torch", reason="the training needs torch")
    from fastnst.perceptual import load_loss_network
    from fastnst.perceptual.image_tensor import image_to_tensor
    from fastnst.perceptual.statistics import statistics

    ours = painting_statistics(astronaut)
    painting = image_to_tensor(scaled_like(read_painting(astronaut), 320))
    theirs = statistics(load_loss_network(), painting).numpy()
    assert np.abs(ours - theirs).max() < 1e-4 * theirs.max()


def test_a_painting_that_changed_is_described_anew(workdir, make_photos):
    make_photos(workdir, 2)
    before = painting_statistics("000.jpg")
    assert painting_statistics(workdir / "000.jpg") is before
    (workdir / "001.jpg").replace("000.jpg")
    assert np.abs(painting_statistics("000.jpg") - before).max() > 1


def test_many_are_described_with_a_word_after_each(workdir, make_photos):
    make_photos(workdir, 2)
    said = []
    described = describe_paintings(["000.jpg", "001.jpg"], lambda *words: said.append(words))
    assert [path for path, _, _ in described] == [str(workdir / f"00{n}.jpg") for n in (0, 1)]
    assert said == [(0.5, "1 of 2 paintings"), (1.0, "2 of 2 paintings")]
    assert all(painting_statistics(key[0]) is found for key, found in described.items())


def test_a_missing_painting_is_one_sentence(workdir):
    with pytest.raises(UnreadableImage, match=r"^There is no painting .*none\.png\."):
        painting_statistics("none.png")
    (workdir / "text.png").write_text("no picture")
    with pytest.raises(FastnstError, match=r"text\.png"):
        painting_statistics("text.png")
