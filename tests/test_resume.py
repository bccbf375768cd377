"""Going on with a training: save_checkpoint and load_checkpoint, which changes all or nothing."""

from __future__ import annotations

import io
import os
import random

import numpy as np
import pytest
from small import Tied

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.checkpoint import load, load_checkpoint, save, save_checkpoint
from tinygrad_cnn.vision import transforms


def _training(seed=0):
    tg.manual_seed(seed)
    net = Tied()
    opt = tg.optim.Adam(net.parameters(), lr=0.1)
    return net, opt, tg.optim.lr_scheduler.StepLR(opt, 2, gamma=0.5)


def _epochs(net, opt, plan, n):
    losses = []
    for _ in range(n):
        opt.zero_grad()
        loss = (net(tg.randn(4, 3)) ** 2).mean()
        loss.backward()
        opt.step()
        plan.step()
        losses.append(loss.item())
    return losses


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    straight = _epochs(*_training(), 7)
    first = _training()
    seen = _epochs(*first, 3)
    save_checkpoint(tmp_path / "x", *first, epoch=3, history=seen)
    second = _training(seed=9)
    more = load_checkpoint(tmp_path / "x", *second)
    assert more == {"epoch": 3, "history": seen}
    assert seen + _epochs(*second, 4) == straight
    assert second[0].seen.item() == 7


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    net, opt, plan = _training()
    _epochs(net, opt, plan, 1)
    other = tg.optim.SGD([{"params": [net.w]}, {"params": [net.b]}], lr=0.1)
    save_checkpoint(tmp_path / "x", net, opt)
    before = net.state_dict()["w"].clone().tolist()
    net.w.data.add_(1.0)
    changed = net.w.tolist()
    for parts, message in [
        ((Tied(5),), "size mismatch"),
        ((net, other), "different number of parameter groups"),
        ((net, opt, plan), "holds no state of the scheduler"),
    ]:
        with pytest.raises((RuntimeError, ValueError), match=message):
            load_checkpoint(tmp_path / "x", *parts)
        assert net.w.tolist() == changed
    load_checkpoint(tmp_path / "x", net)
    assert net.w.tolist() == before


def test_not_a_checkpoint(tmp_path):
    save({"w": tg.ones(1)}, tmp_path / "x")
    with pytest.raises(RuntimeError, match="not made by save_checkpoint"):
        load_checkpoint(tmp_path / "x", Tied())


def test_the_best_state_is_a_copy(tmp_path):
    """What a checkpoint holds does not follow the model, although a state_dict does."""
    net = Tied()
    save(net.state_dict(), tmp_path / "best")
    best = load(tmp_path / "best")
    net.w.data.zero_()
    assert best["w"].tolist() != [0.0] * 3
    net.load_state_dict(best)
    assert net.w.tolist() == best["w"].tolist()


# what else has a state


def _loader(**options):
    data = tg.data.TensorDataset(tg.arange(10.0)[:, None] * tg.ones(1, 3))
    return tg.data.DataLoader(data, 4, shuffle=True, **options)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_in_the_middle_of_an_epoch(tmp_path, workers):
    def train(loader, run, epochs, stop=None):
        net, opt, plan = run["parts"]
        for epoch in range(run["epoch"], epochs):
            for (x,) in loader:
                opt.zero_grad()
                loss = nn.functional.dropout(net(x)).square().mean()
                loss.backward()
                opt.step()
                run["losses"].append(loss.item())
                plain = {"epoch": epoch, "losses": run["losses"]}
                save_checkpoint(tmp_path / "x", net, opt, plan, loader=loader, **plain)
                if len(run["losses"]) == stop:
                    return None
            plan.step()
        return run["losses"], net.w.tolist(), opt.state_dict()["param_groups"][0]["lr"]

    tg.manual_seed(0)
    straight = train(_loader(), {"parts": _training(), "epoch": 0, "losses": []}, 2)
    for stop in range(1, 7):
        tg.manual_seed(0)
        train(_loader(num_workers=workers), {"parts": _training(), "epoch": 0, "losses": []}, 2, stop)
        parts, loader = _training(seed=stop), _loader(num_workers=workers)
        more = load_checkpoint(tmp_path / "x", *parts, loader=loader)
        assert len(more["losses"]) == stop
        assert train(loader, {"parts": parts, **more}, 2) == straight


