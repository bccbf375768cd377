"""The backward pass: rules of leaves, accumulation, hooks, freeing, second derivatives, errors."""

from __future__ import annotations

import contextlib
import gc
import weakref

import numpy as np
import pytest
from small import leaf

import tinygrad_cnn as tg


def test_gradients_accumulate():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_tensor_used_twice_gets_both_gradients():
    x = leaf(3.0)
    y = x * x
    (y + y).backward()
    assert x.grad.item() == 12.0


def test_the_order_is_topological():
    """A diamond with a long and a short arm: a walk in the order of discovery would be wrong."""
    x = leaf(2.0)
    a = x * 3
    b = a * a
    c = b + 1
    (c * a).backward()  # 27x³ + 3x
    assert x.grad.item() == 81 * 4 + 3


def test_gradients_do_not_share_memory():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = tg.ones(2)
    (a + b).backward(seed)
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0]
    assert seed.tolist() == [1.0, 1.0]


def test_gradient_of_a_leaf_itself():
    x = leaf(1.0, 2.0)
    g = tg.tensor([3.0, 4.0])
    x.backward(g)
    x.grad.zero_()
    assert g.tolist() == [3.0, 4.0]


def test_leaf_and_graph_properties():
    x = leaf(1.0)
    y = x * 2
    assert (x.is_leaf, x.grad_fn, x.requires_grad) == (True, None, True)
    assert (y.is_leaf, y.grad_fn.name(), y.requires_grad) == (False, "MulBackward0", True)
    ((accumulate, number),) = y.grad_fn.next_functions
    assert (accumulate.name(), number) == ("AccumulateGrad", 0)
    assert accumulate.variable is x
    assert (x.detach() * 2).grad_fn is None


def test_requires_grad_rules():
    with pytest.raises(RuntimeError, match="floating"):
        tg.tensor([1, 2], requires_grad=True)
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="leaf"):
        y.requires_grad = False
    z = tg.ones(2)
    assert z.requires_grad_() is z
    assert z.requires_grad


def test_backward_needs_a_scalar_or_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"scalar outputs.*\(2,\)"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        (x * 2).backward(tg.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        tg.ones(1).backward()
    assert x.grad is None


def test_second_backward_needs_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph=True"):
        y.backward()
    z = x + 1  # nothing is saved, so nothing was freed
    z.sum().backward()
    z.sum().backward()


def test_grad_leaves_the_rest_alone():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = (x * y).sum()
    (gx,) = tg.autograd.grad(out, x)
    assert gx.tolist() == [3.0, 4.0]
    assert x.grad is None
    assert y.grad is None


def test_grad_of_what_was_not_used():
    x, y = leaf(1.0), leaf(2.0)
    out = x * 2
    with pytest.raises(RuntimeError, match=r"input 1.*allow_unused=True"):
        tg.autograd.grad(out, [x, y], retain_graph=True)
    assert tg.autograd.grad(out, [x, y], allow_unused=True, retain_graph=True)[1] is None
    assert tg.autograd.grad(out, [x, y], materialize_grads=True)[1].item() == 0.0


def test_grad_of_an_intermediate_tensor():
    x = leaf(2.0)
    y = x * 3
    z = y * y
    gy, gx = tg.autograd.grad(z, [y, x])
    assert (gy.item(), gx.item()) == (12.0, 36.0)


def test_backward_into_chosen_inputs():
    x, y = leaf(1.0), leaf(2.0)
    (x * y).backward(inputs=[x])
    assert x.grad.item() == 2.0
    assert y.grad is None


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_derivatives(order):
    x = leaf(1.5, dtype=tg.float64)
    y = x.exp() * x
    for _ in range(order):
        (y,) = tg.autograd.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(np.exp(1.5) * (1.5 + order), rel=1e-14)


def test_backward_with_create_graph_gives_gradients_with_history():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.grad_fn is not None
    (g,) = tg.autograd.grad(x.grad, x)
    assert g.item() == 12.0


def test_tensor_hooks_see_and_replace_gradients():
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0]]
    assert x.grad.tolist() == [20.0, 20.0]
    handle.remove()
    handle.remove()
    (x * 1).register_hook(lambda g: None)
    with pytest.raises(RuntimeError, match="require gradient"):
        tg.ones(1).register_hook(print)


