"""From a Python function to machine code: loaded from disk, or compiled once, with a word to the user.

Compiled code is kept in NUMBA_CACHE_DIR, or else in the user's cache directory, under a name made from these
sources: Numba by itself would look only at the file of the outermost function. Where nothing can be written, or what
was kept is damaged, code is compiled anew for this process.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba
from numba.core import event

from .. import Unusable

_one_at_a_time = threading.RLock()


def machine_code(function: Callable, signature: str) -> Callable:
    """The function, compiled for arguments of the types that the signature names; Unusable where that fails."""
    with _one_at_a_time:
        if cache_directory() is not None:
            try:
                return _compile(function, signature, keep=True)
            except Exception:  # whatever a damaged cache may raise; what is wrong in itself fails again below
                pass
        try:
            return _compile(function, signature, keep=False)
        except Exception as why:  # whatever a compiler may raise
            raise Unusable(f"Numba {numba.__version__} cannot compile {function.__name__}: {why}") from why


def _compile(function: Callable, signature: str, keep: bool) -> Callable:
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, cache_directory() or ""
    try:
        with event.install_listener("numba:compile", _Announce()):
            return numba.njit(signature, nogil=True, error_model="numpy", cache=keep)(function)
    finally:
        numba.config.CACHE_DIR = before


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
