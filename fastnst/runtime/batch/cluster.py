"""Ray clusters: joining one, and handing out jobs to its workers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from fastnst.errors import FastnstError, first_line
from fastnst.system.installation import missing_extra


def import_ray(address: str | None = None) -> Any:
    """Import Ray, which tells nobody how it is used unless its user asks for that, and join a cluster.

    Args:
        address: Address of the cluster; None joins that of `$RAY_ADDRESS`, or starts one on this machine.

    Raises:
        MissingExtra: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("Painting on a cluster needs Ray.", "ray") from error
    if not ray.is_initialized():
        ray.init(address, logging_level="ERROR", log_to_driver=False)
    return ray


def work(
    ray: Any,
    items: list[dict[str, Any]],
    worker: type,
    options: dict[str, Any],
    *,
    workers: int | None,
    batch: int,
    block: int,
) -> Iterator[dict[str, Any]]:
    """Yield a row for each item from workers that each have a process and a core of their own, as they come.

    A worker that dies, or whose machine does, is started anew, and the items of its block are done again: what a worker
    does must be fit for that.

    Args:
        ray: The module.
        items: Items, as rows of a table.
        worker: Class that is called with batches of items, as columns, and returns columns.
        options: Arguments that the class is made with.
        workers: Largest number of workers; None for one for each core of the cluster.
        batch: Number of items of a call.
        block: Number of items that are sent to a worker together.

    Raises:
        FastnstError: A worker failed, or there are less than 1.
    """
    if workers is not None and workers < 1:
        raise FastnstError(f"The number of workers is {workers}.", "Give 1 or more.")
    if not items:
        return
    most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    done = ray.data.from_items(
        items, override_num_blocks=math.ceil(len(items) / block)
    ).map_batches(
        worker,
        fn_constructor_kwargs=options,
        batch_size=batch,
        batch_format="numpy",
        num_cpus=1,
        # The least is 1, so that a job goes on where a machine is lost.
        compute=ray.data.ActorPoolStrategy(min_size=1, initial_size=most, max_size=most),
    )
    try:
        yield from done.iter_rows()
    except ray.exceptions.RayError as error:
        cause: BaseException = error
        while (inner := getattr(cause, "cause", None) or cause.__cause__) is not None:
            cause = inner
        raise FastnstError(
            f"The workers failed: {first_line(cause)}.",
            "What is painted stays: mend this, and say the same again to go on.",
        ) from error