def test_leaf_hooks_run_once_on_the_whole_gradient():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item() + 100))
    (x * 2 + x * 3).backward()
    assert seen == [5.0, 105.0]


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    assert y.retains_grad


def test_anomaly_names_op_shapes_and_line():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with tg.autograd.detect_anomaly():
        y = x.sqrt()  # the line that the message shows
        with pytest.raises(RuntimeError) as error:
            (y * tg.tensor([0.0, 1.0])).sum().backward()
    text = str(error.value)
    assert "SqrtBackward0" in text or "sqrt" in text
    assert "(2,)" in text
    assert "the line that the message shows" in text
    assert not tg.autograd.is_anomaly_enabled()


def test_dropping_the_loss_frees_the_graph_without_the_collector():
    gc.disable()
    try:
        x = leaf(*range(1000))
        loss = (x.exp() * x).sum()
        nodes = [weakref.ref(n) for n in tg.autograd.ancestry([loss.grad_fn]) if n.name() != "AccumulateGrad"]
        del loss
        assert [n() for n in nodes if n() is not None] == []
        alive = weakref.ref(x)
        loss = (x * x).sum()
        loss.backward()
        del loss, x
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_two_hundred_thousand_ops_in_a_chain():
    x = leaf(1.0)
    y = x
    for _ in range(200_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_doubling_ten_thousand_times_is_linear():
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + y
        y = y * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_only_needed_gradients_are_computed():
    calls = []

    @tg.op
    def product(a, b):
        return a * b

    def rule_a(g, b):
        calls.append("a")
        return g * b

    def rule_b(g, a):
        calls.append("b")
        return g * a

    product.grad(a=rule_a, b=rule_b)
    product(leaf(1.0), tg.ones(())).backward()
    assert calls == ["a"]
    a, b = leaf(2.0), leaf(3.0)
    b.register_hook(lambda g: calls.append("hook"))
    product(a, b).backward(inputs=[a])
    (g,) = tg.autograd.grad(product(product(a, b), b.exp()), a)  # b leads to no input that was asked for
    (first,) = tg.autograd.grad(product(a, b), a, create_graph=True)
    assert calls == ["a"] * 5
    assert (a.grad.item(), g.item(), first.item()) == (3.0, pytest.approx(3 * np.exp(3.0)), 3.0)
    (second,) = tg.autograd.grad(first, b)
    assert second.item() == 1.0
    assert calls[5:] == ["hook"]


def test_gradient_dtype_and_shape_follow_the_input():
    x = tg.ones(3, 1, dtype=tg.float32, requires_grad=True)
    y = tg.ones(1, 4, dtype=tg.float64, requires_grad=True)
    (x * y).sum().backward()
    assert (x.grad.shape, x.grad.dtype) == ((3, 1), tg.float32)
    assert (y.grad.shape, y.grad.dtype) == ((1, 4), tg.float64)


# What a second pass finds.


def test_what_saved_nothing_can_be_walked_twice():
    x = leaf(1.0, 2.0)
    y = (x + 2).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]
    z = (x * 2).sum()
    z.backward()
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()


@pytest.mark.parametrize(
    "f",
    [
        tg.relu, tg.abs, tg.nn.functional.leaky_relu, tg.nn.functional.hardtanh, tg.nn.functional.relu6,
        lambda x: x.clamp(-1, 1), lambda x: tg.maximum(x, -x), lambda x: tg.where(x > 0, x, 2 * x),
        lambda x: tg.nn.functional.max_pool1d(x.view(1, 1, 4), 2), tg.nn.functional.hardshrink,
        tg.nn.functional.softshrink,
        tg.nn.functional.hardsigmoid, lambda x: tg.nn.functional.threshold(x, 0.1, 20.0),
        lambda x: tg.nn.functional.prelu(x, tg.tensor([0.2], dtype=x.dtype)), lambda x: tg.amax(x, 0),
    ],
)  # fmt: skip
def test_a_piecewise_linear_function_has_second_derivatives_of_zero(f):
    x = tg.tensor([1.0, -2.0, 0.5, 3.0], dtype=tg.float64, requires_grad=True)
    (g,) = tg.autograd.grad(f(x).sum(), x, create_graph=True)
    assert tg.autograd.grad(g.sum(), x)[0].tolist() == [0.0] * 4


