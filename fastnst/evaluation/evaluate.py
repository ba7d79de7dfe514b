"""The job `evaluate`: how good a style is, beside optimization and by what shows in its pictures."""

from __future__ import annotations

import json as jsonlib
import tempfile
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from fastnst.errors import FastnstError
from fastnst.evaluation.lbfgs_baseline import objective
from fastnst.evaluation.measure import Photo, Shown, measure
from fastnst.evaluation.report import Evaluation
from fastnst.evaluation.views import Views, nearest
from fastnst.exporting.export import EVALUATION, export, read_evaluation
from fastnst.images.find import find_images
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.optimization.inputs import SMALLEST
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.system.atomic import atomic_write
from fastnst.system.torch_device import tune_malloc


def evaluate(
    style: str | Path,
    painting: str | Path,
    *,
    data: str | Path,
    of: str | None = None,
    sizes: Sequence[int] = (256, 512),
    photos: int | Sequence[int] = 8,
    max_iterations: int = 200,
    views_only: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Measure a style on photos that it was not trained on.

    Pictures are judged as people get them, clipped and rounded.

    The views say how much of the painting's hand is in them, seen from afar and from near: pictures and
    painting are brought to longer sides of 512, 256 and 128 px, whatever the size of the photos, and
    their style and content terms are divided by those of what `fastnst optimize` paints of the same
    photo. Its pictures are kept in $XDG_CACHE_HOME/fastnst, ~/.cache/fastnst by default; each takes a
    minute or so the first time.

    The objective is the one that the style was trained for, its units included; for a file without a
    card it is that of Johnson et al. 2016, its units measured on these photos. Beside it stands how many
    iterations of L-BFGS on the photo's pixels are needed for as low a value: Johnson et al. 2016, section
    4.1, found 50 to 100 for theirs, clipped to black and white at each iteration, as it is here.

    Args:
        style: A style's name, an .onnx file, or a run folder of `train`, where the result is kept for
            `export` to write it into the card.
        painting: The painting that it was trained for.
        data: A folder of photos, searched to any depth; the first ones by name are taken.
        of: Which style of a file or run folder of many; None for the first.
        sizes: Longer sides that the photos are scaled to.
        photos: How many at each size, or one number for each of the sizes; each must be as large.
        max_iterations: After which the optimization from noise gives up, and that from the photo ends.
        views_only: Leave out what takes long, the objective with its iterations of L-BFGS, flicker and
            time, so that many styles are compared quickly.
        progress: Show how it stands.

    Raises:
        FastnstError: Something given is wrong; the message says what.
        Interrupted: Ctrl-C while a photo was optimized; those that were finished are kept.
    """
    counts = [photos] if isinstance(photos, int) else list(photos)
    if len(counts) == 1:
        counts *= len(sizes)
    if len(counts) != len(sizes) or min([*counts, max_iterations], default=0) < 1:
        raise FastnstError(
            f"--photos is {photos}, --max-iterations {max_iterations}, with {len(sizes)} sizes.",
            "Give 1 or more of each, and one number of photos or one for each size.",
        )
    run = Path(style) if Path(style).is_dir() else None
    with tempfile.TemporaryDirectory() as folder:
        # Kept to the end: the file is opened once more where large pictures are painted in tiles.
        file = export(run, output=Path(folder, f"{run.name}.onnx")).path if run else style
        stylizer = Stylizer(of, file) if of else Stylizer(file)
        if stylizer.fixed_size:
            raise FastnstError(stylizer.note, "Only nets that paint at any size can be evaluated.")
        least = max(stylizer.card.minimum if stylizer.card else 0, 80)
        if min(sizes) < least:
            raise FastnstError(f"A size of {min(sizes)} is too small.", f"Give {least} or more.")
        wanted = dict(zip(sizes, counts, strict=True))
        chosen = {size: _photos(Path(data), size, count) for size, count in wanted.items()}
        tune_malloc()
        named = stylizer.name if not run else of or stylizer.styles[0]
        number = stylizer.styles.index(named) if len(stylizer.styles) > 1 else 0
        loss = None
        if not views_only:
            most = [photo.pixels for photo in max(chosen.values(), key=len)]
            loss = objective(stylizer.card, number, Path(painting), most)
        views = Views(Path(painting))
        with closing(Shown(sum(wanted.values()), progress)) as shown:
            measured = [
                measure(stylizer, views, loss, size, photos, max_iterations, shown)
                for size, photos in chosen.items()
            ]
    steps = stylizer.card.steps if stylizer.card else 0
    result = Evaluation(
        run.name if run and len(stylizer.styles) == 1 else named, steps, 0 if views_only else max_iterations,
        stylizer.device, version("fastnst"), tuple(measured),
    )  # fmt: skip
    if run:
        values = result.to_json()
        if len(stylizer.styles) > 1:
            # Beside those of the other styles, if they are of the same weights.
            values = {**read_evaluation(run, steps), "steps": steps, named: values}
        with atomic_write(run / EVALUATION) as temporary:
            temporary.write_text(jsonlib.dumps(values, indent=2))
    return result


def command(
    style: str,
    /,
    *,
    painting: Path,
    data: Path,
    of: str | None = None,
    sizes: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (256, 512),
    photos: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (8,),
    max_iterations: int = 200,
    views_only: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    progress: bool = True,
) -> str:
    """`evaluate` as the command line has it.

    Args:
        style: A style by name, an .onnx file, or a run folder, where the result is kept for `fastnst export`.
        painting: The painting that it was trained for.
        data: A folder of photos, searched to any depth; the first ones by name are taken.
        of: Which style of a file or run folder of many; without it, the first.
        sizes: Longer sides that the photos are scaled to.
        photos: How many at each size; one number, or one for each.
        max_iterations: Of the optimization that the style is compared to.
        views_only: Leave out what takes long: the objective and its iterations, flicker and time.
        json: Print JSON.
        progress: Show how it stands.
    """
    result = evaluate(
        style, painting, data=data, of=of, sizes=sizes,
        photos=photos, max_iterations=max_iterations, views_only=views_only, progress=progress,
    )  # fmt: skip
    return jsonlib.dumps(result.to_json(), indent=2) if json else str(result)


def _photos(folder: Path, size: int, count: int) -> list[Photo]:
    """The first photos that are large enough, their longer side scaled to `size`, and to the nearest view."""
    if not folder.is_dir():
        raise FastnstError(f"There is no folder {folder} of photos.", "Give one with --data.")
    files = find_images(folder)
    found: list[Photo] = []
    for path in files:
        try:
            image = read_image(path).convert("RGB")
        except FastnstError:
            continue
        scaled, seen = resize_long_edge(image, size), nearest(image)
        if max(image.size) >= size and min(scaled.size) >= 72 and min(seen.size) >= SMALLEST:
            found.append(Photo(np.asarray(scaled), seen))
        if len(found) == count:
            return found
    raise FastnstError(
        f"Of the {len(files)} photos in {folder}, {len(found)} can be read and have a side of {size} px or more,"
        f" and {count} were asked for.",
        "Give more photos, or fewer with --photos.",
    )
