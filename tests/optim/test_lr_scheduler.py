"""Schedulers: the same rates as PyTorch, to the last digits, and what they promise besides."""

from __future__ import annotations

import copy
import math
from collections import Counter

import numpy as np
import pytest

import tinygrad_cnn as tg

STEPS = 40

# name -> how it is made: f(lr_scheduler module, optimizer)
PLANS = {
    "StepLR": lambda s, o: s.StepLR(o, step_size=7, gamma=0.3),
    "StepLR 1": lambda s, o: s.StepLR(o, 1),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, milestones=[9, 3, 9, 20], gamma=0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, factor=0.3, total_iters=6),
    "LinearLR": lambda s, o: s.LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=11),
    "LinearLR default": lambda s, o: s.LinearLR(o),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, gamma=0.93),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, total_iters=17, power=1.7),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: 1 / (1 + t)),
    "LambdaLR each": lambda s, o: s.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1.0]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.9 + 0.001 * t),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=9, eta_min=0.01),
    "CosineAnnealingLR whole": lambda s, o: s.CosineAnnealingLR(o, T_max=STEPS),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2, eta_min=0.001),
    "CosineAnnealingWarmRestarts 1": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=7),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, step_size_up=4, step_size_down=7),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.2, 0.3], step_size_up=6, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 5, mode="exp_range", gamma=0.95, cycle_momentum=False),
    "CyclicLR own": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 5, scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, max_lr=0.5, total_steps=STEPS + 1),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=9, steps_per_epoch=5, anneal_strategy="linear"
    ),
    "OneCycleLR three": lambda s, o: s.OneCycleLR(o, 0.5, STEPS + 5, pct_start=0.25, three_phase=True, div_factor=9.0),
    "OneCycleLR no momentum": lambda s, o: s.OneCycleLR(o, 0.5, STEPS, cycle_momentum=False),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9), s.StepLR(o, 3)], milestones=[5, 15]
    ),
    "SequentialLR warm-up": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.01, total_iters=5), s.CosineAnnealingLR(o, 30)], milestones=[5]
    ),
    "SequentialLR of restarts": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.01, total_iters=5), s.MultiStepLR(o, [3, 9]), s.PolynomialLR(o, 12)], milestones=[5, 20]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
    "chained by hand": lambda s, o: (s.ExponentialLR(o, 0.9), s.StepLR(o, 4))[1],
}
OPTIMIZERS = {"SGD": {"momentum": 0.9}, "Adam": {}}
METRICS = [3.0, 2.0, 2.5, 2.4, 2.3, 1.0, 1.0, 0.99999, 1.1, 1.2, 1.3, 1.4, 1.5, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1] * 2


def _optimizer(lib, name="SGD"):
    a, b = lib.zeros(1, requires_grad=True), lib.zeros(1, requires_grad=True)
    return getattr(lib.optim, name)([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1, **OPTIMIZERS[name])


def _rates(optimizer, plan, steps=STEPS):
    """A row for each step: for each group its rate and its momentum, then the rates that the scheduler tells."""
    seen = []
    for _ in range(steps):
        for g in optimizer.param_groups:
            seen += [g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]]
        seen += plan.get_last_lr()
        optimizer.step()
        plan.step()
    return np.reshape(seen, (steps, -1))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", PLANS)
def test_as_in_pytorch(pytorch, name, optimizer):
    def rates(m):
        opt = _optimizer(m, optimizer)
        return _rates(opt, PLANS[name](m.optim.lr_scheduler, opt))

    pytorch.agrees(rates, rtol=1e-14)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("cooldown", [0, 2])
