"""Put the styles of several nets with the same kernels into one file.

    python scripts/merge_styles.py gallery-unet runs/sunflowers/sunflowers.safetensors --output more.safetensors

`fastnst train --init-from gallery-unet` learns scales and shifts alone, so its nets have the gallery's kernels. The first net
gives the identity row and the predictor. `fastnst export more.safetensors` makes the .onnx file.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.models import StyleNet, build_net, load_net, save_net
from fastnst.styles.card import StyleCard
from fastnst.training.warm_start import find_weights

ROWS = (".norm.weight", ".norm.bias")


def merged(nets: list[tuple[StyleNet, StyleCard]]) -> tuple[StyleNet, StyleCard]:
    """One net with the styles of all.

    Raises:
        FastnstError: Two nets differ in more than their styles, or two styles have one name.
    """
    (first, card), *others = nets
    last = first.config.styles - first.config.predicted - first.config.identity
    weights = first.state_dict()
    names = [credit.name for _, each in nets for credit in each.styles]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FastnstError(f"Two nets have a style {twice}.", "Give each a name of its own.")
    rows: dict[str, list[Tensor]] = {
        name: [values[:last]] for name, values in weights.items() if name.endswith(ROWS)
    }
    for net, other in others:
        own = net.config.styles - net.config.predicted - net.config.identity
        if other.strokes != card.strokes or net.config.levels != first.config.levels:
            raise FastnstError(f"{other.name} has other levels or strokes than {card.name}.")
        theirs = net.state_dict()
        for name, values in weights.items():
            if name in rows:
                rows[name].append(theirs[name][:own].to(values))
            elif not name.startswith("predictor.") and not torch.equal(
                values, theirs[name].to(values)
            ):
                raise FastnstError(
                    f"{other.name} has other kernels than {card.name}.",
                    f"Train it with --init-from {card.name}, without --unfreeze.",
                )
    for name, parts in rows.items():
        weights[name] = torch.cat([*parts, weights[name][last:]])
    config = replace(first.config, styles=len(weights[next(iter(rows))]))
    net = build_net(config).to(next(first.parameters()).dtype)
    net.load_state_dict(weights)
    credits = tuple(credit for _, each in nets for credit in each.styles)
    evaluation = {name: value for _, each in nets for name, value in each.evaluation.items()}
    return net, replace(card, styles=credits, net=config.as_dict(), evaluation=evaluation)


def main() -> None:
    """Merge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("nets", nargs="+", help="shipped galleries, or .safetensors files")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    try:
        net, card = merged([load_net(find_weights(name)) for name in options.nets])
        save_net(options.output, net.half(), replace(card, name=options.output.stem))
    except FastnstError as error:
        raise SystemExit(str(error)) from error
    print(f"{options.output}: {len(card.styles)} styles")


if __name__ == "__main__":
    main()
