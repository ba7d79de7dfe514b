from typing import get_args, get_type_hints

import pytest

from fastnst.models import NETS, NetConfig


def test_the_names_that_a_configuration_takes_are_those_of_the_nets():
    assert set(get_args(get_type_hints(NetConfig)["name"])) == NETS.keys()


@pytest.mark.parametrize("field", ["width", "blocks", "styles"])
def test_a_net_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0; it must be 1 or more"):
        NetConfig(**{field: 0})


@pytest.mark.parametrize("name", ["swift", "unet"])
def test_a_width_that_a_net_can_not_have_is_refused(name):
    with pytest.raises(ValueError, match=f"width is 7; the net {name} needs an even one"):
        NetConfig(name, width=7)
    assert NetConfig("johnson", width=7).width == 7
