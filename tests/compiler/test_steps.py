"""Whole training steps: forward, backward and optimizer in one program, and all that changes from step to step."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim
from tinygrad_cnn.vision.models import resnet18

from .conftest import bits

F = nn.functional


def net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.3), nn.Conv2d(4, 6, 3),
        nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(0.2), nn.Linear(96, 5),
    )  # fmt: skip


def batch(n=6):
    return tg.randn(n, 1, 14, 14), tg.randint(0, 5, (n,))


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam, amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p),
    "Adadelta": lambda p: optim.Adadelta(p),
}


def left(model, optimizer):
    """All that a step may change."""
    state = [v for p in model.parameters() for v in optimizer.state[p].values() if isinstance(v, tg.Tensor)]
    return [bits(t) for t in (*model.parameters(), *(p.grad for p in model.parameters()), *model.buffers(), *state)]


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_step(twice, make):
    def run(compile):
        model = net()
        opt = make(model.parameters())
        schedule = optim.lr_scheduler.StepLR(opt, 2, 0.5)

        def step(x, y):
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            return loss

        step = compile(step, fullgraph=True) if compile is tg.compile else step
        for i in range(5):
            yield [bits(step(*batch())), *left(model, opt)]
            if i == 2:
                schedule.step()
        tg.rand(1)

    twice(lambda compile: list(run(compile)))


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_model(twice, make):
    def run(compile):
        model = net()
        forward, opt = compile(model), make(model.parameters())
        for i in range(5):
            if i % 3 == 0:
                opt.zero_grad()  # the others add to what is there
            F.cross_entropy(forward(batch()[0]), batch()[1]).backward()
            opt.step()
            yield left(model, opt)

    twice(lambda compile: list(run(compile)))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers(twice, kind):
    def run(compile):
        model = kind(4, 5, num_layers=2, bidirectional=True, dropout=0.3)
        opt = optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            opt.zero_grad()
            out, _ = model(x)
            loss = (out * out).mean()
            loss.backward()
            opt.step()
            return loss

        step = compile(step, fullgraph=True) if compile is tg.compile else step
        for _ in range(3):
            yield [bits(step(tg.rand(6, 2, 4))), *left(model, opt)]

    twice(lambda compile: list(run(compile)))


@pytest.mark.slow
def test_resnet():
    """With ReLUs in place, which the batch norms before them do."""
    found = []
    for compile in (lambda f: f, tg.compile):
        tg.manual_seed(0)
        model = resnet18(num_classes=4)
        opt = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def step(x, y, model=model, opt=opt):
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            return loss

        run = compile(step)
        found.append([run(tg.randn(2, 3, 32, 32), tg.randint(0, 4, (2,))).item() for _ in range(3)])
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    made = [i.name for i in run.program]
    assert "relu" not in made
    assert made.count("batch_norm_relu") == 9
    assert not any(i.name == "relu_" for i in run.program)


def test_evaluation():
    """A Sequential folds a batch norm into the convolution before it; a program does it separately."""
    model = net().eval()
    fast = tg.compile(model, fullgraph=True)
    with tg.no_grad():
        for _ in range(3):
            x = batch()[0]
            assert tg.allclose(model(x), fast(x), rtol=1e-5, atol=1e-6)


def test_clipping_and_schedule_inside(twice):
    def run(compile):
        model = net()
        opt = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        schedule = optim.lr_scheduler.ExponentialLR(opt, 0.9)

        def step(x, y):
            opt.zero_grad(set_to_none=False)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(list(model.parameters()), 0.1)
            nn.utils.clip_grad_value_(list(model.parameters()), 0.01)
            opt.step()
            schedule.step()
            return {"loss": loss.detach(), "norm": norm}

        step = compile(step, fullgraph=True) if compile is tg.compile else step
        for _ in range(5):
            found = step(*batch())
            yield [bits(found["loss"]), bits(found["norm"]), *left(model, opt)]
        assert opt.param_groups[0]["lr"] == pytest.approx(0.5 * 0.9**5)

    twice(lambda compile: list(run(compile)))


def test_a_gradient_that_somebody_holds_stays(twice):
    def run(compile):
        model = nn.Linear(3, 2)
        opt = optim.SGD(model.parameters(), lr=0.1)

        @compile
        def step(x):
            opt.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        held = []
        for _ in range(4):
            held.append((step(tg.randn(4, 3)), model.weight.grad, model.bias.grad))
        yield [bits(t) for row in held for t in row]

    twice(lambda compile: list(run(compile)))


def test_several_forwards_before_a_backward(twice):
    def run(compile):
        model = net()
        forward = compile(model)
        for _ in range(3):
            outs = [forward(batch()[0]) for _ in range(3)]
            (outs[0].square().mean() + (outs[2] * outs[1]).sum()).backward()
            yield [bits(p.grad) for p in model.parameters()]

    twice(lambda compile: list(run(compile)))


def test_backward_twice_and_twice_differentiated():
    model = nn.Linear(3, 2)
    forward = tg.compile(model)
    x = tg.randn(4, 3, requires_grad=True)
    forward(x)
    out = forward(x).sum()
    out.backward(retain_graph=True)
    once = bits(x.grad)
    out.backward()
    assert (bits(x.grad) == 2 * once).all()
    with pytest.raises(RuntimeError, match="a second time"):
        out.backward()
    with pytest.raises(RuntimeError, match="cannot be differentiated twice"):
        tg.autograd.grad(forward(x).sum(), x, create_graph=True)


class UNet(nn.Module):
    """Half the size, and back by a table that is made of the sizes alone."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x):
        small = F.max_pool2d(self.down(x), 2)
        return self.up(F.interpolate(small, scale_factor=2, mode="bilinear"))


def test_pictures_are_made_larger_by_tables(twice):
    def run(compile):
        model = UNet()
        opt = optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            opt.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            opt.step()
            return loss

        step = compile(step, fullgraph=True) if compile is tg.compile else step
        for _ in range(3):
            yield [bits(step(tg.rand(3, 1, 6, 6))), *left(model, opt)]

    twice(lambda compile: list(run(compile)))


def test_a_parameter_changed_between():
    model = nn.Linear(3, 2)
    forward = tg.compile(model)
    x = tg.randn(4, 3, requires_grad=True)
    forward(x)
    out = forward(x)
    with tg.no_grad():
        model.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_loss_is_spent():
    w = tg.ones(3, requires_grad=True)

    @tg.compile
    def step(x):
        loss = (w * x).sum()
        loss.backward()
        return loss

    for n in range(1, 4):
        loss = step(tg.ones(3))
        assert loss.requires_grad
        assert w.grad.tolist() == [n] * 3
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()
