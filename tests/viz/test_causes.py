"""Why a gradient is missing: each cause is told from the others, with the line that it stands on."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import cycle

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz import fold

X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2)


class Layers(nn.Module):
    """One layer for each cause; `used` gets its gradient."""

    def __init__(self):
        super().__init__()
        self.frozen, self.quiet, self.cut, self.idle = (nn.Linear(2, 2) for _ in range(4))
        self.unread, self.whole, self.data, self.used = (nn.Linear(2, 2) for _ in range(4))
        self.frozen.requires_grad_(False)

    def forward(self, x):
        x = self.frozen(x)
        with tg.no_grad():
            quiet = self.quiet(x)  # no_grad
        cut = self.cut(x).tanh().detach()  # detached
        self.unread(x)  # unused
        whole = self.whole(x).argmax(1)  # integer
        data = self.data(x).data * 2  # detached too
        return self.used(x + quiet + cut + data) + whole.reshape(-1, 1)


@pytest.fixture(scope="module")
def document():
    tg.manual_seed(0)
    net = Layers()
    with viz.record(net) as r:
        net(tg.tensor(X)).sum().backward()
    return r.document


def line_of(cause):
    return cause["where"]["text"].partition("#")[2].strip() if cause["where"] else ""


@pytest.mark.parametrize(
    ("layer", "kind", "line"),
    [
        ("quiet", "no_grad", "no_grad"), ("cut", "detached", "detached"), ("whole", "integer", "integer"),
        ("idle", "unused", ""), ("unread", "unused", "unused"), ("data", "detached", "detached too"),
    ],
)  # fmt: skip
def test_parameters_without_a_gradient(document, layer, kind, line):
    unused = {u["name"]: u for u in document["unused"]}
    drawn = {n["id"]: n for n in document["nodes"]}
    for name in (f"{layer}.weight", f"{layer}.bias"):
        found = unused.pop(name)
        assert (found["cause"]["kind"], line_of(found["cause"])) == (kind, line)
        if name in drawn:  # as what goes into an op, though no gradient comes back
            assert drawn[name]["cause"] == found["cause"]
            assert "made under no_grad" in drawn[name]["reason"] or kind != "no_grad"
    assert not any(name.startswith(("used", "frozen")) for name in unused)


def test_inputs_and_nodes_say_why(document):
    nodes = {n["id"]: n for n in document["nodes"]}
    assert nodes["frozen.weight"]["cause"] == {"kind": "frozen", "where": None}
    assert nodes["quiet/linear"]["cause"]["kind"] == "no_grad"
    assert nodes["argmax"]["cause"]["kind"] == "integer"
    into = {e["port"]: e for e in nodes["quiet/linear"]["inputs"]}
    assert into["weight"]["cause"]["kind"] == "no_grad"  # and not frozen, which it is not
    cut = next(e for n in document["nodes"] for e in n["inputs"] if e["from"] == "tanh")
    assert cut["cause"]["kind"] == "detached"
    assert line_of(cut["cause"]) == "detached"
    assert "test_causes.py" in cut["reason"]
    assert "tanh (detached)" in viz.text(document)


@pytest.mark.parametrize("document_", ["document", "snapshot"])
def test_no_input_is_a_question_mark(document_, document):
    if document_ == "snapshot":
        document = viz.snapshot((tg.tensor(X, requires_grad=True) + tg.ones(3, 2)) * 2)
        assert "(other: not kept)" in viz.text(document)
    assert "?" not in viz.text(document)
    for node in document["nodes"]:
        for edge in node["inputs"]:
            assert edge["from"] is not None or "number" in edge or edge["reason"]


def test_a_function_that_gives_none():
    class Half(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g, None

    a, b = (tg.ones(2, requires_grad=True) for _ in range(2))
    with viz.record(names={"a": a, "b": b}) as r:
        Half.apply(a, b * 2).sum().backward()
    nodes = {n["id"]: n for n in r.document["nodes"]}
    edge = nodes["Half"]["inputs"][1]
    assert edge["cause"] == nodes["b"]["cause"]
    assert (edge["cause"]["kind"], edge["cause"]["where"]["text"]) == ("function", "def backward(ctx, g):")
    assert "Half.backward returned None" in nodes["b"]["reason"]
    assert "cause" not in nodes["a"]


def nothing(g):
    return g * 0


@pytest.mark.parametrize("kind", ["tensor", "module"])
def test_a_hook_that_cuts(kind):
    layer, w = nn.Linear(2, 2), tg.ones(2, requires_grad=True)
    if kind == "module":
        layer.register_full_backward_hook(lambda module, given, arrived: (None,))
    with viz.record(names={"w": w}) as r:
        x = tg.tensor(X) * w
        if kind == "tensor":
            x.register_hook(nothing)
        layer(x).sum().backward()
    causes = {n["id"]: n["cause"] for n in r.document["nodes"] if "cause" in n and n["needs_grad"]}
    (name,) = causes
    assert name == ("mul" if kind == "tensor" else "w")
    assert causes[name]["kind"] == "hook"
    assert causes[name]["where"]["text"] == ("def nothing(g):" if kind == "tensor" else causes[name]["where"]["text"])


def test_what_was_not_asked_for_has_no_cause():
    layer, x = nn.Linear(2, 2), tg.tensor(X, requires_grad=True)
    with viz.record(layer) as r:
        tg.autograd.grad(layer(x).sum(), x)
    assert r.document["unused"] == []
    assert not any("cause" in n for n in r.document["nodes"])


def test_changes_in_place_are_marked_and_one_node():
    x = tg.ones(3, requires_grad=True)
    with viz.record(names={"x": x}) as r:
        y = x * 2
        y[0] = 0
        y.exp_()
        y.fill_(1.0)
        z = tg.zeros(3)
        z[1] = 5
        (y * z * x).sum().backward()
    marked = [n["op"] for n in r.document["nodes"] if n.get("inplace")]
    assert marked == ["setitem", "exp", "fill", "setitem"]
    nodes = {n["id"]: n for n in r.document["nodes"]}
    assert nodes["setitem"]["inputs"][0]["from"] == "mul"
    assert "getitem" not in nodes


def test_a_call_has_its_number():
    layer = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(self.layer(x).exp())

    net = Twice()
    with viz.record(net) as r:
        net(tg.tensor(X)).sum().backward()
    calls = {n["id"]: n.get("call") for n in r.document["nodes"] if n["op"] in ("linear", "tanh")}
    assert calls == {"layer.0/linear": None, "layer.1/tanh": None, "layer.0/linear:2": 2, "layer.1/tanh:2": 2}
    assert [(c["module"], c["call"], c["within"]) for c in r.document["calls"]] == [
        ("layer", 1, None), ("layer.0", 1, 0), ("layer.1", 1, 0),
        ("layer", 2, None), ("layer.0", 2, 3), ("layer.1", 2, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [3, 5000])
def test_the_norm_of_nothing_but_nan_is_nan(size):
    x = tg.full((size,), float("nan")).requires_grad_()
    with viz.record(names={"x": x}) as r:
        (x * x).sum().backward()
    tensors = r.document["tensors"]
    assert {tensors[n["value"]]["l2"] for n in r.document["nodes"]} == {"NaN"}


def test_a_function_has_its_own_docstring_or_none():
    class Bare(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g

    class Spoken(Bare):
        """Gives back what it gets."""

    x = tg.ones(2, requires_grad=True)
    with viz.record() as r:
        Spoken.apply(Bare.apply(x)).sum().backward()
    assert r.document["rules"]["Spoken"]["forward"] == "Gives back what it gets."
    assert r.document["rules"]["Bare"]["forward"] == ""


def test_a_pass_inside_a_function_gives_gradients_too():
    class Again(tg.autograd.Function):
        @staticmethod
        def forward(ctx, f, x):
            ctx.f = f
            ctx.save_for_backward(x)
            return f(x)

        @staticmethod
        def backward(ctx, g):
            x = ctx.saved_tensors[0].detach().requires_grad_()
            with tg.enable_grad():
                out = ctx.f(x)
            out.backward(g)
            return None, x.grad

    net, x = nn.Linear(2, 2), tg.tensor(X, requires_grad=True)
    with viz.record(net) as r:
        Again.apply(net, x * 1).sum().backward()
    assert net.weight.grad is not None
    assert r.document["unused"] == []


def test_without_a_result_all_that_ran_counts():
    net = nn.Linear(2, 2)
    with viz.record(net) as r, tg.no_grad():
        net(tg.tensor(X))  # here
    assert {u["cause"]["kind"] for u in r.document["unused"]} == {"no_grad"}
    assert {line_of(u["cause"]) for u in r.document["unused"]} == {"here"}


@pytest.mark.parametrize(
    "leave",
    [
        lambda y: tg.tensor(y.detach()), lambda y: tg.from_numpy(y.detach().numpy() + 1), lambda y: y.sum().item(),
        lambda y: tg.tensor(y.tolist()), lambda y: float(y.sum()), lambda y: 1.0 if y.sum() > 99 else 2.0,
        lambda y: y.detach().clone(), lambda y: y.data,
    ],
)  # fmt: skip
def test_numbers_that_leave_the_graph_are_detached(leave):
    net, x = nn.Linear(2, 2), tg.tensor(X, requires_grad=True)
    with viz.record(net) as r:
        (x * leave(net(x))).sum().backward()
    kinds = {u["cause"]["kind"] for u in r.document["unused"]}
    assert kinds == {"detached"} or (kinds == {"integer"} and "if" in r.document["unused"][0]["cause"]["where"]["text"])
    assert {u["name"] for u in r.document["unused"]} == {"weight", "bias"}


def test_a_graph_for_each_pass_is_a_box_for_each():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with viz.record() as r:
        (a,) = tg.autograd.grad((x**4).sum(), x, create_graph=True)
        (b,) = tg.autograd.grad((a * x).sum(), x, create_graph=True)
        b.sum().backward()
    assert {n.get("call") for n in r.document["nodes"] if "of" in n} == {None, 2}
    assert cycle(fold.view(r.document, 0)) is None


def test_a_module_of_its_own_whose_result_is_dropped():
    used, dropped, x = nn.Linear(2, 2), nn.Linear(2, 2), tg.tensor(X)
    with viz.record() as r:
        dropped(x)  # dropped
        used(x).sum().backward()
    assert r.document["title"] == "Linear"
    assert {(u["cause"]["kind"], line_of(u["cause"])) for u in r.document["unused"]} == {("unused", "dropped")}
    assert len(r.document["unused"]) == 2
