"""LBFGS, step by step as PyTorch's: with and without a line search, and from a state."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tg

SETTINGS = [
    {},
    {"lr": 0.3, "max_iter": 4, "history_size": 2},
    {"lr": 0.5, "max_eval": 3},
    {"tolerance_grad": 0.3, "lr": 0.2},
    {"tolerance_change": 0.1, "lr": 0.2},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 1, "lr": 0.01},
    {"line_search_fn": "strong_wolfe", "max_eval": 4, "lr": 3.0},
    {"line_search_fn": "strong_wolfe", "lr": 20.0, "max_iter": 2},
]


def _problem(m):
    """Parameters, and a closure of a loss with many valleys that counts its calls; the last parameter is not in it."""
    draw = np.random.default_rng(0)
    a, b, c = (m.tensor(draw.normal(size=s), dtype=m.float64, requires_grad=True) for s in ((3, 2), (4,), (2,)))
    calls = []

    def closure():
        for p in (a, b):
            p.grad = None
        loss = ((a @ b[:2] - 1) ** 2).sum() + (b * 2).cos().sum() + (b**4).sum() + (a**2).sum()
        loss.backward()
        calls.append(loss.item())
        return loss

    return [a, b, c], closure, calls


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_as_in_pytorch(pytorch, setting):
    def steps(m):
        params, closure, calls = _problem(m)
        opt = m.optim.LBFGS(params, **setting)
        losses = []
        for i in range(3):
            losses.append(opt.step(closure).item())
            if i == 1:
                state = copy.deepcopy(opt.state_dict())
                opt = m.optim.LBFGS(params)
                opt.load_state_dict(state)
        kept = opt.state[params[0]]
        names = sorted(k for k in kept if k != "al")  # PyTorch keeps room that it needs in a step
        return params, losses, len(calls), [names, kept["func_evals"], kept["n_iter"], len(kept["ro"])], repr(opt)

    pytorch.agrees(steps, rtol=1e-7, atol=1e-9)


def test_it_finds_the_minimum_of_a_quadratic_in_as_many_steps_as_it_has_dimensions():
    draw = np.random.default_rng(1)
    root = tg.tensor(draw.normal(size=(4, 4)))
    x = tg.tensor(draw.normal(size=4), requires_grad=True)
    opt = tg.optim.LBFGS([x], max_iter=12, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=1e-15)

    def closure():
        opt.zero_grad()
        loss = ((root @ (x - 1)) ** 2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    np.testing.assert_allclose(x.tolist(), [1.0] * 4, rtol=1e-4)


def test_hooks_versions_and_a_gradient_that_does_not_fit():
    p, seen = tg.ones(2, requires_grad=True), []
    opt = tg.optim.LBFGS([p], max_iter=1)
    opt.register_step_pre_hook(lambda o, args, kwargs: seen.append(len(args)))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
    kept = (p * p).sum()

    def closure():
        opt.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    assert seen == [2, "after"]
    with pytest.raises(RuntimeError, match=r"LBFGS\.step"):
        kept.backward()
    p.data = tg.ones(3)
    p.grad = tg.ones(3)
    p.data = tg.ones(2)
    with pytest.raises(RuntimeError, match="a gradient has shape"):
        opt.step(lambda: tg.ones(()))
