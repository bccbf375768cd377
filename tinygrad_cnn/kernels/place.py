"""Where machine code is kept from one program to the next; found without importing Numba, which takes a while.

In NUMBA_CACHE_DIR, or else in the user's cache directory, there is a directory for exactly these sources and these
versions of Python and Numba. What is in it may be read where nothing can be written.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from importlib.util import find_spec

from .. import files

FAST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fast")
# of a processor, in the words of /proc/cpuinfo: what its machine code depends on
_PROCESSOR = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU ", "isa", "uarch")
_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")


@cache
def directory() -> str | None:
    """The directory, whether it is there or not; None without a home, or where there is no Numba."""
    digest = hashlib.sha256(repr((sys.implementation.cache_tag, sys.version_info, platform.machine())).encode())
    try:
        for package in ("numba", "llvmlite"):
            digest.update(_version(package))
        for source in _sources():
            with open(os.path.join(FAST, source), "rb") as file:
                digest.update(source.encode() + file.read())
        base = os.path.abspath(os.environ.get("NUMBA_CACHE_DIR") or _user_cache())
    except (ImportError, LookupError, OSError):
        return None
    return os.path.join(base, f"kernels-{digest.hexdigest()[:16]}")


def _sources() -> list[str]:
    folders = [(os.path.relpath(folder, FAST), names) for folder, _, names in os.walk(FAST)]
    return sorted(os.path.join(folder, name) for folder, names in folders for name in names if name.endswith(".py"))


@cache
def writable() -> bool:
    """Whether machine code can be kept there; the directory is made for it."""
    if (path := directory()) is None:
        return False
    try:
        os.makedirs(path, exist_ok=True)
        with open(mine := os.path.join(path, f"{os.getpid()}"), "wb"):
            os.unlink(mine)
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


def write(path: str, content: bytes) -> None:
    """Write a mark or a wish, whole or not at all; nobody waits for the disk, since all of it can be made again."""
    files.write(path, content, durable=False)


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
        with open(os.path.join(os.path.dirname(found.origin), "_version.py"), "rb") as file:
            return file.read()
    except OSError:
        from importlib.metadata import version

        return version(package).encode()


def _user_cache() -> str:
    """Of this library, in the directory where the user's caches are; LookupError without a home."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        caches = os.path.join(home, "Library", "Caches")
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if caches.startswith("~"):
        raise LookupError("home")
    return os.path.join(caches, "tinygrad_cnn")
