"""Adagrad, against PyTorch and by its formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg

SETTINGS = [
    {"lr": 0.1, "lr_decay": d, "weight_decay": w, "initial_accumulator_value": start, "maximize": up}
    for d, w, start, up in itertools.product([0, 0.1], [0, 0.1], [0, 0.5], [False, True])
]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_as_in_pytorch(compare, setting, skip):
    compare("Adagrad", skip, **setting)


def test_by_formula(by_formula):
    def rule(p, g, state, t):
        state["sum"] = state.get("sum", 2.0) + g**2
        return p - 0.1 / (1 + (t - 1) * 0.2) * g / (np.sqrt(state["sum"]) + 1e-3)

    by_formula("Adagrad", rule, lr=0.1, lr_decay=0.2, initial_accumulator_value=2.0, eps=1e-3)


def test_it_begins_with_a_state():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    (state,) = tg.optim.Adagrad([w], initial_accumulator_value=0.5).state_dict()["state"].values()
    assert {key: value.tolist() for key, value in state.items()} == {"step": 0.0, "sum": [0.5, 0.5]}
