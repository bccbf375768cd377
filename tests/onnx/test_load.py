"""load: what was exported comes back, trains, and goes out again as it came; files that are not to be trusted."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import numpy as np
import pytest
from layers import LAYERS as ALL
from layers import weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.data import Digits
from tinygrad_cnn.vision.models import get_model

onnx = pytest.importorskip("onnx.checker") and pytest.importorskip("onnx")
from tinygrad_cnn.onnx import export, load  # noqa: E402

MODELS = Path(__file__).parent / "models"
LAYERS = [row for row in ALL if not isinstance(row[0](nn), nn.CTCLoss)]  # which ONNX has not
helper, TensorProto = onnx.helper, onnx.TensorProto


def exported(model, *args, **options):
    file = io.BytesIO()
    export(model, args, file, **options)
    return file


@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=[repr(make(nn)) for make, _ in LAYERS])
def test_every_layer_comes_back(make, inputs):
    layer = weighed(make(nn)).eval()
    args = [tg.tensor(x.astype(np.float32) if x.dtype.kind == "f" else x) for x in inputs]
    file = exported(layer, *args)
    loaded = load(file)
    with tg.no_grad():
        outs = [out if isinstance(out, tuple) else (out,) for out in (layer(*args), loaded(*args))]
    for expected, actual in zip(*outs, strict=True):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    state = layer.state_dict()
    assert all(tg.equal(state[name], value) for name, value in loaded.state_dict().items())
    assert {n for n, _ in loaded.named_parameters()} == {n for n, _ in layer.named_parameters()}
    again = exported(loaded, *args)
    # The weights of one are seen in another shape, those of another are read without a call of its Linear, and what a
    # third one pools comes back as an average of windows.
    if repr(layer) != "PReLU(num_parameters=4)" and not isinstance(layer, nn.MultiheadAttention | nn.AdaptiveAvgPool3d):
        assert again.getvalue() == file.getvalue()


@pytest.mark.parametrize(
    "name", ["digits", "lenet", "victorzhou", "mlp", pytest.param("resnet18", marks=pytest.mark.slow)]
)
def test_networks(name):
    shape = (3, 32, 32) if name == "resnet18" else (1, 28, 28)
    net, x = get_model(name, input_shape=shape).eval(), tg.randn(2, *shape)
    options = {"input_names": ["image"], "dynamic_axes": {"image": {0: "batch"}}}
    file = exported(net, x, **options)
    loaded = load(file)
    np.testing.assert_allclose(loaded(x).detach().numpy(), net(x).detach().numpy(), rtol=1e-4, atol=1e-5)
    expected = {k: v for k, v in net.state_dict().items() if "num_batches" not in k}
    state = loaded.state_dict()
    assert state.keys() == expected.keys()
    assert all(tg.equal(state[k], v) for k, v in expected.items())
    assert exported(loaded, x, **options).getvalue() == file.getvalue()


def test_it_is_looked_at():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.Flatten(0))
    loaded = load(exported(nn.ModuleDict({"body": net}).body, tg.zeros(2, 1, 4, 4)))
    lines = repr(loaded).splitlines()
    assert lines[:2] == ["GraphModule(", "  input -> output"]
    assert "  (1): Layer(BatchNormalization(epsilon=9.999999747378752e-06))" in lines
    assert not loaded.training
    assert isinstance(loaded.get_parameter("0.weight"), nn.Parameter)
    assert (loaded.input_names, loaded.output_names) == (["input"], ["output"])
    twin = copy.deepcopy(loaded)
    assert tg.equal(twin(tg.ones(2, 1, 4, 4)), loaded(tg.ones(2, 1, 4, 4)))
    assert twin.get_parameter("0.weight") is not loaded.get_parameter("0.weight")
    with pytest.raises(TypeError, match=r"takes 1 inputs \['input'\], got 2"):
        loaded(tg.ones(1), tg.ones(1))


def test_it_trains():
    """Batch norm's statistics move in training, weights learn, and the result goes out and comes back."""
    tg.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    images, labels = (
        tg.stack(list(part)) for part in zip(*[(i, tg.tensor(n)) for i, n in map(Digits().__getitem__, range(200))])
    )
    loaded = load(exported(net, images[:2], dynamic_axes={"input": {0: "batch"}}))
    optimizer = tg.optim.SGD(loaded.parameters(), lr=0.05, momentum=0.9)
    before = loaded.get_buffer("1.running_mean").clone()
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(loaded.train()(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert not tg.equal(loaded.get_buffer("1.running_mean"), before)
    net.load_state_dict(loaded.state_dict(), strict=False)
    again = load(exported(loaded, images[:2], dynamic_axes={"input": {0: "batch"}}))
    for model in (net.eval(), again):
        np.testing.assert_allclose(model(images).detach(), loaded.eval()(images).detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda p: p.stem)
def test_kept_models(path):
    """Small ones, written by this package; what they gave then is kept beside them."""
    kept = json.loads(path.with_suffix(".json").read_text())
    model, x = load(path), tg.linspace(-1, 1, int(np.prod(kept["input"]))).reshape(kept["input"])
    np.testing.assert_allclose(model(x).detach().flatten(), kept["output"], rtol=1e-4, atol=1e-5)
    assert {name: list(v.shape) for name, v in model.state_dict().items()} == kept["state"]
    model.train()(tg.cat([x, -x])).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


# Graphs by hand.


def weight(name, array):
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def graph(nodes, inputs=("x",), outputs=("y",), weights=(), opset=20, domain="", **model):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    made = helper.make_graph(nodes, "g", [*map(value, inputs)], [*map(value, outputs)], list(weights))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], **model)


