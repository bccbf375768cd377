"""Saving and loading without pickle: a file that is loaded can bring values, never code.

A file is a zip archive of

    tinygrad_cnn.json    {"format": "tinygrad_cnn", "version": 1, "object": ..., "metadata": {"name": "text"}}
    arrays/0.npy, ...    the arrays, in NumPy's own format

In "object", null, true, numbers, strings and lists stand for themselves, and everything else is an object
with one key that says what it is: {"dict": {...}}, {"dict": [[key, value], ...]} where keys are not all
strings, {"OrderedDict": ...}, {"tuple": [...]}, {"set": [...]}, {"int": "0x..."} where it is very long,
{"float": "nan"}, {"complex": [re, im]}, {"bytes": base64}, {"dtype": "float32"}, {"device": "cpu"}, {"array": n},
{"scalar": n}, and {"tensor": {"array": n, "kind": "Tensor" or "Parameter", "requires_grad": true or false}}. What
stood on the same memory before stands on the same memory again, if it was the whole of it. Nothing is compressed,
so that what is read is never larger than the file.

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
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from . import files
from .arrays.device import device
from .arrays.plain import plain
from .engine.tensor import Tensor, wrap
from .nn import Module, Parameter
from .nn.state import held_by, unchanged_by_errors
from .optim import Optimizer
from .random import Generator, get_rng_state, set_rng_state

FORMAT, VERSION = "tinygrad_cnn", 1
INDEX = "tinygrad_cnn.json"
LONG_INT = 2000  # bits; Python does not read decimals of any length
PIECE = 1 << 18  # bytes; read in pieces that stay in the cache
DTYPE = r"[<>=|]?[A-Za-z_]+\d{0,9}(\[\w{1,12}\])?"
# The header of a .npy file, as NumPy writes it for an array without fields.
HEADER = re.compile(
    rf"\{{'descr': '({DTYPE})', 'fortran_order': (False|True), "
    r"'shape': \(((?:\d{1,19}, ?)*(?:\d{1,19})?)\), \} *\n"
)


def save(obj: Any, f: str | os.PathLike | BinaryIO, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors, and dicts, lists and tuples of them and of plain values, into a file.

    obj: a state_dict of a model, optimizer or scheduler, or anything made of Tensors, arrays, numbers, strings, None,
    dicts, lists, tuples and sets. f: a path, or a file open for writing in binary mode. A path that ends in
    .safetensors takes a flat dict of Tensors. metadata: text beside the object, as safetensors has it, for
    `load_metadata`; `load` gives the object alone.

    The file appears whole or not at all, as `files.whole` does it. Raises a TypeError or ValueError that names the
    place of what cannot be saved, before anything is written, and an OSError where nothing can be written.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save({"weight": tg.ones(2), "epoch": 3}, file)
    >>> load(file)["weight"].tolist()
    [1.0, 1.0]
    """
    _check_metadata(metadata or {})
    if isinstance(f, str | os.PathLike):
        if Path(os.path.realpath(f)).suffix == ".safetensors":
            files.write(f, _safetensors(obj, metadata))
        else:
            encoder = _Encoder(obj)
            with files.whole(f) as file:
                encoder.write(file, metadata)
    elif hasattr(f, "write"):
        _Encoder(obj).write(f, metadata)
    else:
        raise TypeError(f"save: expected a path or a file open for writing, got {type(f).__name__}")


