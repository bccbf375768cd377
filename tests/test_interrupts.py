"""Ctrl-C at any moment: the exception comes out, and everything else is as it was.

Python looks for signals behind calls, at the begin of functions and where loops jump back. `Interrupt` raises at the
n-th of these places in this package; 200 of them are tried, more with the environment variable INTERRUPTS, of which
the seed is INTERRUPTS_SEED. One place is left out: the very begin of an `__exit__` that is written in Python, before
its first instruction, which nothing in Python can guard.
"""

from __future__ import annotations

import dis
import os
import random
import sys
import threading

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import kernels
from tinygrad_cnn.modes import PACKAGE, mode

F = tg.nn.functional
TRIALS = int(os.environ.get("INTERRUPTS", "200"))
SEED = int(os.environ.get("INTERRUPTS_SEED", "0"))
LOOKS = {name for name in dis.opmap if name.startswith("CALL") or name in ("JUMP_BACKWARD", "JUMP_ABSOLUTE")}


class Interrupt:
    """Raises a KeyboardInterrupt at the n-th place where Python would look for signals; counts the places."""

    def __init__(self, at: int = 0):
        self.at, self.count, self.where = at, 0, ""
        self.looked: dict = {}  # frame -> whether the instruction just run looks for signals
        self.codes: dict = {}

    def __enter__(self):
        sys.settrace(self.called)
        return self

    def __exit__(self, *exc):
        sys.settrace(None)

    def called(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if frame.f_code.co_name != "__exit__":
            self.look(frame)
        return self.traced

    def traced(self, frame, event, arg):
        if event == "opcode":
            code = frame.f_code
            bytecode = self.codes.get(code) or self.codes.setdefault(code, code.co_code)
            if self.looked.get(frame):
                self.look(frame)
            self.looked[frame] = dis.opname[bytecode[frame.f_lasti]] in LOOKS
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
        self.x, self.y = tg.randn(32, 3, 24, 24), tg.arange(32) % 10
        self.kept = [tg.nn.Conv2d(3, 16, 3, padding=1), tg.nn.BatchNorm2d(16), tg.nn.Linear(16 * 12 * 12, 10)]
        self.state = [{k: v.clone() for k, v in m.state_dict().items()} for m in self.kept]

    def __call__(self):
        for module, state in zip(self.kept, self.state, strict=True):
            module.load_state_dict(state)
        conv, norm, linear = self.kept
        model = tg.nn.Sequential(conv, norm, tg.nn.ReLU(), tg.nn.MaxPool2d(2), tg.nn.Flatten(), linear)
        optimizer = tg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        results = []
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(self.x), self.y)
            loss.backward()
            tg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            results.append(loss.item())
        with tg.no_grad():
            results.append(model(self.x).sum().item())
        with kernels.only_reference():
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
    return np.geterr(), dict(mode.__dict__), kernels.kernel.relu(np.ones(3, np.float32)).sum(), tg.get_default_dtype()


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
