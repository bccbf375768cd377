"""Recorded loops give, to the last bit, what calls of the kernels give; and nobody's memory is written to."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim
from tinygrad_cnn.kernels import use

from .conftest import bits, same

F = nn.functional


def net():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(384, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _fast():
    with use("fast"):
        yield


def recorded(f):
    """How many segments the program that ran last has."""
    plan = getattr(f, "_compiled", f)._entries[0].plan
    return 0 if plan is None else len([g for g in plan.groups if any(g.loops)])


def test_step(twice):
    def run(compile):
        model = net()
        opt = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

        @compile
        def step(x, y):
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            return loss

        held = []
        for i in range(8):
            loss = step(tg.randn(8, 3, 18, 18), tg.randint(0, 10, (8,)))
            held.append((loss, *(p.grad for p in model.parameters())))
            if i == 4:
                model[3].weight.data = model[3].weight.data * 2
            yield [bits(loss), *map(bits, model.parameters()), *map(bits, model.buffers())]
        yield [bits(t) for row in held for t in row]  # nothing of this was written to since

    twice(lambda compile: list(run(compile)))


def test_a_step_is_recorded():
    model = net()
    fast = tg.compile(model)
    for _ in range(4):
        fast(tg.randn(8, 3, 18, 18)).square().mean().backward()
    assert recorded(fast) >= 2


def test_calls_that_wait_for_their_backward(twice):
    def run(compile):
        model = net()
        forward = compile(model)
        for n in (1, 1, 2, 4, 3, 1):
            outs = [forward(tg.randn(4, 3, 18, 18)) for _ in range(n)]
            outs.append(forward(tg.randn(4, 3, 18, 18)).detach())  # whose backward never comes
            loss = outs[0].square().mean()
            for out in outs:
                loss = loss * out.exp().mean()
            loss.backward(retain_graph=n == 2)
            if n == 2:
                loss.backward()
            yield [bits(loss), *map(bits, outs), *(bits(p.grad) for p in model.parameters())]

    twice(lambda compile: list(run(compile)))


def test_inference(twice):
    def run(compile):
        model = net().eval()
        model[4] = nn.Identity()
        forward = compile(model)
        with tg.no_grad():
            inputs = [tg.randn(4, 3, 18, 18) for _ in range(6)]
            outs = [forward(x) for x in inputs]
        yield [bits(out) for out in outs]

    twice(lambda compile: list(run(compile)))


def test_inputs_of_other_layout_and_changed_inputs():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    fast = tg.compile(model)
    x = tg.randn(4, 3, 12, 12)
    for _ in range(5):
        same([bits(model(x))], [bits(fast(x))])
        x.mul_(0.5)
    wide = tg.randn(4, 3, 12, 24)
    for _ in range(5):
        for other in (wide[..., ::2], wide[..., :12], x.expand(4, 3, 12, 12).permute(0, 1, 3, 2)):
            same([bits(model(other))], [bits(fast(other))])


def test_inputs_that_lie_in_each_other_or_in_a_parameter_when_they_are_recorded(twice):
    def run(compile):
        w = nn.Parameter(tg.randn(64, 64))
        room = tg.randn(80, 64)

        @compile
        def f(a, b):
            return F.relu(a @ w) @ F.relu(b @ w)

        near = [(w.detach(), w.detach()), (room[:64], room[8:72]), (room[16:], room[:64])]
        far = [(tg.randn(64, 64), tg.randn(64, 64)) for _ in range(3)]
        with tg.no_grad():
            yield [bits(f(a, b)) for a, b in [*near, *far, *near, *far]]

    twice(lambda compile: list(run(compile)))


def test_what_is_handed_out_as_a_view_is_written_to_no_more(twice):
    def run(compile):
        conv = nn.Conv2d(3, 16, 3)

        @compile
        def f(x):
            y = F.relu(conv(x))
            return y.flatten(1), y.permute(0, 2, 3, 1), (y * y).sum()

        outs = [f(tg.randn(4, 3, 18, 18)) for _ in range(6)]
        outs[-1][2].backward()
        yield [bits(t) for row in outs for t in row] + [bits(conv.weight.grad)]

    twice(lambda compile: list(run(compile)))


def test_a_recording_that_was_broken_off_is_made_anew(monkeypatch):
    """By an error between two segments, there or back; what is lent again then must not lie in what is in use."""
    from tinygrad_cnn.compiler.launched import Segment

    model = net()
    fast = tg.compile(model)
    x = tg.randn(8, 3, 18, 18)
    for _ in range(2):
        fast(x).square().mean().backward()
    model.zero_grad()
    model(x).square().mean().backward()
    expected = [bits(p.grad) for p in model.parameters()]
    record, broken = Segment._record, []

    def breaks(self, workspace, given):
        if self.group.number not in (0, *broken):
            broken.append(self.group.number)
            raise InterruptedError
        return record(self, workspace, given)

    def finished(call):
        try:
            return call()
        except InterruptedError:
            return finished(call)

    monkeypatch.setattr(Segment, "_record", breaks)
    for _ in range(3):
        model.zero_grad()
        loss = finished(lambda: fast(x).square().mean())
        finished(lambda: loss.backward(retain_graph=True))  # noqa: B023
        same(expected, [bits(p.grad) for p in model.parameters()])
    assert len(broken) == len(fast._compiled._entries[0].plan.groups) - 1


def test_what_depends_on_numbers_in_python_is_called():
    """A function that looks at numbers gives other loops for other numbers, or does more than its loops."""
    from tinygrad_cnn.compiler.launched import Trial
    from tinygrad_cnn.compiler.program import Instruction, Value
    from tinygrad_cnn.kernels import kernel

    x = Value("input", np.zeros((512, 512), np.float32), "x")
    out = Value("computed", np.zeros((512, 512), np.float32), "y")

    def trial(run):
        return Trial(Instruction("f", run, (x,), [out]))

    assert trial(kernel.relu).loops
    assert trial(lambda a: a.T).view
    for run in (lambda a: kernel.relu(a) * 2, lambda a: kernel.relu(a if a[0, 0] > 0.1 else -a), lambda a: a + 1):
        assert trial(run).loops is None
        assert not trial(run).view
