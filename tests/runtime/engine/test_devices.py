from typing import get_args

import pytest

from fastnst import Stylizer
from fastnst.runtime.engine import devices
from fastnst.runtime.engine.session import open_session


def test_every_device_has_an_engine_and_the_processor_comes_last():
    assert {"auto", *devices.ENGINES} == set(get_args(devices.Device))
    assert [*devices.ENGINES][-1] == "cpu"
    assert set(devices.ON_PROCESSOR) < devices.ENGINES.keys()


@pytest.mark.parametrize(("fast", "taken"), [(("openvino", "cpu"), "b"), (("cpu",), "a")])
def test_auto_takes_the_first_that_is_fast_and_loads_the_file(negative, monkeypatch, fast, taken):
    class Engine:
        def __init__(self, name):
            self.name = name

        def is_fast(self, device):
            return device in fast

        def open(self, model, device, **options):
            return self.name

    engines = {"onnxruntime_engine": Engine("a"), "openvino_engine": Engine("b")}
    monkeypatch.setattr(devices, "import_module", lambda name: engines[name.split(".")[-1]])
    assert open_session(negative, "auto") == taken


def test_a_device_that_can_not_load_a_file_leaves_it_to_the_next(negative, monkeypatch, engine):
    from fastnst.runtime.engine import openvino_engine
    from fastnst.runtime.engine.session import EngineFailure

    def fail(*_, **__):
        raise EngineFailure("no such operator")

    monkeypatch.setattr(openvino_engine, "open", fail)
    assert Stylizer(negative).device == "cpu"
