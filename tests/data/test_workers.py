"""Workers that die, cannot be had, are interrupted or forked: an error or the batch, no hang, and nothing is left."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from small import Mapped

import tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader, IterableDataset
from tinygrad_cnn.data.workers import Job, Worker


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("DataLoader")]


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    if threads():
        gc.collect()
    deadline = time.monotonic() + 5
    while threads():
        assert time.monotonic() < deadline, f"threads are left: {threads()}"
        time.sleep(0.001)


def drained(it):
    out = []
    while True:
        try:
            out.append(next(it).tolist())
        except StopIteration:
            return out
        except Exception as error:
            out.append(f"{type(error).__name__}: {error}")


def raises_at(n, error):
    def function(i):
        if i == n:
            raise error
        return i

    return Mapped(6, function)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit("x")])
def test_what_would_end_the_process_is_an_error_of_its_batch(error):
    got = drained(iter(DataLoader(raises_at(2, error), 2, num_workers=2)))
    message = f"RuntimeError: DataLoader worker 1, at item 2 exited unexpectedly: {type(error).__name__}: {error}"
    assert got == [[0, 1], message, [4, 5]]


def poison():
    """what no worker survives"""
    job = Job(poison, print, ())
    job.wanted_by = sys.exit
    return job


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("persistent", [False, True])
def test_a_dead_worker_is_an_error(persistent):
    gate = threading.Event()
    data = Mapped(12, lambda i: i if i != 2 or gate.wait() else 0)
    loader = DataLoader(data, 2, num_workers=2, persistent_workers=persistent)
    it = iter(loader)
    it.pending[1][0].tasks.put(poison())  # after two batches of worker 1, before its third
    gate.set()
    dead = "RuntimeError: DataLoader worker 1 exited unexpectedly: its thread is dead"
    assert drained(it) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], dead]
    assert drained(iter(loader)) == [[i, i + 1] for i in range(0, 12, 2)]


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("persistent", [False, True])
def test_where_there_are_no_threads_the_message_names_the_cure(after, persistent, monkeypatch):
    """As under Pyodide, and at the limits of a user or a container."""
    start, started = threading.Thread.start, []

    def limited(self):
        started.append(self)
        if len(started) > after:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    loader = DataLoader(Mapped(4), num_workers=2, persistent_workers=persistent)
    with pytest.raises(RuntimeError, match=rf"worker {after} of 2 cannot be started \(can't start.*use num_workers=0"):
        iter(loader)
    monkeypatch.undo()
    assert len(list(loader)) == 4


def test_a_worker_that_is_dropped_ends():
    worker = Worker(tg.data.WorkerInfo(0, 1, 5, None))
    thread = worker.thread
    del worker
    thread.join(5)
    assert not thread.is_alive()


class Once(Mapped):
    """raises KeyboardInterrupt at an item, the first time"""

    def __init__(self, n, bad):
        super().__init__(n)
        self.bad = {bad}

    def __getitem__(self, i):
        if i in self.bad:
            self.bad.discard(i)
            raise KeyboardInterrupt
        return i


def test_what_an_interrupt_keeps_from_being_fetched_is_fetched_again():
    it = iter(DataLoader(Once(6, 3), 2))
    assert next(it).tolist() == [0, 1]
    with pytest.raises(KeyboardInterrupt):
        next(it)
    assert drained(it) == [[2, 3], [4, 5]]


class Interrupted(IterableDataset):
    """0 to 5, as an order or as a stream, with an interrupt before one of them"""

    def __init__(self, bad):
        self.bad = bad

    def __iter__(self):
        for i in range(6):
            if i == self.bad:
                raise KeyboardInterrupt
            yield i


@pytest.mark.parametrize(
    "make",
    [
        lambda bad: DataLoader(Interrupted(bad)),
        lambda bad: DataLoader(Mapped(6), sampler=Interrupted(bad)),
        lambda bad: DataLoader(Mapped(6), sampler=Interrupted(bad), num_workers=2, prefetch_factor=1),
    ],
)
def test_an_interrupt_within_an_order_or_a_stream_is_not_its_end(make):
    loader = make(3)
    it = iter(loader)
    got = [next(it).tolist()]
    with pytest.raises(KeyboardInterrupt):
        got.extend(batch.tolist() for batch in it)
    state = loader.state_dict()
    assert len(got) <= state["epoch"]["handed"]
    with pytest.raises(RuntimeError, match=r"interrupted.*load_state_dict\(loader.state_dict\(\)\)"):
        list(it)
    again = make(None)
    again.load_state_dict(state)
    assert got + drained(iter(again)) == [[i] for i in range(6)]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
def test_interrupts_at_any_moment_leave_a_state_to_go_on_from():
    """`TINYGRAD_CNN_TRIES` says how many: each at another moment of a loop over 50 batches."""

    def loader(workers):
        return DataLoader(Mapped(200), 4, shuffle=True, num_workers=workers, generator=tg.Generator())

    def interrupt(*_):
        raise KeyboardInterrupt

    expected = [batch.tolist() for batch in loader(0)]
    stopped = 0
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for trial in range(int(os.environ.get("TINYGRAD_CNN_TRIES", "30"))):
            first, again = loader(trial % 3), loader((trial + 1) % 3)
            it = iter(first)
            got = [next(it).tolist()]
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + 0.00003 * (trial % 60))
                for batch in it:
                    got.append(batch.tolist())
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                stopped += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            state = first.state_dict()
            handed = len(expected) if state["epoch"] is None else state["epoch"]["handed"]
            assert handed - len(got) in (0, 1)  # what was on its way when the interrupt came
            assert got == expected[: len(got)]
            again.load_state_dict(state)
            if state["epoch"] is not None:
                assert [batch.tolist() for batch in again] == expected[handed:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stopped


PROGRAM = """
import os, signal, sys, time, tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader
class Slow:
    def __len__(self): return 10_000
    def __getitem__(self, i):
        time.sleep(0.001)
        return i
loader = DataLoader(Slow(), 2, num_workers=3, persistent_workers=True)
"""


def run(program, **options):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + textwrap.dedent(program)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes here")
@pytest.mark.parametrize("by", ["SIGINT", "SIGKILL"])
def test_nothing_is_left_of_a_process_that_was_stopped(by):
    process = run("""
    for i, batch in enumerate(loader):
        if i == 3: print("running", flush=True)
    """)
    assert process.stdout.readline() == "running\n"
    start = time.monotonic()
    process.send_signal(getattr(signal, by))
    errors = process.communicate(timeout=30)[1]
    assert time.monotonic() - start < 10
    assert process.returncode == -getattr(signal, by)
    assert errors.strip().endswith("KeyboardInterrupt") or (by == "SIGKILL" and not errors)
    with pytest.raises(ProcessLookupError):  # nor is there anybody else of its group
        os.killpg(process.pid, 0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_has_no_workers_and_says_so_or_makes_new_ones():
    process = run("""
    import warnings
    warnings.simplefilter("ignore")
    it = iter(loader)
    first = next(it).tolist()
    if os.fork() == 0:
        try:
            while True: next(it)
        except RuntimeError as error:
            print(error, flush=True)
        print(first == next(iter(loader)).tolist(), flush=True)
        os._exit(0)
    print(os.wait()[1], flush=True)
    """)
    out, errors = process.communicate(timeout=60)
    lines = out.splitlines()
    assert len(lines) == 3, errors
    assert re.fullmatch(r"DataLoader worker \d exited unexpectedly: its thread is dead", lines[0])
    assert lines[1:] == ["True", "0"]
