"""Nobody waits for the compiler: NumPy does the work, and a process of its own compiles meanwhile.

A program that needs a topic of `fast/` which is not compiled leaves a wish in the cache directory (place.py), and
starts such a process if none is at work there. That one makes what is wished for, the oldest wish first, then
everything else; it goes on after the program has ended, so that the next one finds its kernels ready. They know each
other by files:

    TOPIC-MACHINE.ready     all loops of the topic are compiled; programs look for it every now and then
    wishes/                 a wish each: a topic, or how a loop is made from a formula
    at-work                 locked while a process compiles: one at a time, however many programs ask
    failed                  why it had to give up

The process has a low priority, no terminal and no output, does not stop at Ctrl-C, and ends by itself. None is started
where nothing can be written, by a process that was forked from another, as workers are, or by an application that is
no plain Python. One that dies is not started again for the same wish; NumPy goes on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from . import TOPICS, Unusable, place
from .once import lock, watch_forks

try:
    import fcntl
except ImportError:  # Windows: several processes may compile the same, one for each program
    fcntl = None  # type: ignore[assignment]

PAUSE = 0.25  # seconds from one look for what was not ready to the next
NICE = 10  # of a core that others want, it gets a tenth
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
    if (now := time.monotonic()) < _look_again.get(topic, 0.0):
        return False
    if not can_compile() or is_compiled(topic):
        return True
    _look_again[topic] = now + PAUSE
    wish(what := json.dumps([topic]))
    if (path := place.directory()) is not None:
        with suppress(OSError, ValueError):
            failed = path / "failed"
            if failed.stat().st_mtime_ns >= _wished[what]:
                raise Unusable(failed.read_text(encoding="utf-8"))
    return False


def is_compiled(topic: str) -> bool:
    """Whether all loops of a topic are in the cache, for this machine."""
    return (path := place.directory()) is not None and (path / _ready_name(topic)).exists()


def set_compiled(*topics: str) -> None:
    """Tell all programs of topics that are."""
    if (path := place.directory()) is not None:
        for topic in topics:
            with suppress(OSError):  # then they will be compiled once more
                place.write(path / _ready_name(topic), b"")


def can_compile() -> bool:
    """Whether Numba is there and may compile, as far as can be told without it."""
    return place.is_there("numba") and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def _ready_name(topic: str) -> str:
    return f"{topic}-{place.machine()}.ready"


def wish(what: str) -> None:
    """Have something compiled, as soon as may be: `["topic"]`, or `["module", "function", arguments ...]` in JSON."""
    if what in _wished:
        return
    _wished[what] = time.time_ns()
    if (path := place.directory()) is None or not place.writable():
        return
    try:
        (path / "wishes").mkdir(exist_ok=True)
        place.write(path / "wishes" / f"{_wished[what]}-{os.getpid()}", what.encode())
    except OSError:  # a full disk
        return
    if _may_start():
        watch_forks()
        with suppress(RuntimeError):  # the program is about to end, or has too many threads
            threading.Thread(target=_start, args=(path,), name="once: start", daemon=True).start()


def _may_start() -> bool:
    """Whether this process can start a Python: one that an application holds knows the application as executable."""
    plain = "python" in os.path.basename(sys.executable or "").lower() and not getattr(sys, "frozen", False)
    return plain and os.getpid() == _process


def _start(path: Path) -> None:
    """Start the process that compiles, if none is at work. It holds the lock as long as it lives."""
    import subprocess  # which most programs do without

    detached: dict = {"cwd": path}
    with lock, open(path / "at-work", "ab") as at_work, suppress(OSError):  # forks wait: they would hold it as well
        if fcntl is not None:
            fcntl.flock(at_work, fcntl.LOCK_EX | fcntl.LOCK_NB)
            detached["pass_fds"] = [at_work.fileno()]
        else:
            detached["creationflags"] = subprocess.DETACHED_PROCESS | subprocess.BELOW_NORMAL_PRIORITY_CLASS  # type: ignore
        for stream in ("stdin", "stdout", "stderr"):
            detached[stream] = subprocess.DEVNULL
        told = {"TINYGRAD_CNN_KERNELS": "fast", "NUMBA_CACHE_DIR": str(path.parent), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", START, str(at_work.fileno()), *map(os.path.abspath, sys.path)]
        subprocess.Popen(command, env={**os.environ, **told}, **detached).wait()


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
    wishes, rest = path / "wishes", list(TOPICS)
    try:
        _grant(wishes, rest)
        while fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_UN)
            if not os.listdir(wishes):  # who wishes later, finds nobody at work
                return
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _grant(wishes, rest)
    except OSError:  # the directory is gone, or another process works on
        pass
    except Exception as why:
        place.write(path / "failed", f"{type(why).__name__}: {why}".encode())


def _grant(wishes: Path, rest: list[str]) -> None:
    """Compile what is wished for, then the rest of the topics, then what is wished for within a while."""
    until = time.monotonic() + LINGER
    while time.monotonic() < until:
        if names := sorted(os.listdir(wishes)):
            content = (wishes / names[0]).read_bytes()
            (wishes / names[0]).unlink()
            topic = _grant_one(content)
        elif rest:
            topic = rest[0]
        else:
            time.sleep(0.05)
            continue
        if topic in rest:
            rest.remove(topic)
            _compile(topic)
        until = time.monotonic() + LINGER


def _grant_one(content: bytes) -> str:
    """Make a loop from its formula, or say which topic is meant; what else the file may hold is nobody's wish."""
    with suppress(Exception):  # where one formula cannot be compiled, NumPy does its work
        match json.loads(content):
            case [str(topic)]:
                return topic
            case [str(module), str(function), *arguments] if module.startswith(f"{__package__}.fast."):
                getattr(import_module(module), function)(*arguments).load()
    return ""


def _compile(topic: str) -> None:
    """Compile all loops of a topic; OSError where they cannot be kept."""
    if not is_compiled(topic):
        import_module(f"{__package__}.fast.{topic}")
        if not import_module(f"{__package__}.fast.machinery.compiled").load_all():
            raise OSError(f"the kernels of {topic} were not kept")
        set_compiled(topic)
