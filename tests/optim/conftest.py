"""Running one optimizer here and in PyTorch over the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_cnn as tg

SHAPES = [(3, 4), (5,), ()]
STEPS = 20


def _start() -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    draw = np.random.default_rng(0)
    return [draw.standard_normal(s) for s in SHAPES], [[draw.standard_normal(s) for s in SHAPES] for _ in range(STEPS)]


def _missing(step: int, i: int, skip: bool) -> bool:
    return skip and (step + i) % 3 == 0


@pytest.fixture
def compare(pytorch: Callable) -> Callable:
    """compare(name, skip, **hyperparameters): 20 steps end at the same parameters as PyTorch's, in float64.

    With skip, every third gradient is missing, so that the parameters are at different steps.
    """

    def run(name: str, skip: bool = False, **arguments: object) -> None:
        def steps(m: Any) -> tuple:
            values, gradients = _start()
            ps = [m.tensor(v, dtype=m.float64, requires_grad=True) for v in values]
            optimizer = getattr(m.optim, name)(ps, **arguments, foreach=False)
            for step, gs in enumerate(gradients):
                for i, (p, g) in enumerate(zip(ps, gs, strict=True)):
                    p.grad = None if _missing(step, i, skip) else m.tensor(g, dtype=m.float64)
                optimizer.step()
            return m.cat([p.flatten() for p in ps]), repr(optimizer)

        pytorch.agrees(steps, rtol=1e-11, atol=1e-13)

    return run


@pytest.fixture
def by_formula() -> Callable:
    """by_formula(name, rule, **hyperparameters): 20 steps follow `rule(p, g, state, t)`, which returns the new p."""

    def run(name: str, rule: Callable, **arguments: object) -> None:
        values, gradients = _start()
        ours = [tg.tensor(v, dtype=tg.float64, requires_grad=True) for v in values]
        states: list[dict] = [{} for _ in values]
        opt = getattr(tg.optim, name)(ours, **arguments)
        for t, gs in enumerate(gradients, 1):
            for p, g in zip(ours, gs, strict=True):
                p.grad = tg.tensor(g, dtype=tg.float64)
            opt.step()
            values = [rule(v, g, state, t) for v, g, state in zip(values, gs, states, strict=True)]
        for p, v in zip(ours, values, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), v, rtol=1e-11, atol=1e-13)

    return run
