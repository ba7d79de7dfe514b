"""Hostile files: each is refused by the check, and none breaks, fills or reaches anything when it is run."""

import resource
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastnst import Stylizer
from fastnst.errors import BadStyleFile, FastnstError
from fastnst.styles import onnx_check
from fastnst.styles.onnx_check import check_onnx

FLOAT = TensorProto.FLOAT


def image(name):
    return helper.make_tensor_value_info(name, FLOAT, ["n", 3, "h", "w"])


def save(path, nodes, initializers=(), *, domains=(("", 20),), sparse=(), functions=()):
    graph = helper.make_graph(
        nodes, "net", [image("image")], [image("stylized")], list(initializers),
        sparse_initializer=list(sparse),
    )  # fmt: skip
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


def constant(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def outside(location):
    """A tensor whose data are said to be in another file."""
    tensor = TensorProto(
        name="w", data_type=FLOAT, dims=[3, 1, 1], data_location=TensorProto.EXTERNAL
    )
    for key, value in {"location": location, "offset": "0", "length": "12"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


ADD = helper.make_node("Add", ["image", "w"], ["stylized"])
IDENTITY = helper.make_node("Identity", ["image"], ["stylized"])


@pytest.mark.parametrize("location", ["../secret.bin", "secret.bin", "absolute"])
def test_tensors_of_other_files_are_refused(tmp_path, location):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.full(3, 7, np.float32).tobytes())
    (tmp_path / "deep").mkdir()
    name = str(secret) if location == "absolute" else location
    path = save(tmp_path / "deep" / "a.onnx", [ADD], [outside(name)])
    with pytest.raises(BadStyleFile, match=r"a\.onnx is not taken .*it has tensors in other files"):
        check_onnx(path)
    if location != "secret.bin":
        # Nor does a file that a user gives by its path reach out of its folder.
        with pytest.raises(BadStyleFile, match="can't be loaded"):
            Stylizer(path)


def test_operators_of_others_are_refused(tmp_path):
    node = helper.make_node("Evil", ["image"], ["stylized"], domain="com.evil")
    path = save(tmp_path / "a.onnx", [node], domains=(("", 20), ("com.evil", 1)))
    with pytest.raises(BadStyleFile, match=r"it has operators of com\.evil\. If you trust"):
        check_onnx(path)
    with pytest.raises(BadStyleFile, match="can't be loaded"):
        Stylizer(path)


def test_functions_are_refused(tmp_path):
    opset = [helper.make_opsetid("", 20)]
    function = helper.make_function(
        "", "Own", ["x"], ["y"], [helper.make_node("Identity", ["x"], ["y"])], opset
    )
    path = save(tmp_path / "a.onnx", [IDENTITY], functions=[function])
    with pytest.raises(BadStyleFile, match="it has functions of its own"):
        check_onnx(path)


def test_loops_are_refused(tmp_path):
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("k", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            image("x"),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), image("y")],
    )
    loop = helper.make_node("Loop", ["", "yes", "image"], ["stylized"], body=body)
    yes = numpy_helper.from_array(np.array(True), "yes")
    with pytest.raises(BadStyleFile, match="it has the operator Loop"):
        check_onnx(save(tmp_path / "a.onnx", [loop], [yes]))


def branches(then, otherwise, **weights):
    """A node that makes `stylized` by one of two operators of `image`."""
    graphs = [
        helper.make_graph(
            [helper.make_node(*each)], "branch", [], [image(each[2][0])],
            [numpy_helper.from_array(value, name) for name, value in weights.items() if name in each[1]],
        )
        for each in (then, otherwise)
    ]  # fmt: skip
    return helper.make_node(
        "If", ["yes"], ["stylized"], then_branch=graphs[0], else_branch=graphs[1]
    )


def test_what_branches_hold_is_checked_too(tmp_path):
    yes = numpy_helper.from_array(np.array(True), "yes")
    same = ("Identity", ["image"], ["same"])
    check_onnx(save(tmp_path / "a.onnx", [branches(same, ("Relu", ["image"], ["x"]))], [yes]))
    evil = branches(same, ("Identity", ["image"], ["x"]))
    evil.attribute[1].g.node[0].domain = "com.evil"
    with pytest.raises(BadStyleFile, match=r"it has operators of com\.evil"):
        check_onnx(save(tmp_path / "b.onnx", [evil], [yes]))
    many = branches(same, ("Expand", ["image", "s"], ["x"]), s=np.array([1 << 30, 1, 3, 1, 1]))
    with pytest.raises(BadStyleFile, match=r"Expand gives .* values|can't be worked out"):
        check_onnx(save(tmp_path / "c.onnx", [many], [yes]))
    with pytest.raises(BadStyleFile, match="it has tensors in other files"):
        stray = branches(same, ("Add", ["image", "w"], ["x"]), w=np.zeros(1, np.float32))
        stray.attribute[0].g.initializer[0].CopyFrom(outside("secret.bin"))
        check_onnx(save(tmp_path / "d.onnx", [stray], [yes]))


