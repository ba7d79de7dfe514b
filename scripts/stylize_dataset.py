"""Paint a folder of images, or of parquet files, in drawn styles on a Ray cluster or on the cores of this machine.

python scripts/stylize_dataset.py set/ -o painted/ --copies 3 --strength 0.3:1 --seed 0 --address auto
"""

import argparse
import sys
from pathlib import Path

from fastnst import FastnstError, StyleAugment
from fastnst.runtime.batch.cluster import import_ray
from fastnst.runtime.batch.dataset import stylize_dataset
from fastnst.runtime.batch.parquet import stylize_parquet
from fastnst.styles.draw import RANDOM, parse_range
from fastnst.system.progress import StepProgress


def main() -> None:
    """Paint the data set, and say what was painted and what was left out; the exit status is 1 if something was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--styles", nargs="+", default=[RANDOM], metavar="STYLE")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--strength", default="0.3:1")
    parser.add_argument("--stroke", default="0:1")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", action="store_true", help="paint by the net for photos")
    parser.add_argument("--column", help="paint the images of this column of parquet files")
    parser.add_argument("--workers", type=int, help="one for each core of the cluster, without it")
    parser.add_argument("--address", help="of a cluster; without it, one starts on this machine")
    options = parser.parse_args()
    try:
        augment = StyleAugment(
            options.styles if len(options.styles) > 1 else options.styles[0],
            options.model,
            strength=parse_range(options.strength, "strength"),
            stroke=parse_range(options.stroke, "stroke"),
            share=1.0,
            seed=options.seed,
            column=options.column or "image",
            fast=not options.slow,
        )
        ray = import_ray(options.address)
        ray.data.DataContext.get_current().enable_progress_bars = False
        more = {"augment": augment, "copies": options.copies, "workers": options.workers}
        progress = StepProgress("percents", 100)

        def report(share: float, note: str) -> None:
            progress.update(int(100 * share), note)

        run = stylize_parquet if options.column else stylize_dataset
        result = run(options.source, options.output, report=report, **more)
        progress.close()
    except FastnstError as error:
        sys.exit(str(error))
    for reason in result.errors.values():
        print(reason, file=sys.stderr)
    rate = result.painted / max(result.seconds, 1e-9)
    print(
        f"{result.painted} painted, {result.kept} there already, {len(result.errors)} left out;"
        f" {result.seconds:.1f} s, {rate:.1f} images a second, painting took {result.painting_seconds:.1f} s of a core"
    )
    sys.exit(1 if result.errors else 0)


if __name__ == "__main__":
    main()
