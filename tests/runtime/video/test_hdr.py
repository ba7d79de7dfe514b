import numpy as np
import pytest

from fastnst.runtime.video.hdr import HLG, PQ, _bent, _light


def test_light_of_high_range_is_brought_down():
    # ST 2084: code 0.5081 is 100 candela, 0.5807 is 203; HLG: 0.75 is 203.
    for transfer, code, candela in (
        (PQ, 0.50808, 100),
        (PQ, 0.58069, 203),
        (PQ, 1.0, 10000),
        (HLG, 0.75, 203),
        (HLG, 1.0, 1000),
    ):
        assert _light(transfer)[round(code * 65535)] * 203 == pytest.approx(candela, rel=0.01)
    light = np.linspace(0, 6, 500, dtype=np.float32)
    bent = _bent(light)
    assert np.array_equal(bent[light < 0.5], light[light < 0.5])
    assert (np.diff(bent) >= 0).all()
    assert bent[-1] == pytest.approx(1.0)
