"""Adamax, NAdam, RAdam, Rprop, ASGD and Adafactor, against PyTorch, and their states both ways."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tg

SETTINGS = [
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (0.05, 0.3), "maximize": True}),
    ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (0.1, 0.1), "d": 1.5, "weight_decay": 0.1, "maximize": True}),
]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("name", "setting"), SETTINGS, ids=str)
def test_as_in_pytorch(compare, name, setting, skip):
    compare(name, skip, **setting)


@pytest.mark.parametrize("name", sorted({name for name, _ in SETTINGS}))
def test_states_have_pytorchs_names_and_go_on(pytorch, name):
    def halves(m):
        draw = np.random.default_rng(0)
        p = m.tensor(draw.normal(size=(2, 3)), requires_grad=True)
        opt = getattr(m.optim, name)([p], lr=0.1)
        grads = [m.tensor(draw.normal(size=(2, 3))) for _ in range(4)]
        for i, p.grad in enumerate(grads):
            opt.step()
            if i == 1:
                before, state = p.detach().clone(), copy.deepcopy(opt.state_dict())
        kept = {key: m.as_tensor(value).double() for key, value in state["state"][0].items()}
        return before, kept, sorted(state["param_groups"][0]), p

    before, kept, _, after = pytorch(halves)
    pytorch.agrees(halves, rtol=1e-6)
    p = tg.tensor(before, requires_grad=True)
    opt = getattr(tg.optim, name)([p], lr=0.1)
    kept = {key: tg.tensor(value) for key, value in kept.items()}
    opt.load_state_dict({"state": {0: kept}, "param_groups": [{"params": [0]}]})
    draw = np.random.default_rng(0)
    for grad in [draw.normal(size=(2, 3)) for _ in range(5)][3:]:
        p.grad = tg.tensor(grad)
        opt.step()
    np.testing.assert_allclose(p.tolist(), after, rtol=1e-6)


def test_rprop_leaves_out_the_step_where_the_sign_turns():
    p = tg.zeros(1, dtype=tg.float64, requires_grad=True)
    opt, seen = tg.optim.Rprop([p], lr=0.5), []
    for grad in (1.0, 1.0, -1.0, -1.0):
        p.grad = tg.tensor([grad], dtype=tg.float64)
        opt.step()
        seen.append(p.item())
    assert seen == pytest.approx([-0.5, -1.1, -1.1, -0.8])


def test_asgd_averages_from_t0_on():
    p = tg.zeros(1, dtype=tg.float64, requires_grad=True)
    opt, places = tg.optim.ASGD([p], lr=0.1, lambd=0.0, t0=2), []
    for _ in range(6):
        p.grad = tg.ones(1, dtype=tg.float64)
        opt.step()
        places.append(p.item())
    assert opt.state[p]["ax"].item() == pytest.approx(np.mean(places[3:]))


def test_half_precision_is_computed_in_single():
    for name in sorted({name for name, _ in SETTINGS}):
        p = tg.ones(3, dtype=tg.float16, requires_grad=True)
        opt = getattr(tg.optim, name)([p], lr=0.1)
        p.grad = tg.full((3,), 1e-5, dtype=tg.float16)  # its square is zero in half precision
        opt.step()
        assert p.dtype == tg.float16
        assert tg.isfinite(p).all()
        assert {t.dtype for k, t in opt.state[p].items() if k != "step"} == {tg.float32}
