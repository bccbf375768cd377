"""A pinned leaf: known in another run by its first use, and given a number there; all else follows."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.engine.modes import Setting
from tinygrad_cnn.engine.watch import Tracer
from tinygrad_cnn.viz.pins import Pin, Pinned, small


def test_a_tracer_is_told_before_each_call():
    told = []

    class Square(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g

    class Telling(Tracer):
        def calling(self, op, args):
            told.append(("calling", op.__name__ if isinstance(op, type) else op.name))

        def called(self, op, args, out, node):
            told.append(("called", op.__name__ if isinstance(op, type) else op.name))

    x = tg.ones(2, requires_grad=True)
    with Setting(watch=True, tracer=Telling()):
        Square.apply(x).sum()
        x.split(1)
    assert told == [
        ("calling", "Square"), ("calling", "mul"), ("called", "mul"), ("called", "Square"),
        ("calling", "sum"), ("called", "sum"), ("calling", "split_with_sizes"), ("called", "split_with_sizes"),
    ]  # fmt: skip


def made_by_hand():
    """Leaves of several kinds; each is filled in place before it is used."""
    w = nn.Parameter(tg.empty(2, 2))
    nn.init.uniform_(w)
    b = tg.zeros(2, requires_grad=True)
    with tg.no_grad():
        b.add_(1)
    x = tg.randn(3, 2)
    scale = tg.tensor(0.5)
    (F.relu(x @ w + b) * scale).sum().backward()
    return w, b, x, scale


class Cube(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return tg.tensor(x.detach().numpy() ** 3)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x * x


def through_numpy():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    Cube.apply(w).sum().backward()
    return (w,)


def a_module():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    x = tg.randn(2, 1, 4, 4)
    model(x).square().mean().backward()
    return (*model.parameters(), x)


def run(program, **options):
    tg.manual_seed(0)
    with Pinned(**options) as r:
        made = program()
    return r, made


@pytest.mark.parametrize("program", [made_by_hand, through_numpy, a_module])
def test_each_leaf_that_is_pinned_is_that_leaf(program):
    r, made = run(program)
    nodes = {n["id"]: n for n in r.document["nodes"]}
    leaves = small(r.document, r.leaves)
    assert len(leaves) == len(made)
    for name in leaves:
        index = tuple(n - 1 for n in nodes[name]["shape"])
        use = r.leaves[name]
        again, remade = run(program, pin=Pin(use.call, use.place, index, 0.625))
        assert "notes" not in again.document
        before = [t.detach().numpy() for t in made]
        after = [t.detach().numpy() for t in remade]
        (k,) = (i for i, (a, b) in enumerate(zip(before, after, strict=True)) if not np.array_equal(a, b))
        expected = before[k].copy()
        expected[index] = 0.625
        np.testing.assert_array_equal(after[k], expected)


def test_values_and_gradients_follow():
    r, (w, b, x, _) = run(made_by_hand)
    place = next(name for name, use in r.leaves.items() if use.leaf() is b)
    use = r.leaves[place]
    _, (w2, b2, x2, _) = run(made_by_hand, pin=Pin(use.call, use.place, (1,), -0.25))
    pre = x.detach().numpy() @ w.detach().numpy() + np.float32([1, -0.25])
    g = 0.5 * (pre > 0)
    np.testing.assert_allclose(b2.grad.numpy(), g.sum(0), rtol=1e-6)
    np.testing.assert_allclose(w2.grad.numpy(), x2.numpy().T @ g, rtol=1e-5)


def test_a_leaf_that_nothing_of_the_picture_uses_is_none():
    def program():
        unused = tg.ones(2)
        _ = unused * 2
        w = tg.ones(2, requires_grad=True)
        (w * w).sum().backward()

    r, _ = run(program)
    assert len(r.leaves) == 1
    assert viz.text(r)
