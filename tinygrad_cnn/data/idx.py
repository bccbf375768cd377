"""The idx file format, in which MNIST is published.

    bytes 0, 1   zero
    byte 2       the type of an element, one of `TYPES`
    byte 3       the number of dimensions, D
    4·D bytes    the length of each, big-endian
    the rest     the elements, big-endian, the last dimension running fastest

A damaged file is refused with what was found and what was expected: a wrong number of images is easier to mend here
than after a training run.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from typing import IO, Any

import numpy as np

from .. import files
from ..engine.tensor import Tensor

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CHUNK = 1 << 24
LARGEST = 1 << 30  # bytes that a gzipped file may hold without being a hundredth of that


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The array in an idx file, plain or gzipped (told by its content), in the machine's byte order.

    FileNotFoundError if there is no file; ValueError, naming file, found and expected, if it is not an idx file,
    is shorter or longer than it says, its gzip wrapper is damaged, or it says to hold more than any file of its size.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "x-idx1-ubyte")
    ...     write_idx(path, np.arange(3, dtype=np.uint8))
    ...     read_idx(path)
    array([0, 1, 2], dtype=uint8)
    """
    with open(path, "rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not zipped:
            return _parse(plain, path)
        try:
            with gzip.open(plain) as unzipped:
                return _parse(unzipped, path, max(LARGEST, 100 * os.fstat(plain.fileno()).st_size))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"read_idx: {path}: the gzip data is damaged or cut off ({error}); get it again"
            ) from error


def write_idx(path: str | os.PathLike, array: Any) -> None:
    """Write an array as an idx file, gzipped if the name ends in `.gz`. ValueError for a dtype that idx has not.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "x-idx2-ubyte.gz")
    >>> write_idx(path, np.arange(6, dtype=np.uint8).reshape(2, 3))
    >>> read_idx(path).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    a = np.asarray(array.detach() if isinstance(array, Tensor) else array)
    codes = {np.dtype(name): code for code, name in TYPES.items()}
    code = codes.get(a.dtype.newbyteorder(">"))
    if code is None:
        raise ValueError(f"write_idx: {path}: found dtype {a.dtype}, expected one of {', '.join(map(_plain, TYPES))}")
    if a.ndim > 255 or any(length >= 2**32 for length in a.shape):
        raise ValueError(f"write_idx: {path}: shape {a.shape} does not fit into the format")
    header = bytes([0, 0, code, a.ndim]) + np.array(a.shape, ">u4").tobytes()
    content = header + a.astype(TYPES[code]).tobytes()
    # A gzip file states when it was made; without that, the same array makes the same file.
    files.write(path, gzip.compress(content, mtime=0) if os.fspath(path).endswith(".gz") else content)


def _parse(file: IO[bytes] | gzip.GzipFile, path: str | os.PathLike, largest: float = math.inf) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise ValueError(
            f"read_idx: {path}: found the first bytes {magic.hex(' ') or '(none)'}, expected those of an idx file: "
            f"00 00, a type ({', '.join(f'{code:02x} {_plain(code)}' for code in TYPES)}), the number of dimensions"
        )
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise ValueError(
            f"read_idx: {path}: found {len(header)} bytes of sizes, expected 4 for each of {magic[3]} dimensions"
        )
    shape = tuple(np.frombuffer(header, ">u4").tolist())
    dtype = np.dtype(TYPES[magic[2]])
    expected = math.prod(shape) * dtype.itemsize
    content = _read(file, int(min(expected, largest)) + 1)
    if len(content) > largest:
        size = os.stat(path).st_size
        raise ValueError(
            f"read_idx: {path}: found more than {largest:,} bytes in a gzipped file of {size:,}; unpack it to read it"
        )
    if len(content) != expected:
        found = f"only {len(content)} bytes" if len(content) < expected else f"more than {expected} bytes"
        raise ValueError(
            f"read_idx: {path}: found {found} of elements, expected {expected} for shape {shape} of "
            f"{_plain(magic[2])}; the file is {'cut off' if len(content) < expected else 'followed by something else'}"
        )
    try:
        return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError:
        raise ValueError(f"read_idx: {path}: found {len(shape)} dimensions {shape[:8]}, no array has these") from None


def _read(file: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    """At most `size` bytes. In pieces: a damaged header may ask for more than any memory holds."""
    pieces, left = [], size
    while left and (piece := file.read(min(left, CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _plain(code: int) -> str:
    return np.dtype(TYPES[code]).name
