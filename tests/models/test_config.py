import pytest

from fastnst.models import NetConfig


@pytest.mark.parametrize("field", ["width", "blocks", "styles"])
def test_a_net_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0; it must be 1 or more"):
        NetConfig(**{field: 0})
