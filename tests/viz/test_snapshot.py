"""The document: what is in it, that it is the same every time, that it grows with the graph and no faster."""

from __future__ import annotations

import gc
import json
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from graphs import chain, doubled, lenet, lenet_step, two_neurons

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz

SCHEMA = Path(viz.__file__).parent / "schema.json"


def nodes(document):
    return {n["id"]: n for n in document["nodes"]}


def steps(document):
    return [s for one in document["passes"] for s in one["steps"]]


def test_a_plus_a_keeps_both_edges():
    a = tg.tensor([1.0, 2.0], requires_grad=True)
    with viz.record(names={"a": a}) as r:
        (a + a).sum().backward()
    add = nodes(r.document)["add"]
    assert [(e["port"], e["from"]) for e in add["inputs"]] == [("input", "a"), ("other", "a")]
    into = next(s for s in steps(r.document) if s["node"] == "add")["inputs"]
    assert [one["use"] for one in into] == [[1, 2], [2, 2]]
    assert r.document["tensors"][into[1]["sum"]]["values"] == [2.0, 2.0]


def test_steps_are_numpys():
    r, (x, w1, w2) = two_neurons()
    x, w1, w2 = (t.detach().numpy().astype(np.float64) for t in (x, w1, w2))
    pre = x @ w1
    h = np.maximum(pre, 0)
    y = h @ w2 + h
    gy = 2 * y
    gh = gy @ w2.T + gy
    expected = {
        "mul": np.ones_like(y),
        "add": gy,
        "matmul": gh * (pre > 0),
        "w1": x.T @ (gh * (pre > 0)),
        "w2": h.T @ gy,
    }
    found = {s["node"]: s for s in steps(r.document)}
    for name, g in expected.items():
        sample = r.document["tensors"][found[name]["gradient"]]
        np.testing.assert_allclose(np.reshape(sample["values"], g.shape), g, rtol=1e-5, atol=1e-6, err_msg=name)
        assert found[name]["norm"] == pytest.approx(np.linalg.norm(g), rel=1e-5)


def test_every_element_worked_out_agrees():
    document = lenet_step().document
    checks = [one["worked"]["check"] for s in steps(document) for one in s["inputs"]]
    assert len(checks) > 15
    assert set(checks) == {"agrees"}


def test_a_wrong_rule_is_found_out():
    @tg.op
    def wrong_square(x):
        return x * x

    wrong_square.grad(x=lambda g, x: 3 * g * x)
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with viz.record() as r:
        wrong_square(x).sum().backward()
    one = next(s for s in steps(r.document) if s["node"] == "wrong_square")["inputs"][0]["worked"]
    assert one["check"] == "differs"
    assert one["analytic"] == pytest.approx(6)
    assert one["numeric"] == pytest.approx(4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: lenet_step().document,
        lambda: two_neurons()[0].document,
        lambda: viz.snapshot(chain(3)),
        lambda: viz.snapshot(chain(3), values=True),
    ],
)
def test_schema(make):
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(viz.to_json(make()))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)


def test_plain_data_and_no_tensor():
    document = lenet_step().document
    stack = [document]
    while stack:
        item = stack.pop()
        assert type(item) in (dict, list, str, int, float, bool, type(None))
        stack += item.values() if type(item) is dict else item if type(item) is list else []


def test_recording_keeps_nothing_alive():
    model, x, y = lenet(2)
    with viz.record(model) as r:
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        seen = [weakref.ref(t) for t in (out, loss)]
        del out, loss
    gc.collect()
    assert [ref() for ref in seen] == [None, None]
    assert r.document["nodes"]


def test_recording_changes_nothing():
    model, x, y = lenet(2)
    F.cross_entropy(model(x), y).backward()
    expected = [p.grad.numpy().copy() for p in model.parameters()]
    model.zero_grad()
    state = tg.get_rng_state()
    with viz.record(model):
        F.cross_entropy(model(x), y).backward()
    assert tg.get_rng_state() == state
    for p, g in zip(model.parameters(), expected, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), g)


def test_recording_leaves_statistics_and_chance_alone():
    def train():
        tg.manual_seed(3)
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(32, 2))
        loss = net(tg.randn(4, 1, 6, 6)).square().sum()
        loss.backward()
        return [t.numpy().copy() for t in (*net.buffers(), *(p.grad for p in net.parameters()))], tg.rand(3).tolist()

    plain, after = train()
    with viz.record() as r:
        recorded, after_recording = train()
    assert after == after_recording
    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_array_equal(a, b)
    assert {one["worked"]["check"] for s in steps(r.document) for one in s["inputs"]} == {"agrees"}


