"""autograd.Function: ctx in PyTorch's manner."""

from __future__ import annotations

import gc
import weakref

import pytest
from small import Double

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
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @tg.autograd.function.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = tg.full((1,), 3.0, requires_grad=True)
    (g,) = tg.autograd.grad(Square.apply(x) + x**3, x, create_graph=True)
    assert g.tolist() == [33.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


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


def test_a_gradient_of_the_broadcast_shape_or_another_dtype_is_fitted():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return (g * y).float(), (g * x).float()

    x = tg.ones(4, 3, dtype=tg.float64, requires_grad=True)
    y = tg.full((3,), 2.0, dtype=tg.float64, requires_grad=True)
    gx, gy = tg.autograd.grad(Product.apply(x, y).sum(), [x, y], create_graph=True)
    assert (gx.dtype, gy.dtype, gx.shape, gy.tolist()) == (tg.float64, tg.float64, (4, 3), [4.0] * 3)
    assert tg.autograd.grad(gy.sum(), x)[0].tolist() == [[1.0] * 3] * 4
    Product.apply(x, y).sum().backward()
    assert (y.grad.dtype, y.grad.tolist()) == (tg.float64, [4.0] * 3)


def returns(*grads):
    class F(Function):
        @staticmethod
        def forward(ctx, x, k):
            return x * k

        @staticmethod
        def backward(ctx, g):
            return grads

    return F


@pytest.mark.parametrize(
    ("grads", "error", "words"),
    [
        ((tg.ones(3), None), RuntimeError, r"shape \(3,\) for an input of shape \(2,\)"),
        ((tg.ones(()), None), RuntimeError, r"shape \(\) for an input"),
        ((tg.ones(2), tg.ones(2)), RuntimeError, "argument 1, which was no Tensor"),
        ((tg.ones(2), None, tg.ones(2)), RuntimeError, "3 gradients"),
        ((1.0, None), RuntimeError, "float"),
    ],
)
def test_what_backward_must_not_return(grads, error, words):
    with pytest.raises(error, match=words):
        returns(*grads).apply(tg.ones(2, requires_grad=True), 2.0).sum().backward()


def test_a_leaf_is_not_marked_dirty():
    x = tg.ones(2, requires_grad=True)
    for t in (x, x[:1]):
        with pytest.raises(RuntimeError, match="leaf"):
            Double.apply(t)
    assert x.tolist() == [1.0, 1.0]


def test_what_is_marked_dirty_gets_the_new_history_and_so_does_its_base():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    z = y * y
    assert Double.apply(y) is y
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="Double changed it"):
        z.sum().backward()
    y = x * 1
    Double.apply(y[:1])
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]


def test_what_is_marked_dirty_is_not_held():
    gc.disable()
    try:
        y = tg.ones(2, requires_grad=True) * 1
        Double.apply(y)
        alive = weakref.ref(y)
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_what_is_marked_dirty_has_to_be_returned():
    class Lost(Double):
        @staticmethod
        def forward(ctx, x):
            return Double.forward(ctx, x) + 1

    with pytest.raises(RuntimeError, match="not among the outputs"):
        Lost.apply(tg.ones(2, requires_grad=True) * 1)


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x.view(-1), lambda ctx, x: x[:1]])
def test_a_view_that_forward_returns_is_not_changed(forward):
    F = type("F", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(lambda ctx, g: g)})
    y = tg.ones(2, requires_grad=True) * 1
    out = F.apply(y)
    assert out is not y
    with pytest.raises(RuntimeError, match="made by F"):
        out.mul_(2)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="made by F"):
        out.sum()