def huge(kind):
    """Nodes and constants that make some tensor of terabytes."""
    if kind == "ConstantOfShape":
        return [helper.make_node(kind, ["s"], ["z"]), helper.make_node("Gather", ["z", "k"], ["g"]),
                helper.make_node("Add", ["image", "g"], ["stylized"])], [constant("s", 1 << 40), constant("k", 0)]  # fmt: skip
    if kind == "Expand":
        return [helper.make_node(kind, ["image", "s"], ["z"]), helper.make_node("ReduceMax", ["z", "k"], ["stylized"], keepdims=0)], [
            constant("s", 1 << 30, 1, 3, 1, 1), constant("k", 0)]  # fmt: skip
    if kind == "Tile":
        return [helper.make_node(kind, ["image", "s"], ["stylized"])], [
            constant("s", 1, 1, 1 << 15, 1 << 15)
        ]
    if kind == "Pad":
        return [helper.make_node(kind, ["image", "s"], ["stylized"])], [
            constant("s", 0, 0, 0, 0, 0, 0, 1 << 20, 1 << 20)
        ]
    scales = numpy_helper.from_array(np.array([1, 1, 1e5, 1e5], np.float32), "s")
    return [helper.make_node("Resize", ["image", "", "s"], ["stylized"])], [scales]


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand", "Tile", "Pad", "Resize"])
def test_huge_tensors_are_refused_before_they_are_made(tmp_path, kind):
    path = save(tmp_path / "a.onnx", *huge(kind))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        BadStyleFile, match=rf"{kind} gives [\d,]+ values for a picture of 4,096 pixels"
    ):
        check_onnx(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000 * (1024 if sys.platform == "darwin" else 1)  # KiB on Linux.


def test_sizes_that_depend_on_values_are_refused(tmp_path):
    nodes = [helper.make_node("NonZero", ["image"], ["z"]), helper.make_node("Cast", ["z"], ["c"], to=FLOAT),
             helper.make_node("ReduceMax", ["c"], ["m"], keepdims=0), helper.make_node("Add", ["image", "m"], ["stylized"])]  # fmt: skip
    with pytest.raises(BadStyleFile, match="the size of what NonZero gives can't be worked out"):
        check_onnx(save(tmp_path / "a.onnx", nodes))


def test_sparse_tensors_are_refused(tmp_path):
    values = helper.make_tensor("w", FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(values, indices, [1 << 40])
    with pytest.raises(BadStyleFile, match="it has sparse tensors"):
        check_onnx(save(tmp_path / "a.onnx", [IDENTITY], sparse=[sparse]))
    node = helper.make_node("Constant", [], ["w"])
    node.attribute.add(
        name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR
    ).sparse_tensor.CopyFrom(sparse)
    with pytest.raises(BadStyleFile, match="it has sparse tensors"):
        check_onnx(save(tmp_path / "a.onnx", [node, IDENTITY]))


def test_tensors_that_claim_more_than_they_hold_are_refused(tmp_path):
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[3, 1 << 20, 1 << 20], raw_data=b"1234")
    path = save(tmp_path / "a.onnx", [ADD], [tensor])
    with pytest.raises(BadStyleFile):
        check_onnx(path)


def test_damaged_and_large_files_are_refused(tmp_path, many, monkeypatch):
    (tmp_path / "a.onnx").write_bytes(many.read_bytes()[:-20])
    with pytest.raises(BadStyleFile, match=r"a\.onnx is not taken from a stranger"):
        check_onnx(tmp_path / "a.onnx")
    monkeypatch.setattr(onnx_check, "MAX_FILE_BYTES", 100)
    with pytest.raises(BadStyleFile, match="it has 0 MB"):
        check_onnx(many)


@pytest.mark.parametrize("name", ["many", "negative", "zoo"])
def test_nets_of_the_tests_are_taken(name, request):
    check_onnx(request.getfixturevalue(name))


@pytest.mark.parametrize("fast", [True, False])
def test_nets_that_ship_are_taken(fast):
    from fastnst.styles.registry import find_gallery

    check_onnx(find_gallery(fast=fast))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("net", {"name": "swift", "styles": 1 << 40, "identity": True}, "rows"),
        ("name", "../../etc/passwd", "a name of"),
        ("multiple_of", 1 << 30, "a size of"),
    ],
)
def test_cards_that_ask_for_too_much_are_damaged(tmp_path, many, field, value, said):
    import json

    from fastnst.styles.card import CARD_KEY

    model = onnx.load(many)
    (entry,) = (each for each in model.metadata_props if each.key == CARD_KEY)
    entry.value = json.dumps(json.loads(entry.value) | {field: value})
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(FastnstError, match=rf"The style card in .* is damaged \(.*{said}"):
        Stylizer(tmp_path / "a.onnx")