def test_linear_in_the_graph():
    assert len(viz.snapshot(doubled(18))["nodes"]) == 19
    assert len(viz.snapshot(chain(2000))["nodes"]) == 2002


@pytest.mark.slow
def test_a_snapshot_takes_time_in_proportion_to_the_ops():
    def seconds(ops):
        loss = chain(ops)
        start = time.perf_counter()
        document = viz.snapshot(loss)
        assert len(document["nodes"]) == ops + 2
        return time.perf_counter() - start

    few = min(seconds(1_500) for _ in range(3))
    assert seconds(30_000) < 80 * few  # twenty times as many ops; if each looked at all others, it would be 400


def test_why_there_is_no_gradient():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for p in model[0].parameters():
        p.requires_grad_(False)
    spare = nn.Linear(2, 2)
    model.spare = None
    x = tg.randn(3, 2)
    w = tg.randn(2, requires_grad=True)
    with viz.record(model, names={"x": x, "w": w}) as r:
        with tg.no_grad():
            mean = x * 2
        hidden = w * 3
        out = model(x - mean) * hidden.detach() * (w > 0)
        (out.sum() + w.sum()).backward()
    del spare
    reasons = {n["id"]: n.get("reason") for n in r.document["nodes"] if not n["needs_grad"]}
    assert reasons["x"] == "no gradient is asked for it: requires_grad is False"
    assert reasons["mul"] == "made under no_grad"
    assert reasons["0.weight"] == "frozen: requires_grad is False"
    assert reasons["sub"] == "none of its inputs needs a gradient"
    assert reasons["gt"] == "bool numbers have no gradient"
    edges = [e for n in r.document["nodes"] for e in n["inputs"] if e["from"] == "mul:2"]
    assert [(e["needs_grad"], e["reason"].partition(":")[0]) for e in edges] == [(False, "detached")]


def test_unused_parameters_have_no_gradient_rather_than_zero():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    net = Net()
    with viz.record(net) as r:
        net(tg.ones(1, 2)).sum().backward()
    assert [u["name"] for u in r.document["unused"]] == ["idle.weight", "idle.bias"]
    assert "unused" in viz.text(r)
    assert "<code>idle.weight</code> (2, 2): unused" in viz.html(r)


