"""Files from the network: from the first mirror that gives the published bytes, gone on with after a break.

A network and a server may do anything: send nothing for ever, break off, send another file, more or fewer bytes than
they said, or send elsewhere. What has arrived is kept beside the place, in NAME.part, and the next try asks for
the rest; only what has the published checksum is moved to its place. So a file that is there is the right one.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from .. import files
from .published import DownloadError

try:
    import fcntl
except ImportError:  # Windows: two programs that fetch one file at once disturb each other, and the checksum tells
    fcntl = None  # type: ignore[assignment]

TIMEOUT = 20.0  # seconds that a server may be silent
TRIES = 3  # breaks with hardly a byte between them, before another mirror is asked
MOST = 1000  # breaks in all
PAUSE = 0.5  # seconds from a break to the next try
REDIRECTS = 5
LARGEST = 1 << 30  # bytes of a file
PIECE = 1 << 16
SUMS = {32: "md5", 64: "sha256"}  # by how many digits a checksum has


class _Elsewhere(Exception):
    """Why this mirror is not asked again."""


class _Stale(Exception):
    """What has arrived is no part of what this mirror has."""


class _Broken(Exception):
    """Why not all has arrived; the rest may be asked for."""


def download(
    mirrors: Sequence[str], path: str | os.PathLike, checksum: str, timeout: float = TIMEOUT, largest: int = LARGEST
) -> None:
    """Fetch a file, unless it is there.

    mirrors: addresses of it (http or https), asked in turn. checksum: of its bytes, SHA-256 or MD5 in hexadecimal.
    timeout: seconds without a byte. largest: bytes that it may have at most. The folder is made. A bar on the terminal
    shows how far it is.

    Raises a DownloadError, an OSError, that says what each mirror did; what has arrived is kept for the next time. Of
    several processes that want one file, one fetches it and the others wait.
    """
    if not re.fullmatch("[0-9a-fA-F]*", checksum) or len(checksum) not in SUMS:
        raise ValueError(f"download: the checksum {checksum!r} is neither SHA-256 nor MD5, in hexadecimal")
    path = Path(path)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with _alone(part) as file:
        if path.exists():
            with contextlib.suppress(OSError):
                part.unlink()
            return
        try:
            _first_that_gives(mirrors, path.name, file, checksum.lower(), timeout, largest)
        except BaseException:
            if file.seek(0, os.SEEK_END) == 0:
                with contextlib.suppress(OSError):
                    part.unlink()
            raise
        file.flush()
        if fcntl is not None:
            files.settle(part, path)
    if fcntl is None:  # where no open file can be moved
        files.settle(part, path)


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[IO[bytes]]:
    """What has arrived of a file, to be added to by one process at a time."""
    while True:
        with open(part, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_CREAT, 0o666)) as file:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # a disk that knows no locks
                    fcntl.flock(file, fcntl.LOCK_EX)
                if not part.exists() or os.fstat(file.fileno()).st_ino != part.stat().st_ino:
                    continue  # whoever had it has moved it to its place
            yield file
            return


def _first_that_gives(
    mirrors: Sequence[str], name: str, file: IO[bytes], checksum: str, timeout: float, largest: int
) -> None:
    """Ask the mirrors in turn, until one has given all of the right bytes."""
    if file.seek(0, os.SEEK_END) and _sum(file, checksum) == checksum:  # the last time it was not moved any more
        return
    failures = []
    for url in mirrors:
        try:
            with contextlib.closing(_Bar(name)) as bar:
                _fetch(url, file, checksum, timeout, largest, bar)
            return
        except _Elsewhere as why:
            failures.append(f"{url} {why}")
    raise DownloadError(f"{name} was not downloaded: " + ("; ".join(failures) or "no mirror is known"))


def _fetch(url: str, file: IO[bytes], checksum: str, timeout: float, largest: int, bar: _Bar) -> None:
    """All bytes of a file, of which some may be there."""
    version, tries = "", TRIES
    for _ in range(MOST):
        have = file.seek(0, os.SEEK_END)
        try:
            with _asked(url, have, version, timeout) as answer:
                version = _version(answer)
                begun = _begin(answer, have)
                file.truncate(begun)
                _receive(answer, file, begun, largest, bar)
        except _Stale:
            file.truncate(0)
            version = ""
            continue
        except _Broken as why:
            tries = TRIES if file.seek(0, os.SEEK_END) >= have + PIECE else tries - 1
            if not tries:
                raise _Elsewhere(str(why)) from why
            time.sleep(PAUSE)
            continue
        if (found := _sum(file, checksum)) == checksum:
            return
        file.truncate(0)
        if not begun:
            kind = SUMS[len(checksum)].upper()
            raise _Elsewhere(f"gave other bytes than the published ones ({kind} {found}, expected {checksum})")
        version = ""  # what was there before was wrong: once more, from the beginning
    raise _Elsewhere("broke off again and again")


def _asked(url: str, have: int, version: str, timeout: float) -> http.client.HTTPResponse:
    """The answer of a server that was asked for all but the first `have` bytes, if it still has this version."""
    from .. import __version__

    if urlsplit(url).scheme not in ("http", "https"):
        raise _Elsewhere("is no address of http or https")
    headers = {"User-Agent": f"tinygrad_cnn/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if version:
            headers["If-Range"] = version
    try:
        return _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # there is no more than what is there, and that is not it
            raise _Stale from error
        raise _Elsewhere(f"answered {error.code} {' '.join(str(error.reason).split())}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise _Elsewhere(f"could not be reached: {str(reason) or repr(reason)}") from error


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Redirects)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few, and to nothing but http and https. What stands beside one is not read: it may have no end."""

    max_redirections = REDIRECTS

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        fp.close()
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise urllib.error.URLError(f"it sends on to {newurl!r:.200}, which is no address of http or https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _version(answer: http.client.HTTPResponse) -> str:
    """What tells this version of the file from others, for If-Range."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _begin(answer: http.client.HTTPResponse, have: int) -> int:
    """Where in the file the bytes of an answer begin: behind what is there, or at the beginning."""
    if answer.status == 200:  # it knows nothing of ranges, or has another version
        return 0
    found = re.match(r"bytes (\d{1,19})-", answer.headers.get("Content-Range", ""))
    if answer.status != 206 or found is None or int(found[1]) != have:
        raise _Elsewhere(f"answered {answer.status} with a part that was not asked for")
    return have


def _receive(answer: http.client.HTTPResponse, file: IO[bytes], begun: int, largest: int, bar: _Bar) -> None:
    """Put the bytes of an answer behind those that are there."""
    length = answer.headers.get("Content-Length", "")
    told = begun + int(length) if re.fullmatch(r"\d{1,19}", length) else None
    if told is not None and told > largest:
        raise _Elsewhere(f"has {told:,} bytes, expected at most {largest:,}")
    bar.begin(begun, told)
    at = file.seek(begun)
    while piece := _piece(answer):
        if at + len(piece) > largest:
            raise _Elsewhere(f"sends more than {largest:,} bytes")
        file.write(piece)
        at += len(piece)
        bar.show(len(piece))
    if told is not None and at < told:
        raise _Broken(f"broke off after {at:,} of {told:,} bytes")


def _piece(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(PIECE)
    except TimeoutError as error:
        raise _Broken("sent nothing any more") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Broken(f"broke off: {error!r}") from error


def _sum(file: IO[bytes], checksum: str) -> str:
    """The sum of what has arrived, of the kind that this checksum is."""
    file.seek(0)
    found = hashlib.new(SUMS[len(checksum)], usedforsecurity=False)
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


class _Bar:
    """How far a file is, on a terminal."""

    def __init__(self, name: str):
        self.name = name
        self.bar: Any = None

    def begin(self, begun: int, total: int | None) -> None:
        try:
            from tqdm.std import tqdm
        except ImportError:
            return
        self.close()
        self.bar = tqdm(desc=self.name, initial=begun, total=total, unit="B", unit_scale=True, disable=None)

    def show(self, more: int) -> None:
        if self.bar is not None:
            self.bar.update(more)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
