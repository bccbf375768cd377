"""Reading: everything is checked before anything is returned, and room is made only for what is really there."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
import os
import re
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..arrays.device import device
from ..arrays.plain import plain
from ..engine.tensor import Tensor, wrap
from ..nn import Parameter
from .foreign import of_archive, of_bytes

FORMAT, VERSION = "tinygrad_cnn", 1
INDEX = "tinygrad_cnn.json"
PIECE = 1 << 18  # bytes; read in pieces that stay in the cache
END = 22  # bytes that an archive ends with
LARGEST = 1 << 32  # bytes that a compressed archive may hold without being a hundredth of that
DTYPE = r"[<>=|]?[A-Za-z_]+\d{0,9}(\[\w{1,12}\])?"
# The header of a .npy file, as NumPy writes it for an array without fields.
HEADER = re.compile(
    rf"\{{ ?'descr': ?'({DTYPE})', ?'fortran_order': ?(False|True), ?"
    r"'shape': ?\(((?:\d{1,19}, ?)*(?:\d{1,19})?)\),? ?\} *\n?"
)


class Refusal(Exception):
    """Why a file is not read, in words that go on after its name."""


@contextlib.contextmanager
def reading(name: str, kind: str = "") -> Iterator[None]:
    """Whatever goes wrong while reading is one error: a damaged file may fail in any way."""
    try:
        yield
    except Refusal as why:
        raise RuntimeError(f"load: {name} {why}") from None
    except MemoryError:
        raise RuntimeError(f"load: {name} needs more memory than there is; nothing was loaded") from None
    except Exception as error:
        what = str(error) or type(error).__name__
        raise RuntimeError(f"load: {name} is {kind or 'damaged'} ({what}); nothing was loaded") from error


def read(file: Any, path: str) -> Any:
    """What is in a file, which is at this path if it has one."""
    with _opened(file, path) as (archive, size):
        if INDEX not in archive.namelist():
            return _tensors(archive, size)
        index = _index(archive, size)
        return decode(index["object"], [_array(archive, f"arrays/{i}.npy") for i in range(len(archive.namelist()) - 1)])


def read_metadata(file: Any, path: str) -> dict[str, str]:
    """The text beside what is in a file."""
    with _opened(file, path) as (archive, size):
        ours = INDEX in archive.namelist()
        return check_metadata(_index(archive, size).get("metadata", {}) if ours else parse(archive.comment or b"{}"))


def check_metadata(metadata: Any) -> dict[str, str]:
    """A dict of strings that can be written in every format."""
    if not isinstance(metadata, Mapping) or not all(isinstance(x, str) for pair in metadata.items() for x in pair):
        raise TypeError(f"save: metadata must be a dict of strings, got {metadata!r:.80}")
    for pair in metadata.items():
        for text in pair:
            text.encode()  # a UnicodeEncodeError says what is no text
    return {str.__str__(key): str.__str__(value) for key, value in metadata.items()}


@contextlib.contextmanager
def _opened(file: Any, path: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """An archive of ours or of NumPy's, and how long it is; what goes wrong in the block is an error of reading."""
    with reading(path or "the file"):
        if not (hasattr(file, "seek") and getattr(file, "seekable", lambda: True)()):
            file = io.BytesIO(file.read())
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            why = "is no whole file of tinygrad_cnn (not a zip archive): it is damaged or of another kind"
            raise Refusal(f"{why}{of_bytes(file, path)}") from None
        with archive:
            names = archive.namelist()
            if INDEX not in names and not any(name.endswith(".npy") for name in names):
                raise Refusal(f"is of another kind: it holds no {INDEX}. {of_archive(archive, path)}")
            _check_number(archive, file)
            yield archive, file.seek(0, os.SEEK_END)


def _check_number(archive: zipfile.ZipFile, file: Any) -> None:
    """Hold the entries that were found to the number that the end of the archive tells: one may have got lost."""
    file.seek(-END - len(archive.comment), os.SEEK_END)
    end = file.read(END)
    told, found = int.from_bytes(end[10:12], "little"), len(archive.infolist())
    if end[:4] != b"PK\5\6" or told != found & 0xFFFF:
        raise ValueError(f"its end is not that of an archive of {found} entries")


