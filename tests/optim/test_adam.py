"""Adam and AdamW, against PyTorch and by their formulas."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

SETTINGS = [
    (name, {"lr": 0.1, "betas": betas, "weight_decay": w, "amsgrad": a, "maximize": up, "eps": eps})
    for name, betas, w, a, up, eps in itertools.product(
        ["Adam", "AdamW"], [(0.9, 0.999), (0.5, 0.9)], [0, 0.1], [False, True], [False, True], [1e-8, 0.1]
    )
] + [("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1}), ("AdamW", {}), ("Adam", {})]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("name", "setting"), SETTINGS, ids=str)
def test_as_in_pytorch(compare, name, setting, skip):
    compare(name, skip, **setting)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_by_formula(by_formula, name):
    def rule(p, g, state, t):
        if name == "AdamW":
            p = p * (1 - 0.1 * 0.05)
        else:
            g = g + 0.05 * p
        state["m"] = 0.8 * state.get("m", 0.0) + 0.2 * g
        state["v"] = 0.95 * state.get("v", 0.0) + 0.05 * g**2
        m, v = state["m"] / (1 - 0.8**t), state["v"] / (1 - 0.95**t)
        return p - 0.1 * m / (np.sqrt(v) + 1e-8)

    by_formula(name, rule, lr=0.1, betas=(0.8, 0.95), weight_decay=0.05)
