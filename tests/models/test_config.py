import pytest

from fastnst.models import NetConfig


@pytest.mark.parametrize("field", ["width", "blocks", "styles"])
def test_a_net_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0; it must be 1 or more"):
        NetConfig(**{field: 0})


@pytest.mark.parametrize("name", ["swift", "unet"])
def test_a_width_that_a_net_can_not_have_is_refused(name):
    with pytest.raises(ValueError, match=f"width is 7; the net {name} needs an even one"):
        NetConfig(name, width=7)
    assert NetConfig("johnson", width=7).width == 7
