"""From a Python function to machine code: loaded from disk, or compiled once, with a word to the user.

Compiled code is kept in NUMBA_CACHE_DIR, or else in the user's cache directory, under a name made from these
sources: Numba by itself would look only at the file of the outermost function, and run whatever code it finds. Here
each file begins with a checksum of the rest, and one that is damaged counts as none. A file is written beside its
place and then moved there, so several processes may do so at once. Where nothing can be written, code is compiled
anew for each process.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import compiler, event, serialize

from ... import Unusable, Unwanted

FAST = Path(__file__).parent.parent
SUM = hashlib.sha256().digest_size


def machine_code(function: Callable, signature: str) -> Callable:
    """The function, compiled for arguments of the types that the signature names; Unusable where that fails."""
    if numba.config.DISABLE_JIT:
        raise Unwanted("Numba is told to compile nothing (DISABLE_JIT)")
    try:
        dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
        if cache_directory() is not None and FAST in Path(function.__code__.co_filename).parents:
            dispatcher._cache = _Kept(function)
        with event.install_listener("numba:compile", _Announce()):
            dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher
    except MemoryError:  # which may be better at the next call
        raise
    except Exception as why:  # whatever a compiler may raise
        raise Unusable(f"Numba {numba.__version__} cannot compile {function.__name__}: {why}") from why


class _Kept:
    """The compiled code of a function on disk; takes the place of the cache that a dispatcher of Numba has."""

    cache_path = None  # Numba asks for it to tell statistics

    def __init__(self, function: Callable):
        self.name = f"{Path(function.__code__.co_filename).stem}.{function.__name__}"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """What Numba's compiler has once made, or None."""
        target_context.refresh()
        try:
            content = self._path(signature, target_context).read_bytes()
            if hashlib.sha256(content[SUM:]).digest() != content[:SUM]:
                return None
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(content[SUM:]))
        except MemoryError:
            raise
        except Exception:  # no such file, or one of another kind than this Numba writes
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep it, if that can be."""
        path = self._path(signature, result.target_context)
        beside = path.with_suffix(f".{os.getpid()}")
        try:
            if result.library.has_dynamic_globals:  # addresses in this process
                return
            content = serialize.dumps(result._reduce())
            try:
                beside.write_bytes(hashlib.sha256(content).digest() + content)
                os.replace(beside, path)
            finally:
                beside.unlink(missing_ok=True)
        except Exception:  # a full disk, or a Numba that keeps its results in another form
            pass

    def _path(self, signature: Any, target_context: Any) -> Path:
        """Code differs by signature, by processor, and by what Numba is told to make of it."""
        config = numba.config
        told = config.OPT, config.BOUNDSCHECK, config.DEBUGINFO_DEFAULT, config.LOOP_VECTORIZE, config.SLP_VECTORIZE
        key = repr((signature, target_context.codegen().magic_tuple(), told))
        return Path(cache_directory() or "") / f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.kernel"


@cache
def cache_directory() -> str | None:
    """Where compiled code of exactly these sources is kept; None where nothing can be written."""
    versions = numba.__version__, llvmlite.__version__, platform.python_version(), platform.machine()
    digest = hashlib.sha256(repr(versions).encode())
    for source in sorted(FAST.rglob("*.py")):
        digest.update(source.relative_to(FAST).as_posix().encode() + source.read_bytes())
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
