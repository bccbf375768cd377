"""Why a gradient is zero: the first cause on the way from the loss, seen in the numbers."""

from __future__ import annotations

import pytest
from networks import NETWORKS, recorded

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz


def whys(r):
    """(op, where the contribution goes) -> why; the line of an op by its id."""
    assert "notes" not in r.document
    found = {}
    for one_pass in r.document["passes"]:
        for step in one_pass["steps"]:
            for one in step["inputs"]:
                found[step["node"], one["node"]] = one.get("why")
    lines = {n["id"]: n["where"]["line"] for n in r.document["nodes"] if n["where"]}
    return found, lines


def dead_net(**names):
    w1, w2 = tg.ones(4, 3), tg.ones(4, 2)
    b1 = tg.full((4,), -100.0)
    for t in (w1, w2, b1):
        t.requires_grad_()
    x = tg.ones(2, 3)
    with viz.record(names={"x": x, "w1": w1, "w2": w2, "b1": b1}) as r:
        h = F.linear(x, w1, b1).relu()
        (h @ w2).sum().backward()
    return r


def test_a_dead_relu_is_the_cause_of_all_that_it_stops():
    found, lines = whys(dead_net())
    relu = f"relu at line {lines['relu']}: its input was negative for 2 of 2 examples"
    for way in [("relu", "linear"), ("linear", "b1"), ("linear", "w1")]:
        assert found[way] == {"text": relu, "node": "relu"}, way
    because = f"{relu}, so the input of matmul at line {lines['matmul']} is zero"
    assert found["matmul", "w2"] == {"text": because, "node": "relu"}
    assert found["matmul", "relu"] is None


def test_of_two_dead_ones_the_later_is_the_first_cause():
    x = tg.full((2, 3), -1.0).requires_grad_()
    with viz.record(names={"x": x}) as r:
        h = x.relu()
        h = (h - 1).relu()
        h.sum().backward()
    found, lines = whys(r)
    assert found["relu", "x"]["node"] == "relu:2"
    assert f"relu at line {lines['relu:2']}" in found["relu", "x"]["text"]


def test_each_element_has_its_own_cause():
    """One unit is dead; another element of its layer is multiplied by zero later."""
    w = tg.ones(1, 3).requires_grad_()
    with viz.record(names={"w": w}) as r:
        h = (tg.tensor([[1.0], [2.0]]) @ w + tg.tensor([0.0, 0.0, -9.0])).relu()
        mask = tg.tensor([0.0, 1.0, 1.0])
        (h * mask).sum().backward()
    found, lines = whys(r)
    text = found["matmul", "w"]["text"]
    assert text.startswith("67% of it is zero: ")
    assert f"relu at line {lines['relu']}: its input was negative for 2 of 6 elements, of 1 of 3 units" in text
    assert f"mul at line {lines['mul']}: its other, input:3, is zero for 1 of 3 elements" in text


@pytest.mark.parametrize(
    ("f", "x", "node", "text"),
    [
        (lambda x: x * 0, [1.0], "mul", "its other is zero"),
        (lambda x: x.square(), [0.0, 0.0], "square", "its input is zero for 2 of 2 elements"),
        (lambda x: x**2, [0.0], "x", "its input, x, is zero for 1 of 1 element"),
        (lambda x: x.clamp(0, 1), [3.0, -2.0], "clamp", "it was held at a bound"),
        (lambda x: x.tanh(), [20.0], "tanh", "saturated, its result is -1 or 1 for 1 of 1 element"),
        (lambda x: x.exp(), [-200.0], "exp", "its result is so small that it is zero"),
        (lambda x: x * 1e-30 * 1e-30, [1.0], "mul", "so small that float32 rounds it to zero"),
        (lambda x: x.softmax(0), [1.0, 1.0], "softmax", "saturated|cancel|rounds it to zero"),
        (lambda x: x.floor(), [1.5], "floor", "a staircase is flat"),
        (lambda x: x - x, [1.5], "x", "the gradients that arrive add up to zero"),
        (lambda x: F.mse_loss(x, tg.tensor([2.0])), [2.0], "mse_loss", "input and target are equal for 1 of 1 element"),
        (lambda x: F.hardswish(x), [-4.0], "hardswish", "its input was at most -3"),
        (lambda x: tg.where(tg.tensor([False]), x, tg.ones(1)), [1.0], "where", "the other one was taken"),
        (lambda x: (x.flatten() * 1).reshape(1) * tg.zeros(1), [1.0], "input", "its other, input, is zero"),
    ],
)
def test_causes(f, x, node, text):
    import re

    x = tg.tensor(x, requires_grad=True)
    with viz.record(names={"x": x}) as r:
        f(x).sum().backward()
    found, _ = whys(r)
    last = [why for why in found.values() if why]
    if node == "x" and not last:  # nothing before it is zero
        return
    assert last[-1]["node"] == node, last
    assert re.search(text, last[-1]["text"]), last


def test_hooks_and_seeds():
    x = tg.ones(2).requires_grad_()
    with viz.record(names={"x": x}) as r:
        y = x * 2
        y.register_hook(lambda g: g * 0)
        (y * 3).sum().backward()
    assert "mul at line" in whys(r)[0]["mul", "x"]["text"]
    assert "cut by a hook: <lambda> made the gradient zero" in whys(r)[0]["mul", "x"]["text"]
    with viz.record(names={"x": x}) as r:
        (x * 2).backward(tg.zeros(2))
    assert "backward began with a gradient of zero here for 2 of 2 elements" in whys(r)[0]["mul", "x"]["text"]


def test_a_function_of_the_script():
    class Nothing(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 0

    x = tg.ones(2).requires_grad_()
    with viz.record(names={"x": x}) as r:
        Nothing.apply(x * 1).sum().backward()
    found, lines = whys(r)
    assert found["mul", "x"] == {
        "text": f"Nothing at line {lines['Nothing']}: its rule gives zero for 2 of 2 elements", "node": "Nothing"
    }  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("check", [True, False])
def test_whatever_is_all_zero_has_a_cause_in_the_graph(network, check):
    if not check and "dead" not in network.__name__:
        return
    document = recorded(network, check)
    shapes = {n["id"]: n["shape"] for n in document["nodes"]}
    for step in (s for one in document["passes"] for s in one["steps"]):
        for one in step["inputs"]:
            assert one["norm"] not in (0, None) or one.get("why"), (step["node"], one)
            assert "why" not in one or one["why"]["node"] in shapes


def test_nothing_is_said_of_what_is_not_zero():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    with viz.record() as r:
        net(tg.randn(5, 3)).square().mean().backward()
    assert set(whys(r)[0].values()) == {None}


def test_the_page_links_to_the_cause(browser, tmp_path):
    r = dead_net()
    viz.html(r, tmp_path / "dead.html")
    page = browser.new_page()
    steps = [step["node"] for step in r.document["passes"][0]["steps"]]
    page.goto(f"file://{tmp_path}/dead.html#step={steps.index('linear') + 1}")
    why = page.locator("#step .why", has_text="Why zero?").first
    assert "its input was negative for 2 of 2 examples" in why.text_content()
    why.locator("a").click()
    assert page.locator("#step-title").text_content().endswith(": relu")
    page.close()
