"""What nodes save for backward: its names, the hooks that keep it in another form, and blocks without them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.autograd import graph


def leaves(m):
    return m.tensor([1.0, 2.0], requires_grad=True), m.tensor([3.0, 4.0], requires_grad=True)


OPS = {
    "x * y": "self other",
    "x / y": "self other",
    "x**2": "self exponent",
    "x**y": "self exponent result",
    "x.exp()": "result",
    "x.log()": "self",
    "x.relu()": "result",
    "x.sigmoid()": "result",
    "x.tanh()": "result",
    "x.sin()": "self",
    "x.softmax(0)": "result dim",
    "x.amax()": "self result",
    "m.outer(x, y) @ m.outer(y, x)": "self mat2",
    "m.nn.functional.mse_loss(x, y)": "self target",
    "m.where(x > 1, x, y)": "condition",
    "x.sum()": "",
}


@pytest.mark.parametrize("op", OPS)
def test_saved_values_have_pytorchs_names(pytorch, op):
    def kept(m):
        x, y = leaves(m)
        out = eval(op, {"m": m, "x": x, "y": y})
        found = {name: getattr(out.grad_fn, f"_saved_{name}") for name in OPS[op].split()}
        out.sum().backward()
        freed = [
            pytorch.attempt(getattr, out.grad_fn, f"_saved_{name}") for name in ("self", "result") if name in found
        ]
        return found, freed

    pytorch.agrees(kept, rtol=1e-6)


@pytest.mark.parametrize("op", OPS)
def test_each_saved_tensor_is_packed_once_and_unpacked_once(pytorch, op):
    def counted(m):
        x, y = leaves(m)
        seen = []
        pack, unpack = lambda t: seen.append("pack") or t.clone(), lambda t: seen.append("unpack") or t
        with m.autograd.graph.saved_tensors_hooks(pack, unpack):
            out = eval(op, {"m": m, "x": x, "y": y})
        out.sum().backward()
        return seen, x.grad, y.grad

    pytorch.agrees(counted, rtol=1e-6)


def test_hooks_of_functions_of_second_derivatives_and_in_blocks(pytorch):
    def told(m):
        class Square(m.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return g * 2 * x

        hooks, seen = m.autograd.graph.saved_tensors_hooks, []
        x, y = leaves(m)
        with hooks(lambda t: t * 10, lambda t: t):
            out = Square.apply(x).sum()
        out.backward()
        with hooks(lambda t: t.detach().numpy().copy(), m.from_numpy):
            (g,) = m.autograd.grad((y**3 * y.sin()).sum(), y, create_graph=True)
            g.square().sum().backward()
        with hooks(lambda t: seen.append("outer") or t, lambda t: t):
            with hooks(lambda t: seen.append("inner") or t, lambda t: t):
                x.exp()
            a = x * 1
            b = a * a
        a.add_(1)  # nobody counts the changes of what hooks keep
        b.sum().backward()
        return x.grad, y.grad, seen

    pytorch.agrees(told, rtol=1e-5)


def test_hooks_of_one_saved_tensor():
    x, _ = leaves(tg)
    out = x.exp()
    raw = out.grad_fn._raw_saved_result
    raw.register_hooks(lambda t: t.numpy() * 2, tg.tensor)
    with pytest.raises(RuntimeError, match="already"):
        raw.register_hooks(lambda t: t, lambda t: t)
    out.sum().backward(retain_graph=True)
    assert x.grad.tolist() == pytest.approx((2 * np.exp([1, 2])).tolist())
    assert out.grad_fn.name() == "ExpBackward0"


def test_what_hooks_keep_is_all_that_is_kept():
    import weakref

    x = tg.ones(1000, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: None, lambda kept: tg.ones(1000)):
        out = x.exp()
        array = weakref.ref(out._array)
        out = out.sum()
    assert array() is None
    out.backward()
    assert x.grad.sum() == 1000


def test_refusals():
    x, _ = leaves(tg)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x.exp().sum()
    with pytest.raises(TypeError, match="got result of type int"):
        y.backward()
    with pytest.raises(RuntimeError, match="in place"), graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        x.exp()
    with pytest.raises(RuntimeError, match="not now"), graph.disable_saved_tensors_hooks("not now"):
        graph.save_on_cpu().__enter__()
    with graph.save_on_cpu(), pytest.raises(RuntimeError, match="not now"):
        graph.disable_saved_tensors_hooks("not now").__enter__()
    with pytest.raises(AttributeError, match="_saved_weight"):
        x.exp().grad_fn._saved_weight  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'foo'"):
        x.exp().grad_fn.foo  # noqa: B018
    with pytest.raises(ValueError, match="any"):
        graph.register_multi_grad_hook([x], print, mode="some")
