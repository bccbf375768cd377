"""NaN and infinite numbers in a training: found, named, kept away from all that is learned."""

from __future__ import annotations

import json
import math

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.cli import main
from tinygrad_cnn.cli.train.culprit import culprit
from tinygrad_cnn.cli.train.finite import Finite, NotFinite
from tinygrad_cnn.cli.train.training import Training

F = nn.functional


class Alone:
    """The only rank."""

    def any(self, here):
        return here


class Steep(nn.Module):
    """x; the gradient is not finite."""

    def forward(self, x):
        return (x * 0).sqrt() + x


class Loud(nn.Module):
    def forward(self, x):
        return (x.abs() + 1000).exp() * 0 + x


def net(middle):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), middle, nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 3)
    )


def loss_of(model, x):
    return F.cross_entropy(model(x), tg.arange(len(x)) % 3)


def spoil(name):
    def change(model, x):
        with tg.no_grad():
            (x if name == "x" else model.get_parameter(name)).flatten()[1:2].fill_(math.nan)

    return change


FOUND = [
    (nn.ReLU(), spoil("x"), "conv2d in module '0', Conv2d: what goes into it has NaN already"),
    (nn.ReLU(), spoil("1.weight"), "batch_norm in module '1', BatchNorm2d: 1.weight, which it takes, has NaN already"),
    (nn.ReLU(), spoil("5.bias"), "linear in module '5', Linear: 5.bias, which it takes, has NaN already"),
    (Loud(), None, "exp in module '2', Loud, which made Inf of finite numbers"),
    (Steep(), None, "SqrtBackward0 in module '2', Steep, which made NaN of finite numbers"),
    (nn.ReLU(), None, ""),
]


@pytest.mark.parametrize(("middle", "change", "said"), FOUND, ids=lambda x: x if isinstance(x, str) else "")
def test_the_first_one_is_named(middle, change, said):
    model, x = net(middle), tg.randn(6, 1, 8, 8)
    if change:
        change(model, x)
    assert culprit(model, lambda: loss_of(model, x)) == said


def learn(model, batches, on_nan):
    """A training as the command does it; its weights, statistics, moments, and the next random number."""
    tg.manual_seed(1)
    finite, optimizer = Finite(on_nan, model, model, Alone()), tg.optim.Adam(model.parameters())
    for i, x in enumerate(batches):
        finite.begin()
        optimizer.zero_grad()
        loss = loss_of(model, x)
        loss.backward()
        again = lambda x=x: loss_of(model, x)
        if finite.passes(loss.item(), again, f"step {i}", list(range(10, 10 + len(x))), print):
            optimizer.step()
    state = [t.tolist() for t in model.state_dict().values()]
    moments = [[t.tolist() if isinstance(t, tg.Tensor) else t for t in s.values()] for s in optimizer.state.values()]
    return [state, moments, tg.rand(3).tolist()], finite.skipped


def test_a_step_that_is_skipped_might_not_have_been(capsys):
    bad = tg.randn(6, 1, 8, 8)
    spoil("x")(None, bad)
    good = [tg.randn(6, 1, 8, 8) for _ in range(3)]
    tg.manual_seed(0)
    first = learn(net(nn.ReLU()), [good[0], bad, bad, good[1], good[2]], "skip")
    tg.manual_seed(0)
    assert first == (learn(net(nn.ReLU()), good, "stop")[0], 2)
    assert capsys.readouterr().out.count("samples of its batch are 10, 11, 12, 13, 14, 15; it is skipped") == 1


def test_a_gradient_stops_it_as_well_as_a_loss():
    model = net(Steep())
    before = {name: t.tolist() for name, t in model.state_dict().items()}
    with pytest.raises(NotFinite) as stop:
        learn(model, [tg.randn(6, 1, 8, 8)], "stop")
    assert str(stop.value).startswith("the gradient of 0.weight became NaN in step 0; it comes from SqrtBackward0")
    assert {name: t.tolist() for name, t in model.state_dict().items()} == before
    assert learn(model, [tg.randn(6, 1, 8, 8)], "continue")[1] == 0
    assert math.isnan(model[0].weight[0, 0, 0, 0].item())


def test_large_gradients_are_finite():
    model = nn.Linear(2, 2)
    finite = Finite("stop", model, model, Alone())
    for p in model.parameters():
        p.grad = tg.full_like(p, 1e30)
    finite.begin()
    assert finite.passes(1.0, None, "", [], print)


@pytest.fixture
def bad_step(monkeypatch):
    """Let trainings meet a NaN in the images of some step."""

    def at(number):
        step = Training._step

        def spoiled(self, images, *rest):
            if self.steps == number:
                images[1] = math.nan
            step(self, images, *rest)

        monkeypatch.setattr(Training, "_step", spoiled)

    return at


SHORT = ["--epochs", "3", "--limit", "200", "--batch-size", "50", "--seed", "2"]


def train(capsys, *words):
    code = main(["train", *SHORT[: 0 if "--resume" in words else None], *map(str, words)])
    return code, *capsys.readouterr()


def test_the_run_stops_with_the_last_good_checkpoint(capsys, tmp_path, bad_step):
    bad_step(7)
    code, out, err = train(capsys, "--run", tmp_path / "a")
    message = err.splitlines()[-1]
    assert (code, out) == (2, "")
    assert "the loss became nan in epoch 2, step 3; it comes from " in message
    assert " in module '0'" in message
    assert "the samples of its batch are " in message
    assert len(message.split("batch are ")[1].split(";")[0].split(", ")) == 50
    assert f"go on with: tinygrad-cnn train --resume {tmp_path / 'a'} --on-nan skip" in message
    assert [p.name for p in (tmp_path / "a" / "checkpoints").glob("step*")] == ["step-00000004.tgc"]
    code, out, err = train(capsys, "--resume", tmp_path / "a", "--on-nan", "skip", "--json")
    assert (code, json.loads(out)["skipped"]) == (0, 1)
    assert "it is skipped" in err
    rows = (tmp_path / "a" / "metrics.jsonl").read_text(encoding="utf-8")
    assert '"step": 7,' not in rows
    assert "nan" not in rows.lower()


def test_weights_that_are_not_finite_are_not_kept(capsys, tmp_path, monkeypatch):
    def close(self, *facts, close=Training._close_epoch):
        with tg.no_grad():
            self.model[0].bias[0] = math.inf
        close(self, *facts)

    monkeypatch.setattr(Training, "_close_epoch", close)
    code, _, err = train(capsys, "--run", tmp_path / "a")
    assert code == 2
    assert "0.bias became Inf by the optimizer's step, epoch 1, step 4" in err
    assert list((tmp_path / "a" / "checkpoints").iterdir()) == []


def test_it_goes_on_where_that_is_asked_for(capsys, bad_step):
    bad_step(3)
    code, out, _ = train(capsys, "--on-nan", "continue", "--json")
    assert (code, json.loads(out)["test_loss"]) == (0, None)


def test_how_often_is_said(capsys, bad_step):
    bad_step(3)
    code, out, _ = train(capsys, "--on-nan", "skip")
    assert code == 0
    assert out.strip().endswith("; 1 steps were skipped, whose loss or gradients were not finite")
