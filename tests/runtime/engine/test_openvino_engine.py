import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import MissingExtra
from fastnst.runtime.engine import openvino_engine as module
from fastnst.runtime.engine.session import EngineFailure


@pytest.fixture(autouse=True, scope="module")
def every_engine():
    """This one."""


@pytest.fixture(autouse=True)
def cache(request, tmp_path, monkeypatch):
    """An empty folder of compiled nets."""
    if "not_installed" not in request.node.name:
        pytest.importorskip("openvino")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fastnst" / "openvino"


@pytest.fixture
def photo(astronaut) -> np.ndarray:
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB").resize((300, 250)))


def open_net(path, *, threads=None, precise=False) -> module.OpenVinoSession:
    return module.OpenVinoSession(path, threads=threads, precise=precise)


def feed(height: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(height)
    return {"image": rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)}


def test_where_it_is_not_installed_it_is_one_sentence_and_auto_does_without(negative, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(
        MissingExtra,
        match=r"--device openvino needs OpenVINO\. .* pip install .*\[openvino\]'? Or leave",
    ):
        Stylizer(negative, device="openvino")
    assert Stylizer(negative).device != "openvino"


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("tile", ["off", pytest.param(128, marks=pytest.mark.slow)])
def test_it_paints_what_onnxruntime_paints(photo, fast, tile):
    # By bfloat16, where the processor has it.
    ours, theirs = (
        Stylizer("great-wave", fast=fast, tile=tile, device=device)
        for device in ("openvino", "cpu")
    )
    assert (ours.device, theirs.device) == ("openvino", "cpu")
    assert np.abs(ours(photo).astype(int) - theirs(photo)).mean() < 0.5


def test_auto_takes_it_for_bfloat16_or_intels_graphics_alone(monkeypatch):
    for where, bfloat16, fast in (
        ("CPU", False, False),
        ("CPU", True, True),
        ("GPU.0", False, True),
    ):
        monkeypatch.setattr(module, "_may_have_more", lambda: True)
        monkeypatch.setattr(module, "_where", lambda where=where: where)
        monkeypatch.setattr(module, "_has_bfloat16", lambda bfloat16=bfloat16: bfloat16)
        assert module.is_fast("openvino") == fast


@pytest.mark.parametrize(
    ("files", "may"),
    [
        ({"proc/cpuinfo": "flags\t: fpu avx2 fma\n"}, False),
        ({"proc/cpuinfo": "flags\t: fpu avx512_bf16 fma\n"}, True),
        ({"proc/cpuinfo": "flags\t: fpu avx2\n", "dev/dri/renderD128": ""}, True),
        ({}, True),
    ],
)
def test_it_is_not_loaded_where_the_system_tells_that_there_is_nothing_to_gain(
    tmp_path, monkeypatch, files, may
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert module._may_have_more(tmp_path) == may
    monkeypatch.setattr(module, "_may_have_more", lambda: False)
    monkeypatch.setattr(module, "_openvino", lambda: pytest.fail("loaded"))
    assert not module.is_fast("openvino")


def test_it_calculates_in_bfloat16_where_the_processor_can_but_for_what_is_to_be_precise(
    negative, monkeypatch
):
    for bfloat16, precise, type in (
        (True, False, "bf16"),
        (True, True, "f32"),
        (False, False, "f32"),
    ):
        monkeypatch.setattr(module, "_has_bfloat16", lambda bfloat16=bfloat16: bfloat16)
        options = open_net(negative, precise=precise)._options
        assert options["INFERENCE_PRECISION_HINT"] == type


def test_cores_are_divided_among_the_runs_at_a_time(negative, monkeypatch):
    monkeypatch.setattr(module, "cpu_count", lambda: 8)
    for threads, streams, all_threads in ((None, 1, 8), (1, 8, 8), (3, 2, 6), (16, 1, 16)):
        options = open_net(negative, threads=threads)._options
        assert (options["NUM_STREAMS"], options["INFERENCE_NUM_THREADS"]) == (streams, all_threads)


def test_several_threads_may_run_it_at_once(negative):
    session = open_net(negative, threads=1, precise=True)
    feeds = [feed(16 + 8 * (number % 3), 24) for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        for given, found in zip(feeds, pool.map(session.run, feeds), strict=True):
            assert np.abs(found[0] - (255 - given["image"])).max() < 1e-3


def test_a_size_that_was_painted_for_a_while_has_a_net_of_its_own(negative, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BEFORE_COMPILING", 1e-9)
    monkeypatch.setattr(module, "PIXELS_KEPT", 48 * 24)
    session = open_net(negative, precise=True)
    kept = []
    for height in (16, 16, 24, 24, 8, 8, 48, 48, 80, 80):
        given = feed(height, 24)
        assert np.abs(session.run(given)[0] - (255 - given["image"])).max() < 1e-3
        kept.append([form.shapes[0][2] for form in session._own])
    # The others went as 48 came: together no more pixels are kept. 80 has too many by itself.
    assert kept[1::2] == [[16], [16, 24], [16, 24, 8], [48], []]


def test_a_style_that_was_painted_for_a_while_is_a_constant_and_of_many_none_is(
    many, photo, monkeypatch
):
    monkeypatch.setattr(module, "SECONDS_BEFORE_COMPILING", 1.0)
    monkeypatch.setattr(module.time, "perf_counter", iter(np.arange(0, 100, 0.4)).__next__)
    stylizer = Stylizer(many, device="openvino")
    wanted = {
        style: Stylizer(many, device="cpu")(photo, style=style) for style in ("alpha", "beta")
    }
    session = stylizer.net._session

    def paint(style: str) -> list[bool]:
        painted = stylizer(photo, style=style)
        assert np.abs(painted.astype(int) - wanted[style]).mean() < 0.5
        return [form.style is None for form in session._own]

    # 0.4 seconds each: the fourth picture of a style has a net with the style in it.
    assert [paint("alpha") for _ in range(4)] == [[], [], [], [False]]
    # The size has taken 2 seconds: the next style has a net that takes styles, then one of its own.
    assert [paint("beta") for _ in range(5)] == [[False]] * 2 + [[False, True]] + [
        [False, True, False]
    ] * 2


def test_a_large_picture_has_a_net_of_its_own_at_once(negative, photo, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 300 * 250)
    stylizer = Stylizer(negative, device="openvino")
    for pixels, nets in ((photo[1:], 0), (photo, 1)):
        assert np.abs(stylizer(pixels).astype(int) - (255 - pixels.astype(int))).max() <= 1
        assert len(stylizer.net._session._own) == nets


def test_a_size_that_can_not_be_compiled_is_painted_by_the_net_for_all(negative, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BEFORE_COMPILING", 1e-9)
    session = open_net(negative, precise=True)
    tries = []

    def fail(model):
        tries.append(model)
        raise RuntimeError("Exception from a.cpp:1:")

    monkeypatch.setattr(session, "_compile", fail)
    given = feed(16, 24)
    for _ in range(4):
        assert np.abs(session.run(given)[0] - (255 - given["image"])).max() < 1e-3
    assert len(tries) == 1


def test_compiled_nets_are_kept_for_the_next_start_where_that_can_be_written(
    negative, cache, monkeypatch
):
    open_net(negative)
    first = [*cache.iterdir()]
    assert len(first) == 1
    assert open_net(negative).run(feed(8, 8))[0].shape == (1, 3, 8, 8)
    open_net(negative.read_bytes())  # What is made anew for each picture.
    assert [*cache.iterdir()] == first
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert open_net(negative).run(feed(8, 8))[0].shape == (1, 3, 8, 8)


def test_an_error_is_the_line_that_says_what_is_wrong(many):
    with pytest.raises(EngineFailure, match=r"^[^\n]*shape=\[5\][^\n]*\(4\)[^\n]*$"):
        open_net(many).run(feed(8, 8) | {"style_weights": np.zeros(4, np.float32)})
    where = "Exception from src/a.cpp:1:\nCheck 'a == b' failed at src/b.cpp:2:\n"
    for text, reason in (
        (f"{where}Too small.\n", "Too small"),
        (where, "Exception from src/a.cpp:1"),
    ):
        assert module._reason(RuntimeError(text)) == reason


SILENT = """
import sys
from fastnst import Stylizer
Stylizer(sys.argv[1], device="openvino")
print(sorted({"openvino_telemetry", "openvino.tools.ovc"} & set(sys.modules)))
"""


def test_nothing_is_reported_to_anybody(negative):
    done = subprocess.run([sys.executable, "-c", SILENT, negative], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