@pytest.mark.parametrize("patience", [0, 2])
def test_plateau_as_in_pytorch(pytorch, mode, threshold_mode, cooldown, patience):
    def rates(m):
        opt = _optimizer(m)
        plan = m.optim.lr_scheduler.ReduceLROnPlateau(
            opt, mode, 0.5, patience, 0.1, threshold_mode, cooldown, min_lr=[1e-3, 0.0]
        )
        seen = []
        for metric in METRICS:
            plan.step(m.tensor(metric))
            seen.append(
                [*(g["lr"] for g in opt.param_groups), *plan.get_last_lr(), plan.num_bad_epochs, plan.in_cooldown]
            )
        return np.array(seen)

    pytorch.agrees(rates, rtol=1e-14)


FORMULAS = {
    "StepLR": lambda t: 0.1 * 0.3 ** (t // 7),
    "MultiStepLR": lambda t: 0.1 * 0.5 ** ((t >= 3) + 2 * (t >= 9) + (t >= 20)),
    "ConstantLR": lambda t: 0.1 * (0.3 if t < 6 else 1),
    "LinearLR": lambda t: 0.1 * (0.1 + 0.6 * min(t, 11) / 11),
    "ExponentialLR": lambda t: 0.1 * 0.93**t,
    "PolynomialLR": lambda t: 0.1 * (1 - min(t, 17) / 17) ** 1.7,
    "LambdaLR": lambda t: 0.1 / (1 + t),
    "CosineAnnealingLR": lambda t: 0.01 + 0.09 * (1 + math.cos(math.pi * t / 9)) / 2,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_closed_form(name):
    opt = _optimizer(tg)
    plan = PLANS[name](tg.optim.lr_scheduler, opt)
    for t, (rate, *_) in enumerate(_rates(opt, plan)):
        assert rate == pytest.approx(FORMULAS[name](t), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_step_to_an_epoch(name):
    opt = _optimizer(tg)
    plan = PLANS[name](tg.optim.lr_scheduler, opt)
    opt.step()
    with pytest.warns(UserWarning, match="deprecated"):
        plan.step(12)
    assert opt.param_groups[0]["lr"] == pytest.approx(FORMULAS[name](12), rel=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_rate_that_is_a_tensor_stays_the_same_one(name):
    opt = _optimizer(tg)
    opt.param_groups[0]["lr"] = lr = tg.tensor(opt.param_groups[0]["lr"], dtype=tg.float64)
    plan = PLANS[name](tg.optim.lr_scheduler, opt)
    for t in range(5):
        assert lr.item() == pytest.approx(FORMULAS[name](t), rel=1e-9, abs=1e-12)
        opt.step()
        plan.step()
    assert opt.param_groups[0]["lr"] is lr


def test_get_lr_is_no_question_of_users():
    plan = tg.optim.lr_scheduler.ExponentialLR(_optimizer(tg), 0.5)
    with pytest.warns(UserWarning, match=r"ask get_last_lr\(\)"):
        plan.get_lr()


@pytest.mark.parametrize("name", PLANS)
def test_training_goes_on_from_a_state(name):
    straight = _optimizer(tg)
    expected = _rates(straight, PLANS[name](tg.optim.lr_scheduler, straight), 20)
    first = _optimizer(tg)
    plan = PLANS[name](tg.optim.lr_scheduler, first)
    seen = _rates(first, plan, 10)
    states = copy.deepcopy((first.state_dict(), plan.state_dict()))
    second = _optimizer(tg)
    again = PLANS[name](tg.optim.lr_scheduler, second)
    second.load_state_dict(states[0])
    again.load_state_dict(states[1])
    if name != "chained by hand":  # whose first scheduler has no state here
        np.testing.assert_array_equal([*seen, *_rates(second, again, 10)], expected)


def test_state_holds_values_alone():
    for make in PLANS.values():
        opt = _optimizer(tg)
        tg.save(make(tg.optim.lr_scheduler, opt).state_dict(), _Nowhere())


class _Nowhere:
    def write(self, data):
        return len(data)

    def flush(self):
        pass


def test_a_step_before_the_optimizers_is_warned_of():
    opt = _optimizer(tg)
    plan = tg.optim.lr_scheduler.StepLR(opt, 2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        plan.step()


def test_going_on_from_an_epoch():
    opt = _optimizer(tg)
    with pytest.raises(KeyError, match="initial_lr"):
        tg.optim.lr_scheduler.StepLR(opt, 2, last_epoch=3)
    for group in opt.param_groups:
        group["initial_lr"] = group["lr"]
    assert tg.optim.lr_scheduler.StepLR(opt, 2, gamma=0.5, last_epoch=3).last_epoch == 4
    assert opt.param_groups[0]["lr"] == 0.05


def test_a_scheduler_of_ones_own():
    class Half(tg.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [lr / (1 + self.last_epoch) for lr in self.base_lrs]

    opt = _optimizer(tg)
    assert [rate for rate, *_ in _rates(opt, Half(opt), 3)] == [0.1, 0.05, 0.1 / 3]


def _plateau(**arguments):
    return tg.optim.lr_scheduler.ReduceLROnPlateau(_optimizer(tg), **arguments)


def _of(name, *arguments, **named):
    return getattr(tg.optim.lr_scheduler, name)(_optimizer(tg), *arguments, **named)


ERRORS = {
    "no optimizer": (lambda: tg.optim.lr_scheduler.StepLR(3, 1), TypeError, "int is not an Optimizer"),
    "ConstantLR": (lambda: _of("ConstantLR", factor=2.0), ValueError, "between 0 and 1, got 2.0"),
    "LinearLR start": (lambda: _of("LinearLR", start_factor=0.0), ValueError, "start_factor"),
    "LinearLR end": (lambda: _of("LinearLR", end_factor=-1.0), ValueError, "end_factor"),
    "LambdaLR": (lambda: _of("LambdaLR", [abs]), ValueError, "got 1, groups 2"),
    "MultiplicativeLR": (lambda: _of("MultiplicativeLR", 3), TypeError, "should be a function, got int"),
    "restarts T_0": (lambda: _of("CosineAnnealingWarmRestarts", 0), ValueError, "positive integer T_0"),
    "restarts T_mult": (lambda: _of("CosineAnnealingWarmRestarts", 3, 0), ValueError, "T_mult >= 1"),
    "restarts epoch": (lambda: _of("CosineAnnealingWarmRestarts", 3).step(-1), ValueError, "non-negative"),
    "cyclic mode": (lambda: _of("CyclicLR", 0.1, 0.2, mode="square"), ValueError, "'square' is not triangular"),
    "one cycle steps": (lambda: _of("OneCycleLR", 0.1), ValueError, r"total_steps OR \(epochs AND steps_per_epoch\)"),
    "one cycle count": (lambda: _of("OneCycleLR", 0.1, 0), ValueError, "positive integer total_steps, got 0"),
    "one cycle epochs": (lambda: _of("OneCycleLR", 0.1, epochs=1.5, steps_per_epoch=2), ValueError, "epochs, got 1.5"),
    "one cycle start": (lambda: _of("OneCycleLR", 0.1, 9, pct_start=2.0), ValueError, "pct_start, got 2.0"),
    "one cycle way": (lambda: _of("OneCycleLR", 0.1, 9, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
    "plateau factor": (lambda: _plateau(factor=1.0), ValueError, "should be < 1.0"),
    "plateau mode": (lambda: _plateau(mode="up"), ValueError, "mode 'up' is unknown"),
    "plateau threshold": (lambda: _plateau(threshold_mode="x"), ValueError, "threshold mode 'x' is unknown"),
    "plateau min_lr": (lambda: _plateau(min_lr=[0.0]), ValueError, "got 1, groups 2"),
    "none to combine": (lambda: tg.optim.lr_scheduler.ChainedScheduler([]), ValueError, "at least one"),
    "no scheduler": (lambda: tg.optim.lr_scheduler.ChainedScheduler([3]), TypeError, "has no optimizer"),
    "plateau combined": (lambda: tg.optim.lr_scheduler.ChainedScheduler([_plateau()]), ValueError, "needs a metric"),
    "two optimizers": (
        lambda: tg.optim.lr_scheduler.ChainedScheduler([_of("StepLR", 1), _of("StepLR", 1)]),
        ValueError,
        "the same optimizer, the one at index 1 does not",
    ),
    "milestones": (lambda: _sequence([1, 2]), ValueError, "got 2 schedulers and 2 milestones"),
}


def _sequence(milestones):
    opt = _optimizer(tg)
    plans = tg.optim.lr_scheduler
    return plans.SequentialLR(opt, [plans.StepLR(opt, 1), plans.StepLR(opt, 2)], milestones)


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()


def test_an_error_of_the_users_function_stays():
    def broken(epoch):
        return np.array(["x"]) + epoch

    with pytest.raises(TypeError) as info:
        tg.optim.lr_scheduler.LambdaLR(tg.optim.SGD([tg.zeros(1, requires_grad=True)]), broken)
    assert "LambdaLR" not in str(info.value)
    assert broken.__name__ in [frame.name for frame in info.traceback]


def test_one_cycle_ends():
    opt = _optimizer(tg)
    plan = tg.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=3)
    _rates(opt, plan, 3)
    with pytest.raises(ValueError, match="tried to step 4 times, the number of total steps is 3"):
        plan.step()


def test_cycles_need_an_optimizer_with_momentum():
    opt = tg.optim.Adagrad([tg.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        tg.optim.lr_scheduler.OneCycleLR(opt, 0.1, 5)
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        tg.optim.lr_scheduler.CyclicLR(opt, 0.1, 0.2)
    assert opt.param_groups[0]["lr"] == 0.01


# a group that comes later, and states from elsewhere


def _later(name, min_lr=0.0, **group):
    a, b = (tg.zeros(1, requires_grad=True) for _ in range(2))
    opt = tg.optim.SGD([a], lr=1.0)
    if name == "ReduceLROnPlateau":
        plan = tg.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=0, min_lr=min_lr)
    else:
        plan = PLANS[name](tg.optim.lr_scheduler, opt)
    args = (1.0,) if name == "ReduceLROnPlateau" else ()
    opt.step()
    plan.step(*args)
    opt.add_param_group({"params": [b], **group})
    for _ in range(2):
        opt.step()
        plan.step(*args)
    return [group["lr"] for group in opt.param_groups]


# PyTorch's rates of two groups, the second added after a step.
LATER = {
    ("ReduceLROnPlateau", 0.5): [0.010000000000000002, 0.005000000000000001],
    ("ReduceLROnPlateau", 1.0): [0.010000000000000002, 0.010000000000000002],
    ("StepLR 1", 0.5): [0.0010000000000000002, 0.005000000000000001],
    ("ExponentialLR", 0.5): [0.8043570000000001, 0.43245000000000006],
}


@pytest.mark.parametrize(("name", "lr"), LATER)
def test_a_group_that_comes_later(name, lr):
    assert _later(name, lr=lr) == pytest.approx(LATER[name, lr], rel=1e-12)


def test_a_group_that_comes_later_than_its_least_rate():
    with pytest.raises(RuntimeError, match="2 parameter groups, min_lr was given for 1"):
        _later("ReduceLROnPlateau", min_lr=[0.1])
    assert _later("ReduceLROnPlateau", min_lr=0.2, lr=0.5) == [0.2, 0.2]


class Halving:
    """A function of the epoch that remembers something."""

    def __init__(self):
        self.by = 0.5

    def __call__(self, t):
        return self.by**t


KEYS = {name: make for name, make in PLANS.items() if "by hand" not in name} | {
    "MultiStepLR, twice": lambda s, o: s.MultiStepLR(o, [1, 3, 3]),
    "LambdaLR of an object": lambda s, o: s.LambdaLR(o, Halving()),
    "CyclicLR of a function": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 2, scale_fn=lambda x: 0.5, cycle_momentum=False),
    "CyclicLR of an object": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 2, scale_fn=Halving(), cycle_momentum=False),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_state_has_pytorchs_names(pytorch, name):
    """So that either library takes over the other's."""

    def names(m):
        state = KEYS[name](m.optim.lr_scheduler, _optimizer(m)).state_dict()
        values = {
            k: state[k] for k in ("milestones", "lr_lambdas", "_scale_fn_custom", "_schedule_phases") if k in state
        }
        more = {"base_momentums", "max_momentums"} if "OneCycle" in name else set()
        return sorted(set(state) - more), values

    pytorch.agrees(names)


def test_what_objects_remember_is_in_the_state():
    s, opt = tg.optim.lr_scheduler, _optimizer(tg)
    f, plans = Halving(), []
    for make in (lambda g: s.LambdaLR(opt, g), lambda g: s.CyclicLR(opt, 0.1, 1, scale_fn=g, cycle_momentum=False)):
        f.by = 0.25
        plans.append((make(f).state_dict(), make(g := Halving()), g))
    for state, plan, g in plans:
        plan.load_state_dict(state)
        assert g.by == 0.25


def test_the_old_name_and_where_they_are_from():
    s = tg.optim.lr_scheduler
    assert issubclass(s._LRScheduler, s.LRScheduler)
    assert {getattr(s, name).__module__ for name in s.__all__} == {"tinygrad_cnn.optim.lr_scheduler"}

    class Own(s._LRScheduler):
        def get_lr(self):
            assert self._get_lr_called_within_step
            return [0.5 for _ in self.base_lrs]

    assert Own(tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)).get_last_lr() == [0.5]


def test_states_from_pytorch():
    """Where PyTorch keeps a thing in another form, it is turned into ours."""
    s = tg.optim.lr_scheduler
    opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    plan = s.MultiStepLR(opt, [1])
    theirs = {"milestones": Counter({2: 2, 4: 1}), "gamma": 0.5, "last_epoch": 1, "base_lrs": [1.0], "_step_count": 2}
    plan.load_state_dict(theirs)
    rates = []
    for _ in range(4):
        opt.step()
        plan.step()
        rates.append(opt.param_groups[0]["lr"])
    assert rates == [0.25, 0.25, 0.125, 0.125]
    plan = s.LambdaLR(opt, lambda t: 0.5**t)
    plan.load_state_dict({"base_lrs": [1.0], "last_epoch": 2, "_step_count": 3, "lr_lambdas": [None]})
    opt.step()
    plan.step()
    assert opt.param_groups[0]["lr"] == 0.125


@pytest.mark.parametrize("name", ["StepLR", "MultiStepLR", "LambdaLR", "SequentialLR", "ReduceLROnPlateau"])
@pytest.mark.parametrize("state", [None, [1], "text", 3])
def test_a_state_that_is_none(name, state):
    s = tg.optim.lr_scheduler
    opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    if name == "SequentialLR":
        plan = s.SequentialLR(opt, [s.StepLR(opt, 2), s.StepLR(opt, 3)], [2])
    else:
        plan = PLANS[name](s, opt) if name in PLANS else s.ReduceLROnPlateau(opt)
    before = dict(vars(plan))
    with pytest.raises(TypeError, match=r"expected the dict of state_dict\(\)"):
        plan.load_state_dict(state)
    assert vars(plan) == before


def test_a_state_of_other_schedulers_changes_nothing():
    s = tg.optim.lr_scheduler
    opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    plan = s.ChainedScheduler([s.StepLR(opt, 2), s.ExponentialLR(opt, 0.9)])
    state = plan.state_dict() | {"last_epoch": 77}
    before = [dict(vars(part)) for part in (plan, *plan._schedulers)]
    for states in ([], state["_schedulers"][:1], [state["_schedulers"][0] | {"gamma": 7.0}, 3]):
        with pytest.raises((TypeError, ValueError), match="ChainedScheduler"):
            plan.load_state_dict(state | {"_schedulers": states})
        assert [dict(vars(part)) for part in (plan, *plan._schedulers)] == before
