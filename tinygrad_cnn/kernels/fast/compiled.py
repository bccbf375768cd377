"""How Numba is used here: one signature a function, compiled or loaded at its first call, one team of threads.

    @compiled("f4[::1], f4[::1]")
    def relu(thread, part, parts, x, out): ...      does one of `parts` parts of the work, on the thread of that number

    relu(nanoseconds, x, out)                       with the time that one core would need, about

There are more parts than threads, and each thread takes the next when it is through: where another program
takes the time of one core, the threads on the others do more. What is summed in parts is not cut so (pieces=1):
results do not depend on which thread was quicker.

Too little work stays on the calling thread and never touches the pool. One Python thread at a time enters
the pool, since Numba's simplest one allows no more; who comes while it is taken works alone.

Compiled code is kept on disk in NUMBA_CACHE_DIR, or else in the user's cache directory, under a name made
from these sources: Numba by itself would look only at the file of the outermost function.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import llvmlite.ir as ir
import numba
import numpy as np
from numba import types
from numba.core import event
from numba.extending import intrinsic

from .. import Unusable, threads

SUMS = {"reassoc", "contract"}  # sums in any order, fused with products; infinities and NaN keep their meaning
SPLIT = 30_000  # nanoseconds of work below which waking the other threads does not pay
_every: list[Compiled] = []
_turn = threading.Lock()  # to enter the pool
_load = threading.RLock()  # to compile


class Compiled:
    """A loop in machine code; a call is `loop(nanoseconds of work on one core, *arguments)`."""

    def __init__(self, share: Callable, signature: str, pieces: int):
        self.share, self.signature, self.pieces, self.code = share, signature, pieces, None
        _every.append(self)

    def __call__(self, nanoseconds: float, *arguments) -> None:
        code = self.code or self.load()
        if nanoseconds < SPLIT or (team := threads.count()) < 2 or not _turn.acquire(blocking=False):
            code(1, *arguments)
            return
        try:
            code(min(team, numba.config.NUMBA_NUM_THREADS), *arguments)
        finally:
            _turn.release()

    def load(self) -> Callable:
        """The machine code: from memory, from disk, or compiled now."""
        with _load, warnings.catch_warnings():
            if self.code is None:
                warnings.simplefilter("ignore")  # of thread pools that Numba finds too old
                _start_pool()
                entry = self._entry()
                try:
                    self.code = self._compile(entry, keep=cache_directory() is not None)
                except Exception:  # whatever a damaged cache may raise
                    self.code = self._compile_alone(entry)
                threads.pool_started()
        return self.code

    def _compile_alone(self, entry: Callable) -> Callable:
        try:
            return self._compile(entry, keep=False)
        except Exception as why:  # whatever a compiler may raise
            raise Unusable(f"Numba {numba.__version__} cannot compile {self.share.__name__}: {why}") from why

    def _entry(self) -> Callable:
        """The function that Numba compiles: all in one part here, or many parts in the pool."""
        _, _, _, *names = inspect.signature(self.share).parameters
        names, name = ", ".join(names), self.share.__name__
        source = f"""
def {name}(team, {names}):
    if team == 1:
        share(0, 0, 1, {names})
    else:
        parts = team * {self.pieces}
        taken = zeros(1, int64)
        for thread in prange(team):
            part = take(taken.ctypes.data)
            while part < parts:
                share(thread, part, parts, {names})
                part = take(taken.ctypes.data)
"""
        share = numba.njit(nogil=True, error_model="numpy", fastmath=SUMS)(self.share)
        scope = {"__name__": self.share.__module__, "share": share, "prange": numba.prange}
        scope |= {"take": _take, "zeros": np.zeros, "int64": np.int64}
        code = self.share.__code__
        exec(compile("\n" * code.co_firstlineno + source, code.co_filename, "exec"), scope)
        return scope[name]

    def _compile(self, entry: Callable, keep: bool) -> Callable:
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, cache_directory() or ""
        try:
            with event.install_listener("numba:compile", _Announce()):
                signature = f"void(intp, {self.signature})"
                return numba.njit(signature, parallel=True, nogil=True, error_model="numpy", cache=keep)(entry)
        finally:
            numba.config.CACHE_DIR = before


def _start_pool() -> None:
    """Start Numba's threads so that they sleep while they wait.

    OpenMP's would spin, which is a few microseconds quicker on an idle machine, and on a busy one up to a thousand
    times slower: they take the time that the thread they wait for needs.
    """
    wish = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = wish or "passive"
    try:
        numba.get_num_threads()
    finally:
        if wish is None:
            del os.environ["OMP_WAIT_POLICY"]


@intrinsic
def _take(typing, counter):
    """The number at an address, which grows by one: no two threads are given the same."""

    def emit(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(types.intp), emit


def compiled(signature: str, pieces: int = 4) -> Callable[[Callable], Compiled]:
    """Make a loop of one part of the work; the signature names the types after (thread, part, parts)."""
    return lambda share: Compiled(share, signature, pieces)


def warmup() -> None:
    """Compile every loop now, or load it where that has been done before."""
    for loop in _every:
        loop.load()


def status() -> dict[str, str]:
    """What `kernels.status()` tells of the compiled kernels."""
    return {"numba": numba.__version__, "cache": cache_directory() or "none: no directory can be written"}


@cache
def cache_directory() -> str | None:
    """Where compiled code of exactly these sources is kept; None where nothing can be written."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + numba.__version__.encode())
    path = Path(numba.config.CACHE_DIR or _user_cache()) / f"kernels-{digest.hexdigest()[:16]}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError:
        return None
    return str(path)


def _user_cache() -> Path:
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "tinygrad_cnn"


class _Announce(event.Listener):
    """Says once, and only when something is compiled, what the user is waiting for."""

    said = False

    def on_start(self, event) -> None:
        if not _Announce.said:
            _Announce.said = True
            kept = "kept for the next time" if cache_directory() else "not kept: no cache directory can be written"
            print(f"tinygrad_cnn: compiling kernels, once ({kept})", file=sys.stderr, flush=True)

    def on_end(self, event) -> None:
        pass
