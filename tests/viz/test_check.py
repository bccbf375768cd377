"""The check of a gradient: right ones are never called wrong, wrong ones are found, and no number is no agreement."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from networks import NETWORKS
from networks import recorded as recorded_network

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import viz
from tinygrad_cnn.engine.call import registry
from tinygrad_cnn.testing.cases import public, table

HERE = "not checkable here: "


def checks(r):
    document = r.document if isinstance(r, viz.record) else r
    assert "notes" not in document
    worked = [
        (step["node"], one["worked"])
        for one_pass in document["passes"] for step in one_pass["steps"] for one in step["inputs"] if "worked" in one
    ]  # fmt: skip
    for _, w in worked:
        assert w["check"] in ("agrees", "differs") or w["check"].startswith(HERE)
        assert w["check"] != "agrees" or not isinstance(w["analytic"], str), "no number agrees with anything"
    return worked


def false_alarms(r):
    return [(node, w) for node, w in checks(r) if w["check"] == "differs"]


def of(op, r):
    """The check of the last step of an op, into its first input."""
    return [w for node, w in checks(r) if node.partition(":")[0] == op][-1]


def recorded(f, *values, dtype=tg.float32):
    leaves = [tg.tensor(np.asarray(v, np.float64), dtype=dtype, requires_grad=True) for v in values]
    with viz.record() as r:
        f(*leaves).sum().backward()
    return r


@pytest.mark.parametrize(
    ("op", "f", "x", "expected"),
    [
        ("log", lambda x: x.log(), [1e-6, 3.0], "agrees"),
        ("log", lambda x: x.log(), [1e-30, 3.0], "agrees"),
        ("sqrt", lambda x: x.sqrt(), [1e-8, 3.0], "agrees"),
        ("reciprocal", lambda x: x.reciprocal(), [1e-12], "agrees"),
        ("relu", lambda x: x.relu(), [0.0, 0.0], "agrees"),
        ("relu", lambda x: x.relu(), [1e-9, -1e-9], "agrees"),
        ("abs", lambda x: x.abs(), [0.0], "agrees"),
        ("amax", lambda x: x.amax(), [2.0, 2.0, 2.0, 1.0], "agrees"),
        ("maximum", lambda x: tg.maximum(x, x * 1), [2.0, 1.0], "agrees"),
        ("max_pool2d", lambda x: F.max_pool2d(x, 2), np.ones((1, 1, 4, 4)), "agrees"),
        ("max_pool2d", lambda x: F.max_pool2d(x, 3, 1, 1), np.zeros((1, 1, 4, 4)), "agrees"),
        ("whole_median", lambda x: x.median(), [1.0, 1.0, 1.0], "agrees"),
        ("whole_median", lambda x: x.median(), [0.0] * 12, "agrees"),
        ("clamp", lambda x: x.clamp(0, 1), [0.0, 1.0], "agrees"),
        ("hardtanh", lambda x: F.hardtanh(x), [-1.0, 1.0], "agrees"),
        ("vector_norm", lambda x: x.norm(), [0.0, 0.0], "agrees"),
        ("pow", lambda x: x**3, [0.0], "agrees"),
        ("pow", lambda x: x**0.5, [0.0, 1e-30], HERE),
        ("pow", lambda x: x**1.5, [0.0], "agrees"),
        ("floor", lambda x: x.floor(), [2.0], "agrees"),
        ("round", lambda x: x.round(), [123456.0, 2e6], "agrees"),
        ("sign", lambda x: x.sign(), [0.0], HERE),
        ("tanh", lambda x: x.tanh(), [20.0], "agrees"),
        ("tanh", lambda x: x.tanh(), [8.0], HERE),
        ("sigmoid", lambda x: x.sigmoid(), [16.0], HERE),
        ("sigmoid", lambda x: x.sigmoid(), [-100.0], "agrees"),
        ("exp", lambda x: x.exp(), [-90.0], "agrees"),
        ("log_softmax", lambda x: x.log_softmax(0) * tg.tensor([1.0, 1e-9], dtype=x.dtype), [9e3, 6e3], ""),
        ("cumprod", lambda x: x.cumprod(0) * tg.tensor([0, 1, 0], dtype=x.dtype), [0.01, 5.6e-45, 0.01], ""),
        ("whole_median", lambda x: x.median(), [1.0, 1, 1, 1, 1, 1, 1, -1, -1], "agrees"),
        ("add", lambda x: x + 1e8, [1e-20], "agrees"),
        ("mul", lambda x: x * 1e-30, [1e-6], "agrees"),
        ("matmul", lambda x: x @ tg.full((2, 1), 1e18, dtype=x.dtype), [[1e-3, 1e18]], "agrees"),
        ("log", lambda x: x.log() * 0, [0.0, 1.0], HERE),
        ("mul", lambda x: x * float("nan"), [0.0, 1.0], HERE),
        ("exp", lambda x: x.exp(), [200.0], HERE),
        ("div", lambda x: x / (x - x), [1.0], HERE),
    ],
)
def test_the_edges_of_a_function(op, f, x, expected):
    for dtype in (tg.float32, tg.float64):
        r = recorded(f, x, dtype=dtype)
        assert false_alarms(r) == []
        if dtype is tg.float32:
            assert of(op, r)["check"].startswith(expected), of(op, r)


def test_a_kink_is_looked_at_from_its_sides():
    w = of("relu", recorded(lambda x: x.relu(), [0.0]))
    assert (w["between"], w["numeric"]) == ([0, 1], 0)
    w = of("amax", recorded(lambda x: x.amax(), [2.0, 2.0]))
    assert (w["numeric"], w["analytic"], w["check"]) == (0.5, 0.5, "agrees")


def test_not_a_number_is_shown():
    w = of("log", recorded(lambda x: x.log() * 0, [1.0, 0.0]))
    assert (w["index"], w["analytic"]) == ([1], "NaN")
    assert "made here" in w["check"]
    w = of("mul", recorded(lambda x: (x * 1).log() * 0, [1.0, 0.0]))
    assert "what arrives is not finite" in w["check"]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda f: f.__name__)
def test_no_false_alarm_in_a_network(network):
    document = recorded_network(network)
    assert len(checks(document)) > 1
    assert false_alarms(document) == []


CASES = [c for c in table() if c.orders >= 1]
WAYS = list(itertools.product([tg.float32, tg.float64, tg.float16], [False, True]))


def tensors(case, dtype, rough):
    """The inputs of a case; rough: rounded to quarters, full of ties."""

    def tensor(x):
        if not isinstance(x, np.ndarray):
            return x
        if x.dtype.kind != "f":
            return tg.tensor(x)
        return tg.tensor(np.round(x * 4) / 4 if rough else x, dtype=dtype, requires_grad=True)

    return [tensor(x) for x in case.arrays()]


@pytest.mark.slow
def test_no_false_alarm_over_the_case_table():
    """Each case in one of the ways, in turns; TINYGRAD_CNN_TRIES=6 tries them all."""
    seen, alarms = 0, []
    for k, case in enumerate(CASES):
        for dtype, rough in [WAYS[(k + n) % 6] for n in range(min(6, int(os.environ.get("TINYGRAD_CNN_TRIES", "1"))))]:
            with viz.record() as r:
                try:
                    out = public(case.op)(*tensors(case, dtype, rough), **case.attributes)
                except (RuntimeError, TypeError) as error:  # which it takes is for test_half.py to say
                    if dtype is tg.float16 and "float16" in str(error):
                        continue
                    raise
                outs = [o for o in ([out] if isinstance(out, tg.Tensor) else out) if o.requires_grad]
                for o in outs:
                    g = np.cos(np.arange(o.numel())).reshape(o.shape)
                    o.backward(tg.tensor(g, dtype=o.dtype), retain_graph=True)
            seen += len(checks(r))
            alarms += [(str(case), dtype, rough, *alarm) for alarm in false_alarms(r)]
    assert seen > 1000
    assert alarms == []


# rules that are wrong


def wrong(forward, **rules):
    op = tg.op(forward)
    op.grad(**rules)
    registry.pop(forward.__name__)
    return op


def own_square(x):
    return x * x


def own_relu(x):
    return np.maximum(x, 0)


def own_tanh(x):
    return np.tanh(x)


def own_mean(x):
    return x.mean()


def own_product(x, y):
    return x @ y


def own_max(x):
    return x.max(-1)


WRONG = {
    "a factor": (own_square, {"x": lambda g, x: 3 * g * x}, [[1.0, 2.0]]),
    "a sign": (own_square, {"x": lambda g, x: -2 * g * x}, [[1.0, 2.0]]),
    "nothing": (own_square, {"x": lambda g, x: 0 * g * x}, [[1.0, 2.0]]),
    "one percent": (own_square, {"x": lambda g, x: 2.02 * g * x}, [[1.0, 2.0]]),
    "of tiny numbers": (own_square, {"x": lambda g, x: 3 * g * x}, [[1e-15, 2e-15]]),
    "of huge numbers": (own_square, {"x": lambda g, x: 3 * g * x}, [[1e15, 2e15]]),
    "at a kink": (own_relu, {"x": lambda g, x: 2 * g * (x >= 0)}, [[0.0, 0.0]]),
    "below a kink": (own_relu, {"x": lambda g, x: g * (x > -1)}, [[-0.5, -2.0]]),
    "a mask that closes too early": (own_relu, {"x": lambda g, x: g * (x > 1)}, [[0.5, 2.0, -3.0]]),
    "a saturated one": (own_tanh, {"x": lambda g, x: g * (2 - np.tanh(np.asarray(x)) ** 2)}, [[15.0]]),
    "a nearly saturated one": (own_tanh, {"x": lambda g, out: 2 * g * (1 - out * out)}, [[6.0]]),
    "no 1/n": (own_mean, {"x": lambda g, x_shape: tg.engine.broadcast.expand_to(g, x_shape)}, [[1.0, 2.0, 3.0]]),
    "the sum of a tie": (own_max, {"x": lambda g, x, out: 3 * g[:, None] * (x == out[:, None])}, [[[1.0, 1.0]]]),
    "one of two inputs": (
        own_product,
        {"x": lambda g, y: g @ y.T, "y": lambda g, x: x @ g},
        [np.arange(4.0).reshape(2, 2), np.ones((2, 2)) + np.eye(2)],
    ),
}


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64], ids=str)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name, dtype):
    forward, rules, values = WRONG[name]
    r = recorded(wrong(forward, **rules), *values, dtype=dtype)
    found = {node for node, w in checks(r) if w["check"] == "differs"}
    assert found == {forward.__name__}


def test_an_exploding_network_hides_no_wrong_rule():
    bad = wrong(own_relu, x=lambda g, x: 1.5 * g * (x > 0))
    tg.manual_seed(0)
    layers = [tg.nn.Linear(8, 8) for _ in range(12)]
    for layer in layers:
        tg.nn.init.normal_(layer.weight, std=20)
    h = tg.randn(4, 8)
    with viz.record() as r:
        for k, layer in enumerate(layers):
            h = bad(layer(h)) if k == 6 else layer(h).relu()
        h.sum().backward()
    assert {node for node, w in checks(r) if w["check"] == "differs"} == {"own_relu"}


def test_a_wrong_kernel_of_one_dtype_is_found():
    """The rule is right in double precision, and far off in the one that was recorded."""

    def rule(g, x):
        return 2 * g * x * (1.5 if g.dtype == tg.float32 else 1)

    r = recorded(wrong(own_square, x=rule), [1.0, 2.0])
    assert of("own_square", r)["check"] == "differs"


def only_this(x):
    if not np.array_equal(x, [1, 2, 3]):
        raise ZeroDivisionError
    return x * 1


def only_in_float32(x):
    return x * np.float32(1)


def test_an_op_that_takes_no_other_numbers():
    def rule(g, x):
        if g.dtype == tg.float64 or not g.all():
            raise ZeroDivisionError
        return g * 0

    for forward, said in ((only_this, "with another number in its place, this op raises ZeroDivisionError"),
                          (only_in_float32, "differs")):  # fmt: skip
        r = recorded(wrong(forward, x=rule), [1.0, 2.0, 3.0])
        assert of(forward.__name__, r)["check"].endswith(said)
        why = r.document["passes"][0]["steps"][1]["inputs"][0]["why"]
        assert why["text"].endswith("its rule gives zero for 3 of 3 elements")
