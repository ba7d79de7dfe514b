"""Write the small ONNX files that the runtime's tests use, so that those tests need neither torch nor onnx.

    python scripts/make_test_assets.py

- negative.onnx: a style with a card and dynamic sizes whose painting is 255 - photo, exactly.
- zoo.onnx: the shape of the ONNX model zoo's fast-neural-style files: input `input1`, fixed 1x3x224x224,
  opset 9, IR 3 (weights are listed as inputs too), no card; it also paints 255 - photo.
- many.onnx: styles alpha and beta, two strokes each, and an identity row; the painting is a x + b, where `style_weights`
  mix a of SCALES and b of SHIFTS.
- classifier.onnx: a net that is no style net.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fastnst.styles.card import CARD_KEY, PaintingCredit, StyleCard

ASSETS = Path(__file__).resolve().parent.parent / "tests" / "assets"


def negative(
    shape: list[int | str], names: tuple[str, str], opset: int, ir: int
) -> onnx.ModelProto:
    """Return a net that computes 255 - x by a 1x1 convolution."""
    weight = numpy_helper.from_array(-np.eye(3, dtype=np.float32)[:, :, None, None], "weight")
    bias = numpy_helper.from_array(np.full(3, 255, np.float32), "bias")
    inputs = [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shape)]
    if ir < 4:
        inputs += [
            helper.make_tensor_value_info(part.name, TensorProto.FLOAT, part.dims)
            for part in (weight, bias)
        ]
    graph = helper.make_graph(
        [helper.make_node("Conv", [names[0], "weight", "bias"], [names[1]], kernel_shape=[1, 1])],
        "negative",
        inputs,
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, shape)],
        [weight, bias],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, producer_name="fastnst")


SCALES = (-1.0, -0.5, 0.25, 0.5, 1.0)
SHIFTS = (255.0, 200.0, 100.0, 50.0, 0.0)


def many() -> onnx.ModelProto:
    """Return a net that computes (SCALES . w) x + SHIFTS . w."""
    size = ["batch", 3, "height", "width"]
    rows = [
        numpy_helper.from_array(np.array(values, np.float32), name)
        for name, values in (("scales", SCALES), ("shifts", SHIFTS))
    ]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["style_weights", "scales"], ["scale"]),
            helper.make_node("MatMul", ["style_weights", "shifts"], ["shift"]),
            helper.make_node("Mul", ["image", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "shift"], ["stylized"]),
        ],
        "many",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, size),
            helper.make_tensor_value_info("style_weights", TensorProto.FLOAT, [len(SCALES)]),
        ],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, size)],
        rows,
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="fastnst")


def main() -> None:
    """Write the four files."""
    style = negative(["batch", 3, "height", "width"], ("image", "stylized"), 20, 10)
    card = StyleCard(
        name="negative",
        styles=(PaintingCredit(title="Negative", artist="Nobody", year=2026, licence="MIT"),),
        net={"name": "johnson", "width": 32, "blocks": 5, "styles": 1},
        multiple_of=4,
        minimum=16,
        steps=1,
        training_set="none",
        fastnst="0.1.0",
    )
    helper.set_model_props(style, {CARD_KEY: card.to_json()})
    onnx.save(style, ASSETS / "negative.onnx")
    gallery = many()
    names = [
        PaintingCredit(title="Alpha", artist="Nobody", year=2026, licence="MIT", name="alpha"),
        PaintingCredit(title="Beta", name="beta"),
    ]
    net = {"name": "johnson", "width": 32, "blocks": 5, "styles": len(SCALES), "identity": True}
    card = replace(card, name="many", styles=tuple(names), strokes=(1.0, 2.0), net=net)
    helper.set_model_props(gallery, {CARD_KEY: card.to_json()})
    onnx.save(gallery, ASSETS / "many.onnx")
    onnx.save(negative([1, 3, 224, 224], ("input1", "output1"), 9, 3), ASSETS / "zoo.onnx")
    node = helper.make_node("Flatten", ["data"], ["scores"])
    graph = helper.make_graph(
        [node],
        "classifier",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 10])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
    )
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=10), ASSETS / "classifier.onnx"
    )


if __name__ == "__main__":
    main()