def loaded(proto):
    return load(io.BytesIO(proto if isinstance(proto, bytes) else proto.SerializeToString()))


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


X = np.linspace(-2, 2, 16, dtype=np.float32).reshape(1, 1, 4, 4)
# What an operator gives for X, in versions and forms that `export` does not write.
OPERATORS = {
    "softmax of all axes": ([node("Softmax", "x")], 12, lambda x: (np.exp(x) / np.exp(x).sum()).reshape(x.shape)),
    "clip by attributes": ([node("Clip", "x", min=-1.0, max=1.0)], 9, lambda x: x.clip(-1, 1)),
    "slice by attributes": ([node("Slice", "x", starts=[1], ends=[3], axes=[2])], 9, lambda x: x[:, :, 1:3]),
    "squeeze by attributes": ([node("Squeeze", "x", axes=[0, 1])], 11, lambda x: x[0, 0]),
    "unsqueeze by attributes": ([node("Unsqueeze", "x", axes=[0, -1])], 11, lambda x: x[None, ..., None]),
    "sum by attributes": ([node("ReduceSum", "x", axes=[1], keepdims=0)], 11, lambda x: x.sum(1)),
    "upsample": (
        [node("Constant", "", "s", value=weight("", np.array([1, 1, 2, 2], np.float32))), node("Upsample", "x s")], 9,
        lambda x: x.repeat(2, 2).repeat(2, 3),
    ),
    "padded unevenly": (
        [node("MaxPool", "x", kernel_shape=[2, 2], pads=[1, 0, 0, 1], strides=[2, 2])], 20,
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 1)), constant_values=-np.inf)[:, :, :4, :4]
        .reshape(1, 1, 2, 2, 2, 2).max((3, 5)),
    ),
    "same_upper": (
        [node("AveragePool", "x", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[3, 3])], 20,
        lambda x: x.reshape(2, 2, 2, 2).mean((1, 3))[None, None],
    ),
    "a gemm that scales": (
        [node("Flatten", "x", "f"), node("Gemm", "f f", alpha=0.5, transB=1)], 20,
        lambda x: 0.5 * (x * x).sum(keepdims=True)[0, 0],
    ),
    "space to depth": ([node("SpaceToDepth", "x", blocksize=2)], 20, lambda x: x.reshape(1, 1, 2, 2, 2, 2)
                       .transpose(0, 3, 5, 1, 2, 4).reshape(1, 4, 2, 2)),
    "depth to space": (
        [node("SpaceToDepth", "x", "d", blocksize=2), node("DepthToSpace", "d", blocksize=2)], 20, lambda x: x
    ),
    "shapes": (
        [node("Shape", "x", "s"), node("Constant", "", "i", value_ints=[0]), node("Gather", "s i", "n"),
         node("Constant", "", "m", value_ints=[-1]), node("Concat", "n m", "t", axis=0), node("Reshape", "x t")], 20,
        lambda x: x.reshape(1, -1),
    ),
    "backwards": (
        [node("Constant", "", "i", value_ints=[-1]), node("Constant", "", "j", value_ints=[-(2**63)]),
         node("Constant", "", "k", value_ints=[3]), node("Constant", "", "l", value_ints=[-2]),
         node("Slice", "x i j k l")], 20, lambda x: x[..., ::-2],
    ),
    "several": ([node("Max", "x a b")], 20, lambda x: np.maximum(x, 0.5)),
    "a sum of several": ([node("Sum", "x a b")], 20, lambda x: x + 0.5 - 1),
    "hard sigmoid": ([node("HardSigmoid", "x")], 20, lambda x: (0.2 * x + 0.5).clip(0, 1)),
    "thresholded": ([node("ThresholdedRelu", "x", alpha=1.0)], 20, lambda x: np.where(x > 1, x, 0)),
    "shrunk": (
        [node("Shrink", "x", lambd=1.0, bias=0.5)], 20,
        lambda x: np.where(x < -1, x + 0.5, np.where(x > 1, x - 0.5, 0)),
    ),
    "split in two": ([node("Split", "x", "y z", axis=2)], 11, lambda x: x[:, :, :2]),
    "a constant of a shape": (
        [node("Shape", "x", "s"), node("ConstantOfShape", "s", "c", value=weight("", np.array([2.5], np.float32))),
         node("Add", "x c")], 20, lambda x: x + 2.5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    nodes, opset, formula = OPERATORS[name]
    halves = [weight("a", np.float32(0.5)), weight("b", np.float32(-1))]
    model = loaded(graph(nodes, weights=halves, opset=opset))
    actual = model(tg.tensor(X)).numpy()
    np.testing.assert_allclose(actual, formula(X), rtol=1e-5, atol=1e-6)
    assert actual.shape == formula(X).shape


def test_names_that_no_module_can_have():
    names = ["a", "a.b", "forward", "x::y/1", "a..b", "1", "é.w", ".".join("a" * 40)]
    nodes = [node("Add", f"{'x' if i == 0 else f'h{i}'} {name}", f"h{i + 1}") for i, name in enumerate(names)]
    nodes.append(node("Identity", f"h{len(names)}"))
    model = loaded(graph(nodes, weights=[weight(name, np.full(1, i, np.float32)) for i, name in enumerate(names)]))
    assert model(tg.zeros(1)).item() == sum(range(len(names)))
    assert len(model.state_dict()) == len(list(model.parameters())) == len(names)
    model.load_state_dict(model.state_dict())
    repr(model)


def test_what_is_a_parameter():
    """Float tensors with axes; no settings, numbers and integers. Equal ones that were written once are apart again."""
    model = loaded(graph(
        [
            node("Identity", "one", "v"), node("BatchNormalization", "x one zero zero v", "a"),
            node("Clip", "a low", "b"), node("Mul", "b two", "c"), node("Gather", "table i", "d"), node("Add", "c d"),
        ],
        weights=[weight("one", np.ones(1, "f4")), weight("zero", np.zeros(1, "f4")), weight("low", np.float32(0)),
                 weight("two", np.float32(2)), weight("table", np.ones((3, 4), "f4")), weight("i", np.array([1]))],
    ))  # fmt: skip
    assert sorted(n for n, _ in model.named_parameters()) == ["one", "table", "zero"]
    assert sorted(n for n, _ in model.named_buffers()) == ["v", "zero_1"]
    model.train()(tg.randn(5, 1, 3, 4)).sum().backward()
    assert model.get_buffer("v").item() != 1
    assert (model.get_parameter("one").item(), model.get_parameter("zero").item()) == (1, 0)


# Files that are not to be trusted.

RELU = graph([node("Relu", "x")])


def changed(change):
    proto = graph([node("Add", "x w")], weights=[weight("w", np.ones(4, np.float32))])
    change(proto, proto.graph.initializer[0])
    return proto


def set_fields(message, **fields):
    for name, value in fields.items():
        if isinstance(value, list):
            del getattr(message, name)[:]
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)


