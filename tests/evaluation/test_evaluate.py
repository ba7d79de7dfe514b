import json
import math
import shutil
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
import fastnst
from fastnst.cli.app import app
from fastnst.errors import FastnstError
from fastnst.evaluation import evaluate as job
from fastnst.evaluation import lbfgs_baseline, measure, views
from fastnst.evaluation.metrics import repetitions
from fastnst.evaluation.report import SizeReport
from fastnst.evaluation.views import Views, nearest_view
from fastnst.exporting.export import EVALUATION, ExportResult, read_evaluation
from fastnst.images.read import read_image
from fastnst.runtime.engine import level_painter

pytestmark = pytest.mark.slow

SIZE = 96


@pytest.fixture
def folder(workdir, make_photos, monkeypatch):
    """Three photos, and as a painting the negative of one: what the style `negative` paints.

    Views are of 96, 64 and 48 px, and the pictures that they are measured by of two iterations.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(workdir / "cache"))
    monkeypatch.setattr(views, "SIDES", (SIZE, 64, 48))
    monkeypatch.setattr(views, "optimize", partial(fastnst.optimize, iterations=2))
    make_photos(workdir / "photos", 3, (128, 112))
    first = np.asarray(read_image(workdir / "photos" / "000.jpg"))
    Image.fromarray(255 - first).save("painting.png")
    return workdir


def evaluate(source, **options):
    options = {
        "data": "photos",
        "sizes": [SIZE],
        "photos": 2,
        "max_iterations": 30,
        "progress": False,
    } | options
    return fastnst.evaluate(source, options.pop("painting", "painting.png"), **options)


@pytest.mark.slow
def test_a_style_is_placed_between_its_photos_and_their_optimization(folder, negative):
    result = evaluate(negative)
    (found,) = result.sizes
    assert (result.style, found.size, found.photos) == ("negative", SIZE, 2)
    assert found.optimized_total < found.total < found.photo_total
    assert found.total == pytest.approx(
        found.content + found.style, rel=0.2
    )  # Medians, each of its own.
    # Noise may be as good as the negative of a photo, by a little more or less than the precision.
    assert 0 <= found.from_noise[0] <= found.from_noise[1] <= found.from_noise[2]
    assert found.from_noise[2] > 0
    # What is painted pixel by pixel has no checkerboard, no border and no flicker of its own.
    assert 0.8 < found.checkerboard < 1.25
    assert 0.5 < found.border < 2
    assert found.flicker < 0.05
    assert found.milliseconds > 0


def test_the_iterations_are_those_after_which_the_objective_is_as_low(folder, negative):
    found = evaluate(negative, photos=1).sizes[0]
    assert found.flicker < 0.05  # Of one photo too.
    curves = [json.loads(file.read_text()) for file in folder.glob("cache/**/*.json")]
    assert len(curves) == 3
    for reached in (found.from_noise[1], found.from_photo[1]):
        (curve,) = [c for c in curves if len(c) == reached + 1]
        assert curve[-1] <= found.total < min(curve[:-1], default=math.inf)
    (whole,) = [c for c in curves if len(c) == 31]
    assert found.optimized_total == min(whole)
    assert found.photo_total == pytest.approx(whole[0], rel=1e-3)


@pytest.mark.slow
def test_the_views_alone_need_no_lbfgs(folder, negative, monkeypatch):
    monkeypatch.setattr(lbfgs_baseline, "descend", lambda *_, **__: pytest.fail("L-BFGS ran"))
    result = evaluate(negative, views_only=True)
    (found,) = result.sizes
    seen = []
    for name in ("000.jpg", "001.jpg"):
        photo = nearest_view(read_image(folder / "photos" / name))
        stylized = 255 - np.asarray(photo)
        seen.append(Views(Path("painting.png")).relative_terms(stylized, photo))
    assert found.views_style == pytest.approx(statistics.median(s.style for s in seen))
    assert found.views_content == pytest.approx(statistics.median(s.content for s in seen))
    assert (found.photos, found.flicker, found.total, found.from_noise) == (2, None, None, None)
    values = result.to_json()
    assert values["max_iterations"] == 0
    assert values["sizes"][0]["from_noise"] is values["sizes"][0]["milliseconds"] is None
    assert [line[:24].rstrip() for line in str(result).splitlines()[2:]] == [
        "photos", "views, style (1 is optim", "views, content (1 is opt", "repetition (1 is a latti",
        "  flat squares", "checkerboard (1 is none)", "border (1 is the photo's",
    ]  # fmt: skip


def test_progress_shows_the_optimized_pictures_and_the_photos(folder, negative, monkeypatch):
    lines = []

    class Recorder:
        def __init__(self, unit, total):
            lines.append((unit, total))

        def update(self, done, text, share):
            lines.append((done, text.partition("  content")[0], share))

        def close(self):
            lines.append("closed")

    monkeypatch.setattr(measure, "StepProgress", Recorder)
    evaluate(negative, views_only=True, progress=True)
    optimizing = "optimizing a photo  96 px"
    assert [line for line in lines if "style" not in str(line)] == [
        ("photos", 2),
        (0, optimizing, 0.25), (0, optimizing, 0.5), (1, "96 px", 0.5),
        (1, optimizing, 0.75), (1, optimizing, 1), (2, "96 px", 1),
        "closed",
    ]  # fmt: skip


@pytest.mark.slow
def test_repetition_is_the_median_of_the_flat_squares_of_all_photos(folder, negative):
    """A square fits into each photo: two are flat, of which one is a lattice, and the third is not."""
    pixels = [np.full((112, 96, 3), 100, np.uint8) for _ in range(3)]
    pixels[1][::8, ::8] = 150  # A deviation of 6 levels.
    pixels[2] = np.asarray(read_image(folder / "photos" / "002.jpg").resize((96, 112)))
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "photos" / f"{number:03d}.png")
    for file in folder.glob("photos/*.jpg"):
        file.unlink()
    size = evaluate(negative, sizes=[112], photos=3, views_only=True).sizes[0]
    assert size.flat_squares == 2
    squares = [repetitions(255 - image, image) for image in pixels]
    assert squares == [[0], [pytest.approx(1, abs=0.01)], []]
    assert size.repetition == pytest.approx(0.5, abs=0.01)
    none = evaluate(negative, sizes=[90], views_only=True, photos=1)
    assert (none.sizes[0].repetition, none.sizes[0].flat_squares) == (None, 0)
    assert none.to_json()["sizes"][0]["repetition"] is None
    assert "-" in str(none).splitlines()[5].split()


@pytest.mark.long
@pytest.mark.slow
def test_curves_are_kept(folder, negative, monkeypatch):
    first = evaluate(negative)
    monkeypatch.setattr(lbfgs_baseline, "descend", lambda *_, **__: pytest.fail("optimized again"))
    again = evaluate(negative)
    assert again.sizes[0].from_noise == first.sizes[0].from_noise
    assert again.sizes[0].optimized_total == first.sizes[0].optimized_total


def test_what_is_not_reached_is_said_so(folder, negative):
    result = evaluate(negative, max_iterations=3)
    (size,) = result.sizes
    never = replace(result, sizes=(replace(size, from_noise=(2.0, math.inf, math.inf)),))
    assert "more than 3 (2 to more than 3)" in str(never)
    assert never.to_json()["sizes"][0]["from_noise"] == [2.0, None, None]


@pytest.mark.slow
def test_the_table_and_the_json_of_the_command_line(folder, negative):
    words = f"evaluate {negative} --painting painting.png --data photos --sizes {SIZE} 88 --photos 2 1 --max-iterations 3"
    lines = app(words.split(), exit_on_error=False, print_error=False).splitlines()
    assert lines[0] == "negative"
    assert lines[1].split() == ["96", "px", "88", "px"]
    assert any(line.startswith("L-BFGS iterations from noise") for line in lines)
    assert lines[2].split() == ["photos", "2", "1"]
    found = json.loads(app([*words.split(), "--json"], exit_on_error=False, print_error=False))
    assert [size["size"] for size in found["sizes"]] == [96, 88]
    quick = app([*words.split(), "--json", "--views-only"], exit_on_error=False, print_error=False)
    for size, full in zip(json.loads(quick)["sizes"], found["sizes"], strict=True):
        assert size["total"] is None
        assert size["views_style"] == full["views_style"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"photos": 4},
            r"Of the 3 photos in photos, 3 can be read and have a side of 96 px or more, and 4 were",
        ),
        ({"sizes": [500]}, r"0 can be read and have a side of 500 px"),
        ({"sizes": [40]}, r"A size of 40 is too small\. Give 80 or more"),
        ({"data": "gone"}, r"There is no folder gone"),
        ({"photos": 0}, r"--photos is 0"),
        ({"photos": [2, 2]}, r"--photos is \[2, 2\].* one for each size"),
        ({"painting": "gone.png"}, r"no file gone\.png"),
        (
            {"painting": "photos/001.jpg"},
            r"negative is further from the painting than the photos themselves",
        ),
    ],
)
def test_what_can_t_be_measured_is_refused(folder, negative, options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        evaluate(negative, **options)


def test_a_net_of_one_size_is_refused(folder, zoo):
    with pytest.raises(FastnstError, match=r"Only nets that paint at any size"):
        evaluate(zoo)


@pytest.mark.slow
def test_one_of_many_styles_is_measured_by_its_own_name(folder, many):
    assert evaluate(many, style="alpha").style == "alpha"
    with pytest.raises(FastnstError, match=r"At 96 px, beta is further from the painting"):
        evaluate(many, style="beta", painting="photos/001.jpg")


def test_what_was_found_of_many_styles_is_kept_side_by_side(folder, many, monkeypatch):
    monkeypatch.setattr(job, "export", lambda run, output: ExportResult(many, 0.0))
    (folder / "run").mkdir()
    for size, style in enumerate(("alpha", "beta")):
        found = SizeReport(size, 1, 1.5, 1.25, 0.5, 3, 1.0, 1.0)
        monkeypatch.setattr(job, "measure", lambda *_, found=found: found)
        evaluate(folder / "run", style=style)
    kept = json.loads((folder / "run" / EVALUATION).read_text())
    assert [kept[style]["sizes"][0]["size"] for style in ("alpha", "beta")] == [0, 1]
    assert kept["steps"] == kept["beta"]["steps"] == 1
    assert read_evaluation(folder / "run", 1) == kept
    figures = kept["beta"]["sizes"][0]
    assert (figures["views_style"], figures["views_content"]) == (1.5, 1.25)
    assert (figures["repetition"], figures["flat_squares"]) == (0.5, 3)


def test_a_run_folder_is_measured_in_tiles_too(folder, negative, monkeypatch):
    """Tiles open the file a second time, when the first large picture is painted."""
    monkeypatch.setattr(
        job, "export", lambda run, output: ExportResult(Path(shutil.copy(negative, output)), 0.0)
    )
    monkeypatch.setattr(level_painter, "SURELY_FITS", 0)
    monkeypatch.setattr(level_painter, "chosen_side", lambda *_: 64)
    (folder / "run").mkdir()
    found = evaluate(folder / "run", photos=1, max_iterations=3)
    whole = evaluate(negative, photos=1, max_iterations=3)
    assert (found.style, found.sizes[0].total) == ("run", whole.sizes[0].total)