def test_generators_and_averaged_models_are_parts(tmp_path):
    net, opt, _ = _training()
    average, noise, numpy, python = Tied(), tg.Generator().manual_seed(3), np.random.default_rng(4), random.Random(5)
    tg.rand(2, generator=noise)
    save_checkpoint(tmp_path / "x", net, opt, average=average, noise=noise, numpy=numpy, python=python, epoch=1)
    expected = tg.rand(2, generator=noise).tolist(), numpy.random(), python.random()
    other, again, numpy, python = Tied(), tg.Generator(), np.random.default_rng(), random.Random()
    other.w.data.zero_()
    parts = {"average": other, "noise": again, "numpy": numpy, "python": python}
    assert load_checkpoint(tmp_path / "x", net, **parts) == {"epoch": 1}
    assert (tg.rand(2, generator=again).tolist(), numpy.random(), python.random()) == expected
    assert other.w.tolist() == average.w.tolist()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"loader": 3}, TypeError, "loader has no state, it is a int"),
        ({"average": nn.Linear(2, 2)}, RuntimeError, "holds no state of the average"),
        ({"noise": tg.Generator(), "loader": tg.data.DataLoader(range(9), 4)}, ValueError, "other settings"),
        ({"noise": nn.Linear(2, 2)}, (RuntimeError, TypeError), "noise|state_dict"),
    ],
)
def test_parts_that_do_not_fit_change_nothing(tmp_path, given, error, message):
    net = Tied()
    save_checkpoint(tmp_path / "x", net, noise=tg.Generator().manual_seed(1), loader=_loader())
    net.w.data.add_(1.0)
    noise, rng = given.get("noise"), tg.get_rng_state()
    before = [net.w.tolist(), noise.get_state() if isinstance(noise, tg.Generator) else None]
    with pytest.raises(error, match=message):
        load_checkpoint(tmp_path / "x", net, **given)
    assert [net.w.tolist(), noise.get_state() if isinstance(noise, tg.Generator) else None] == before
    assert tg.get_rng_state() == rng


# after any step


