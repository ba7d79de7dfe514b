"""The job `evaluate`: measure a style beside optimization, and by the faults of its pictures."""

from __future__ import annotations

import json as jsonlib
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from fastnst.errors import FastnstError
from fastnst.evaluation.lbfgs_baseline import style_objective
from fastnst.evaluation.measure import Photo, PhotoProgress, measure
from fastnst.evaluation.report import EvaluateResult
from fastnst.evaluation.views import Views, nearest_view
from fastnst.exporting.export import EVALUATION, export, read_evaluation
from fastnst.images.find import find_images
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import readable_images
from fastnst.optimization.inputs import SMALLEST
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.system.atomic import atomic_write
from fastnst.system.installation import installed_version
from fastnst.system.machine import keep_freed_memory


def evaluate(
    source: str | Path,
    painting: str | Path,
    *,
    data: str | Path,
    style: str | None = None,
    sizes: Sequence[int] = (256, 512),
    photos: int | Sequence[int] = 8,
    max_iterations: int = 200,
    views_only: bool = False,
    progress: bool = True,
) -> EvaluateResult:
    """Measure a style on photos that it was not trained on.

    Pictures are measured as people get them, clipped and rounded.

    The views measure how much of the painting's hand is in a picture, seen from afar and from near. Pictures and
    painting are scaled to longer sides of 512, 256 and 128 px, whatever the size of the photos. Style and content terms
    are divided by those of the picture that `fastnst optimize` paints of the same photo. The optimized pictures are
    cached in $XDG_CACHE_HOME/fastnst (~/.cache/fastnst by default); each takes a minute or so the first time.

    The objective is that of the style's training, units included. For a file without a card it is that of Johnson et
    al. 2016, with units measured on these photos. The result also has the number of iterations of L-BFGS on the photo's
    pixels that reach the same value: Johnson et al. 2016, section 4.1, found 50 to 100 for their nets, and clipped to
    black and white at each iteration, as is done here.

    Args:
        source: Name of a style, an .onnx file, or a run folder of `train`, which keeps the result for the card that
            `export` writes.
        painting: Painting that the style was trained for.
        data: Folder of photos, searched to any depth; the first ones by name are taken.
        style: Style to measure in a file or run folder of many; None for the first.
        sizes: Longer sides in pixels that the photos are scaled to.
        photos: Number of photos at each size, or one number for each size; smaller photos are passed over.
        max_iterations: Most iterations of each optimization by L-BFGS.
        views_only: Leave out what takes long: the objective with its L-BFGS iterations, flicker and time.
        progress: Show the progress.

    Raises:
        FastnstError: An argument is wrong.
        Interrupted: Ctrl-C while a photo was optimized; finished ones stay cached.
    """
    counts = [photos] if isinstance(photos, int) else list(photos)
    if len(counts) == 1:
        counts *= len(sizes)
    if len(counts) != len(sizes) or min([*counts, max_iterations], default=0) < 1:
        raise FastnstError(
            f"--photos is {photos}, --max-iterations {max_iterations}, with {len(sizes)} sizes.",
            "Give 1 or more of each, and one number of photos or one for each size.",
        )
    run = Path(source) if Path(source).is_dir() else None
    # The folder lasts to the end: the file is opened once more where large pictures are painted in tiles.
    with tempfile.TemporaryDirectory() as folder:
        file = export(run, output=Path(folder, f"{run.name}.onnx")).path if run else source
        stylizer = Stylizer(style, file) if style else Stylizer(file)
        if stylizer.fixed_size:
            raise FastnstError(stylizer.note, "Only nets that paint at any size can be evaluated.")
        least = max(stylizer.card.minimum if stylizer.card else 0, 80)
        if min(sizes) < least:
            raise FastnstError(f"A size of {min(sizes)} is too small.", f"Give {least} or more.")
        count_at = dict(zip(sizes, counts, strict=True))
        photos_at = {size: _photos(Path(data), size, count) for size, count in count_at.items()}
        keep_freed_memory(2**30)
        name = stylizer.name if not run else style or stylizer.styles[0]
        number = stylizer.styles.index(name) if len(stylizer.styles) > 1 else 0
        loss = None
        if not views_only:
            largest_set = [photo.pixels for photo in max(photos_at.values(), key=len)]
            loss = style_objective(stylizer.card, number, Path(painting), largest_set)
        views = Views(Path(painting))
        with closing(PhotoProgress(sum(count_at.values()), progress)) as shown:
            reports = [
                measure(stylizer, views, loss, size, photos, max_iterations, shown)
                for size, photos in photos_at.items()
            ]
    steps = stylizer.card.steps if stylizer.card else 0
    result = EvaluateResult(
        run.name if run and len(stylizer.styles) == 1 else name, steps, 0 if views_only else max_iterations,
        stylizer.device, installed_version(), tuple(reports),
    )  # fmt: skip
    if run:
        values = result.to_json()
        if len(stylizer.styles) > 1:
            # The other styles' figures stay if they are of the same weights.
            values = {**read_evaluation(run, steps), "steps": steps, name: values}
        with atomic_write(run / EVALUATION) as temporary:
            temporary.write_text(jsonlib.dumps(values, indent=2))
    return result


def command(
    source: str,
    /,
    *,
    painting: Path,
    data: Path,
    style: str | None = None,
    sizes: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (256, 512),
    photos: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (8,),
    max_iterations: int = 200,
    views_only: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    progress: bool = True,
) -> str:
    """Run `evaluate` for the command line.

    Args:
        source: Name of a style, an .onnx file, or a run folder, which keeps the result for `fastnst export`.
        painting: Painting that the style was trained for.
        data: Folder of photos, searched to any depth; the first ones by name are taken.
        style: Style to measure in a file or run folder of many; without it, the first.
        sizes: Longer sides in pixels that the photos are scaled to.
        photos: Number of photos at each size; one number, or one for each size.
        max_iterations: Most iterations of each optimization that the style is compared to.
        views_only: Leave out what takes long: the objective and its iterations, flicker and time.
        json: Print JSON.
        progress: Show the progress.
    """
    result = evaluate(
        source, painting, data=data, style=style, sizes=sizes,
        photos=photos, max_iterations=max_iterations, views_only=views_only, progress=progress,
    )  # fmt: skip
    return jsonlib.dumps(result.to_json(), indent=2) if json else str(result)


def _photos(folder: Path, size: int, count: int) -> list[Photo]:
    """Return the first photos that are large enough, their longer side scaled to `size`, and to the nearest view."""
    if not folder.is_dir():
        raise FastnstError(f"There is no folder {folder} of photos.", "Give one with --data.")
    files = find_images(folder)
    found: list[Photo] = []
    for image in readable_images(files):
        scaled, view = resize_long_edge(image, size), nearest_view(image)
        if max(image.size) >= size and min(scaled.size) >= 72 and min(view.size) >= SMALLEST:
            found.append(Photo(np.asarray(scaled), view))
        if len(found) == count:
            return found
    raise FastnstError(
        f"Of the {len(files)} photos in {folder}, {len(found)} can be read and have a side of {size} px or more,"
        f" and {count} were asked for.",
        "Give more photos, or fewer with --photos.",
    )
