"""Unpacking an archive that may be of anyone: plain files below one folder, no links, and no more than a bound."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from .. import files

LARGEST = 1 << 30  # bytes that all files may have together
MOST = 10_000  # of them
HEADER = 2048  # bytes that stand around the content of each
LONGEST = 1 << 14  # bytes of an extended header
STUMBLING = (tarfile.TarError, gzip.BadGzipFile, zlib.error, IndexError, OverflowError)  # over what is no archive
ENDS = 8  # how often its end is looked at; tarfile goes on for ever, to a place that an archive says to be far behind


def unpack(
    archive: str | os.PathLike, into: str | os.PathLike, folder: str, largest: int = LARGEST, most: int = MOST
) -> None:
    """Unpack the folder of this name, which a tar archive (plain, or gzipped) holds, into another: whole or not at all.

    Raises a ValueError, and leaves nothing, for what is no whole archive, and for one that holds anything but files and
    folders below this one, a file twice, more than `largest` bytes or `most` files, or nothing. A folder that is there
    stays.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     with tarfile.open(os.path.join(place, "a.tar.gz"), "w:gz") as made:
    ...         made.add(__file__, "data/archive.py")
    ...     unpack(os.path.join(place, "a.tar.gz"), place, "data")
    ...     os.listdir(os.path.join(place, "data"))
    ['archive.py']
    """
    with tempfile.TemporaryDirectory(prefix=f".{folder}.", dir=into) as beside:
        try:
            with open(archive, "rb") as packed:
                bounded: Any = _Bounded(packed, largest)
                with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Member) as members:
                    _unpack(members, Path(beside), folder, largest, most)
        except (*STUMBLING, EOFError, UnicodeError) as error:
            raise ValueError(f"{archive}: it is no whole tar archive ({error})") from error
        except _Refused as why:
            raise ValueError(f"{archive}: it is not unpacked, for it holds {why}") from None
        if not (made := Path(beside, folder)).is_dir():
            raise ValueError(f"{archive}: it holds no folder {folder}")
        files.sync_folder(str(made))
        if not Path(into, folder).exists():
            os.replace(made, Path(into, folder))
            files.sync_folder(os.fspath(into))


class _Refused(Exception):
    """What an archive holds that it should not."""


class _Member(tarfile.TarInfo):
    """A member whose extended header is short: the time to look through one grows with its square."""

    def _proc_pax(self, archive: Any) -> Any:
        if self.size > LONGEST:
            raise _Refused(f"a header of more than {LONGEST:,} bytes")
        return super()._proc_pax(archive)  # type: ignore[misc]


class _Bounded:
    """The bytes of an archive, unpacked: what they are may say anything of its size."""

    def __init__(self, packed: IO[bytes], largest: int):
        zipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        self.file: Any = gzip.GzipFile(fileobj=packed) if zipped else packed
        self.left, self.ends = largest + MOST * HEADER, 0
        self.largest = largest

    def read(self, size: int) -> bytes:
        content = self.file.read(size)
        self.ends += not content
        if self.ends > ENDS:
            raise EOFError("it is cut off")
        self.left -= len(content)
        if self.left < 0:
            raise _Refused(f"more than {self.largest:,} bytes")
        return content


def _unpack(members: tarfile.TarFile, beside: Path, folder: str, largest: int, most: int) -> None:
    left, seen = largest, set[PurePosixPath]()
    for count, member in enumerate(members):
        name = PurePosixPath(member.name)
        if not (member.isreg() or member.isdir()):
            raise _Refused(f"{member.name!r:.200}, which is neither a file nor a folder")
        if name.is_absolute() or ".." in name.parts or "\\" in member.name or name.parts[:1] != (folder,):
            raise _Refused(f"{member.name!r:.200}, which is not in its folder {folder}")
        if name in seen and member.isreg():
            raise _Refused(f"{member.name!r:.200} twice")
        left -= member.size
        if left < 0 or count >= most:
            raise _Refused(f"more than {largest:,} bytes, or {most:,} files")
        seen.add(name)
        place = beside.joinpath(*name.parts)
        try:
            _put(members.extractfile(member), place)
        except (FileExistsError, NotADirectoryError):
            raise _Refused(f"{member.name!r:.200}, where one of its names is a file and a folder") from None


def _put(content: IO[bytes] | None, place: Path) -> None:
    """Make a file, or of nothing a folder."""
    if content is None:
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, open(place, "xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
