"""The processes in which a live script runs, from the inside and the outside.

One process imports the library, and has its kernels ready, before there is anything to run; for each run it forks, and
waits for the end of that fresh process. Where processes cannot fork, it runs one script itself, and another process
that is ready takes its place. It reads a line of JSON for each thing to do, a script first and then pins, and answers
each with a line. The script's own input is empty, and what it prints goes to standard error. When whoever started all
this is gone, they end, whatever they do.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.nn.functional import cross_entropy
from tinygrad_cnn.random import get_rng_state, set_rng_state

from . import command
from .chance import chances, put_back
from .pins import Pin, Pinned, Use, small
from .script import Script
from .snapshot import json_text

FORKS = hasattr(os, "fork") and sys.platform != "darwin"  # whose own libraries do not bear it
GROUPS = os.name == "posix"  # of processes, which are ended together
START = "import sys; sys.path[:] = {path!r}; from tinygrad_cnn.viz import live_process; live_process.main({forks})"
APART: dict[str, Any] = {"start_new_session": True} if GROUPS else {"creationflags": 0x200}


class Runner:
    """Runs one script at a time, each in a fresh process that need not import the library."""

    def __init__(self) -> None:
        self.ready = [_process() for _ in range(1 if FORKS else 2)]
        self.now: Running | None = None
        self.lock = threading.Lock()  # of who begins or ends a run

    def start(self, **task: Any) -> Running:
        """Run this script; the one before is ended."""
        self.stop()
        with self.lock:
            if self.ready[0].poll() is not None:  # the script has ended even this
                self.ready.append(_replaced(self.ready.pop(0)))
            self.now = Running(self.ready[0], task)
            return self.now

    def stop(self) -> None:
        """End the script that runs, and what it has started."""
        with self.lock:
            if self.now is not None:
                self.now.end()
                if not FORKS:
                    self.ready.append(_replaced(self.ready.pop(0)))
            self.now = None

    def close(self) -> None:
        self.stop()
        for process in self.ready:
            _ended(process)


def _process() -> subprocess.Popen:
    """A process that gets ready. It is not told of Ctrl-C, which is for whoever starts it."""
    command = [sys.executable, "-c", START.format(path=sys.path, forks=FORKS)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **APART)


def _ended(process: subprocess.Popen) -> None:
    process.kill()
    with suppress(OSError):  # what was not read any more
        process.communicate()


def _replaced(process: subprocess.Popen) -> subprocess.Popen:
    _ended(process)
    return _process()


class Running:
    """One run of a script: what it answers, until it has ended."""

    def __init__(self, process: subprocess.Popen, task: dict[str, Any]):
        self.process = process
        self.lock = threading.Lock()  # of who waits for an answer
        self.code: int | None = None  # when it has ended
        self._send(task)
        self.pid = (self._answer() or {}).get("pid", process.pid)

    def answer(self) -> dict[str, Any] | None:
        """Its next answer; None where it has ended."""
        with self.lock:
            return self._answer()

    def ask(self, **what: Any) -> dict[str, Any] | None:
        """Its answer to this."""
        with self.lock:
            if self.code is None:
                self._send(what)
            return self._answer()

    def end(self) -> None:
        if self.code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL) if GROUPS else self.process.kill()
        while self.answer() is not None:
            pass

    def _send(self, what: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # it has ended, as the answer will say
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()

    def _answer(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        while self.code is None:
            line = self.process.stdout.readline()
            if not line:
                self.code = self.process.wait()
            with suppress(ValueError):  # half an answer, of a process that was ended
                answer = json.loads(line)
                if "ended" not in answer:
                    return answer
                self.code = answer["ended"]
        return None


def main(forks: bool) -> None:
    asked, answers = _ends()
    ready()
    while task := asked.readline():
        if not forks:
            _serve(task, asked, answers)
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            _serve(task, asked, answers)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _say(answers, {"ended": code})


def _serve(task: bytes, asked: Any, answers: BinaryIO) -> NoReturn:
    """Run a script, and then with pins, as long as someone asks."""
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, tasks), daemon=True).start()
    sys.dont_write_bytecode = True  # compiled files are told apart by seconds, and a file may change twice in one
    sys.pycache_prefix = os.devnull
    _say(answers, {"pid": os.getpid()})
    run = Run(**json.loads(task))
    _say(answers, run.first())
    while True:
        _say(answers, run.again(**tasks.get()))


def _say(answers: BinaryIO, what: dict[str, Any]) -> None:
    """Answer in a line of its own, behind what a process that was ended may have left."""
    try:
        answers.write(b"\n" + json_text(what).encode() + b"\n")
        answers.flush()
    except OSError:  # nobody hears it any more
        os._exit(1)


def _ends() -> tuple[Any, BinaryIO]:
    """What was standard input and output, of which the script is given others."""
    asked, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return asked, answers


def _listen(asked: Any, tasks: queue.SimpleQueue) -> None:
    """Take what is asked; at its end, be gone, with all that the script has started."""
    for line in asked:
        tasks.put(json.loads(line))
    if GROUPS:
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def ready() -> None:
    """Do what takes its time when it is done for the first time: a small network brings modules and kernels in."""
    state = get_rng_state()
    small = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1152, 100))
    with Pinned() as run:
        cross_entropy(small(tg.randn(8, 1, 28, 28)), tg.arange(8)).backward()
    json_text(run.document)
    set_rng_state(state)


class Run:
    """A script that was run, and can be run again with a pin: from the same random numbers, with modules read anew."""

    def __init__(self, target: str, inputs: list[str], arguments: list[str]):
        self.target, self.inputs, self.arguments = target, inputs, arguments
        self.state = chances()
        self.uses: dict[str, Use] = {}
        self.block = 0  # in which of its recordings the document was made: that of the script, or of a call

    def first(self) -> dict[str, Any]:
        """The document, the files that it comes from, the leaves that can be pinned, and what went wrong."""
        recordings, trouble, files = self._recorded()
        document = recordings[-1].document if recordings else None
        if document is not None and not document["nodes"]:
            document = None
        if document is not None:
            self.uses, self.block = recordings[-1].leaves, len(recordings) - 1
        leaves = small(document, self.uses) if document is not None and trouble is None else []
        return {"document": document, "trouble": trouble, "files": sorted(files), "leaves": leaves}

    def again(self, node: str, index: list[int], value: float) -> dict[str, Any]:
        """The document with an element of a leaf pinned."""
        use = self.uses[node]
        recordings, trouble, _ = self._recorded(Pin(use.call, use.place, tuple(index), value))
        return {"document": recordings[-1].document if trouble is None else None, "trouble": trouble}

    def _recorded(self, pin: Pin | None = None) -> tuple[list[Pinned], dict[str, str] | None, set[str]]:
        recordings: list[Pinned] = []

        def recorder(*args: Any, **options: Any) -> Pinned:
            recordings.append(Pinned(*args, **options, pin=pin if len(recordings) == self.block else None))
            return recordings[-1]

        path = self.target.partition(":")[0]
        files, trouble = {os.path.abspath(path)}, None
        put_back(self.state)
        try:
            script = Script(path, self.arguments)
            files = script.files
            command.run_target(
                self.target,
                [command.shape(s) for s in self.inputs],
                values=True,
                check=True,
                recorder=recorder,
                script=script,
            )
        except BaseException as error:  # whatever the script raises is for the page
            trouble = {"text": _line(error), "trace": _trace(error, path)}
        return recordings, trouble, files


def _line(error: BaseException) -> str:
    """What went wrong, in one line."""
    known = isinstance(error, ValueError | OSError)
    return " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())


def _trace(error: BaseException, path: str) -> str:
    """The lines of the script that led to an error, as Python prints them."""
    said = error.__cause__ if isinstance(error, command.Failed) else error
    cause = said.__cause__ if said is not None else None
    if cause is None:
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename == path), len(frames))
    lines = traceback.format_list(frames[first:]) + traceback.format_exception_only(cause)
    return "".join(lines)