def external(location, **more):
    def change(proto, w):
        w.ClearField("raw_data")
        w.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **more}.items():
            w.external_data.add(key=key, value=value)

    return change


HOSTILE = {
    "nothing": (b"", "has no graph"),
    "text": (b"hello, this is no model", "is no model in ONNX's format"),
    "half of a file": (RELU.SerializeToString()[:-7], "is no model|is damaged|has no"),
    "pickle": (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin\x94.", "is no model"),
    "a name of bytes": (RELU.SerializeToString().replace(b"Relu", b"Rel\xf4"), "a name in it is no text|is no model"),
    "no version": (helper.make_model(RELU.graph, opset_imports=[helper.make_opsetid("other", 1)]), "of version none"),
    "an old version": (graph([node("Relu", "x")], opset=6), r"version \[6\]; 7 and later"),
    "too short": (changed(lambda p, w: set_fields(w, dims=[5])), "'w' has 16 bytes for the shape"),
    "too long": (changed(lambda p, w: set_fields(w, dims=[2])), "'w' has 16 bytes for the shape"),
    "enormous": (changed(lambda p, w: set_fields(w, dims=[2**40, 2**40])), "'w' has 16 bytes for the shape"),
    "negative": (changed(lambda p, w: set_fields(w, dims=[-4])), r"has the shape \(-4,\)"),
    "many axes": (changed(lambda p, w: set_fields(w, dims=[1] * 99)), "has the shape"),
    "a type that is none": (changed(lambda p, w: set_fields(w, data_type=77)), "of the type 77, which is not read"),
    "text as weights": (changed(lambda p, w: set_fields(w, data_type=8)), "of the type STRING, which is not read"),
    "numbers of another field": (
        changed(lambda p, w: (w.ClearField("raw_data"), set_fields(w, int64_data=[1]))), "has 0 numbers for the shape"
    ),
    "a weight twice": (changed(lambda p, w: p.graph.initializer.append(w)), "two weights of the name 'w'"),
    "outside": (changed(external("../../etc/passwd")), "keeps .* in another file"),
    "from nowhere": (graph([node("Add", "x z")]), "takes 'z', which was not made before it"),
    "in a circle": (graph([node("Add", "x b", "a"), node("Add", "x a", "b")], outputs=["b"]), "takes 'b'"),
    "made twice": (graph([node("Relu", "x"), node("Abs", "x")]), "makes 'y', which is there already"),
    "no output": (graph([node("Relu", "x")], outputs=["z"]), r"outputs \['z'\] are made by no node"),
    "too many inputs": (graph([node("Relu", "x x x")]), "is a Relu of 3 inputs"),
    "a graph in a graph": (graph([node("If", "x", then_branch=RELU.graph, else_branch=RELU.graph)]), "If, 1 time"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name):
    proto, says = HOSTILE[name]
    with pytest.raises(RuntimeError, match=f"(?s)onnx.load: the file .*({says})"):
        loaded(proto)


ASKS = {
    "an attribute of another kind": node("LeakyRelu", "x", alpha="much"),
    "a window of one axis": node("MaxPool", "x", kernel_shape=[2]),
    "a step of nothing": node("MaxPool", "x", kernel_shape=[2, 2], strides=[0, 0]),
    "a window that is large": node("AveragePool", "x", kernel_shape=[2**40, 2**40]),
    "a padding that is large": node("MaxPool", "x", kernel_shape=[2, 2], pads=[2**40] * 4),
    "a picture that is large": node("Resize", "x e s"),
    "a repetition without end": node("Tile", "x i"),
    "an expansion without end": node("Expand", "x i"),
    "a shape without end": node("ConstantOfShape", "i"),
    "a shape that does not fit": node("Reshape", "x i"),
    "no block": node("DepthToSpace", "x", blocksize=0),
    "an axis that is not there": node("Softmax", "x", axis=9),
    "a window of many channels": node("LRN", "x", size=2**40 + 1),
    "more results than there are": helper.make_node("Relu", ["x"], ["y", "z"]),
    "an input that is left out": helper.make_node("Add", ["x", ""], ["y"]),
    "a shape of reals": node("Reshape", "x s"),
}


@pytest.mark.parametrize("name", ASKS)
def test_what_a_file_may_not_ask_for(name):
    weights = [
        weight("i", np.array([2**40, 2**20, 7, 7])),
        weight("s", np.array([1, 1, 1e9, 1e9], "f4")),
        weight("e", np.zeros(0, "f4")),
    ]
    with pytest.raises((RuntimeError, MemoryError), match="onnx: node 0"):
        loaded(graph([ASKS[name]], weights=weights))(tg.tensor(X))


def test_all_unknown_operators_are_listed():
    nodes = [node("NonMaxSuppression", "x", f"a{i}") for i in range(5)]
    nodes += [helper.make_node("Fancy", ["x"], ["b"], "here/Fancy", domain="com.example"), node("Relu", "x")]
    with pytest.raises(RuntimeError) as error:
        loaded(graph(nodes))
    assert str(error.value).split("\n") == [
        "onnx.load: the file has operators that are not read:",
        "  NonMaxSuppression, 5 times: node 0, node 1, node 2, ...",
        "  com.example.Fancy, 1 time: here/Fancy",
    ]


def test_weights_beside_the_model(tmp_path):
    def saved(change):
        (tmp_path / "m.onnx").write_bytes(changed(change).SerializeToString())
        return tmp_path / "m.onnx"

    numbers = np.arange(6, dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(numbers.tobytes())
    for more, expected in [
        ({"length": "16"}, [0, 1, 2, 3]),
        ({"offset": "8", "length": "16"}, [2, 3, 4, 5]),
        ({}, [0, 1, 2, 3]),
    ]:
        assert load(saved(external("w.bin", **more))).get_parameter("w").tolist() == expected
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out").symlink_to(Path(__file__).parent)
    for location, more, says in [
        ("none.bin", {}, "which is not there"), ("", {}, "outside of its folder"), ("/etc/passwd", {}, "outside"),
        ("../w.bin", {}, "outside of its folder"), ("inside/out/test_load.py", {}, "outside of its folder"),
        ("w.bin", {"offset": "16"}, "has fewer at 16"), ("w.bin", {"length": "24"}, "needs 16 bytes"),
        ("w.bin", {"offset": "-8"}, "is damaged"), ("w.bin", {"length": "9" * 40}, "is damaged"),
        (".", {}, "not there"),
    ]:  # fmt: skip
        with pytest.raises(RuntimeError, match=says):
            load(saved(external(location, **more)))


def test_other_types():
    half = graph([node("Cast", "x", "h", to=10), node("Add", "h w", "z"), node("Cast", "z", to=1)])
    half.graph.initializer.append(helper.make_tensor("w", TensorProto.FLOAT16, [1], [0.5]))
    assert loaded(half)(tg.ones(1)).item() == 1.5
    brain = graph([node("Add", "x w")], weights=[helper.make_tensor("w", TensorProto.BFLOAT16, [1], [1.5])])
    assert loaded(brain).get_parameter("w").tolist() == [1.5]


def test_wrong_arguments(tmp_path):
    with pytest.raises(TypeError, match="expected a path or a file open for reading, got int"):
        load(3)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.onnx")
    with pytest.raises(RuntimeError, match="is no file"):
        load(tmp_path)
    with pytest.raises(RuntimeError, match="open it in binary mode"):
        load(io.StringIO("x"))
