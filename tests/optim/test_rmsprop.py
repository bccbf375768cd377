"""RMSprop, against PyTorch and by its formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

SETTINGS = [
    {"alpha": alpha, "momentum": m, "centered": c, "weight_decay": w, "maximize": up}
    for alpha, m, c, w, up in itertools.product([0.99, 0.5], [0, 0.9], [False, True], [0, 0.1], [False, True])
]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_as_in_pytorch(compare, setting, skip):
    compare("RMSprop", skip, **setting)


def test_by_formula(by_formula):
    def rule(p, g, state, t):
        state["v"] = 0.9 * state.get("v", 0.0) + 0.1 * g**2
        state["a"] = 0.9 * state.get("a", 0.0) + 0.1 * g
        state["b"] = 0.5 * state.get("b", 0.0) + g / (np.sqrt(state["v"] - state["a"] ** 2) + 1e-3)
        return p - 0.01 * state["b"]

    by_formula("RMSprop", rule, alpha=0.9, momentum=0.5, centered=True, eps=1e-3)