def test_second_derivatives_of_a_piecewise_linear_network():
    """Its gradient depends on the input by cases alone, and on the weights in earnest."""
    net = tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3), tg.nn.ReLU(), tg.nn.MaxPool2d(2), tg.nn.Flatten(), tg.nn.Linear(2, 1))
    x = tg.randn(2, 1, 4, 4, requires_grad=True)
    (g,) = tg.autograd.grad(net(x).sum(), x, create_graph=True)
    back = tg.autograd.grad(g.square().sum(), [x, *net.parameters()], allow_unused=True)
    assert back[0].abs().sum().item() == 0
    assert back[1].abs().sum().item() > 0


def test_hooks_must_keep_shape_and_dtype():
    for change in (lambda g: g[:1], lambda g: g.double()):
        x = leaf(1.0, 2.0)
        x.register_hook(change)
        with pytest.raises(RuntimeError, match="hook"):
            (x * 2).sum().backward()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + 2, lambda x: x[1:], lambda x: x[0, None], lambda x: x[..., :2], lambda x: tg.cat([x, x]),
        lambda x: tg.stack([x, x]), lambda x: x.split(1)[0],
        lambda x: x.expand(2, 3).t(), lambda x: x.unbind(0)[1], lambda x: x.flip(0),
        lambda x: x.repeat(2), lambda x: tg.nn.functional.pad(x, (1, 1)),
    ],
)  # fmt: skip
def test_what_keeps_no_values_can_be_gone_through_again(f):
    x = tg.tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = f(x).sum()
    y.backward()
    once = x.grad.clone()
    y.backward()
    assert x.grad.tolist() == (2 * once).tolist()


@pytest.mark.parametrize("f", [lambda x: x[tg.tensor([0, 2])], lambda x: x[x > 0], lambda x: x.exp(), lambda x: x * x])
def test_what_keeps_values_can_be_gone_through_once(f):
    y = f(tg.tensor([1.0, -2.0, 3.0], requires_grad=True)).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_a_gradient_of_another_dtype_becomes_that_of_its_output():
    x = tg.ones(2, dtype=tg.float64, requires_grad=True)
    x.backward(tg.tensor([1.0, 2.0]))
    assert (x.grad.dtype, x.grad.tolist()) == (tg.float64, [1, 2])
    (g,) = tg.autograd.grad(x * 3, x, tg.ones(2), create_graph=True)
    assert g.dtype == tg.float64


def test_a_gradient_with_a_graph_may_be_changed():
    x = tg.ones(3, requires_grad=True)
    (g,) = tg.autograd.grad(x.mean(), x, create_graph=True)
    assert g.mul_(3).tolist() == [1, 1, 1]


X = leaf([1.0, 2.0])


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (RuntimeError, lambda: tg.autograd.grad(X.sum(), [])),
        (RuntimeError, lambda: tg.autograd.grad(X.sum(), "x")),
        (RuntimeError, lambda: X.sum().backward(inputs=[3])),
        (AssertionError, lambda: tg.autograd.grad([1, 2], X)),
        (AssertionError, lambda: tg.autograd.backward([1])),
        (TypeError, lambda: tg.autograd.grad(X.sum(), 3)),
        (TypeError, lambda: tg.autograd.grad(X.sum(), X, [1.0, 2.0])),
        (TypeError, lambda: tg.autograd.grad(X.sum(), X, create_graph="yes")),
        (TypeError, lambda: tg.autograd.grad(X.sum(), X, retain_graph=2.5)),
        (TypeError, lambda: tg.autograd.grad(X.sum(), X, allow_unused={})),
        (TypeError, lambda: tg.autograd.functional.jacobian(tg.exp, X, create_graph=[])),
        (TypeError, lambda: X.sum().backward(create_graph=None)),
        (TypeError, lambda: X.sum().backward(retain_graph=tg.ones(3))),
        (TypeError, lambda: tg.autograd.set_detect_anomaly(1)),
        (TypeError, lambda: tg.autograd.detect_anomaly(check_nan=None)),
        (TypeError, lambda: contextlib.ExitStack().enter_context(tg.inference_mode(2))),
        (TypeError, lambda: tg.ones(1).requires_grad_(None)),
        (RuntimeError, lambda: setattr(tg.ones(1), "requires_grad", 1)),
    ],
)
def test_what_is_no_tensor_or_no_flag_is_refused(error, call):
    with pytest.raises(error):
        call()
