"""Where machine code is kept from one program to the next; found without importing Numba, which takes a while.

In NUMBA_CACHE_DIR, or else in the user's cache directory, there is a directory for exactly these sources and these
versions of Python and Numba. What is in it may be read where nothing can be written.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FAST = Path(__file__).parent / "fast"
# of a processor, in the words of /proc/cpuinfo: what its machine code depends on
_PROCESSOR = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU ", "isa", "uarch")
_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")


@cache
def directory() -> Path | None:
    """The directory, whether it is there or not; None without a home, or where there is no Numba."""
    digest = hashlib.sha256(repr((sys.implementation.cache_tag, sys.version_info, platform.machine())).encode())
    try:
        for package in ("numba", "llvmlite"):
            digest.update(_version(package))
        for source in sorted(FAST.rglob("*.py")):
            digest.update(source.relative_to(FAST).as_posix().encode() + source.read_bytes())
        base = Path(os.environ.get("NUMBA_CACHE_DIR") or _user_cache()).absolute()
    except (LookupError, OSError, RuntimeError):
        return None
    return base / f"kernels-{digest.hexdigest()[:16]}"


@cache
def writable() -> bool:
    """Whether machine code can be kept there; the directory is made for it."""
    if (path := directory()) is None:
        return False
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError:
        return False
    return True


@cache
def machine() -> str:
    """A name for this processor and for what Numba is told to make of it: machine code may serve no other."""
    told = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] not in _NO_MATTER)
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            first = file.read(1 << 14).split("\n\n")[0]
        processor = [line for line in first.splitlines() if line.startswith(_PROCESSOR)]
    except (OSError, ValueError):
        processor = [platform.processor()]
    return hashlib.sha256(repr((processor, told)).encode()).hexdigest()[:16]


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever else does so; OSError where that cannot be."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def is_there(package: str) -> bool:
    """Whether a package can be imported, to all appearance."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _version(package: str) -> bytes:
    """Which version of a package is installed; LookupError where it is not."""
    try:
        found = find_spec(package)
    except ValueError:  # something else goes by this name
        found = None
    if found is None or found.origin is None:
        raise LookupError(package)
    try:  # both packages have this small file, and the standard library takes fifty milliseconds to answer
        return (Path(found.origin).parent / "_version.py").read_bytes()
    except OSError:
        from importlib.metadata import version

        return version(package).encode()


def _user_cache() -> Path:
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "tinygrad_cnn"
