"""The card of a net in training: the facts that are stored with its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnst.styles.card import StyleCard
from fastnst.system.installation import installed_version
from fastnst.training.paintings import DEFAULT_SIZE, Painting

if TYPE_CHECKING:
    from fastnst.training.module import StyleTransfer


def card_of(module: StyleTransfer) -> StyleCard:
    """The card of a module's net as it is now."""
    loss, config, weights = module.objective.at(0), module.net.config, module.loss_network_weights
    styles, several_levels = module.styles, config.levels > 1
    each = [
        {
            "style_size": _style_size(module, painting),
            "style_weight": loss.style_weight * painting.weight,
            "units": loss.units(number * len(styles.strokes)),
        }
        for number, painting in enumerate(styles.paintings)
    ]
    seen = {"far_style": module.far_style, "view_weights": list(module.objective.view_weights)}
    return StyleCard(
        name=module.name,
        styles=tuple(painting.credit for painting in styles.paintings),
        strokes=styles.strokes,
        base=module.picture_side if several_levels else 0,
        net=config.as_dict(),
        multiple_of=module.net.multiple_of,
        minimum=module.net.minimum,
        loss={
            "network": weights.name if weights else "VGG-16, Oxford weights",
            "content_layers": loss.content_layers,
            "style_layers": loss.style_layers,
            "content_weight": loss.content_weight,
            "style_power": loss.style_power,
            "content_focus": loss.content_focus,
            **(seen if several_levels else {}),
            "regularizers": module.regularizers,
            # Facts that differ from style to style, in their order.
            **(each[0] if len(each) == 1 else {"styles": each}),
        },
        steps=module.steps_before + module.trainer.global_step,
        training_set=module.data.set_name,
        fastnst=installed_version(),
    )


def _style_size(module: StyleTransfer, painting: Painting) -> int:
    """Longer side in pixels of a painting at the coarsest level."""
    if module.net.config.levels == 1:
        return round((painting.size or DEFAULT_SIZE) * module.styles.strokes[0])
    return max(painting.load_like(module.picture_side, module.picture_side).shape[2:])
