"""`utils.checkpoint`: the same gradients and random numbers, and less that is kept."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

WAYS = {
    "plain": lambda net, x: net(x),
    "parts": lambda net, x: [x := checkpoint(part, x, use_reentrant=False) for part in net][-1],
    "reentrant": lambda net, x: [x := checkpoint(part, x, use_reentrant=True) for part in net][-1],
    "sequential": lambda net, x: checkpoint_sequential(net, 3, x, use_reentrant=False),
    "sequential, reentrant": lambda net, x: checkpoint_sequential(net, 3, x, use_reentrant=True),
    "nested": lambda net, x: checkpoint(WAYS["parts"], net, x, use_reentrant=False),
}


def ran(way: str) -> list[np.ndarray]:
    """Loss, gradients, and the random number that follows, of a network with dropout."""
    tg.manual_seed(0)
    net = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Dropout(0.5)) for _ in range(6)])
    x = tg.randn(4, 8, requires_grad=True)
    loss = WAYS[way](net, x).square().sum()
    follows = tg.rand(2)
    loss.backward()
    return [loss.detach().numpy(), follows.numpy(), tg.rand(2).numpy(), x.grad.numpy(),
            *[p.grad.numpy() for p in net.parameters()]]  # fmt: skip


@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_gradients_and_random_numbers_are_the_same(way):
    for mine, plain in zip(ran(way), ran("plain"), strict=True):
        assert np.array_equal(mine, plain)


def kept(loss: tg.Tensor) -> int:
    """The bytes that the nodes of a graph have saved."""
    nodes, waiting, arrays = set(), [loss.grad_fn], {}
    while waiting:
        node = waiting.pop()
        if node in nodes:
            continue
        nodes.add(node)
        held = type(node).__mro__[-3].__dict__.get("saved") if "Packed" in type(node).__name__ else None
        values = held.__get__(node) if held else getattr(node, "saved", None)
        arrays |= {id(v): v.nbytes for v in values or () if isinstance(v, np.ndarray)}
        waiting += node.parents
    return sum(arrays.values())


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_nodes_keep_falls(reentrant):
    part = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Tanh())
    x = tg.randn(256, 64, requires_grad=True)
    plain, less = part(x), checkpoint(part, x, use_reentrant=reentrant)
    assert kept(plain.sum()) > 2 * x._array.nbytes
    assert kept(less.sum()) < 0.1 * x._array.nbytes


def test_a_second_derivative_goes_through_it():
    def f(x):
        return (x * x).exp() * x

    x = tg.tensor([0.5, 1.0], dtype=tg.float64, requires_grad=True)
    assert tg.testing.gradgradcheck(lambda x: checkpoint(f, x, use_reentrant=False), x)


def test_it_runs_again_once():
    runs = []

    def f(x, factor=1):
        runs.append(tg.is_grad_enabled())
        return x.exp().sin() * factor

    x = tg.tensor([1.0], requires_grad=True)
    y = checkpoint(f, x, factor=3, use_reentrant=False)
    y.backward(retain_graph=True)
    y.backward()
    assert runs == [True] * 2
    assert x.grad.allclose(2 * 3 * x.exp() * x.exp().cos())
    with tg.no_grad():
        checkpoint(f, x, use_reentrant=False)
    assert runs[2:] == [False]


def test_early_stop_leaves_out_what_nobody_asks_for():
    ends = []

    def f(x):
        y = x.exp()
        ends.append(y)
        return y + 1

    x = tg.tensor([1.0], requires_grad=True)
    for enable, runs in ((True, 1), (False, 2)):
        ends.clear()
        with set_checkpoint_early_stop(enable):
            checkpoint(f, x, use_reentrant=False).backward()
        assert len(ends) == runs


def test_what_changes_is_refused():
    x, count = tg.tensor([1.0, 2.0], requires_grad=True), []

    def f(x):
        count.append(1)
        return x.exp() if len(count) == 1 else x[:1].exp() + x[1:].exp()

    with pytest.raises(CheckpointError, match="it saved"):
        checkpoint(f, x, use_reentrant=False).sum().backward()


def refusals(m):
    from importlib import import_module

    module, x = import_module(f"{m.__name__}.utils.checkpoint"), m.ones(2, requires_grad=True)
    net, told = m.nn.Sequential(m.nn.Linear(2, 2), m.nn.Linear(2, 2)), []
    calls = [
        lambda: module.checkpoint(m.exp, x),
        lambda: module.checkpoint(m.exp, m.ones(2), use_reentrant=True).requires_grad,
        lambda: module.checkpoint(m.exp, x, nothing=1, use_reentrant=True),
        lambda: module.checkpoint(m.exp, x, nothing=1, use_reentrant=False),
        lambda: module.checkpoint(m.exp, x, use_reentrant=False, determinism_check="what"),
        lambda: module.checkpoint_sequential(net, 2, x, nothing=1, use_reentrant=False),
        lambda: module.checkpoint_sequential(net, 2, x).requires_grad,
        lambda: module.checkpoint(m.exp, x, use_reentrant=True).grad_fn.name(),
        lambda: module.checkpoint(lambda x: (x, x + 1), x, use_reentrant=False)[1].requires_grad,
    ]
    for call in calls:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                result = call()
            except Exception as error:
                result = type(error).__name__
        told.append([result if isinstance(result, bool | str) else None, len(seen)])
    return told


def test_refusals_and_warnings_are_pytorchs(pytorch):
    assert refusals(tg) == pytorch(refusals)
