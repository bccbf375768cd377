"""autograd.Function: ctx in PyTorch's manner."""

from __future__ import annotations

import gc
import weakref

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.autograd import Function


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Split(Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.n = n
        ctx.set_materialize_grads(True)
        return x[:n].clone(), x[n:].clone()

    @staticmethod
    def backward(ctx, a, b):
        return tg.cat([a, b]), None


@pytest.mark.parametrize("function", [Cube, Exp])
def test_first_and_second_derivative(function):
    x = tg.tensor([0.5, -1.5], dtype=tg.float64, requires_grad=True)
    assert tg.testing.gradcheck(function.apply, x)
    assert tg.testing.gradgradcheck(function.apply, x)


def test_several_outputs_and_missing_gradients():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    a, b = Split.apply(x, 1)
    assert a.requires_grad
    (b * 5).sum().backward()
    assert x.grad.tolist() == [0.0, 5.0, 5.0]


def test_nothing_is_recorded_without_need():
    out = Cube.apply(tg.ones(2))
    assert not out.requires_grad
    with tg.no_grad():
        assert not Cube.apply(tg.ones(2, requires_grad=True)).requires_grad


def test_needs_input_grad_and_non_differentiable():
    class F(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.needs = ctx.needs_input_grad
            n = (x > 0).sum()
            i = x.argmax()
            ctx.mark_non_differentiable(n, i)
            return x + y, n, i

        @staticmethod
        def backward(ctx, g, gn, gi):
            assert ctx.needs == (True, False)
            return g, None

    x = tg.ones(2, requires_grad=True)
    out, n, _ = F.apply(x, tg.ones(2))
    assert not n.requires_grad
    out.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_wrong_backwards_are_named():
    class TooFew(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    class WrongShape(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g.sum()

    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"TooFew.backward returned 1 gradients, forward took 2"):
        TooFew.apply(x, x).sum().backward()
    with pytest.raises(RuntimeError, match=r"WrongShape.backward returned a gradient of shape \(\).*\(2,\)"):
        WrongShape.apply(x).sum().backward()


def test_saved_tensor_changed_in_place():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"Cube.*add_"):
        z.sum().backward()


def test_saving_an_output_makes_no_cycle():
    gc.disable()
    try:
        x = tg.ones(2, requires_grad=True)
        y = Exp.apply(x)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_once_differentiable():
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @tg.autograd.function.once_differentiable
        def backward(ctx, g):
            return g * 2

    x = tg.ones(1, requires_grad=True)
    F.apply(x).backward()
    with pytest.raises(RuntimeError, match="once_differentiable"):
        tg.autograd.grad(F.apply(x), x, create_graph=True)


def test_setup_context():
    class F(Function):
        @staticmethod
        def forward(x, k):
            return x * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.k, None

    x = tg.ones(2, requires_grad=True)
    F.apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
