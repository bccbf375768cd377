"""Nobody waits for the compiler: NumPy does the work, and a process of its own compiles meanwhile.

A program that still needs a topic of `fast/` a moment after it first did leaves a wish in the cache directory
(place.py), and starts such a process if none is at work there. That one makes what is wished for, the oldest wish
first, then everything else; it goes on after the program has ended, so that the next one finds its kernels ready.
They know each other by files:

    TOPIC-MACHINE.ready     all loops of the topic are compiled; programs look for it every now and then
    wishes/                 a wish each: a topic, or how a loop is made from a formula
    at-work                 locked while a process compiles: one at a time, however many programs ask
    failed                  why it had to give up

The process has a low priority, no terminal and no output, does not stop at Ctrl-C, and ends by itself. None is started
where nothing can be written, by a process that was forked from another, as workers are, or by an application that is
no plain Python. One that dies is not started again for the same wish; NumPy goes on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

from ..arrays.apart import start
from . import TOPICS, Unusable, place, threads
from .once import undisturbed

try:
    import fcntl
except ImportError:  # Windows: several processes may compile the same, one for each program
    fcntl = None  # type: ignore[assignment]

PAUSE = 0.25  # seconds from one look for what was not ready to the next
NICE = 10  # of a core that others want, it gets a tenth
LONG = 120.0  # seconds that no loop takes to be compiled
LINGER = 5.0  # seconds that the process waits for more wishes
LONGEST = 3600  # seconds after which it ends in any case
START = (
    "import os, sys; hasattr(os, 'fork') and os.fork() and os._exit(0); "  # so nobody has to wait for its end
    "sys.path[:] = sys.argv[2:]; from tinygrad_cnn.kernels.background import work; work(int(sys.argv[1]))"
)
_process = os.getpid()
_look_again: dict[str, float] = {}
_wished: dict[str, int] = {}  # when, in nanoseconds


# The program that asks.


def ready(topic: str) -> bool:
    """Whether a topic is compiled, or Numba will say at its import that nothing can be; if not, it is wished for.

    Unusable, once it is known that the compiler fails.
    """
    now, look_again = time.monotonic(), _look_again.get(topic, 0.0)
    if now < look_again:
        return False
    if not can_compile() or is_compiled(topic):
        return True
    _look_again[topic] = now + PAUSE
    if look_again and (path := place.directory()) is not None:  # this is no program of a moment
        wish(what := f'["{topic}"]')
        threads.spare(int(_is_at_work(path)))
        _hear_of_failure(path, since=_wished[what])
    return False


def _is_at_work(path: str) -> bool:
    """Whether a process compiles; it writes the time at each loop, and 0 when it has nothing left to do."""
    try:
        return time.time() - os.stat(os.path.join(path, "at-work")).st_mtime < LONG
    except OSError:
        return False


def _hear_of_failure(path: str, since: int) -> None:
    with suppress(OSError, ValueError), open(os.path.join(path, "failed"), encoding="utf-8") as failed:
        if os.fstat(failed.fileno()).st_mtime_ns >= since:
            raise Unusable(failed.read())


def is_compiled(topic: str) -> bool:
    """Whether all loops of a topic are in the cache, for this machine."""
    return (path := place.directory()) is not None and os.path.exists(_ready_file(path, topic))


def set_compiled(*topics: str) -> None:
    """Tell all programs of topics that are."""
    if (path := place.directory()) is not None:
        for topic in topics:
            with suppress(OSError):  # then they will be compiled once more
                place.write(_ready_file(path, topic), b"")


def can_compile() -> bool:
    """Whether Numba is there and may compile, as far as can be told without it."""
    return place.is_there("numba") and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def _ready_file(path: str, topic: str) -> str:
    return os.path.join(path, f"{topic}-{place.machine()}.ready")


def wish(what: str) -> None:
    """Have something compiled, as soon as may be: `["topic"]`, or `["module", "function", arguments ...]` in JSON."""
    if what in _wished:
        return
    _wished[what] = time.time_ns()
    try:
        if (path := place.directory()) is not None and place.writable():
            os.makedirs(os.path.join(path, "wishes"), exist_ok=True)
            place.write(os.path.join(path, "wishes", f"{_wished[what]}-{os.getpid()}"), what.encode())
            if _may_start():
                undisturbed(_start, path)  # a process that is forked meanwhile would hold the lock as well
    except OSError:  # a full disk, or a process is at work
        pass
    except BaseException:  # an interrupt: the next call wishes again
        _wished.pop(what, None)
        raise


def _may_start() -> bool:
    """Whether this process can start a Python: one that an application holds knows the application as executable."""
    plain = "python" in os.path.basename(sys.executable or "").lower() and not getattr(sys, "frozen", False)
    return plain and os.getpid() == _process


def _start(path: str) -> None:
    """Start the process that compiles, if none is at work. It holds the lock as long as it lives."""
    import subprocess  # which most programs do without

    detached: dict = {"cwd": path, **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)}
    with open(file := os.path.join(path, "at-work"), "ab") as at_work:
        if fcntl is not None:
            fcntl.flock(at_work, fcntl.LOCK_EX | fcntl.LOCK_NB)
            detached["pass_fds"] = [at_work.fileno()]
        else:
            detached["creationflags"] = subprocess.DETACHED_PROCESS | subprocess.BELOW_NORMAL_PRIORITY_CLASS  # type: ignore
        os.utime(file)
        told = {"TINYGRAD_CNN_KERNELS": "fast", "NUMBA_CACHE_DIR": os.path.dirname(path), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", START, str(at_work.fileno()), *map(os.path.abspath, sys.path)]
        process = subprocess.Popen(command, env={**os.environ, **told}, **detached)
    with suppress(RuntimeError):  # the program ends, or has too many threads: the system buries the dead
        start(threading.Thread(target=process.wait, name="once: start", daemon=True))


# The process that compiles.


def work(held: int) -> None:
    """Its whole life; `held` is the file that it holds locked."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # Ctrl-C is for those in the terminal's group; a session would be given more time
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.alarm(LONGEST)
        os.nice(NICE)
    if (path := place.directory()) is None:
        return
    compiler = Compiler(path)
    try:
        compiler.run()
        while fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_UN)
            if not compiler.wished():  # who wishes later, finds nobody at work
                return
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            compiler.run()
    except OSError:  # the directory is gone, or another process works on
        pass
    except Exception as why:
        place.write(os.path.join(path, "failed"), f"{type(why).__name__}: {why}".encode())


