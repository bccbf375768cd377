"""Programs that are interrupted in test_interrupts.py, and what no interrupt may leave changed.

Each is called again and again, and gives the same numbers each time, also after a call that was broken off.
"""

from __future__ import annotations

import sys

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import kernels, nn, viz
from tinygrad_cnn.data import DataLoader, TensorDataset
from tinygrad_cnn.engine.modes import mode

F = nn.functional


class Program:
    """A small network and a batch; `numbers` is what the program computes with them."""

    def __init__(self):
        tg.manual_seed(0)
        self.x, self.y = tg.randn(16, 3, 20, 20), tg.arange(16) % 10
        self.model = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(16 * 10 * 10, 10),
        )  # fmt: skip
        self.start = {key: value.clone() for key, value in self.model.state_dict().items()}

    def __call__(self):
        self.model.load_state_dict(self.start)
        self.model.zero_grad()
        tg.manual_seed(1)
        return self.numbers()

    def step(self, model):
        loss = F.cross_entropy(model(self.x), self.y)
        loss.backward()
        return [loss.item(), *(p.grad.sum().item() for p in self.model.parameters())]


class Training(Program):
    def numbers(self):
        optimizer = tg.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        found = self.step(self.model)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        optimizer.step()
        self.model.eval()
        with tg.no_grad():
            found.append(self.model(self.x).sum().item())
        self.model.train()
        return [*found, *(p.sum().item() for p in self.model.parameters())]


class Modes(Program):
    def numbers(self):
        conv = self.model[0]
        with kernels.use("numpy"), tg.inference_mode():
            found = [F.relu(conv(self.x)).sum().item()]
        with tg.autograd.detect_anomaly(), tg.set_grad_enabled(True):
            conv(self.x).square().sum().backward()
        found += [conv.weight.grad.sum().item(), self.square(self.x).sum().item(), *(t.item() for t in self.items())]
        for _ in range(5):
            with tg.no_grad(), tg.enable_grad():
                pass
        x = self.x[0, 0, 0].clone().requires_grad_()
        (g,) = tg.autograd.grad((x * x / (x - 1)).sum(), x, create_graph=True)
        return [*found, g.sum().item(), tg.autograd.grad(g.sum(), x)[0].sum().item()]

    @tg.no_grad()
    def square(self, x):
        return x * x

    @tg.no_grad()
    def items(self):
        for k in range(3):
            yield (self.x[k] * 2).sum()


class InPlace(Program):
    """Memory that is put in order, views, and changes of both."""

    def numbers(self):
        h = F.conv2d(self.x, self.model[0].weight.detach(), padding=1)
        view, other = h[2:5], h.detach()
        flat = h.flatten(1)
        view.add_(1.0)
        other.mul_(2.0)
        a = tg.ones(6, requires_grad=True)
        b = a * 3
        b[1:3].mul_(2)
        (b * b).sum().backward()
        return [*(t.sum().item() for t in (h, view, other, flat)), *a.grad.tolist()]


class Hooks(Program):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.model[2].register_full_backward_hook(lambda module, incoming, outgoing: self.seen.append(len(outgoing)))
        self.model[0].register_forward_hook(lambda module, args, out: out * 2)

    def numbers(self):
        self.seen.clear()
        out = self.model(self.x)
        out.register_hook(lambda g: g * 0.5)
        out.sum().backward()
        return [*self.step(lambda x: self.model(x + self.model[0].weight.sum())), len(self.seen)]


class Captured(Program):
    """A function that is captured, tried, recorded, and replayed, a call at a time."""

    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 18 * 18, 10))
        self.start = {key: value.clone() for key, value in self.model.state_dict().items()}
        self.calls = 0

    def numbers(self):
        self.calls += 1
        if self.calls % 8 == 1:
            self.f = tg.compile(self.model)
        return self.step(self.f)


class Replayed(Program):
    def __init__(self):
        super().__init__()
        self.f = tg.compile(self.model)
        for _ in range(25):  # by then its loops are recorded
            self()

    def numbers(self):
        return self.step(self.f)


class Drawn(Program):
    def numbers(self):
        with viz.record() as recording:
            (self.model[5].weight[:3, :4] * 2).relu().sum().backward()
        return [len(step["inputs"]) for step in recording.document["passes"][0]["steps"]]


class Loaded(Program):
    def numbers(self):
        found = []
        for workers in (0, 2):
            loader = DataLoader(
                TensorDataset(self.x, self.y), batch_size=4, shuffle=True, num_workers=workers,
                generator=tg.Generator().manual_seed(3),
            )  # fmt: skip
            found += [(x.sum() + y.sum()).item() for x, y in loader]
        return found


PROGRAMS = {p.__name__: p for p in (Training, Modes, InPlace, Hooks, Captured, Replayed, Drawn, Loaded)}


def state(model):
    """What must not be left changed."""
    found = {
        "errors of NumPy": np.geterr(),
        "mode": dict(mode.__dict__),
        "room": (kernels.room(), len(kernels._wishes), id(vars(kernels.kernel))),
        "switches": (tg.get_default_dtype(), tg.are_deterministic_algorithms_enabled(), tg.get_num_threads()),
        "profiler": sys.getprofile(),
        "hooks": sum(len(vars(m)[room]) for m in model.modules() for room in vars(m) if room.endswith("_hooks")),
    }
    if (compiled := sys.modules.get("tinygrad_cnn.kernels.fast.machinery.compiled")) is not None:
        from tinygrad_cnn.kernels.fast.machinery import memory

        team = compiled._team
        board = team.numbers[(team.board - team.numbers.ctypes.data) // 8 :]
        found["loops"] = compiled.watched.by, memory._thread.pools, board[0], board[8]  # LED, OPEN
    return found
