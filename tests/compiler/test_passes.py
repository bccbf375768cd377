"""Each pass does what it says, and no pass changes a result."""

from __future__ import annotations

import itertools

import pytest
from small import training_step

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim
from tinygrad_cnn.compiler.passes import PASSES

from .conftest import bits, same

F = nn.functional


class Own(nn.Module):
    """Convolution, batch norm, ReLU and pooling, written out."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
        self.again, self.last, self.out = nn.Conv2d(4, 4, 3, padding="same"), nn.Linear(100, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = F.max_pool2d(F.relu(self.again(x)), 2)
        return self.out(F.relu(self.last(x.flatten(1)))) + tg.zeros(3)


def steps(passes):
    """What a compiled training step leaves behind, and the step."""
    tg.manual_seed(0)
    net = Own()
    opt = optim.SGD(net.parameters(), lr=0.1)

    step = training_step(net, opt)
    run = step if passes is None else tg.compile(step, fullgraph=True, options={"passes": passes})
    found = []
    for _ in range(4):
        found.append(bits(run(tg.randn(4, 2, 12, 12), tg.randint(0, 3, (4,)))))
    return [*found, *map(bits, net.parameters()), *map(bits, net.buffers())], run


CHOICES = [[], PASSES, *([p] for p in PASSES), *([p for p in PASSES if p != q] for q in PASSES)]


@pytest.mark.parametrize("passes", CHOICES, ids=lambda names: "-".join(names) or "none")
def test_no_pass_changes_a_result(passes):
    found, _ = steps(passes)
    expected, _ = steps(None)
    for a, b in zip(expected, found, strict=True):
        assert abs(a - b).max() <= 1e-6 * max(1, abs(a).max())
    if not {"relu", "pool", "chains", "recompute"} & set(passes):  # which bring in other kernels
        same(expected, found)


def names(f):
    return [i.name for i in f.program]


def test_relu_and_pool():
    _, run = steps(PASSES)
    found = names(run)
    assert "relu" not in found
    assert {"batch_norm_relu", "batch_norm_relu.back", "conv2d_relu", "linear_relu"} <= set(found)
    assert found.index("relu.back_input", found.index("linear_relu")) < found.index("max_pool2d.back_input")
    assert [step.name for step in run.program.history] == ["captured", *PASSES]
    assert [line.split()[0] for line in run.passes.splitlines()] == ["captured", *PASSES]
    assert "batch_norm_relu" in str(run.program)
    assert "batch_norm_relu" not in run.program.history[0].text
    sizes = [step.nbytes for step in run.program.history]
    assert all(a >= b for a, b in itertools.pairwise(sizes))
    assert sizes[-1] < 0.8 * sizes[0]


def test_relu_is_left_where_somebody_sees_what_is_before_it():
    conv = nn.Conv2d(1, 2, 3)

    @tg.compile
    def f(x):
        y = conv(x)
        return y, y.relu()

    f(tg.ones(1, 1, 5, 5))
    assert "relu" in names(f)


def test_fold():
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 2), nn.BatchNorm2d(3)).eval()
    with tg.no_grad():
        for norm in (net[1], net[4]):
            norm.running_mean.copy_(tg.randn(norm.num_features))
            norm.running_var.copy_(tg.rand(norm.num_features) + 0.5)
            norm.bias.copy_(tg.randn(norm.num_features))
        fast = tg.compile(net)
        for _ in range(3):
            x = tg.randn(2, 2, 9, 9)
            assert tg.allclose(net(x), fast(x), atol=1e-5)
            net[0].weight.mul_(1.1)
    assert names(fast) == ["folded", "folded", "conv2d_relu", "conv2d"]


def test_common_constants_and_dead():
    @tg.compile
    def f(x):
        a, b = (x * 2).exp(), (x * 2).exp()
        x.sin()
        return (a + b) * (tg.ones(3) + tg.arange(3))

    x = tg.arange(3.0)
    for _ in range(2):
        same([bits(2 * (x * 2).exp() * tg.tensor([1.0, 2.0, 3.0]))], [bits(f(x))])
    assert len(names(f)) <= 4  # of seven


def test_chains():
    w = tg.randn(5, requires_grad=True)

    @tg.compile
    def f(x):
        a = (x * w).sigmoid()
        b = (a + 1).log() * tg.tanh(x)
        return (b.clamp(min=0.1) * a).sum()

    for _ in range(3):
        x = tg.randn(3, 5, requires_grad=True)
        found = []
        for g in (f, f._f):
            x.grad = w.grad = None
            out = g(x)
            out.backward()
            found.append([bits(t) for t in (out, x.grad, w.grad)])
        for a, b in zip(*found, strict=True):
            assert abs(a - b).max() <= 1e-6
    before, *_, after = f.program.history
    assert after.instructions < before.instructions
    assert "pointwise" in names(f)
    assert len(f.program.saved()) <= 6  # x and w, and three results that are dear to compute


def test_what_is_changed_in_place_is_not_shared():
    @tg.compile
    def f(x):
        a, b = x * 2, x * 2
        a[0] = 7
        return a + b, tg.zeros(3).add_(x)

    x = tg.arange(3.0)
    for _ in range(3):
        total, more = f(x)
        assert total.tolist() == [7.0, 4.0, 8.0]
        assert more.tolist() == [0.0, 1.0, 2.0]


def test_the_picture():
    _, run = steps(PASSES)
    before, after = tg.viz.program(run, "captured").source, tg.viz.program(run).source
    assert "batch_norm_relu" in after
    assert "batch_norm_relu" not in before
    assert before.count("->") > after.count("->") > 20
    with pytest.raises(ValueError, match="there are captured, settle"):
        tg.viz.program(run, "magic")


def test_nothing_is_moved_behind_a_change():
    def run(compile):
        w = tg.ones(4, requires_grad=True)
        opt = optim.SGD([w], lr=0.5)

        @compile
        def step(x):
            opt.zero_grad()
            before = w.detach() * 2
            (w * x).sum().backward()
            opt.step()
            return before + w.detach(), before * x

        return [bits(t) for _ in range(4) for t in step(tg.arange(4.0))]

    same(run(lambda f: f), run(lambda f: tg.compile(f, fullgraph=True)))


def test_unknown_options():
    with pytest.raises(RuntimeError, match="some of settle, constants"):
        tg.compile(lambda x: x + 1, options={"passes": ["magic"]})(tg.ones(1))
