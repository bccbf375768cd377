"""export: every layer, beside our own forward in onnxruntime; names, sizes that are free, and what is refused."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from cases import CASES
from layers import LAYERS as ALL
from layers import weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

onnx = pytest.importorskip("onnx.checker") and pytest.importorskip("onnx")
from tinygrad_cnn.onnx import export, load  # noqa: E402
from tinygrad_cnn.onnx.nodes import TABLE  # noqa: E402

NEWEST = onnx.defs.onnx_opset_version()
LAYERS = [row for row in ALL if not isinstance(row[0](nn), nn.CTCLoss)]  # which ONNX has not
NAMES = [repr(make(nn)) for make, _ in LAYERS]


def narrow(inputs):
    return [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]


@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=NAMES)
def test_every_layer(agrees, make, inputs):
    """In the oldest version; the one that is written if none is asked for, and the newest one, are tried below."""
    layer, inputs, opset = weighed(make(nn)).eval(), narrow(inputs), 13
    if isinstance(layer, nn.Fold):
        pytest.skip("ONNX has Col2Im since version 18")
    agrees(export(layer, tuple(map(tg.tensor, inputs)), opset_version=opset), layer, inputs)


@pytest.mark.parametrize(("layer", "inputs"), CASES, ids=[repr(layer) for layer, _ in CASES])
def test_every_attribute(agrees, layer, inputs):
    """In onnxruntime, and read back, in the newest version."""
    args = [tg.tensor(x) for x in inputs]
    program = export(weighed(layer), tuple(args), opset_version=NEWEST)
    agrees(program, layer.eval(), inputs)
    with tg.no_grad():
        actual, expected = (
            leaves(load(io.BytesIO(program.model_proto.SerializeToString()))(*args)),
            leaves(layer(*args)),
        )
    for a, e in zip(actual, expected, strict=True):
        assert (a.dtype, a.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", nn.__all__)
def test_no_layer_is_forgotten(name):
    """Every layer of nn stands in a table, becomes one that does when it is called, or is none."""
    kind = getattr(nn, name)
    kind = getattr(kind, "cls_to_become", None) or kind
    tried = {type(m) for layer in (*[make(nn) for make, _ in ALL], *[c for c, _ in CASES]) for m in layer.modules()}
    others = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase"}
    others.add("NLLLoss2d")  # NLLLoss by its old name
    assert not (isinstance(kind, type) and issubclass(kind, nn.Module)) or kind in tried or name in others


@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=NAMES)
def test_every_layer_with_any_batch(agrees, make, inputs):
    layer, inputs = weighed(make(nn)).eval(), narrow(inputs)
    if inputs[0].ndim == 3 and isinstance(layer, nn.Conv2d | nn.InstanceNorm2d):
        pytest.skip("one picture, without a batch")
    names = [f"x{i}" for i in range(len(inputs))]
    program = export(
        layer, tuple(map(tg.tensor, inputs)), input_names=names, dynamic_axes={name: {0: "batch"} for name in names}
    )
    batches = [[np.resize(x, (n, *x.shape[1:])) for x in inputs] for n in (1, len(inputs[0]), 11)]
    agrees(program, layer, *batches)


# What a forward may do beyond layers.


class Of(nn.Module):
    """A model that is one function, with a weight and a buffer."""

    def __init__(self, f):
        super().__init__()
        self.f = f
        self.weight = nn.Parameter(tg.linspace(-1, 1, 12).reshape(3, 4))
        self.register_buffer("table", tg.arange(12.0).reshape(3, 4))

    def forward(self, *args):
        return self.f(self, *args)


F = nn.functional
X = tg.linspace(-2, 2, 24).reshape(2, 3, 4)
N = tg.arange(24).reshape(2, 3, 4)


def put(x, *pairs):
    for index, value in zip(pairs[::2], pairs[1::2]):
        x[index] = value
    return x


FORWARDS = {
    "view by the batch": lambda m, x: x.view(x.size(0), -1),
    "reshape by names": lambda m, x: x.reshape(x.shape[0], x.shape[2], x.shape[1]),
    "flatten, twice": lambda m, x: (x.flatten(), x.flatten(0, 1)),
    "a weight": lambda m, x: x * m.weight + m.table,
    "a weight that is changed": lambda m, x: x @ m.weight.t().softmax(0),
    "numbers": lambda m, x: (2 - x) / 3 + x**2 * -0.5,
    "a mean by hand": lambda m, x: x.sum() / x.shape[0] / x.numel(),
    "parts": lambda m, x: (x[0], x[:, 1], x[..., -1], x[:, None, 1:, ::2], x[:, :, :2].contiguous()),
    "the last of the batch": lambda m, x: x[x.shape[0] - 1] + x[-1],
    "cut off at the batch": lambda m, x: m.table.repeat(3, 1)[: x.shape[0]] + x[:, 0],
    "rows by a table": lambda m, x: x[:, tg.tensor([2, 0, 0])] + x.index_select(1, tg.tensor([1, 1, 2])),
    "joined and split": lambda m, x: tg.cat([x, x * 2], 1).chunk(3, 1),
    "stacked": lambda m, x: tg.stack([x, -x], 1).unbind(1),
    "axes": lambda m, x: x.permute(2, 0, 1).unsqueeze(0).transpose(0, -1).squeeze(-1),
    "expanded": lambda m, x: m.table[0].expand(x.shape[0], 3, 4) + x,
    "new tensors": lambda m, x: x + tg.zeros(x.shape[0], 1, 1) + tg.ones(4) + tg.full((3, 1), 2.0),
    "new by the batch": lambda m, x: tg.arange(x.shape[0]).reshape(-1, 1, 1) * x + tg.zeros_like(x),
    "reductions": lambda m, x: (x.mean(1), x.sum((0, 2)), x.amax(-1, keepdim=True), x.var(1), x.std(), x.prod(1)),
    "places": lambda m, x: (x.argmax(1), x.argmin(), x.cumsum(1), (x > 0).any(1), (x > 0).all()),
    "norms": lambda m, x: (x.norm(dim=1), F.normalize(x), x.norm(p=1), F.layer_norm(x, (4,)), x.logsumexp(1)),
    "conditions": lambda m, x: tg.where((x > 0) & ~(x >= 1), x, x.clamp(-1, 0.5).floor()),
    "compared": lambda m, x: ((x == 0) | (x != x.round()) ^ (x < 1)).float() + (x <= 0.25).long(),
    "integers": lambda m, x: x.long() * 2 + x.int() // 3,
    "of reals": lambda m, x: x.exp().sqrt().log1p() + x.sin().cos() + x.tanh().abs() + (x + 3).rsqrt() + x.erf(),
    "remainders": lambda m, x: (x % 0.7, tg.fmod(x, 0.7), x.frac() if hasattr(x, "frac") else x, x.trunc()),
    "two": lambda m, x: tg.maximum(x, x.flip(0)) - tg.minimum(x, m.table) + tg.lerp(x, m.table, 0.3),
    "rolled": lambda m, x: x.roll(1, 2) + x.roll((1, -2), (1, 2)) + x.tril() + x.triu(1),
    "in place": lambda m, x: F.relu(x * 2, inplace=True).mul_(3).add_(x),
    "in place on the input": lambda m, x: F.relu(x, inplace=True) + x,
    "parts set": lambda m, x: put(x.clone(), (slice(None), 0), 0, (slice(None), slice(1, 3), -1), x[:, 1:, 0]),
    "parts set by rows": lambda m, x: put(
        x * 1, (..., slice(1, 3)), m.weight[:, :2], (slice(None), slice(None, None, 2)), 9
    ),
    "all set": lambda m, x: put(x.clone(), ..., 2.5) + put(x.clone(), ..., m.table).zero_() + x.clone().fill_(1),
    "sorted": lambda m, x: (*x.sort(1), *x.topk(2, -1), x.max(1)[0], x.argsort(0, descending=True)[:1] * 0),
    "a constant that is changed": lambda m, x: (lambda y, z: (y.add_(x[0]) * 2, z + 1))(tg.zeros(3, 4), tg.ones(2)),
    "detached": lambda m, x: x.detach() + x.data,
    "in place through a view": lambda m, x: F.relu(x.flatten(1), inplace=True),
    "products": lambda m, x: (x @ m.weight.t(), tg.einsum("nij,kj->nik", x, m.weight), F.linear(x, m.weight)),
    "the input itself": lambda m, x: (x, x, m.weight),
    "a constant": lambda m, x: (x * 0, tg.arange(3)),
    "nested": lambda m, x: {"a": x + 1, "b": [x + 2, (x + 3,)]},
    "attention": lambda m, x: (x @ x.transpose(1, 2) / 2).softmax(-1) @ x,
    "padded": lambda m, x: F.pad(F.pad(x, (1, 0, 0, 2), value=3.0), (-1, 1)),
    "gathered": lambda m, x: x.gather(1, tg.zeros(2, 1, 4, dtype=tg.long)) if x.shape[0] == 2 else None,
}
FIXED = {"gathered", "reductions", "places", "flatten, twice", "rows by a table"}  # of the batch of two


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple | list) else [tree]


@pytest.mark.parametrize("name", FORWARDS)
def test_forward(agrees, name):
    model = Of(lambda m, *args: FORWARDS[name](m, *args))
    flat = Of(lambda m, *args: tuple(leaves(FORWARDS[name](m, *args))))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    free = {} if name == "gathered" else {"x": {0: "batch"}}
    program = export(model, X, input_names=["x"], dynamic_axes=free)
    batches = [[np.resize(X.numpy(), (n, 3, 4))] for n in ((2,) if name == "gathered" else (1, 2, 5))]
    agrees(program, flat, *batches)
    assert all(tg.equal(v, before[k]) for k, v in model.state_dict().items())


def test_names():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
            self.head = nn.Linear(8, 3)
            self.scale = tg.tensor([2.0, 1.0, 0.5])

        def forward(self, image, times: int = 1):
            return self.head(self.features(image).flatten(1)) * self.scale * times

    graph = export(Net(), (tg.zeros(1, 1, 4, 4), 3)).model_proto.graph
    assert [i.name for i in graph.input] == ["image"]
    assert [o.name for o in graph.output] == ["output"]
    assert {w.name for w in graph.initializer} == {
        "features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias", "features.1.running_mean",
        "features.1.running_var", "head.weight", "head.bias",
    }  # fmt: skip
    nodes = [(node.op_type, node.name) for node in graph.node if node.op_type != "Constant"]
    assert nodes[:3] == [("Conv", "features.0/Conv"), ("BatchNormalization", "features.1/BatchNormalization"),
                         ("Relu", "features.2/Relu")]  # fmt: skip
    named = export(Net(), (tg.zeros(1, 1, 4, 4),), input_names=["x"], output_names=["y"]).model_proto.graph
    assert (named.input[0].name, named.output[0].name) == ("x", "y")


def test_inputs_and_keywords(agrees):
    class Net(nn.Module):
        def forward(self, pair, *, scale, shift=None):
            return pair[0] * scale + pair[1]

    a, b, s = tg.ones(2, 3), tg.zeros(3), tg.tensor(2.0)
    program = export(Net(), ([a, b],), kwargs={"scale": s})
    assert [i.name for i in program.model_proto.graph.input] == ["pair_0", "pair_1", "scale"]
    flat = Of(lambda m, x, y, z: x * z + y)
    agrees(program, flat, [a.numpy(), b.numpy(), s.numpy()])


def test_a_number_as_input(agrees):
    net = Of(lambda m, x: (x[...] * 2, x.sum(), x.reshape(1).softmax(0), x.clone().norm()))
    agrees(export(net, tg.tensor(-2.0)), net, [np.array(-2, np.float32)])


def dims(info):
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]


def test_dynamic_axes_are_named():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2))
    x = tg.zeros(2, 1, 10, 10)
    for free, expected in [
        ({"dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}}, (["batch", 1, 10, 10], ["batch", 2, 4, 4])),
        (
            {"dynamic_axes": {"x": [0, 2]}},
            (["x_dynamic_axes_1", 1, "x_dynamic_axes_2", 10], ["x_dynamic_axes_1", 2, 0, 4]),
        ),
        ({"dynamic_axes": {"x": {0: "n", -1: "w"}, "y": {3: "v"}}}, (["n", 1, 10, "w"], ["n", 2, 4, "v"])),
        ({"dynamic_shapes": {"input": {0: "batch"}}}, (["batch", 1, 10, 10], ["batch", 2, 4, 4])),
        ({"dynamic_shapes": ({0: "batch"},)}, (["batch", 1, 10, 10], ["batch", 2, 4, 4])),
        ({}, ([2, 1, 10, 10], [2, 2, 4, 4])),
    ]:
        graph = export(net, x, input_names=["x"], output_names=["y"], **free).model_proto.graph
        assert (dims(graph.input[0]), dims(graph.output[0])) == expected


def test_axes_without_a_name_go_together(agrees):
    net = Of(lambda m, x, y: x + y)
    agrees(
        export(net, (tg.zeros(2, 3), tg.zeros(2, 3)), dynamic_axes={"x0": [0], "x1": [0]}), net,
        *[[np.ones((n, 3), np.float32)] * 2 for n in (1, 2, 7)],
    )  # fmt: skip


def test_weights_as_inputs():
    net, x = nn.Linear(3, 2), tg.zeros(1, 3)
    for options, inputs, weights in [
        ({}, 1, 2), ({"keep_initializers_as_inputs": True}, 3, 2), ({"export_params": False}, 3, 0),
    ]:  # fmt: skip
        graph = export(net, x, **options).model_proto.graph
        assert (len(graph.input), len(graph.initializer)) == (inputs, weights)


def test_modes(agrees):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Dropout2d(0.5))
    net.train()
    net[1].eval()
    x = tg.randn(6, 1, 4, 4)
    state, numbers = {k: v.clone() for k, v in net.state_dict().items()}, tg.get_rng_state()

    def ops(**how):
        return [n.op_type for n in export(net, x, **how).model_proto.graph.node if n.op_type != "Constant"]

    mode = tg.onnx.TrainingMode
    assert ops() == ["Conv", "BatchNormalization"]
    assert ops(training=mode.PRESERVE) == ["Conv", "BatchNormalization", "Dropout", "Expand", "Dropout", "Mul"]
    kept = export(net, x, training=mode.TRAINING).model_proto.graph.node
    norm = next(n for n in kept if n.op_type == "BatchNormalization")
    assert {a.name: a.i for a in norm.attribute if a.type == 2} == {"training_mode": 1}
    assert [m.training for m in net] == [True, False, True, True]
    assert all(tg.equal(v, state[k]) for k, v in net.state_dict().items())
    assert str(tg.get_rng_state()) == str(numbers)


@pytest.mark.parametrize("dtype", [tg.float64, tg.float16])
def test_other_dtypes(agrees, dtype):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Softmax(1)).to(dtype)
    x = tg.linspace(-1, 1, 6).reshape(2, 3).to(dtype)
    agrees(
        export(net, x),
        net,
        [x.numpy()],
        rtol=1e-3 if dtype == tg.float16 else 1e-12,
        atol=1e-3 if dtype == tg.float16 else 1e-12,
    )


def test_files(tmp_path):
    net, x = nn.ReLU(), tg.zeros(2)
    path = tmp_path / "a.onnx"
    program = export(net, x, path)
    assert path.read_bytes() == program.model_proto.SerializeToString()
    with pytest.raises(FileNotFoundError):
        program.save(tmp_path / "none" / "a.onnx")
    with pytest.raises(TypeError, match="expected a path or a file"):
        program.save(3)
    before = path.read_bytes()
    with pytest.raises(NotImplementedError):
        export(Of(lambda m, x: tg.sinc(x)), x, path)
    assert (path.read_bytes(), [p.name for p in tmp_path.iterdir()]) == (before, ["a.onnx"])


def grows(m, x):
    return x * 2 if x.shape[0] == 2 else x * 3


def numbers(m, x):
    return x * float(x.sum())


REFUSED = {
    "a branch on numbers": (lambda m, x: x * 2 if (x > 100).any() else x, RuntimeError, "looks at numbers"),
    "item": (numbers, RuntimeError, "test_export.py.* in numbers.*looks at numbers"),
    "item, and more behind it": (
        lambda m, x: F.interpolate(F.adaptive_max_pool1d(x * x.sum().item(), 2), scale_factor=2), RuntimeError,
        "looks at numbers",
    ),
    "NumPy": (lambda m, x: x + tg.tensor(np.cumsum(x.numpy())).sum(), RuntimeError, "looks at numbers"),
    "another thing for another batch": (grows, RuntimeError, "is not the model: its numbers are others"),
    "random": (lambda m, x: x + tg.rand(4), RuntimeError, "rand.*it draws random numbers"),
    "no node": (lambda m, x: x.view(-1).histc(3), RuntimeError, "histc gives a shape that depends on numbers"),
    "ctc_loss": (
        lambda m, x: F.ctc_loss(x.log_softmax(2), tg.ones(3, 1).long(), [2] * 3, [1] * 3), NotImplementedError,
        "there is no ctc_loss in ONNX",
    ),
    "no op": (lambda m, x: tg.sinc(x), NotImplementedError, "there is no sinc in ONNX.*test_export.py"),
    "written through a view": (
        lambda m, x: (lambda y: (y[:, 0].relu_(), y)[1])(x * 2), RuntimeError, "reads memory that relu_ has written to"
    ),
    "a view of a constant that is changed": (
        lambda m, x: (lambda y: (lambda z: (y.add_(x[0]), z * 2)[1])(y[0]))(tg.zeros(3, 4)), RuntimeError,
        "reads memory",
    ),
    "a weight that is written to": (
        lambda m, x: (m.table.add_(1), x + m.table)[1], RuntimeError, "reads memory that add_.* has written to"
    ),
    "a part that is set in a way of its own": (
        lambda m, x: put(x * 1, tg.tensor([0]), 0.0), RuntimeError, "reads memory that write.* has written to"
    ),
    "a text": (lambda m, x: "text", RuntimeError, "returns a str"),
    "a size that is an attribute": (
        lambda m, x: F.avg_pool2d(x[None, None, :, 0], (x.shape[0], 1)), RuntimeError, "the size of a dynamic axis"
    ),
    "a fixed batch": (lambda m, x: x.reshape(2, 12), RuntimeError, "does not run where the axes batch have other"),
    "an axis that is lost": (lambda m, x: x.squeeze(), RuntimeError, r"shape \(1, 3, 4\) instead of \(3, 4\)"),
    "another op for another batch": (lambda m, x: x.sin() if len(x) == 2 else x.cos(), RuntimeError, "sin.* or cos"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    forward, error, says = REFUSED[name]
    with pytest.raises(error, match=says):
        export(nn.Sequential(Of(forward)), X, input_names=["x"], dynamic_axes={"x": {0: "batch"}})


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"opset_version": 12}, ValueError, "opset_version must be 13 to"),
        ({"opset_version": 1000}, ValueError, "opset_version must be 13 to"),
        ({"external_data": True}, ValueError, "external_data=True has no meaning here"),
        ({"input_names": ["a", "b"]}, ValueError, "2 input_names"),
        ({"output_names": ["a", "b"]}, ValueError, "2 output_names"),
        ({"input_names": ["a"], "output_names": ["a"]}, ValueError, "the output name 'a' is there already"),
        ({"dynamic_axes": {"z": [0]}}, ValueError, "names 'z', which is no input or output"),
        ({"dynamic_axes": {"input": [7]}}, IndexError, "has no axis 7"),
        ({"dynamic_axes": {"input": {0: "n", 1: "n"}}}, ValueError, "axes of one name have one size"),
        ({"f": 3}, TypeError, "expected a path"),
    ],
)
def test_wrong_arguments(options, error, says):
    with pytest.raises(error, match=says):
        export(nn.ReLU(), tg.zeros(2, 3), **options)


def test_verify(agrees, monkeypatch):
    """verify=True runs the model in onnxruntime, and sees a wrong one."""
    net = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
    export(net, tg.ones(1, 3), verify=True)
    monkeypatch.setitem(TABLE, "sigmoid", lambda w, input: w.node("Tanh", input))
    with pytest.raises(RuntimeError, match="onnxruntime computes another 'output' than the model"):
        export(net, tg.ones(1, 3), verify=True)
    with pytest.raises(RuntimeError, match="is not the model: its numbers are others"):
        export(net, tg.ones(2, 3), dynamic_axes={"input": [0]})
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="pip install onnxruntime"):
        export(net, tg.ones(1, 3), verify=True)


def test_numbers_that_are_counted_by_numpy():
    """They are no constants, though they stay as they are when all inputs are scaled and shifted alike."""
    with pytest.raises(RuntimeError, match=r"onnx\.export: mul, .*(not seen|depends on its inputs)"):
        export(Of(lambda m, x: tg.histogram(x, 5)[0] * 2), X)


def test_no_module():
    with pytest.raises(TypeError, match="model must be a Module, got builtin"):
        export(len, tg.zeros(2))


def test_the_name_of_an_op_that_is_missing_says_where():
    net = nn.Sequential(nn.ReLU(), nn.Sequential(Of(lambda m, x: tg.sinc(x))))
    with pytest.raises(NotImplementedError, match=r"no sinc in ONNX.* in the module '1\.0', .*test_export\.py:\d+"):
        export(net, X)


def test_without_the_library(monkeypatch):
    from tinygrad_cnn.onnx.library import library

    library.cache_clear()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_cnn\[io\]"'):
        export(nn.ReLU(), tg.zeros(2))
    library.cache_clear()
