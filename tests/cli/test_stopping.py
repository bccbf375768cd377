"""Ctrl-C, SIGTERM and SIGHUP: a command ends by itself, without a traceback, and says so by its exit code."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from tinygrad_cnn.cli import info, main
from tinygrad_cnn.stopping import AGAIN, SIGNALS, stop

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals")
COMMAND = [sys.executable, "-m", "tinygrad_cnn"]
TRIALS = int(os.environ.get("TINYGRAD_CNN_SIGNALS", "1"))


def listen():
    """Hear Ctrl-C and the others, which what started the tests may have told them to ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def started(*args, **options):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(args, preexec_fn=listen, **pipes | options)


@pytest.fixture
def at_work(monkeypatch):
    """Run a function as a command of this process."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    listen()
    there = [signal.getsignal(number) for number in SIGNALS]

    def work(function):
        monkeypatch.setattr(info, "run", lambda args: function())
        code = main(["info"])
        assert [signal.getsignal(number) for number in SIGNALS] == there, "handled as before"
        assert sys.unraisablehook is hook
        return code

    hook = sys.unraisablehook
    yield work
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_where_nothing_can_be_lost_a_command_ends_at_once(at_work, number, capsys):
    closed = []

    def work():
        try:
            signal.raise_signal(number)
            time.sleep(30)
        finally:
            closed.append(True)

    assert at_work(work) == 128 + number
    assert closed == [True]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("number", SIGNALS)
def test_where_something_can_be_lost_it_comes_to_an_end(at_work, number):
    done = []

    def work():
        with stop.noted():
            signal.raise_signal(number)
            signal.raise_signal(number)  # passed on by a shell as well: the same one
            done.append(stop.told)
        with stop.at_once():
            done.append("never")

    assert at_work(work) == 128 + number
    assert done == [number]
    assert at_work(lambda: 0) == 0, "what was told to one command is not told to the next"


def test_what_is_ignored_stays_ignored(at_work):
    def work():
        signal.raise_signal(signal.SIGHUP)
        return 0

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with pytest.raises(AssertionError, match="handled as before"):
        at_work(work)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_in_another_thread_no_handler_is_set(at_work):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(at_work(lambda: 7)))
    thread.start()
    thread.join()
    assert codes == [7]


def test_a_second_ctrl_c_ends_the_process_and_its_workers():
    code = f"""
import multiprocessing, signal, sys, time
from tinygrad_cnn.cli import info, main
from tinygrad_cnn.stopping import stop

def work(args):
    worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    with stop.noted():
        worker.start()
        print(worker.pid, flush=True)
        signal.raise_signal(signal.SIGINT)
        time.sleep({2 * AGAIN})
        signal.raise_signal(signal.SIGINT)
        print("never")

info.run = work
sys.exit(main(["info"]))
"""
    process = started(sys.executable, "-c", code)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(out), 0)


def test_a_finalizer_cannot_swallow_it():
    code = """
import signal, sys
from tinygrad_cnn.cli import info, main

class Thing:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def work(args):
    Thing()
    print("never")

info.run = work
sys.exit(main(["info"]))
"""
    process = started(sys.executable, "-c", code)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "", "")


def test_a_library_handles_no_signals():
    code = (
        "import signal, sys\n"
        "before = list(map(signal.getsignal, signal.valid_signals()))\n"
        "import tinygrad_cnn, tinygrad_cnn.cli, tinygrad_cnn.viz\n"
        "assert list(map(signal.getsignal, signal.valid_signals())) == before\n"
    )
    process = started(sys.executable, "-c", code)
    assert process.communicate(timeout=60) == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_is_loaded_a_command_ends_at_once(number):
    for _ in range(TRIALS):
        process = started(sys.executable, "-X", "importtime", "-m", "tinygrad_cnn", "info")
        for line in process.stderr:
            if "tinygrad_cnn.leaving" in line:
                break
        time.sleep(random.uniform(0, 0.5))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        # A process that has said all and is about to end has no handlers any more.
        assert process.returncode in ((0, -number) if "mpich" in out else (128 + number,)), err
