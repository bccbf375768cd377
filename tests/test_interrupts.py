"""Ctrl-C at any moment: the exception comes out, and everything else is as it was.

Python looks for signals behind calls, at the begin of functions and where loops jump back. `Interrupt` raises at the
n-th of these places in this package; 200 of them are tried, or TINYGRAD_CNN_INTERRUPTS, drawn by the seed
TINYGRAD_CNN_INTERRUPTS_SEED. One place is left out: the very begin of an `__exit__` that is written in Python, before
its first instruction, which nothing in Python can guard.
"""

from __future__ import annotations

import dis
import functools
import inspect
import os
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import kernels
from tinygrad_cnn.arrays.lines import PACKAGE
from tinygrad_cnn.engine.modes import mode

F = tg.nn.functional
TRIALS = int(os.environ.get("TINYGRAD_CNN_INTERRUPTS", "200"))
SEED = int(os.environ.get("TINYGRAD_CNN_INTERRUPTS_SEED", "0"))
LOOKS = {name for name in dis.opmap if name.startswith("CALL") or name in ("JUMP_BACKWARD", "JUMP_ABSOLUTE")}


@functools.cache
def instructions(code):
    """For each offset: whether the instruction looks for signals, and who handles what it raises."""
    table = getattr(dis, "_parse_exception_table", lambda code: [])(code)
    found, bytecode = {}, code.co_code
    for at in range(0, len(bytecode), 2):
        handler = next((entry.target for entry in table if entry.start <= at < entry.end), None)
        found[at] = dis.opname[bytecode[at]] in LOOKS, handler
    return found


class Interrupt:
    """Raises a KeyboardInterrupt at the n-th place where Python would look for signals; counts the places."""

    def __init__(self, at: int = 0):
        self.at, self.count, self.where = at, 0, ""
        self.looked: dict = {}  # frame -> what `instructions` says of the one that has just run

    def __enter__(self):
        sys.settrace(self.called)
        return self

    def __exit__(self, *exc):
        sys.settrace(None)

    def called(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        generator = frame.f_code.co_flags & inspect.CO_GENERATOR  # may be about to be closed, without a look
        if frame.f_code.co_name != "__exit__" and not generator:
            self.look(frame)
        return self.traced

    def traced(self, frame, event, arg):
        if event == "opcode":
            looks, handler = instructions(frame.f_code)[frame.f_lasti]
            # Raised here, it must be caught where it would have been caught if raised by the instruction before.
            if self.looked.get(frame) == (True, handler):
                self.look(frame)
            self.looked[frame] = looks, handler
        elif event == "return":
            self.looked.pop(frame, None)
        return self.traced

    def look(self, frame):
        self.count += 1
        if self.count == self.at:
            code = frame.f_code
            self.where = f"{code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno} in {code.co_name}"
            raise KeyboardInterrupt


class Program:
    """A bit of everything that sets something for a while: training, evaluation, modes, kernels."""

    def __init__(self):
        tg.manual_seed(0)
        self.x, self.y = tg.randn(16, 3, 20, 20), tg.arange(16) % 10
        self.kept = [tg.nn.Conv2d(3, 16, 3, padding=1), tg.nn.BatchNorm2d(16), tg.nn.Linear(16 * 10 * 10, 10)]
        self.state = [{k: v.clone() for k, v in m.state_dict().items()} for m in self.kept]

    def __call__(self):
        for module, state in zip(self.kept, self.state, strict=True):
            module.load_state_dict(state)
        conv, norm, linear = self.kept
        model = tg.nn.Sequential(conv, norm, tg.nn.ReLU(), tg.nn.MaxPool2d(2), tg.nn.Flatten(), linear)
        optimizer = tg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(self.x), self.y)
        loss.backward()
        tg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        results = [loss.item()]
        with tg.no_grad():
            results.append(model(self.x).sum().item())
        with kernels.use("numpy"):
            results.append(F.relu(conv(self.x)).sum().item())
        results.append(self.square(self.x).sum().item())
        results += [t.item() for t in self.items()]
        x = self.x[0, 0, 0].clone().requires_grad_()
        (g,) = tg.autograd.grad((x * x / (x - 1)).sum(), x, create_graph=True)
        results += [g.sum().item(), tg.autograd.grad(g.sum(), x)[0].sum().item()]
        return results

    @tg.no_grad()
    def square(self, x):
        return x * x

    @tg.no_grad()
    def items(self):
        for k in range(3):
            yield (self.x[k] * 2).sum()


def state():
    """What must not be left changed."""
    return np.geterr(), dict(mode.__dict__), kernels.room(), id(vars(kernels.kernel)), tg.get_default_dtype()


def within(seconds, f):
    """f(), or a failure where it has not come to an end by then."""
    results = []
    thread = threading.Thread(target=lambda: results.append(f()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, "it hangs"
    return results[0]


@pytest.fixture(scope="module")
def program():
    program = Program()
    program()
    return program


@pytest.fixture
def unraisable(monkeypatch):
    """What Python could raise nowhere: exceptions in finalizers."""
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    return seen


@pytest.mark.slow
def test_an_interrupt_at_any_place_leaves_nothing_behind(program, unraisable):
    want, before = program(), state()
    with Interrupt() as all_places:
        program()
    places = range(1, all_places.count + 1)
    for at in random.Random(SEED).sample(places, TRIALS) if len(places) > TRIALS else places:
        interrupt = Interrupt(at)
        raised = False
        try:
            with interrupt:
                program()
        except KeyboardInterrupt:
            raised = True
        assert raised == bool(interrupt.where), interrupt.where  # not every run has as many places, threads being awake
        assert state() == before, interrupt.where
        assert not unraisable, interrupt.where
        assert within(60, program) == want, interrupt.where


@pytest.mark.parametrize(
    ("word", "cure"),
    [("np.errstate(", "quietly or silent of quiet.py"), ("def __del__", "a weak reference with a callback in C")],
)
def test_nothing_is_used_that_an_interrupt_breaks(word, cure):
    """`__exit__` of errstate and finalizers are written in Python, so they may be interrupted before they begin."""
    root = Path(__file__).parent.parent
    sources = [*(root / "tinygrad_cnn").rglob("*.py"), *(root / "viz").rglob("*.py")]
    users = {path.relative_to(root).as_posix() for path in sources if word in path.read_text(encoding="utf-8")}
    users = {name for name in users if not name.startswith(("tinygrad_cnn/arrays/quiet", "tinygrad_cnn/testing/"))}
    assert not users, cure
