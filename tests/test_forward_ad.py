"""Dual tensors: tangents go along with values through every op, in place, through views and out of the graph."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.autograd.forward_ad import dual_level, enter_dual_level, exit_dual_level, make_dual, unpack_dual

X, T = tg.tensor([1.0, 2.0, 3.0]), tg.tensor([1.0, 10.0, 100.0])


def moved(f, x=X, t=T):
    """The tangent of f(x + εt)."""
    with dual_level():
        found = unpack_dual(f(make_dual(x, t))).tangent
        return found if found is None else found.tolist()


def written(x):
    y = tg.zeros(2, 3)
    y[0] = x
    y[1].copy_(2 * x)
    y[:, 1].mul_(3)
    y[0, 0] = 7.0
    return y


def without_graph(x):
    with tg.no_grad():
        return x * x


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (lambda x: x**2, [2.0, 40.0, 600.0]),
        (lambda x: x.sum(), 111.0),
        (lambda x: x.view(3, 1)[1:].squeeze(1), [10.0, 100.0]),
        (lambda x: tg.cat([x, X])[2:5], [100.0, 0.0, 0.0]),
        (lambda x: x.sort(descending=True).values, [100.0, 10.0, 1.0]),
        (lambda x: tg.stack(x.unbind()).flip(0), [100.0, 10.0, 1.0]),
        (lambda x: x.floor(), [0.0, 0.0, 0.0]),
        (lambda x: x > 1, None),
        (lambda x: x.argmax(), None),
        (lambda x: x.detach() * 2, None),
        (lambda x: X * 2, None),
        (without_graph, [2.0, 40.0, 600.0]),
        (written, [[0.0, 30.0, 100.0], [2.0, 60.0, 200.0]]),
        (lambda x: (x * 1).fill_(3.0), [0.0, 0.0, 0.0]),
        (lambda x: (x * 1).mul_(x), [2.0, 40.0, 600.0]),
    ],
)
def test_tangents(f, wanted):
    assert moved(f) == wanted


def test_forward_over_reverse():
    """The tangent of a gradient is the Hessian times the tangent."""
    x = X.clone().requires_grad_()
    with dual_level():
        (g,) = tg.autograd.grad((make_dual(x, T) ** 3).sum(), x, create_graph=True)
        primal, tangent = unpack_dual(g)
    assert primal.tolist() == [3.0, 12.0, 27.0]
    assert tangent.tolist() == [6.0, 120.0, 1800.0]


def test_reverse_over_forward():
    x = X.clone().requires_grad_()
    with dual_level():
        tangent = unpack_dual((make_dual(x, T) ** 3).sum()).tangent
    tangent.backward()
    assert x.grad.tolist() == [6.0, 120.0, 1800.0]
    assert moved(lambda x: x * 2, x) == [2.0, 20.0, 200.0]


class Square(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        ctx.factor = factor
        return factor * x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.factor * ctx.saved_tensors[0] * g, None


class Told(Square):
    @staticmethod
    def jvp(ctx, t, _):
        return 2 * ctx.factor * ctx.saved_tensors[0] * t + 1000


def test_functions():
    assert moved(lambda x: Square.apply(x, 1.0)) == [2.0, 40.0, 600.0]
    assert moved(lambda x: Told.apply(x, 1.0)) == [1002.0, 1040.0, 1600.0]
    assert tg.func.jvp(lambda x: Told.apply(x, 1.0), (X,), (T,))[1].tolist() == [1002.0, 1040.0, 1600.0]


def test_levels():
    assert unpack_dual(X).tangent is None
    with pytest.raises(RuntimeError, match="no forward AD level"):
        make_dual(X, T)
    with pytest.raises(RuntimeError):
        exit_dual_level()
    level = enter_dual_level()
    try:
        with pytest.raises(RuntimeError, match="nested"):
            enter_dual_level()
        x = make_dual(X, T)
        for error, call in [(RuntimeError, lambda: make_dual(x, T)), (RuntimeError, lambda: make_dual(X, T[:2])),
                            (ValueError, lambda: make_dual(X.long(), T)), (ValueError, lambda: make_dual(X, T.long())),
                            (RuntimeError, lambda: exit_dual_level(level=7))]:  # fmt: skip
            with pytest.raises(error):
                call()
        assert unpack_dual(unpack_dual(x).primal).tangent is None
    finally:
        exit_dual_level(level=level)
    assert unpack_dual(x).tangent is None