class Compiler:
    """Compiles a loop at a time: those that are wished for by their formulas, those of topics that are, the others."""

    def __init__(self, path: str):
        self.wishes, self.at_work = os.path.join(path, "wishes"), os.path.join(path, "at-work")
        self.asked, self.rest = list[str](), list(TOPICS)
        self.steps = self._loops()

    def run(self) -> None:
        """Go on until nothing has been wished for in a while; OSError where nothing can be kept."""
        until = time.monotonic() + LINGER
        while time.monotonic() < until:
            if self._grant() or next(self.steps, None):
                os.utime(self.at_work)
                until = time.monotonic() + LINGER
            else:
                os.utime(self.at_work, (0, 0))
                time.sleep(0.05)

    def wished(self) -> list[str]:
        """The files of wishes, oldest first; hidden ones are still being written."""
        return sorted(name for name in os.listdir(self.wishes) if not name.startswith("."))

    def _grant(self) -> bool:
        """Make the loops that are wished for, and hear which topics are; whether anything was."""
        import json

        names = self.wished()
        for name in names:
            with open(file := os.path.join(self.wishes, name), "rb") as wish:
                content = wish.read()
            os.unlink(file)  # first: whoever dies of it, does so once
            with suppress(Exception):  # it is nobody's wish, or a formula that cannot be compiled: NumPy does its work
                match json.loads(content):
                    case [str(topic)] if topic in self.rest:
                        self.rest.remove(topic)
                        self.asked.append(topic)
                    case [str(module), str(function), *arguments] if module.startswith(f"{__package__}.fast."):
                        getattr(import_module(module), function)(*arguments).load()
        return bool(names)

    def _loops(self) -> Iterator[bool]:
        """Compile topics, a loop at each step."""
        while topics := self.asked or self.rest:
            if is_compiled(topic := topics.pop(0)):
                continue
            compiled = import_module(f"{__package__}.fast.machinery.compiled")
            import_module(f"{__package__}.fast.{topic}")
            for loop in compiled.every():
                loop.load()
                yield True
            if not compiled.all_kept():
                raise OSError(f"the kernels of {topic} were not kept")
            set_compiled(topic)
