"""Saving and loading without pickle: a file that is loaded can bring values, never code.

A file is a zip archive of

    tinygrad_cnn.json    {"format": "tinygrad_cnn", "version": 1, "object": ...}
    arrays/0.npy, ...    the arrays, in NumPy's own format

In "object", null, true, numbers, strings and lists stand for themselves, and everything else is an object
with one key that says what it is: {"dict": {...}}, {"dict": [[key, value], ...]} where keys are not all
strings, {"OrderedDict": ...}, {"tuple": [...]}, {"set": [...]}, {"float": "nan"}, {"complex": [re, im]},
{"bytes": base64}, {"dtype": "float32"}, {"device": "cpu"}, {"array": n}, {"scalar": n}, and
{"tensor": {"array": n, "kind": "Tensor" or "Parameter", "requires_grad": true or false}}. What stood on
the same memory before stands on the same memory again, if it was the whole of it.

Files whose name ends in .safetensors are read and written in that format, which other frameworks know.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import math
import os
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .nn import Module, Parameter
from .optim import Optimizer
from .random import get_rng_state, set_rng_state
from .tensor import Tensor, device, wrap

FORMAT, VERSION = "tinygrad_cnn", 1
INDEX = "tinygrad_cnn.json"
KINDS = {"Tensor": Tensor, "Parameter": Parameter}


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Write tensors, and dicts, lists and tuples of them and of plain values, into a file.

    obj: a state_dict of a model, optimizer or scheduler, or anything made of Tensors, arrays, numbers, strings, None,
    dicts, lists, tuples and sets. f: a path, or a file open for writing in binary mode. A path that ends in
    .safetensors takes a flat dict of Tensors.

    The file appears whole or not at all: it is written beside its place, then moved there. Raises a TypeError that
    names the place of what cannot be saved.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save({"weight": tg.ones(2), "epoch": 3}, file)
    >>> load(file)["weight"].tolist()
    [1.0, 1.0]
    """
    if isinstance(f, str | os.PathLike):
        path = Path(os.path.realpath(f))
        if path.suffix == ".safetensors":
            blob = _safetensors(obj)
            _write_whole(path, lambda file: file.write(blob))
        else:
            encoder = _Encoder(obj)
            _write_whole(path, encoder.write)
    elif hasattr(f, "write"):
        _Encoder(obj).write(f)
    else:
        raise TypeError(f"save: expected a path or a file open for writing, got {type(f).__name__}")