class Small(nn.Module):
    """A bit of all that has a state, or draws: batch norm, dropout, convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.out = nn.Linear(2 * 4 * 4, 3)

    def forward(self, x):
        return self.out(nn.functional.dropout(self.norm(self.conv(x)).relu().flatten(1), 0.3, self.training))


class Augmented(tg.data.Dataset):
    """images that no epoch sees twice in the same way"""

    change = transforms.Compose(
        [transforms.RandomCrop(6, padding=1), transforms.RandomHorizontalFlip(), transforms.RandomRotation(20)]
    )

    def __init__(self):
        noise = tg.Generator().manual_seed(1)
        self.x, self.y = tg.randn(10, 1, 6, 6, generator=noise), tg.randint(3, (10,), generator=noise)

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return self.change(self.x[i]), self.y[i]


OPTIMIZERS = {
    "SGD": lambda p: tg.optim.SGD(p, lr=0.1),
    "momentum": lambda p: tg.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: tg.optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: tg.optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: tg.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: tg.optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "Adadelta": lambda p: tg.optim.Adadelta(p),
    "Adafactor": lambda p: tg.optim.Adafactor(p, lr=0.01),
    "Adamax": lambda p: tg.optim.Adamax(p, lr=0.01),
    "ASGD": lambda p: tg.optim.ASGD(p, lr=0.01, t0=2),
    "LBFGS": lambda p: tg.optim.LBFGS(p, lr=0.1, max_iter=1),  # one look at the loss a step, as all others
    "NAdam": lambda p: tg.optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: tg.optim.RAdam(p, lr=0.01),
    "Rprop": lambda p: tg.optim.Rprop(p, lr=0.01),
}
PLANS = {
    "StepLR": lambda lr, o: lr.StepLR(o, 4),
    "MultiStepLR": lambda lr, o: lr.MultiStepLR(o, [2, 5]),
    "ConstantLR": lambda lr, o: lr.ConstantLR(o, total_iters=5),
    "LinearLR": lambda lr, o: lr.LinearLR(o, total_iters=5),
    "ExponentialLR": lambda lr, o: lr.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda lr, o: lr.PolynomialLR(o, 8),
    "CosineAnnealingLR": lambda lr, o: lr.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 3),
    "CyclicLR": lambda lr, o: lr.CyclicLR(o, 0.001, 0.1, 3, cycle_momentum=False),
    "OneCycleLR": lambda lr, o: lr.OneCycleLR(o, 0.1, 12, cycle_momentum="momentum" in o.defaults),
    "LambdaLR": lambda lr, o: lr.LambdaLR(o, lambda n: 1 / (n + 1)),
    "MultiplicativeLR": lambda lr, o: lr.MultiplicativeLR(o, lambda n: 0.9),
    "ReduceLROnPlateau": lambda lr, o: lr.ReduceLROnPlateau(o, patience=1),
    "ChainedScheduler": lambda lr, o: lr.ChainedScheduler([lr.StepLR(o, 3), lr.ExponentialLR(o, 0.9)]),
    "SequentialLR": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o, total_iters=3), lr.ExponentialLR(o, 0.9)], [4]),
}
STEPS = 6  # 2 epochs of 3 batches


class Stopped(Exception):
    pass


def _run(optimizer, plan, workers, file, stop=None):
    """All of a training: it goes on from the file, if there is something in it, and saves after each step."""
    net = Small()
    opt = OPTIMIZERS[optimizer](net.parameters())
    schedule = PLANS[plan](tg.optim.lr_scheduler, opt)
    loader = tg.data.DataLoader(Augmented(), 4, shuffle=True, num_workers=workers)
    run = {"epoch": 0, "losses": []}
    if file.getbuffer().nbytes:
        run = load_checkpoint(file, net, opt, schedule, loader=loader)
    while run["epoch"] < 2:
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step(lambda loss=loss: loss)
            schedule.step(loss.item()) if plan == "ReduceLROnPlateau" else schedule.step()
            run["losses"].append(loss.item())
            if len(run["losses"]) == stop:
                save_checkpoint(file, net, opt, schedule, loader=loader, **run)
                raise Stopped
        run["epoch"] += 1
    return _plain([net.state_dict(), opt.state_dict(), schedule.state_dict(), run, tg.get_rng_state()])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_was_stopped_after_any_step_equals_the_one_that_was_not(optimizer):
    """With each scheduler, at steps drawn for each: `TINYGRAD_CNN_TRIES` of them."""
    draw = random.Random(optimizer)
    for plan in PLANS:
        tg.manual_seed(5)
        straight = _run(optimizer, plan, 0, io.BytesIO())
        assert len(straight[3]["losses"]) == STEPS
        for stop in draw.sample(range(1, STEPS + 1), int(os.environ.get("TINYGRAD_CNN_TRIES", "1"))):
            file = io.BytesIO()
            tg.manual_seed(5)
            with pytest.raises(Stopped):
                _run(optimizer, plan, draw.choice([0, 2]), file, stop)
            tg.manual_seed(6)
            assert _run(optimizer, plan, draw.choice([0, 2]), file) == straight, (plan, stop)


def test_every_optimizer_and_scheduler_is_in_the_tables():
    made = {type(make(Small().parameters())).__name__ for make in OPTIMIZERS.values()}
    assert made == set(tg.optim.__all__) - {"Optimizer", "lr_scheduler", "swa_utils"}
    assert PLANS.keys() == set(tg.optim.lr_scheduler.__all__) - {"LRScheduler"}


# all or nothing


class Fussy(nn.Module):
    """Takes a state only with a good mood in it, which it looks at last."""

    def __init__(self, mood="good"):
        super().__init__()
        self.inner = nn.BatchNorm1d(2)
        self.mood = mood

    def get_extra_state(self):
        return {"mood": self.mood}

    def set_extra_state(self, state):
        self.mood = state["mood"]
        if self.mood == "bad":
            raise ValueError("in a bad mood")


def _everything(net, opt, plan):
    return _plain([net.state_dict(), opt.state_dict(), plan.state_dict(), tg.get_rng_state()])


def _plain(x):
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return x.tolist() if isinstance(x, tg.Tensor) else x


def _plan(opt, kind):
    lr = tg.optim.lr_scheduler
    if kind == "step":
        return lr.StepLR(opt, 2)
    if kind == "chained":
        return lr.ChainedScheduler([lr.StepLR(opt, 2), lr.ExponentialLR(opt, 0.9)])
    if kind == "one":
        return lr.ChainedScheduler([lr.StepLR(opt, 2)])
    if kind == "sequence":
        return lr.SequentialLR(opt, [lr.StepLR(opt, 2), lr.ExponentialLR(opt, 0.9)], [3])
    return lr.ReduceLROnPlateau(opt)


BROKEN = {
    "another kind of scheduler": (lambda held: None, "step", "plateau"),
    "another number of schedulers": (lambda held: None, "one", "chained"),
    "another kind of schedulers": (lambda held: None, "chained", "sequence"),
    "a scheduler's state that is none": (lambda held: held.update(scheduler=[1, 2]), "step", "step"),
    "a state within that is none": (
        lambda held: held["scheduler"]["_schedulers"].__setitem__(1, 3), "chained", "chained",
    ),
    "an optimizer's state of another shape": (
        lambda held: held["optimizer"]["state"][1].update(exp_avg=tg.ones(9)), "step", "step",
    ),
    "an optimizer's state that is none": (lambda held: held["optimizer"]["state"].update({1: 5}), "step", "step"),
    "a model in a bad mood": (lambda held: held["model"]["_extra_state"].update(mood="bad"), "step", "step"),
    "random numbers that are none": (lambda held: held.update(rng={"seed": 1, "numpy": {}}), "step", "step"),
    "random numbers left out": (lambda held: held.pop("rng"), "step", "step"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_changes_where_not_all_of_it_fits(name, tmp_path):
    change, saved, given = BROKEN[name]

    def parts(kind, lr):
        net = Fussy()
        opt = tg.optim.Adam(net.parameters(), lr=lr)
        plan = _plan(opt, kind)
        for _ in range(2):
            net.inner(tg.randn(4, 2)).square().sum().backward()
            opt.step()
            plan.step(1.0) if kind == "plateau" else plan.step()
        return net, opt, plan

    save_checkpoint(tmp_path / "x", *parts(saved, 0.1))
    held = load(tmp_path / "x")
    change(held)
    save(held, tmp_path / "x")
    net, opt, plan = parts(given, 0.2)
    before = _everything(net, opt, plan)
    group, inner = opt.param_groups[0], getattr(plan, "_schedulers", [None])[0]
    with pytest.raises((RuntimeError, ValueError, TypeError, AttributeError, KeyError)):
        load_checkpoint(tmp_path / "x", net, opt, plan)
    assert _everything(net, opt, plan) == before
    assert opt.param_groups[0] is group
    assert getattr(plan, "_schedulers", [None])[0] is inner
    save_checkpoint(tmp_path / "y", net, opt, plan)
    load_checkpoint(tmp_path / "y", net, opt, plan)