def test_a_recording_that_was_cut_short_shows_what_there_was():
    def backward_and_fail():
        x.sqrt().sum().backward()
        raise ZeroDivisionError

    x = tg.tensor([-1.0, 1.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError), viz.record(names={"x": x}) as r:
        backward_and_fail()
    assert r.document["bad"]["forward"] == "sqrt"
    assert len(r.document["passes"]) == 1
    with pytest.raises(RuntimeError, match="ready when the with block has ended"), viz.record() as r:
        r.document  # noqa: B018


def test_why_zero():
    x = tg.tensor([-1.0, -2.0], requires_grad=True)
    with viz.record() as r:
        x.relu().sum().backward()
    line = nodes(r.document)["relu"]["where"]["line"]
    one = next(s for s in steps(r.document) if s["node"] == "relu")["inputs"][0]
    assert one["norm"] == 0
    assert one["why"] == {"text": f"relu at line {line}: its input was negative for 2 of 2 elements", "node": "relu"}


def test_where_the_nan_starts():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with viz.record() as r:
        (x.log() * 0).sum().backward()
    assert r.document["bad"]["forward"] == "log"
    assert steps(r.document)[r.document["bad"]["backward"][0]["step"]]["node"] == "log"
    viz.to_json(r.document)


def test_samples_are_exact_up_to_64_then_a_mosaic_of_real_elements():
    import base64

    values = tg.randn(2, 3, 40, 100)
    x = values.clone().requires_grad_()
    document = viz.snapshot(x * 2, names={"x": x}, values=True)
    sample = document["tensors"][nodes(document)["x"]["value"]]
    a = values.numpy()
    assert sample["max"] == pytest.approx(a.max(), rel=1e-5)
    assert sample["l2"] == pytest.approx(np.linalg.norm(a), rel=1e-5)
    m = sample["mosaic"]
    assert m["step"] == [1, 2]
    cells = np.frombuffer(base64.b64decode(m["data"]), "<i2").reshape(m["grid"][0] * m["tile"][0], -1) * m["unit"]
    np.testing.assert_allclose(cells[:40, :50], a[0, 0, :, ::2], atol=m["unit"])
    assert max(cells.shape) <= 64


@pytest.mark.parametrize(("budget", "side"), [(10**6, 64), (20_000, 32), (300, 0)])
def test_the_budget_thins_and_says_so(budget, side):
    x = tg.randn(4, 8, 28, 28, requires_grad=True)
    w = tg.randn(100, 100, requires_grad=True)
    document = viz.snapshot(x.sum() + (w * 2).sum() + w.exp().sum() + w.sin().sum(), values=True, budget=budget)
    assert document["samples"]["side"] <= side
    assert bool(document["samples"]["thinned"]) == (document["samples"]["side"] < 64)
    assert document["samples"]["bytes"] <= budget or document["samples"]["side"] == 0


def test_second_derivative():
    x = tg.tensor(2.0, requires_grad=True)
    with viz.record(names={"x": x}) as r:
        (first,) = tg.autograd.grad(x**3, x, create_graph=True)
        first.backward()
    assert len(r.document["passes"]) == 2
    first, second = ({s["node"]: s for s in one["steps"]} for one in r.document["passes"])
    assert (first["x"].get("wanted"), first["x"].get("accumulates")) == (True, None)
    assert (second["x"].get("wanted"), second["x"].get("accumulates")) == (None, True)
    made = [n for n in r.document["nodes"] if "of" in n]
    assert made
    assert all(n["module"] == "backward" for n in made)
    assert steps(r.document)[-1]["norm"] == pytest.approx(12)


def test_shared_weights_keep_all_their_names_and_uses():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    with viz.record(net) as r:
        net(tg.ones(1, 2)).sum().backward()
    weight = nodes(r.document)["0.weight"]
    assert weight["parameters"] == ["0.weight", "1.weight"]
    uses = [one["use"] for s in steps(r.document) for one in s["inputs"] if one["node"] == "0.weight"]
    assert uses == [[1, 2], [2, 2]]


def test_a_function_and_several_outputs():
    class Double(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = tg.randn(4, 2, requires_grad=True)
    with viz.record(names={"x": x}) as r:
        a, b = Double.apply(x).split(2)
        (a * b).sum().backward()
    kinds = [n["kind"] for n in r.document["nodes"]]
    assert "Double" in nodes(r.document)
    assert kinds.count("input") == 1
    found = nodes(r.document)["Double"]
    assert found["inputs"][0]["from"] == "x"


@pytest.mark.parametrize("bad", [tg.ones(2), tg.ones(2, requires_grad=True).detach()])
def test_no_history(bad):
    with pytest.raises(ValueError, match="has no history to draw"):
        viz.snapshot(bad)


def test_loading(tmp_path):
    document = viz.snapshot(chain(2))
    path = viz.save(document, tmp_path / "a.json")
    assert viz.load(path) == document
    assert path.read_text(encoding="utf-8") == viz.to_json(document)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        viz.load(tmp_path / "b.json")
    (tmp_path / "c.json").write_text("[1]")
    with pytest.raises(ValueError, match="expected a snapshot of schema"):
        viz.load(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("max", lambda x: x.max(dim=1).values), ("min", lambda x: x.min(dim=0, keepdim=True).values),
        ("topk", lambda x: x.topk(2).values), ("sort", lambda x: x.sort(descending=True).values),
        ("kthvalue", lambda x: x.kthvalue(1, 0).values), ("median", lambda x: x.median(1).values),
        ("cummax", lambda x: x.cummax(0).values), ("cummin", lambda x: x.cummin(1).values),
        ("gather", lambda x: x.gather(1, tg.tensor([[0], [2]]))), ("take", lambda x: x.take(tg.tensor([1, 1]))),
        ("index_select", lambda x: x.index_select(0, tg.tensor([1, 1]))),
        ("masked_select", lambda x: x.masked_select(x > -9)),
        ("scatter", lambda x: x.scatter(1, tg.tensor([[0], [1]]), 1.0)),
        ("index_copy", lambda x: x.index_copy(0, tg.tensor([1]), tg.ones(1, 3))),
        ("index_fill", lambda x: x.index_fill(1, tg.tensor([1]), 2.0)),
        ("index_put", lambda x: x.index_put((tg.tensor([1]),), tg.ones(3))),
    ],
)  # fmt: skip
def test_a_function_has_its_own_name(name, call):
    x = tg.tensor([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]], requires_grad=True)
    with viz.record(names={"x": x}) as r:
        call(x).sum().backward()
    ops = [n["op"] for n in r.document["nodes"] if n["kind"] == "op" and n["needs_grad"]]
    assert [op for op in ops if op not in ("sum", "flatten")] == [name]
    snapshot = viz.snapshot(call(x), names={"x": x})
    assert [n["op"] for n in snapshot["nodes"] if n["kind"] == "op"][-1] == name
    assert call(x).grad_fn.name() == f"{''.join(word.capitalize() for word in name.split('_'))}Backward0"