def load(f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` has written. All of it is read and checked before anything is returned.

    map_location: where the tensors are to be; there is only "cpu". weights_only: files hold no code, whatever it says.
    Raises a FileNotFoundError, or a RuntimeError for a file that is damaged or of another kind.
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, Mapping):
        device(map_location)
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        if path.suffix == ".safetensors":
            return _from_safetensors(path.read_bytes(), str(path))
        with path.open("rb") as file:
            return _read(file, str(path))
    if not hasattr(f, "read"):
        raise TypeError(f"load: expected a path or a file open for reading, got {type(f).__name__}")
    if hasattr(f, "seek"):
        return _read(f, "the file")
    return _read(io.BytesIO(f.read()), "the file")


def save_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
    **more: Any,
) -> None:
    """Save all that training needs to go on as if it had not stopped: states, random numbers, and what `more` names.

    >>> import io, tinygrad_cnn as tg
    >>> net, file = tg.nn.Linear(2, 1), io.BytesIO()
    >>> save_checkpoint(file, net, epoch=7, history=[0.5, 0.25])
    >>> load_checkpoint(file, net)
    {'epoch': 7, 'history': [0.5, 0.25]}
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    states = {name: None if part is None else part.state_dict() for name, part in parts.items()}
    save({"checkpoint": 1, **states, "rng": get_rng_state(), "more": more}, f)


def load_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
) -> dict[str, Any]:
    """Put what `save_checkpoint` has saved into the model, the optimizer and the scheduler; returns `more`.

    Raises a RuntimeError or ValueError, before anything is changed, where they do not fit together.
    """
    held = load(f)
    if not isinstance(held, dict) or held.get("checkpoint") != 1:
        raise RuntimeError("load_checkpoint: this file was not made by save_checkpoint; read it with load()")
    parts = {"optimizer": optimizer, "scheduler": scheduler}
    for name, part in parts.items():
        if part is not None and held[name] is None:
            raise RuntimeError(f"load_checkpoint: the file holds no state of the {name} that was given")
    before = copy.deepcopy(model.state_dict())
    model.load_state_dict(held["model"])
    try:
        for name, part in parts.items():
            if part is not None:
                part.load_state_dict(held[name])
    except Exception:
        model.load_state_dict(before)
        raise
    set_rng_state(held["rng"])
    return held["more"]


def _write_whole(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file beside its place and move it there when it is whole."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} does not exist; make it first")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


class _Encoder:
    """An object as plain JSON values and a list of arrays; all of it is looked at before a byte is written."""

    def __init__(self, obj: Any):
        self.arrays: list[np.ndarray] = []
        self.numbers: dict[tuple, int] = {}
        self.object = self._encode(obj, "the object")

    def write(self, file: Any) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            index = {"format": FORMAT, "version": VERSION, "object": self.object}
            archive.writestr(zipfile.ZipInfo(INDEX), json.dumps(index, allow_nan=False))
            for i, array in enumerate(self.arrays):
                with archive.open(zipfile.ZipInfo(f"arrays/{i}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)

    def _number(self, a: np.ndarray, where: str) -> int:
        """The number of an array in the file; the same memory seen in the same way has the same number."""
        if a.dtype.hasobject or a.dtype.fields is not None:
            raise TypeError(f"save: {where} is an array of dtype {a.dtype}; only numbers, text and bytes are saved")
        key = (a.__array_interface__["data"][0], a.shape, a.strides, a.dtype.str)
        if a.size == 0 or key not in self.numbers:
            self.numbers[key] = len(self.arrays)
            self.arrays.append(a)
        return self.numbers[key]

    def _encode(self, obj: Any, where: str) -> Any:
        if obj is None or isinstance(obj, bool | str):
            return str(obj) if isinstance(obj, str) else obj
        if isinstance(obj, int):
            return int(obj)
        if isinstance(obj, float):
            return float(obj) if math.isfinite(obj) else {"float": str(float(obj))}
        if isinstance(obj, Tensor):
            kind = "Parameter" if isinstance(obj, Parameter) else "Tensor"
            number = self._number(obj._array, where)
            return {"tensor": {"array": number, "kind": kind, "requires_grad": obj.requires_grad}}
        if isinstance(obj, np.ndarray):
            return {"array": self._number(obj, where)}
        if isinstance(obj, np.generic):
            return {"scalar": self._number(np.asarray(obj), where)}
        if isinstance(obj, Mapping):
            kind = "OrderedDict" if isinstance(obj, OrderedDict) else "dict"
            if all(isinstance(key, str) for key in obj):
                return {kind: {str(key): self._encode(value, f"{where}[{key!r}]") for key, value in obj.items()}}
            return {
                kind: [
                    [self._encode(key, f"a key of {where}"), self._encode(value, f"{where}[{key!r}]")]
                    for key, value in obj.items()
                ]
            }
        if isinstance(obj, list):
            return self._items(obj, where)
        if isinstance(obj, tuple):
            return {"tuple": self._items(obj, where)}
        if isinstance(obj, set | frozenset):
            return {"set": self._items(obj, where)}
        if isinstance(obj, complex):
            return {"complex": [self._encode(part, where) for part in (obj.real, obj.imag)]}
        if isinstance(obj, bytes | bytearray):
            return {"bytes": base64.b64encode(obj).decode()}
        if isinstance(obj, np.dtype):
            return {"dtype": obj.str if obj.hasobject else obj.name}
        if isinstance(obj, device):
            return {"device": str(obj)}
        cure = "save its state_dict()" if hasattr(obj, "state_dict") else "save the values that it is made from"
        raise TypeError(f"save: {where} is a {type(obj).__name__}; only values are saved, no objects with code: {cure}")

    def _items(self, items: Any, where: str) -> list:
        return [self._encode(item, f"{where}[{i}]") for i, item in enumerate(items)]


def _read(file: Any, name: str) -> Any:
    """Read and check everything, then make the object."""
    with _damage(name):
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise RuntimeError(
                f"load: {name} is no whole file of tinygrad_cnn (not a zip archive): it is damaged or of another kind"
            ) from None
        with archive:
            names = archive.namelist()
            if INDEX not in names:
                raise RuntimeError(f"load: {name} is of another kind: it holds no {INDEX}. {_foreign(names)}")
            index = json.loads(archive.read(INDEX))
            if index["format"] != FORMAT:
                raise RuntimeError(f"load: {name} says that its format is {index['format']!r}, expected {FORMAT!r}")
            if index["version"] > VERSION:
                raise RuntimeError(
                    f"load: {name} is of version {index['version']}, this one reads {VERSION}; upgrade tinygrad_cnn"
                )
            arrays = []
            for i in range(len(names) - 1):
                with archive.open(f"arrays/{i}.npy") as entry:
                    arrays.append(np.lib.format.read_array(entry, allow_pickle=False))
                    if entry.read(1):  # reading to the end also checks the sum
                        raise ValueError(f"arrays/{i}.npy is longer than it says")
            return _decode(index["object"], arrays)


@contextlib.contextmanager
def _damage(name: str) -> Iterator[None]:
    """Whatever goes wrong while reading means that the file is damaged."""
    try:
        yield
    except RuntimeError:
        raise
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, EOFError, NotImplementedError) as error:
        raise RuntimeError(f"load: {name} is damaged ({error}); nothing was loaded") from error


def _foreign(names: list[str]) -> str:
    if any(n.endswith("data.pkl") for n in names):
        return (
            "It was made by torch.save and holds pickled code, which is not run here; in PyTorch, write it anew with "
            "safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        )
    if any(n.endswith(".npy") for n in names):
        return "It looks like an .npz file; read it with numpy.load"
    return "Was it made by save()?"


def _decode(node: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(node, list):
        return [_decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((what, inner),) = node.items()
    if what in ("dict", "OrderedDict"):
        pairs = inner.items() if isinstance(inner, dict) else [(_decode(key, arrays), value) for key, value in inner]
        return (OrderedDict if what == "OrderedDict" else dict)((key, _decode(value, arrays)) for key, value in pairs)
    if what == "tensor":
        t = wrap(arrays[inner["array"]])
        flag = inner["requires_grad"]
        if KINDS[inner["kind"]] is Parameter:
            return Parameter(t, flag)
        t.requires_grad = flag
        return t
    makers: dict[str, Callable[[Any], Any]] = {
        "tuple": lambda v: tuple(_decode(v, arrays)),
        "set": lambda v: set(_decode(v, arrays)),
        "array": lambda v: arrays[v],
        "scalar": lambda v: arrays[v][()],
        "float": float,
        "complex": lambda v: complex(*_decode(v, arrays)),
        "bytes": base64.b64decode,
        "dtype": np.dtype,
        "device": device,
    }
    return makers[what](inner)


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files in .safetensors need the library of that name: pip install 'tinygrad_cnn[io]'; "
            "or save under a name with another ending"
        ) from error
    return safetensors


def _safetensors(obj: Any) -> bytes:
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: a .safetensors file takes a flat dict of Tensors, got {type(obj).__name__}")
    for key, value in obj.items():
        if not isinstance(key, str) or not isinstance(value, Tensor | np.ndarray):
            raise TypeError(
                f"save: a .safetensors file takes a flat dict of Tensors, its entry {key!r} is a "
                f"{type(value).__name__}; save under a name with another ending, which takes nested values"
            )
    arrays = {key: np.asarray(v._array if isinstance(v, Tensor) else v, order="C") for key, v in obj.items()}
    return _library().numpy.save(arrays)


def _from_safetensors(blob: bytes, name: str) -> dict[str, Tensor]:
    library = _library()
    try:
        arrays = library.numpy.load(blob)
    except (library.SafetensorError, ValueError, KeyError) as error:
        raise RuntimeError(f"load: {name} is no whole .safetensors file ({error}); nothing was loaded") from error
    return {key: wrap(np.array(a)) for key, a in arrays.items()}
