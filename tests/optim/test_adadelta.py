"""Adadelta, against PyTorch and by its formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

SETTINGS = [
    {"lr": lr, "rho": rho, "eps": eps, "weight_decay": w, "maximize": up}
    for lr, rho, eps, w, up in itertools.product([1.0, 0.1], [0.9, 0.5], [1e-6, 0.1], [0, 0.1], [False, True])
]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_as_in_pytorch(compare, setting, skip):
    compare("Adadelta", skip, **setting)


def test_by_formula(by_formula):
    def rule(p, g, state, t):
        state["v"] = 0.8 * state.get("v", 0.0) + 0.2 * g**2
        delta = np.sqrt(state.get("u", 0.0) + 1e-3) / np.sqrt(state["v"] + 1e-3) * g
        state["u"] = 0.8 * state.get("u", 0.0) + 0.2 * delta**2
        return p - 0.5 * delta

    by_formula("Adadelta", rule, lr=0.5, rho=0.8, eps=1e-3)
