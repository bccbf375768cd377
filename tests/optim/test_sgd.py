"""SGD, against PyTorch and by its formula."""

from __future__ import annotations

import itertools

import pytest

SETTINGS = [
    {"lr": 0.1, "momentum": m, "dampening": d, "weight_decay": w, "maximize": up}
    for m, d, w, up in itertools.product([0, 0.9], [0, 0.3], [0, 0.1], [False, True])
] + [{"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": w} for w in (0, 0.1)]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_as_in_pytorch(compare, setting, skip):
    compare("SGD", skip, **setting)


def test_plain(by_formula):
    by_formula("SGD", lambda p, g, state, t: p - 0.1 * g, lr=0.1)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(by_formula, nesterov):
    def rule(p, g, state, t):
        g = g + 0.01 * p
        state["b"] = b = 0.9 * state.get("b", 0.0) + g
        return p - 0.1 * (g + 0.9 * b if nesterov else b)

    by_formula("SGD", rule, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=nesterov)


def test_the_first_gradient_is_not_dampened(by_formula):
    def rule(p, g, state, t):
        state["b"] = b = g if t == 1 else 0.9 * state["b"] + 0.7 * g
        return p - 0.1 * b

    by_formula("SGD", rule, lr=0.1, momentum=0.9, dampening=0.3)
