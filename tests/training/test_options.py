import pytest

from fastnst.errors import FastnstError
from fastnst.training.options import ObjectiveOptions, OptimizerOptions


@pytest.mark.parametrize(
    ("options", "given", "sentence"),
    [
        (ObjectiveOptions, {"view_weights": ()}, r"^The view weights are \[\]\. Each must be 0 or more"),
        (ObjectiveOptions, {"view_weights": (1, -1)}, r"^The view weights are \[1, -1\]\."),
        (ObjectiveOptions, {"view_weights": (0, 0)}, r"at least one above 0\.$"),
        (ObjectiveOptions, {"content_focus": 1.1}, r"^content_focus is 1\.1\. It is 0 to 1\.$"),
        (ObjectiveOptions, {"far_style": 0}, r"^far_style is 0\. It must be above 0\.$"),
        (OptimizerOptions, {"learning_rate": -1}, r"^learning_rate is -1\. It must be above 0\.$"),
        (OptimizerOptions, {"norm_learning_rate": float("inf")}, r"^norm_learning_rate is inf\."),
        (OptimizerOptions, {"warmup_steps": -1}, r"^warmup_steps is -1\. It must be 0 or more\.$"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_one_sentence(options, given, sentence):
    with pytest.raises(FastnstError, match=sentence):
        options(**given)


def test_layers_of_one_are_not_those_of_another():
    first, second = ObjectiveOptions(), ObjectiveOptions()
    assert first == second
    assert first.style_layers is not second.style_layers