def load(f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` has written. All of it is read and checked before anything is returned.

    map_location: where the tensors are to be; there is only "cpu". weights_only: files hold no code, whatever it says.
    Raises a FileNotFoundError, or a RuntimeError for a file that is damaged or of another kind.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save([tg.ones(2), "text"], file)
    >>> load(file)
    [tensor([1., 1.], shape=(2,), dtype=float32), 'text']
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, Mapping):
        device(map_location)
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        if Path(os.path.realpath(f)).suffix == ".safetensors":
            return _from_safetensors(path)
        with path.open("rb") as file:
            return _read(file, str(path))
    if not hasattr(f, "read"):
        raise TypeError(f"load: expected a path or a file open for reading, got {type(f).__name__}")
    return _read(f, "the file")


def load_metadata(f: str | os.PathLike | BinaryIO) -> dict[str, str]:
    """The text that `save` has written beside the object; {} where there is none. No array is read.

    Raises as `load` does.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save({"weight": tg.ones(2)}, file, metadata={"classes": "cat dog"})
    >>> load_metadata(file)
    {'classes': 'cat dog'}
    """
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        if Path(os.path.realpath(f)).suffix == ".safetensors":
            return _safetensors_metadata(path)
        with path.open("rb") as file, _opened(file, str(path)) as (_, index):
            return _check_metadata(index.get("metadata", {}))
    if not hasattr(f, "read"):
        raise TypeError(f"load_metadata: expected a path or a file open for reading, got {type(f).__name__}")
    with _opened(f, "the file") as (_, index):
        return _check_metadata(index.get("metadata", {}))


def _check_metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, Mapping) or not all(isinstance(x, str) for pair in metadata.items() for x in pair):
        raise TypeError(f"save: metadata must be a dict of strings, got {metadata!r:.80}")
    return dict(metadata)


def save_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
    **more: Any,
) -> None:
    """Save all that training needs to go on as if it had not stopped.

    That is the states of these three, of the library's random numbers, and of what else is named in `more`: whatever
    has a state (a DataLoader, an averaged model, another optimizer, a Generator), and plain values, which
    `load_checkpoint` returns. A run that was stopped after any step and goes on gives what the other one gives, to the
    last bit, if each step is saved like this:

    >>> import os, tempfile, tinygrad_cnn as tg
    >>> from tinygrad_cnn.data import DataLoader, TensorDataset
    >>> data = TensorDataset(tg.randn(10, 4), tg.arange(10) % 2)
    >>> def train(file, steps):
    ...     net = tg.nn.Sequential(tg.nn.Linear(4, 8), tg.nn.Dropout(), tg.nn.Linear(8, 2))
    ...     optimizer = tg.optim.Adam(net.parameters())
    ...     scheduler = tg.optim.lr_scheduler.StepLR(optimizer, 1)
    ...     loader = DataLoader(data, batch_size=4, shuffle=True, num_workers=2)
    ...     run = {"epoch": 0, "losses": []}
    ...     if os.path.exists(file):
    ...         run = load_checkpoint(file, net, optimizer, scheduler, loader=loader)
    ...     while run["epoch"] < 2:
    ...         for x, y in loader:  # after loading: the rest of the epoch
    ...             loss = tg.nn.functional.cross_entropy(net(x), y)
    ...             optimizer.zero_grad()
    ...             loss.backward()
    ...             optimizer.step()
    ...             run["losses"].append(loss.item())
    ...             save_checkpoint(file, net, optimizer, scheduler, loader=loader, **run)
    ...             if len(run["losses"]) == steps:
    ...                 return
    ...         scheduler.step()
    ...         run["epoch"] += 1
    ...     return [p.tolist() for p in net.parameters()], run["losses"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = tg.manual_seed(3)
    ...     whole = train(f"{folder}/whole", steps=None)
    ...     _ = tg.manual_seed(3)
    ...     train(f"{folder}/stopped", steps=2)
    ...     _ = tg.manual_seed(4)
    ...     train(f"{folder}/stopped", steps=None) == whole
    True
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    given = {name: part for name, part in parts.items() if part is not None}
    others = {name: more.pop(name) for name in list(more) if _has_state(more[name])}
    kinds = {name: type(part).__name__ for name, part in (given | others).items()}
    states = {name: None if part is None else part.state_dict() for name, part in parts.items()}
    more_states = {name: _state_of(part) for name, part in others.items()}
    save({"checkpoint": 1, "kinds": kinds, **states, "parts": more_states, "rng": get_rng_state(), "more": more}, f)


def load_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
    **parts: Any,
) -> dict[str, Any]:
    """Put what `save_checkpoint` has saved into the model, the optimizer, the scheduler and these parts.

    Returns the plain values that were saved with them. What was saved and is not given here is passed over. Raises a
    RuntimeError or ValueError where they do not fit together; then nothing has changed.

    >>> import io, tinygrad_cnn as tg
    >>> net, again, file = tg.nn.Linear(2, 1), tg.nn.Linear(2, 1), io.BytesIO()
    >>> save_checkpoint(file, net, epoch=7)
    >>> load_checkpoint(file, again), tg.equal(net.weight, again.weight)
    ({'epoch': 7}, True)
    """
    held = load(f)
    own = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    if not isinstance(held, dict) or held.get("checkpoint") != 1 or not {*own, "rng", "more"} <= held.keys():
        raise RuntimeError("load_checkpoint: this file was not made by save_checkpoint; read it with load()")
    states = {name: held[name] for name in own if held[name] is not None} | held.get("parts", {})
    given = {name: part for name, part in own.items() if part is not None} | parts
    for name, part in given.items():
        if not _has_state(part):
            raise TypeError(f"load_checkpoint: {name} has no state, it is a {type(part).__name__}")
        if name not in states:
            raise RuntimeError(f"load_checkpoint: the file holds no state of the {name} that was given")
    modules = [m for part in given.values() if isinstance(part, Module) for m in part.modules()]
    others = [part for part in given.values() if not isinstance(part, Module)]
    at_risk = [*held_by(modules), *(d for part in others for d in _changed_by_loading(part))]
    with unchanged_by_errors(at_risk), contextlib.ExitStack() as undo:
        for name, part in given.items():
            if name in parts and not isinstance(part, Module):  # what its state is kept in is not known
                undo.callback(_load_into, part, copy.deepcopy(_state_of(part)))
            _load_into(part, states[name])
        for name, saved in held.get("kinds", {}).items():
            kind = type(given.get(name)).__name__
            if name in given and name != "model" and saved != kind:  # a model is told by the names in its state
                raise ValueError(f"load_checkpoint: the {name} was saved from a {saved}, this one is a {kind}")
        set_rng_state(held["rng"])
        undo.pop_all()
    return held["more"]


def _has_state(part: Any) -> bool:
    return isinstance(part, Generator) or (hasattr(part, "state_dict") and hasattr(part, "load_state_dict"))


def _state_of(part: Any) -> Any:
    return part.get_state() if isinstance(part, Generator) else part.state_dict()


def _load_into(part: Any, state: Any) -> None:
    if isinstance(part, Generator):
        part.set_state(state)
    else:
        part.load_state_dict(state)


def _changed_by_loading(part: Any) -> Iterator[dict]:
    """The dicts that loading a state may change: attributes, and what is in them of groups and schedulers."""
    yield getattr(part, "__dict__", {})
    yield from getattr(part, "param_groups", ())
    for scheduler in getattr(part, "_schedulers", ()):
        yield from _changed_by_loading(scheduler)


class _Encoder:
    """An object as plain JSON values and a list of arrays; all of it is looked at before a byte is written."""

    def __init__(self, obj: Any):
        self.arrays: list[np.ndarray] = []
        self.numbers: dict[tuple, int] = {}
        try:
            self.object = self._encode(obj, "the object")
        except RecursionError:
            raise ValueError("save: the object is nested too deeply, or holds itself") from None

    def write(self, file: Any, metadata: Mapping[str, str] | None = None) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            index = {"format": FORMAT, "version": VERSION, "object": self.object}
            if metadata:
                index["metadata"] = dict(metadata)
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
            return int(obj) if int(obj).bit_length() <= LONG_INT else {"int": hex(obj)}
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
            if obj.fields is not None or obj.subdtype is not None:
                raise TypeError(f"save: {where} is the dtype {obj}; only dtypes of numbers, text and bytes are saved")
            return {"dtype": obj.name if obj.kind in "biufc" and obj.isnative else obj.str}
        if isinstance(obj, device):
            return {"device": str(obj)}
        cure = "save its state_dict()" if hasattr(obj, "state_dict") else "save the values that it is made from"
        raise TypeError(f"save: {where} is a {type(obj).__name__}; only values are saved, no objects with code: {cure}")

    def _items(self, items: Any, where: str) -> list:
        return [self._encode(item, f"{where}[{i}]") for i, item in enumerate(items)]


class _Refusal(Exception):
    """Why a file is not read, in words that go on after its name."""


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Whatever goes wrong while reading is one error: a damaged file may fail in any way."""
    try:
        yield
    except _Refusal as why:
        raise RuntimeError(f"load: {name} {why}") from None
    except MemoryError:
        raise RuntimeError(f"load: {name} needs more memory than there is; nothing was loaded") from None
    except Exception as error:
        what = str(error) or type(error).__name__
        raise RuntimeError(f"load: {name} is damaged ({what}); nothing was loaded") from error


def _read(file: Any, name: str) -> Any:
    """Read and check everything, then make the object."""
    with _opened(file, name) as (archive, index):
        arrays = [_array(archive, f"arrays/{i}.npy") for i in range(len(archive.namelist()) - 1)]
        return _decode(index["object"], arrays)


@contextlib.contextmanager
def _opened(file: Any, name: str) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """The archive, checked as a whole, and its index; what goes wrong in the block is an error of reading."""
    with _reading(name):
        if not (hasattr(file, "seek") and getattr(file, "seekable", lambda: True)()):
            file = io.BytesIO(file.read())
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise _Refusal(
                "is no whole file of tinygrad_cnn (not a zip archive): it is damaged or of another kind"
            ) from None
        with archive:
            names = archive.namelist()
            if INDEX not in names:
                raise _Refusal(f"is of another kind: it holds no {INDEX}. {_foreign(names)}")
            _check_entries(archive, file.seek(0, os.SEEK_END))
            index = _json(archive.read(INDEX))
            if index["format"] != FORMAT:
                raise _Refusal(f"says that its format is {index['format']!r:.40}, expected {FORMAT!r}")
            if type(index["version"]) is not int or index["version"] < 1:
                raise ValueError("its version is no number")
            if index["version"] > VERSION:
                raise _Refusal(f"is of version {index['version']}, this one reads {VERSION}; upgrade tinygrad_cnn")
            yield archive, index


def _check_entries(archive: zipfile.ZipFile, size: int) -> None:
    """Hold an archive to what `save` writes: these names, each once, nothing compressed, no more than the file has."""
    entries = archive.infolist()
    expected = {INDEX, *(f"arrays/{i}.npy" for i in range(len(entries) - 1))}
    if {entry.filename for entry in entries} != expected:
        raise ValueError("an entry is missing, there twice, or of an unknown name")
    if any(e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1 or e.file_size != e.compress_size for e in entries):
        raise ValueError("an entry is compressed or encrypted")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError(f"its entries are larger than its {size} bytes")


def _json(text: bytes) -> Any:
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
        header = entry.read(int.from_bytes(length, "little")).decode("latin1")
        found = HEADER.fullmatch(header)
        if found is None:
            raise ValueError(f"{name} says not what it is an array of")
        dtype = np.dtype(found[1])
        if dtype.hasobject or dtype.kind == "V":
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
    return _MAKERS[what](inner, arrays)


def _is(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} stands where a {kind.__name__} should")
    return value


def _mapping(kind: type, inner: Any, arrays: list[np.ndarray]) -> Any:
    pairs = inner.items() if isinstance(inner, dict) else [(_decode(key, arrays), value) for key, value in inner]
    made = kind((key, _decode(value, arrays)) for key, value in pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
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


_MAKERS: dict[str, Callable[[Any, list[np.ndarray]], Any]] = {
    "dict": lambda inner, arrays: _mapping(dict, inner, arrays),
    "OrderedDict": lambda inner, arrays: _mapping(OrderedDict, inner, arrays),
    "tuple": lambda inner, arrays: tuple(_decode(_is(list, inner), arrays)),
    "set": lambda inner, arrays: set(_decode(_is(list, inner), arrays)),
    "int": lambda inner, arrays: int(_is(str, inner), 16),
    "float": _float,
    "complex": lambda inner, arrays: complex(*(_is(float, part) for part in _decode(_is(list, inner), arrays))),
    "bytes": lambda inner, arrays: base64.b64decode(_is(str, inner), validate=True),
    "dtype": _dtype,
    "device": lambda inner, arrays: device(_is(str, inner)),
    "array": _numbered,
    "scalar": lambda inner, arrays: _numbered(inner, arrays)[()],
    "tensor": _tensor,
}


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files in .safetensors need the library of that name: pip install 'tinygrad_cnn[io]'; "
            "or save under a name with another ending"
        ) from error
    return safetensors


def _safetensors(obj: Any, metadata: Mapping[str, str] | None = None) -> bytes:
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: a .safetensors file takes a flat dict of Tensors, got {type(obj).__name__}")
    for key, value in obj.items():
        if not isinstance(key, str) or not isinstance(value, Tensor | np.ndarray):
            raise TypeError(
                f"save: a .safetensors file takes a flat dict of Tensors, its entry {key!r} is a "
                f"{type(value).__name__}; save under a name with another ending, which takes nested values"
            )
    arrays = {key: np.asarray(v._array if isinstance(v, Tensor) else v, order="C") for key, v in obj.items()}
    for key, a in arrays.items():
        if key == "__metadata__":
            raise ValueError("save: in a .safetensors file '__metadata__' is not the name of a Tensor; rename it")
        if a.dtype.kind not in "biuf" or a.dtype.itemsize > 8:
            raise TypeError(
                f"save: a .safetensors file holds no {_spoken(a.dtype)}, which {key!r} is; save under a name with "
                "another ending, or save real and imaginary part"
            )
    plain_arrays = {key: a.astype(a.dtype.newbyteorder("="), copy=False) for key, a in arrays.items()}
    return _library().numpy.save(plain_arrays, dict(metadata) if metadata else None)


def _spoken(dtype: np.dtype) -> str:
    return f"complex numbers ({dtype})" if dtype.kind == "c" else f"array of dtype {dtype}"


def _from_safetensors(path: Path) -> dict[str, Tensor]:
    library, blob = _library(), path.read_bytes()
    try:
        arrays = library.numpy.load(blob)
    except Exception as error:  # a damaged file may fail in any way
        raise RuntimeError(f"load: {path} is no whole .safetensors file ({error}); nothing was loaded") from error
    return {key: wrap(np.array(a)) for key, a in arrays.items()}


def _safetensors_metadata(path: Path) -> dict[str, str]:
    library = _library()
    with path.open("rb"):  # so that an error of the system stays one
        pass
    try:
        with library.safe_open(path, "np") as file:
            return file.metadata() or {}
    except Exception as error:  # a damaged file may fail in any way
        raise RuntimeError(f"load: {path} is no whole .safetensors file ({error})") from error
