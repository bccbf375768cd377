"""Whose memory `.grad` is: what backward adds into, hands out and lays out, and what may be set there."""

from __future__ import annotations

import numpy as np
import pytest
from small import leaf

import tinygrad_cnn as tg


def test_backward_adds_into_the_gradient_that_is_there():
    flat = tg.zeros(4)
    p, q = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    p.grad, q.grad = flat[:2], flat[2:]
    held = p.grad
    (p * 3 + q * 5).sum().backward()
    (p * 3).sum().backward()
    assert flat.tolist() == [6.0, 6.0, 5.0, 5.0]
    assert p.grad is held


def test_a_gradient_with_a_graph_is_added_out_of_place():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward(create_graph=True)
    held = x.grad
    (x**3).sum().backward(create_graph=True)
    assert held.tolist() == [2.0, 4.0]
    assert x.grad.tolist() == [5.0, 16.0]
    assert tg.autograd.grad(x.grad.sum(), x)[0].tolist() == [8.0, 14.0]  # 2 + 6x


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "hook", [None, lambda g: None, lambda g: g, lambda g: KEPT], ids=["none", "looks", "same", "other"]
)
def test_gradients_are_nobody_elses(create_graph, hook):
    """Not another leaf's, not the seed, not what a hook keeps or returns, not what was saved."""
    KEPT.fill_(1)
    seen = []
    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    for t in (a, b, c) if hook else ():
        t.register_hook(lambda g: (seen.append(g), hook(g))[1])
    seed = tg.ones(2)
    tg.autograd.backward([a + b, c, a.view(2)], [seed, seed, seed], create_graph=create_graph)
    others = [seed, KEPT, *seen]
    grads = [a.grad, b.grad, c.grad]
    values = [t.tolist() for t in others + grads]
    with tg.no_grad():
        for i, g in enumerate(grads):
            g.mul_(100)
            values[len(others) + i] = g.tolist()
            assert [t.tolist() for t in others + grads] == values


KEPT = tg.ones(2)


@pytest.mark.parametrize("create_graph", [False, True])
def test_grad_gives_nothing_away_twice(create_graph):
    a, b, seed = leaf(1.0, 2.0), leaf(3.0, 4.0), tg.ones(2)
    y = a + b
    grads = tg.autograd.grad(y, [y, a, b, a], seed, create_graph=create_graph)
    for g in grads:
        g.mul_(5)
    assert [g.tolist() for g in grads] == [[5.0, 5.0]] * 4
    assert seed.tolist() == [1.0, 1.0]


def test_an_input_named_twice_gets_its_gradient_once():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward(inputs=[x, x])
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_gradient_is_laid_out_like_its_leaf():
    for array in (np.ones((3, 4)), np.ones((3, 4)).T, np.ones((2, 3, 4)).transpose(1, 2, 0)):
        x = tg.from_numpy(array).requires_grad_()
        (x * tg.randn(*x.shape, dtype=x.dtype).contiguous()).sum().backward()
        assert x.grad.stride() == x.stride()
    for array in (np.ones((3, 8))[:, ::2], np.broadcast_to(np.ones(4), (3, 4))):
        x = tg.from_numpy(array).requires_grad_()
        (x * 2).sum().backward()
        assert x.grad.stride() == (4, 1)
        x.grad.view(12).zero_()


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (tg.ones(3), RuntimeError),
        (tg.ones(1, 2), RuntimeError),
        (tg.ones(2, dtype=tg.float64), RuntimeError),
        (1.0, TypeError),
        (np.ones(2, np.float32), TypeError),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused_where_it_is_set(value, error):
    x = leaf(1.0, 2.0)
    x.grad = tg.ones(2)
    with pytest.raises(error, match="grad: "):
        x.grad = value
    with pytest.raises(RuntimeError, match="its own gradient"):
        x.grad = x
    assert x.grad.tolist() == [1.0, 1.0]
    del x.grad
    assert x.grad is None


def test_a_gradient_that_cannot_be_added_to():
    x = leaf(1.0, 2.0)
    x.grad = tg.ones(1).expand(2)
    with pytest.raises(RuntimeError, match="clone"):
        (x * 2).sum().backward()


def test_a_leaf_that_is_frozen_after_forward_gets_nothing():
    x, seen = leaf(1.0), []
    x.register_hook(lambda g: seen.append(g.item()))
    y = x * 2
    x.requires_grad_(False)
    y.backward(retain_graph=True)
    assert x.grad is None
    x.requires_grad_(True)
    y.backward()
    assert x.grad.item() == 2.0
    (x * 3).backward()
    assert seen[-1] == 3.0  # the hook is still there


def test_zero_grad_keeps_the_tensor():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward(create_graph=True)
    held = x.grad
    tg.optim.SGD([x], lr=1.0).zero_grad(set_to_none=False)
    assert x.grad is held
    assert (held.tolist(), held.requires_grad) == ([0.0, 0.0], False)
