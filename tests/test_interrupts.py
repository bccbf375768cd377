"""Ctrl-C at any moment: the exception comes out, and everything else is as it was.

Python looks for signals behind calls, at the begin of functions and where loops jump back. `Interrupt` raises at the
n-th of these places in this package; 200 of them are tried, or TINYGRAD_CNN_INTERRUPTS, drawn by the seed
TINYGRAD_CNN_INTERRUPTS_SEED.
"""

from __future__ import annotations

import dis
import functools
import inspect
import os
import random
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest
from interrupted import PROGRAMS, state

from tinygrad_cnn.arrays.apart import start
from tinygrad_cnn.arrays.lines import PACKAGE

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
        if not generator:
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


def within(seconds, f):
    """f(), or a failure where it has not come to an end by then."""
    results = []
    thread = threading.Thread(target=lambda: results.append(f()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, "it hangs"
    return results[0]


@functools.cache
def program(name):
    """One of the programs, with all that is made at first calls."""
    found = PROGRAMS[name]()
    for _ in range(3):
        found()
    return found


@pytest.fixture
def unraisable(monkeypatch):
    """What Python could raise nowhere: exceptions in finalizers."""
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    return seen


def check(program, want, before, where):
    """Nothing is left behind, and the next call gives what it always gives."""
    assert state(program.model) == before, where
    program.model.train()  # `eval()` is the program's own, and may stay
    assert within(60, program) == want, where


every_program = pytest.mark.parametrize("name", PROGRAMS)


@pytest.mark.slow
@every_program
def test_an_interrupt_at_any_place_leaves_nothing_behind(name, unraisable):
    run = program(name)
    want, before = run(), state(run.model)
    with Interrupt() as all_places:
        run()
    places, trials = range(1, all_places.count + 1), TRIALS // len(PROGRAMS)
    for at in random.Random(SEED).sample(places, trials) if len(places) > trials else places:
        interrupt = Interrupt(at)
        raised = False
        try:
            with interrupt:
                run()
        except KeyboardInterrupt:
            raised = True
        assert raised == bool(interrupt.where), interrupt.where  # not every run has as many places, threads being awake
        assert not unraisable, interrupt.where
        check(run, want, before, interrupt.where)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here")
@every_program
def test_a_signal_at_any_moment_leaves_nothing_behind(name, unraisable, monkeypatch):
    run, chance, longest = program(name), random.Random(SEED), 0.0
    want, before = run(), state(run.model)
    earlier = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(TRIALS // len(PROGRAMS)):
            where, begin = None, time.perf_counter()
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-6 + chance.random() * longest)
                    run()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt as error:
                where = traceback.format_tb(error.__traceback__)[-1]
            else:
                longest = time.perf_counter() - begin
            longest = longest or time.perf_counter() - begin
            assert not unraisable, where
            check(run, want, before, where)
    finally:
        signal.signal(signal.SIGALRM, earlier)


@pytest.mark.parametrize(
    ("word", "cure"),
    [
        ("np.errstate(", "quietly or silent of quiet.py"),
        ("def __del__", "a weak reference with a callback in C"),
        ("finalize(", "a weak reference with a callback in C"),
        ("WeakKeyDictionary(", "a dictionary by id, with a weak reference with a callback in C"),
        ("WeakValueDictionary(", "a dictionary of weak references with a callback in C"),
        ("WeakSet(", "a dictionary by id, with a weak reference with a callback in C"),
        ("def __exit__", "Ending of arrays/blocks.py"),
    ],
)
def test_nothing_is_used_that_an_interrupt_breaks(word, cure):
    """`__exit__` of errstate and finalizers are written in Python, so they may be interrupted before they begin.

    And what a finalizer raises is lost, the interrupt that was asked for too.
    """
    root = Path(__file__).parent.parent
    sources = [*(root / "tinygrad_cnn").rglob("*.py"), *(root / "viz").rglob("*.py")]
    users = {path.relative_to(root).as_posix() for path in sources if word in path.read_text(encoding="utf-8")}
    beside = (
        "tinygrad_cnn/arrays/quiet",
        "tinygrad_cnn/testing/",
        "tinygrad_cnn/cli/",
        "tinygrad_cnn/utils/",
        "viz/script",
    )
    users = {name for name in users if not name.startswith(beside)}
    assert not users, cure


def test_an_interrupt_while_a_thread_is_started_comes_out(monkeypatch):
    """Python waits for a thread with a lock, and if broken off there, fails to release what it does not hold."""

    def begin(thread):
        try:
            raise interrupt
        finally:
            raise RuntimeError("release unlocked lock")

    def none(thread):
        raise RuntimeError("can't start new thread")

    for interrupt in (KeyboardInterrupt(), SystemExit(143)):
        monkeypatch.setattr(threading.Thread, "start", begin)
        with pytest.raises(type(interrupt)):
            start(threading.Thread())
        try:
            raise interrupt
        except BaseException:
            monkeypatch.setattr(threading.Thread, "start", none)
            with pytest.raises(RuntimeError, match="can't start"):
                start(threading.Thread())
