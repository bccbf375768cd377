"""Files that are there whole or not at all: every file that the library writes, it writes through here.

A file is written beside its place, under a hidden name that ends in .part; when all of it is on the disk, it is moved
to its place, and then the folder is put on the disk. So whatever comes between (a full disk, a signal, a kill, a
power cut, another writer), the place holds all of the old file or all of the new one.
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import re
import stat
from collections.abc import Iterator
from typing import IO

_counter = itertools.count()
_being_written: set[str] = set()


def write(path: str | os.PathLike, content: bytes | str, durable: bool = True) -> None:
    """Put a file there that holds this content, text as UTF-8; as `whole` does it.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(os.path.join(folder, "a.txt"), "α")
    ...     pathlib.Path(folder, "a.txt").read_bytes()
    b'\\xce\\xb1'
    """
    blob = content.encode() if isinstance(content, str) else content
    with whole(path, durable) as file:
        file.write(blob)


@contextlib.contextmanager
def whole(path: str | os.PathLike, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write into, which stands at `path` when the block ends; if the block raises, nothing has changed there.

    A link stays, and what it leads to is replaced; so is one of several hard links, without the others. The mode and,
    where that is allowed, the owner of the old file stay. What is no file, as a device or a pipe, is written to when
    the block ends. Of several writers at once the last one wins. An OSError names the place, and says what is
    wrong: no folder, one or a file that must not be written to, a full disk. Without `durable` nothing waits for the
    disk: the file is whole for every reader, but after a power cut it may be empty.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "a.txt")
    ...     with whole(path) as file:
    ...         _ = file.write(b"a")
    ...     with contextlib.suppress(ZeroDivisionError), whole(path) as file:
    ...         _ = file.write(b"b"), 1 / 0
    ...     os.listdir(folder), pathlib.Path(path).read_bytes()
    (['a.txt'], b'a')
    """
    there = _found(path)
    if there is None or stat.S_ISREG(there.st_mode):
        with _beside(path, there, durable) as file:
            yield file
    else:  # a folder cannot be opened
        content = io.BytesIO()  # there is no going back in a pipe
        yield content
        with open(path, "wb") as to:
            to.write(content.getbuffer())


def settle(part: str | os.PathLike, place: str | os.PathLike) -> None:
    """Move a file that is whole and closed to its place, in the same folder; and both to the disk.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     part, place = os.path.join(folder, "a.part"), os.path.join(folder, "a")
    ...     _ = pathlib.Path(part).write_bytes(b"a")
    ...     settle(part, place)
    ...     os.listdir(folder)
    ['a']
    """
    handle = os.open(part, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part, place)
    sync_folder(os.path.dirname(os.path.abspath(place)))


def _found(path: str | os.PathLike) -> os.stat_result | None:
    """What is at a place; None where nothing is."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _beside(path: str | os.PathLike, there: os.stat_result | None, durable: bool) -> Iterator[IO[bytes]]:
    """A file beside a place, to be moved there."""
    place = _place(path)
    folder, name = os.path.split(place)
    if there is not None and not os.access(place, os.W_OK):
        why = f"the file is not to be written to: its mode is {stat.filemode(there.st_mode)}"
        raise PermissionError(errno.EACCES, why, os.fspath(path))
    part = os.path.join(folder, f".{name[:60]}.{_host()}.{os.getpid()}.{next(_counter)}.part")
    mode = 0o666 if there is None else stat.S_IMODE(there.st_mode)
    _being_written.add(os.path.basename(part))
    try:
        _clear_abandoned(folder, name)
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if there is not None and hasattr(os, "fchmod"):
                with contextlib.suppress(PermissionError):  # of another owner; only root can give it back
                    os.fchown(file.fileno(), there.st_uid, there.st_gid)
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(part, place)
    except OSError as error:
        if error.errno is None or error.filename not in (None, part):  # it tells of something else
            raise
        why = f"{_spoken(error, folder)}; what was there before is as it was"
        raise OSError(error.errno, why, os.fspath(path)) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)
        _being_written.discard(os.path.basename(part))
    if durable:
        sync_folder(folder)


def _place(path: str | os.PathLike) -> str:
    """Where the file is in truth, behind all links."""
    try:
        return os.path.realpath(os.fspath(path))
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "the folder that the program works in is gone", os.fspath(path)) from None


def _spoken(error: OSError, folder: str) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the folder {folder!r} does not exist; make it first"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"nothing can be written into the folder {folder!r} ({error.strerror})"
    return str(error.strerror)


def sync_folder(folder: str) -> None:
    """Put the names in a folder on the disk, where that can be done."""
    if os.name != "posix":
        return
    with contextlib.suppress(PermissionError):  # it may be written to and not be read
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # there are disks that do it not
                raise
        finally:
            os.close(handle)


def _host() -> str:
    return re.sub(r"\W", "-", os.uname().nodename)[:60] if hasattr(os, "uname") else "here"


def _clear_abandoned(folder: str, name: str) -> None:
    """Remove what killed writers to this place have left: parts of processes of this machine that are gone."""
    if os.name != "posix":
        return
    part = re.compile(rf"\.{re.escape(name[:60])}\.{re.escape(_host())}\.(\d{{1,9}})\.\d+\.part")
    with contextlib.suppress(OSError):  # it need not be
        for entry in os.listdir(folder):
            found = part.fullmatch(entry)
            if found is not None and entry not in _being_written and not _lives(int(found[1])):
                os.unlink(os.path.join(folder, entry))


def _lives(process: int) -> bool:
    """Whether a process of this number is there, and not this one."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # as somebody else
        return True
    return process != os.getpid()
