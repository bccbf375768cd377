"""Writing: an object as plain JSON values and a list of arrays; all of it is read back before a byte is written."""

from __future__ import annotations

import base64
import json
import math
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays.device import device
from ..engine.tensor import Tensor
from ..nn import Parameter
from .decode import DTYPE, FORMAT, INDEX, VERSION, decode, parse

NESTED = 100  # levels; whoever reads them needs a few frames of Python's stack for each
LONG_INT = 2000  # bits; Python does not read decimals of any length
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # two characters, which JSON takes for one


class Encoder:
    """What will stand in the file. Making one raises a TypeError or ValueError for what cannot be read back."""

    def __init__(self, obj: Any, metadata: Mapping[str, str]):
        self.arrays: list[np.ndarray] = []
        self.numbers: dict[tuple, int] = {}
        self.depth = 0
        try:
            index = {"format": FORMAT, "version": VERSION, "object": self._encode(obj, "the object")}
            more = {"metadata": metadata} if metadata else {}
            self.index = json.dumps({**index, **more}, allow_nan=False)
            self._read_back()
        except RecursionError:  # the caller has little of the stack left
            raise _too_deep() from None

    def _read_back(self) -> None:
        try:
            decode(parse(self.index.encode())["object"], [*self.arrays])
        except Exception as error:
            raise ValueError(f"save: the object cannot be written so that it can be read back: {error}") from error

    def write(self, file: Any) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo(INDEX), self.index)
            for i, array in enumerate(self.arrays):
                write_array(archive, f"arrays/{i}.npy", array)

    def _number(self, a: np.ndarray, where: str) -> int:
        """The number of an array in the file; the same memory seen in the same way has the same number."""
        a = storable(a, where)
        key = (a.__array_interface__["data"][0], a.shape, a.strides, a.dtype.str)
        if a.size == 0 or key not in self.numbers:
            self.numbers[key] = len(self.arrays)
            self.arrays.append(a)
        return self.numbers[key]

    def _encode(self, obj: Any, where: str) -> Any:
        # What is of a subclass is written as what it is one of: by the methods of that, whatever it has of its own.
        if obj is None or isinstance(obj, bool):
            return obj
        if isinstance(obj, str):
            text = str.__str__(obj)
            return {"str": _base64(text.encode("utf-8", "surrogatepass"))} if PAIR.search(text) else text
        if isinstance(obj, int):
            number = int.__int__(obj)
            return number if number.bit_length() <= LONG_INT else {"int": hex(number)}
        if isinstance(obj, float):
            real = float.__float__(obj)
            return real if math.isfinite(real) else {"float": str(real)}
        if isinstance(obj, Tensor):
            kind = "Parameter" if isinstance(obj, Parameter) else "Tensor"
            number = self._number(obj._array, where)
            return {"tensor": {"array": number, "kind": kind, "requires_grad": obj.requires_grad}}
        if isinstance(obj, np.ndarray):
            return {"array": self._number(obj, where)}
        if isinstance(obj, complex):
            return {"complex": [self._encode(part, where) for part in (obj.real, obj.imag)]}
        if isinstance(obj, bytes | bytearray):
            return {"bytes": _base64(obj)}
        if isinstance(obj, np.generic):
            return {"scalar": self._number(np.asarray(obj), where)}
        if isinstance(obj, np.dtype):
            name = obj.name if obj.kind in "biufc" and obj.isnative else obj.str
            if not _is_of(obj, name):
                raise TypeError(f"save: {where} is the dtype {obj}; only dtypes of numbers, text and bytes are saved")
            return {"dtype": name}
        if isinstance(obj, device):
            return {"device": str(obj)}
        if isinstance(obj, Mapping | list | tuple | set | frozenset):
            self.depth += 1
            if self.depth > NESTED:
                raise _too_deep()
            found = self._encode_container(obj, where)
            self.depth -= 1
            return found
        cure = "save the values that it is made from"
        if hasattr(obj, "state_dict"):
            name = type(obj).__name__
            cure = (
                "save its state_dict(), and load that into another one:\n"
                "    save(model.state_dict(), path)\n"
                f"    model = {name}(...)  # made as this one was\n"
                "    model.load_state_dict(load(path))"
            )
        raise TypeError(f"save: {where} is a {type(obj).__name__}; only values are saved, no objects with code: {cure}")

    def _encode_container(self, obj: Any, where: str) -> Any:
        if isinstance(obj, Mapping):
            kind = "OrderedDict" if isinstance(obj, OrderedDict) else "dict"
            keys = [self._encode(key, f"a key of {where}") for key in obj]
            values = [self._encode(value, f"{where}[{key!r}]") for key, value in obj.items()]
            plainly = all(isinstance(key, str) for key in keys) and len({*keys}) == len(keys)
            return {kind: dict(zip(keys, values)) if plainly else [*map(list, zip(keys, values, strict=True))]}
        items = [self._encode(item, f"{where}[{i}]") for i, item in enumerate(obj)]
        if isinstance(obj, list):
            return items
        return {next(kind.__name__ for kind in (tuple, set, frozenset) if isinstance(obj, kind)): items}


def storable(a: np.ndarray, where: str) -> np.ndarray:
    """An array as NumPy's format takes and gives it; TypeError for one that would not come back."""
    if a.dtype.hasobject or not _is_of(a.dtype, a.dtype.str):
        raise TypeError(f"save: {where} is an array of dtype {a.dtype}; only numbers, text and bytes are saved")
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(f"save: {where} is a masked array, whose mask would be lost; save .data and .mask")
    a = a.view(np.ndarray)
    return a if a.dtype.metadata is None else a.view(a.dtype.str)


def write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """Put an array into an archive, in NumPy's own format."""
    with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def _is_of(dtype: np.dtype, name: str) -> bool:
    """Whether this name gives this dtype, and it is one of numbers, text, bytes, dates or objects."""
    return dtype.kind in "biufcSUmMO" and re.fullmatch(DTYPE, name) is not None and np.dtype(name) == dtype


def _base64(content: bytes | bytearray) -> str:
    return base64.b64encode(content).decode()


def _too_deep() -> ValueError:
    return ValueError(f"save: the object is nested too deeply, or holds itself; at most {NESTED} levels are saved")