def _index(archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    """The index of what `save` has written, when the archive has been checked as a whole."""
    entries = archive.infolist()
    expected = {INDEX, *(f"arrays/{i}.npy" for i in range(len(entries) - 1))}
    if {entry.filename for entry in entries} != expected:
        raise ValueError("an entry is missing, there twice, or of an unknown name")
    if any(e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1 or e.file_size != e.compress_size for e in entries):
        raise ValueError("an entry is compressed or encrypted")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError(f"its entries are larger than its {size} bytes")
    index = parse(archive.read(INDEX))
    if index["format"] != FORMAT:
        raise Refusal(f"says that its format is {index['format']!r:.40}, expected {FORMAT!r}")
    if type(index["version"]) is not int or index["version"] < 1:
        raise ValueError("its version is no number")
    if index["version"] > VERSION:
        raise Refusal(f"is of version {index['version']}, this one reads {VERSION}; upgrade tinygrad_cnn")
    return index


def _tensors(archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    """The arrays of an .npz archive by their names; Tensors, where a Tensor can hold them."""
    try:
        arrays = _by_name(archive, size)
    except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        why = f"is a damaged .npz archive, or holds more than numbers ({error}); nothing was loaded"
        raise Refusal(f"{why}. Read what can be read of it with numpy.load") from error
    return {name: wrap(plain(a)) if a.dtype.kind in "biufc" else a for name, a in arrays.items()}


def _by_name(archive: zipfile.ZipFile, size: int) -> dict[str, np.ndarray]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names) or not all(name.endswith(".npy") for name in names):
        raise ValueError("an entry is there twice, or is no array")
    if any(e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or e.flag_bits & 1 for e in entries):
        raise ValueError("an entry is encrypted, or compressed in a way that NumPy has not")
    held = sum(entry.file_size for entry in entries)
    if held > size and held > max(LARGEST, 100 * size):
        raise ValueError(f"it is {size:,} bytes that say to hold {held:,}")
    return {name.removesuffix(".npy"): _array(archive, name) for name in names}


def parse(text: bytes) -> Any:
    """JSON as `save` writes it: no key twice, no NaN."""

    def unique(pairs: list) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"it holds the constant {constant}")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of numbers, text or bytes; room is made for it only when its size is known to be true."""
    left = archive.getinfo(name).file_size
    with archive.open(name) as file:
        entry: Any = file
        start = entry.read(10)
        if start[:8] not in (b"\x93NUMPY\1\0", b"\x93NUMPY\2\0"):
            raise ValueError(f"{name} is no array")
        length = start[8:] if start[6] == 1 else start[8:] + entry.read(2)
        header = entry.read(told := int.from_bytes(length, "little")).decode("latin1")
        found = HEADER.fullmatch(header)
        if found is None or len(header) != told:
            raise ValueError(f"{name} says not what it is an array of")
        dtype = np.dtype(found[1])
        if dtype.hasobject:
            raise ValueError(f"{name} is an array of dtype {dtype}: pickled, which can run code and is not read")
        if dtype.kind == "V" or not dtype.itemsize:
            raise ValueError(f"{name} is an array of dtype {dtype}")
        shape = tuple(int(n) for n in found[4].split(",") if n.strip())
        left -= 8 + len(length) + len(header)
        if math.prod(shape) * dtype.itemsize != left:
            raise ValueError(f"{name} holds {left} bytes of numbers, {dtype} of shape {shape} is longer or shorter")
        array = np.empty(shape, dtype, order="F" if found[3] == "True" else "C")
        room = array.reshape(-1, order="A").view(np.uint8).data if left else memoryview(b"")
        done = 0
        while done < left:
            n = entry.readinto(room[done : done + PIECE])
            if not n:
                raise EOFError(f"{name} is cut off")
            done += n
        entry.read(1)  # reading to the end also checks the sum
    return array


def decode(node: Any, arrays: list[np.ndarray]) -> Any:
    """The object that JSON values and a list of arrays stand for."""
    if isinstance(node, list):
        return [decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((what, inner),) = node.items()
    return _MAKERS[what](inner, arrays)


def _is(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} stands where a {kind.__name__} should")
    return value


def _mapping(kind: type, inner: Any, arrays: list[np.ndarray]) -> Any:
    pairs = inner.items() if isinstance(inner, dict) else [(decode(key, arrays), value) for key, value in inner]
    made = kind((key, decode(value, arrays)) for key, value in pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _set(kind: type, inner: Any, arrays: list[np.ndarray]) -> Any:
    made = kind(decode(_is(list, inner), arrays))
    if len(made) < len(inner):
        raise ValueError("an element is there twice")
    return made


def _numbered(number: Any, arrays: list[np.ndarray]) -> np.ndarray:
    if not 0 <= _is(int, number) < len(arrays):
        raise ValueError(f"there is no array {number}")
    return arrays[number]


def _tensor(inner: Any, arrays: list[np.ndarray]) -> Tensor:
    array, flag = _numbered(inner["array"], arrays), _is(bool, inner["requires_grad"])
    t = wrap(plain(array))
    arrays[inner["array"]] = t._array
    if {"Tensor": Tensor, "Parameter": Parameter}[inner["kind"]] is Parameter:
        return Parameter(t, flag)
    t.requires_grad = flag
    return t


def _float(inner: Any, arrays: list[np.ndarray]) -> float:
    if inner not in ("nan", "inf", "-inf"):
        raise ValueError("a float is no number")
    return float(inner)


def _dtype(inner: Any, arrays: list[np.ndarray]) -> np.dtype:
    if not re.fullmatch(DTYPE, _is(str, inner)):
        raise ValueError("a dtype has no name")
    return np.dtype(inner)


def _bytes(inner: Any) -> bytes:
    return base64.b64decode(_is(str, inner), validate=True)


_MAKERS: dict[str, Callable[[Any, list[np.ndarray]], Any]] = {
    "dict": lambda inner, arrays: _mapping(dict, inner, arrays),
    "OrderedDict": lambda inner, arrays: _mapping(OrderedDict, inner, arrays),
    "tuple": lambda inner, arrays: tuple(decode(_is(list, inner), arrays)),
    "set": lambda inner, arrays: _set(set, inner, arrays),
    "frozenset": lambda inner, arrays: _set(frozenset, inner, arrays),
    "int": lambda inner, arrays: int(_is(str, inner), 16),
    "float": _float,
    "complex": lambda inner, arrays: complex(*(_is(float, part) for part in decode(_is(list, inner), arrays))),
    "bytes": lambda inner, arrays: _bytes(inner),
    "str": lambda inner, arrays: _bytes(inner).decode("utf-8", "surrogatepass"),
    "dtype": _dtype,
    "device": lambda inner, arrays: device(_is(str, inner)),
    "array": _numbered,
    "scalar": lambda inner, arrays: _numbered(inner, arrays)[()],
    "tensor": _tensor,
}
