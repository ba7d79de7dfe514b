import pytest

from fastnst.errors import FastnstError, did_you_mean


def test_an_error_is_its_message_and_its_hint():
    assert (
        str(FastnstError("The size is 0.", "Give 1 or more.")) == "The size is 0. Give 1 or more."
    )
    assert str(FastnstError("The size is 0.")) == "The size is 0."


@pytest.mark.parametrize(
    ("given", "allowed", "text"),
    [
        ("cnady", ["candy", "udnie"], "Did you mean 'candy'?"),
        ("relu3_5", ["relu3_3", "relu1_1"], "Did you mean 'relu3_3' or 'relu1_1'?"),
        ("xyz", ["udnie", "candy"], "Choose from: candy, udnie."),
        ("xyz", [], ""),
    ],
)
def test_did_you_mean_names_the_nearest_or_all(given, allowed, text):
    assert did_you_mean(given, allowed) == text
