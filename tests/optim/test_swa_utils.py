"""Averaged weights, batch norms measured anew, and the schedule that goes with them: as in PyTorch."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.checkpoint import load_checkpoint, save_checkpoint
from tinygrad_cnn.optim import swa_utils

STEPS = 6

# How the average is made: f(swa_utils) -> arguments of AveragedModel.
AVERAGES = {
    "equal": lambda s: {},
    "equal, a function": lambda s: {"avg_fn": s.get_swa_avg_fn()},
    "equal, a function of all": lambda s: {"multi_avg_fn": s.get_swa_multi_avg_fn()},
    "moving": lambda s: {"avg_fn": s.get_ema_avg_fn(0.9)},
    "moving, all": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.9)},
    "moving by default": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn()},
    "own": lambda s: {"avg_fn": lambda average, new, n: average * n / 7 + new},
    "on a device": lambda s: {"device": "cpu"},
}


def _model(m):
    return m.nn.Sequential(m.nn.Conv2d(1, 2, 3), m.nn.BatchNorm2d(2), m.nn.Flatten(), m.nn.Linear(8, 3))


def _weigh(m, model, step, dtype=np.float64):
    """Give parameters and statistics numbers of this step."""
    draw = np.random.default_rng(step)
    for t in [*model.parameters(), *model.buffers()]:
        if t.is_floating_point():
            t.data.copy_(m.tensor(draw.uniform(0.1, 2, tuple(t.shape)).astype(dtype)))
        else:
            t.add_(3 * step)
    return model


def _averaged(m, name, use_buffers, dtype="float64"):
    model = _model(m).to(getattr(m, dtype))
    averaged = m.optim.swa_utils.AveragedModel(model, **AVERAGES[name](m.optim.swa_utils), use_buffers=use_buffers)
    for step in range(1, STEPS):
        averaged.update_parameters(_weigh(m, model, step))
    return averaged


@pytest.mark.parametrize(
    ("name", "use_buffers"),
    [(n, b) for n in AVERAGES for b in (False, True) if not b or n != "equal, a function of all"],  # of integers: below
)
def test_averages_as_in_pytorch(pytorch, name, use_buffers):
    def state(m):
        averaged = _averaged(m, name, use_buffers)
        image = m.tensor(np.random.default_rng(0).normal(size=(2, 1, 4, 4)))
        return dict(averaged.state_dict()), averaged.eval()(image)

    pytorch.agrees(state, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", ["equal", "equal, a function of all", "moving", "moving, all"])
def test_averages_of_other_precision(pytorch, name, dtype):
    unit = {"float16": 1e-3, "float32": 1.2e-7}[dtype]
    pytorch.agrees(lambda m: dict(_averaged(m, name, False, dtype).state_dict()), rtol=4 * unit)


def test_all_three_ways_to_an_equal_mean_are_the_mean():
    rows = [[1.0, 2.0], [4.0, 6.0], [1.0, 1.0]]
    for name in [name for name in AVERAGES if name.startswith("equal")]:
        model = tg.nn.Linear(1, 2, bias=False)
        averaged = swa_utils.AveragedModel(model, **AVERAGES[name](swa_utils))
        for row in rows:
            model.weight.data.copy_(tg.tensor(row)[:, None])
            averaged.update_parameters(model)
        np.testing.assert_allclose(averaged.module.weight.flatten().tolist(), [2.0, 3.0], rtol=1e-6)
        assert averaged.n_averaged.item() == 3


def test_counters_are_averaged_with_buffers():
    """PyTorch refuses to, in this one of three ways."""
    one, other = (_averaged(tg, name, True).module[1].num_batches_tracked for name in list(AVERAGES)[1:3])
    assert (one.dtype, one.item()) == (tg.int64, other.item())


def test_the_average_is_a_model_of_its_own():
    model = _weigh(tg, _model(tg), 1, np.float32)
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    before = averaged.module[0].weight.tolist()
    model[0].weight.data.zero_()
    assert averaged.module[0].weight.tolist() == before
    assert all(p.requires_grad and p.grad_fn is None for p in averaged.parameters())
    assert averaged.n_averaged.item() == 1


@pytest.mark.parametrize("other", [
    lambda: tg.nn.Linear(2, 3), lambda: tg.nn.Linear(2, 2, bias=False), lambda: tg.nn.Linear(1, 2),
    lambda: tg.nn.Sequential(tg.nn.Linear(2, 2), tg.nn.Linear(2, 2)),
    lambda: tg.nn.Sequential(tg.nn.Linear(2, 2), tg.nn.BatchNorm1d(2, affine=False)),
])  # fmt: skip
@pytest.mark.parametrize("updates", [0, 2])
def test_another_model_is_refused_and_changes_nothing(other, updates):
    model = tg.nn.Linear(2, 2)
    averaged = swa_utils.AveragedModel(model)
    for _ in range(updates):
        averaged.update_parameters(model)
    before = [t.tolist() for t in averaged.state_dict().values()]
    with pytest.raises(ValueError, match="give the model that was averaged"):
        averaged.update_parameters(other())
    assert [t.tolist() for t in averaged.state_dict().values()] == before


def test_errors(pytorch):
    for decay in (-0.1, 1.1, math.nan):
        for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
            with pytest.raises(ValueError, match=f"Invalid decay value {decay}"):
                make(decay)
    calls = {
        "both": lambda m: m.optim.swa_utils.AveragedModel(m.nn.Linear(1, 1), avg_fn=min, multi_avg_fn=min),
        "decay": lambda m: m.optim.swa_utils.get_ema_avg_fn(1.5),
        "epochs": lambda m: m.optim.swa_utils.SWALR(_optimizer(m), 0.1, anneal_epochs=-1),
        "part of one": lambda m: m.optim.swa_utils.SWALR(_optimizer(m), 0.1, anneal_epochs=2.0),
        "strategy": lambda m: m.optim.swa_utils.SWALR(_optimizer(m), 0.1, anneal_strategy="square"),
        "rates": lambda m: m.optim.swa_utils.SWALR(_optimizer(m), [0.1]),
    }
    pytorch.agrees(lambda m: {name: pytorch.attempt(call, m) for name, call in calls.items()})


# batch norms


def _batches(m, kind):
    draw = np.random.default_rng(0)
    for n in (4, 2, 6):
        x = m.tensor(draw.normal(1, 2, size=(n, 1, 5, 5)))
        yield {"tensor": x, "tuple": (x, n), "list": [x]}[kind]


@pytest.mark.parametrize("kind", ["tensor", "tuple", "list"])
@pytest.mark.parametrize("training", [False, True])
def test_statistics_as_in_pytorch(pytorch, kind, training):
    def measured(m):
        model = _weigh(m, m.nn.Sequential(m.nn.Conv2d(1, 2, 2), m.nn.BatchNorm2d(2), m.nn.Dropout(0.0)).double(), 1)
        model.train(training)
        m.optim.swa_utils.update_bn(_batches(m, kind), model, device="cpu" if kind == "list" else None)
        return dict(model.state_dict()), [module.training for module in model.modules()], model[1].momentum

    pytorch.agrees(measured, rtol=1e-12)


def test_no_batch_norm_no_pass():
    swa_utils.update_bn(iter([object()]), tg.nn.Linear(1, 1))


def test_a_failing_pass_leaves_momentum_and_mode():
    model = tg.nn.BatchNorm1d(2).eval()
    with pytest.raises(ValueError, match="expected 2D or 3D"):
        swa_utils.update_bn([tg.ones(3, 2), tg.ones(2)], model)
    assert (model.momentum, model.training, tg.is_grad_enabled()) == (0.1, False, True)


# the schedule

PLANS = {
    "default": {},
    "linear": {"anneal_epochs": 5, "anneal_strategy": "linear"},
    "cosine": {"anneal_epochs": 7, "anneal_strategy": "cos"},
    "at once": {"anneal_epochs": 0},
    "at once, linear": {"anneal_epochs": 0, "anneal_strategy": "linear"},
    "in one": {"anneal_epochs": 1},
}


def _optimizer(m):
    a, b = m.zeros(1, requires_grad=True), m.zeros(1, requires_grad=True)
    return m.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1)


def _rates(m, name, swa_lr, after=0):
    opt = _optimizer(m)
    decay = m.optim.lr_scheduler.ExponentialLR(opt, 0.9)
    plan = m.optim.swa_utils.SWALR(opt, swa_lr, **PLANS[name])
    seen = []
    for epoch in range(15):
        opt.step()
        (plan if epoch >= after else decay).step()
        seen.append([*(g["lr"] for g in opt.param_groups), *plan.get_last_lr()])
    return np.array(seen)


@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("swa_lr", [0.05, [0.5, 0.0]], ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_rates_as_in_pytorch(pytorch, name, swa_lr, after):
    pytorch.agrees(lambda m: _rates(m, name, swa_lr, after), rtol=1e-13, atol=1e-17)


def test_the_state_of_the_schedule(pytorch):
    def told(m):
        opt = _optimizer(m)
        plan = m.optim.swa_utils.SWALR(opt, 0.05)
        opt.step()
        plan.step()
        state = plan.state_dict()
        state.pop("_get_lr_called_within_step", None)  # which PyTorch keeps for its own warning
        return state, [{k: g[k] for k in ("lr", "initial_lr", "swa_lr")} for g in opt.param_groups]

    pytorch.agrees(told, rtol=1e-14)


# resuming


def _training():
    tg.manual_seed(0)
    model = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.BatchNorm1d(4), tg.nn.Linear(4, 1))
    opt = tg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    plan = swa_utils.SWALR(opt, 0.01, anneal_epochs=6)
    return model, opt, plan, swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.8))


def _train(model, opt, plan, averaged, steps):
    for step in steps:
        draw = np.random.default_rng(step)
        opt.zero_grad()
        (model(tg.tensor(draw.normal(size=(8, 3)).astype(np.float32))) ** 2).mean().backward()
        opt.step()
        plan.step()
        averaged.update_parameters(model)


def _bits(model, opt, plan, averaged):
    states = [*model.state_dict().values(), *averaged.state_dict().values()]
    return [t.numpy().tobytes() for t in states], plan.state_dict(), [g["lr"] for g in opt.param_groups]


@pytest.mark.parametrize("stopped", [0, 1, 4, 8])
def test_training_goes_on_to_the_bit(tmp_path, stopped):
    straight, first, second = _training(), _training(), _training()
    _train(*straight, range(10))
    _train(*first, range(stopped))
    save_checkpoint(tmp_path / "x", *first[:3], averaged=first[3].state_dict())
    _train(*second, range(20, 23))  # other weights than those that are loaded
    second[3].load_state_dict(load_checkpoint(tmp_path / "x", *second[:3])["averaged"])
    _train(*second, range(stopped, 10))
    assert _bits(*second) == _bits(*straight)


def test_an_averaged_model_can_be_copied_and_saved():
    averaged = _averaged(tg, "moving, all", True)
    again = copy.deepcopy(averaged)
    assert [t.tolist() for t in again.state_dict().values()] == [t.tolist() for t in averaged.state_dict().values()]
