"""From a Python function to machine code: loaded from disk, or compiled once, with a word to the user.

Numba by itself would look only at the file of the outermost function, and run whatever code it finds. Here the
directory has a name made from all sources (place.py), and each file begins with a checksum of its name and the rest:
one that is damaged, or belongs elsewhere, counts as none. A file is written beside its place and then moved there, so
several processes may do so at once. Where nothing can be written, code is compiled anew for each process.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import compiler, event, serialize

from .... import files
from ... import Unusable, Unwanted, place
from ...once import undisturbed

SUM = hashlib.sha256().digest_size


class Code:
    """A function and its machine code, for arguments of the types that the signature names.

    `made_of` tells functions apart that have one name and place, since they are made at run time; all others are in
    `every`, to be compiled ahead.
    """

    every: list[Code] = []

    def __init__(self, function: Callable, signature: str, made_of: str = ""):
        self.function, self.signature, self.made_of = function, signature, made_of
        self.code: Callable | None = None
        if not made_of:
            Code.every.append(self)

    def load(self) -> Callable:
        """The machine code: from memory, from disk, or compiled now; Unusable where that fails."""
        return self.code or undisturbed(self._load)

    def _load(self) -> Callable:
        if self.code is None:
            self.code = machine_code(self._entry(), self.signature, self.made_of)
        return self.code

    def file(self) -> Path | None:
        """Where it is kept, or would be; None where it cannot be."""
        dispatcher = _dispatcher(self._entry(), self.made_of)
        kept = dispatcher._cache
        return kept.path(self.signature, dispatcher.targetctx) if isinstance(kept, _Kept) else None

    def _entry(self) -> Callable:
        """The function that Numba compiles."""
        return self.function


def machine_code(function: Callable, signature: str, made_of: str = "") -> Callable:
    """The function, compiled now or loaded; Unusable where that fails."""
    if numba.config.DISABLE_JIT:
        raise Unwanted("Numba is told to compile nothing (DISABLE_JIT)")
    try:
        dispatcher = _dispatcher(function, made_of)
        with event.install_listener("numba:compile", _Announce()):
            dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher
    except MemoryError:  # which may be better at the next call
        raise
    except Exception as why:  # whatever a compiler may raise
        raise Unusable(f"Numba {numba.__version__} cannot compile {function.__name__}: {why}") from why


def _dispatcher(function: Callable, made_of: str) -> Any:
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    if place.directory() is not None and Path(place.FAST) in Path(function.__code__.co_filename).parents:
        dispatcher._cache = _Kept(function, made_of)
    return dispatcher


class _Kept:
    """The compiled code of a function on disk; takes the place of the cache that a dispatcher of Numba has."""

    cache_path = None  # Numba asks for it to tell statistics

    def __init__(self, function: Callable, made_of: str):
        self.name = f"{Path(function.__code__.co_filename).stem}.{function.__name__}"
        self.made_of = made_of

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """What Numba's compiler has once made, or None."""
        target_context.refresh()
        path = self.path(signature, target_context)
        try:
            content = path.read_bytes()
            if _checksum(path, content[SUM:]) != content[:SUM]:
                return None
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(content[SUM:]))
        except MemoryError:
            raise
        except Exception:  # no such file, or one of another kind than this Numba writes
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep it, if that can be."""
        path = self.path(signature, result.target_context)
        try:
            if result.library.has_dynamic_globals or not place.writable():  # addresses in this process, or no place
                return
            content = serialize.dumps(result._reduce())
            files.write(path, _checksum(path, content) + content)
        except Exception:  # a full disk, or a Numba that keeps its results in another form
            pass

    def path(self, signature: Any, target_context: Any) -> Path:
        """Code differs by signature, by processor, by what Numba is told to make of it, and by what it was made of."""
        config = numba.config
        told = config.OPT, config.BOUNDSCHECK, config.DEBUGINFO_DEFAULT, config.LOOP_VECTORIZE, config.SLP_VECTORIZE
        key = repr((signature, target_context.codegen().magic_tuple(), told, self.made_of))
        name = f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.kernel"
        return Path(place.directory() or "", name)


def _checksum(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + content).digest()


class _Announce(event.Listener):
    """Says once, and only when something is compiled, what the user is waiting for."""

    said = False

    def on_start(self, event) -> None:
        if not _Announce.said:
            _Announce.said = True
            kept = "kept for the next time" if place.writable() else "not kept: no cache directory can be written"
            print(f"tinygrad_cnn: compiling kernels, once ({kept})", file=sys.stderr, flush=True)

    def on_end(self, event) -> None:
        pass
