"""Files in .safetensors, which other frameworks know; the library of that name checks them."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from .decode import Refusal, reading
from .npz import flat

DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8", "BF16": "<u2",
}  # fmt: skip
LONGEST = 100_000_000  # bytes of a header; the library reads no more


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files in .safetensors need the library of that name: pip install 'tinygrad_cnn[io]'; "
            "or save under a name with another ending"
        ) from error
    return safetensors


def to_safetensors(obj: Any, metadata: dict[str, str]) -> bytes:
    """The content of a file with these Tensors."""
    arrays = {key: np.asarray(a, order="C") for key, a in flat(obj, ".safetensors").items()}
    for key, a in arrays.items():
        if key == "__metadata__":
            raise ValueError("save: in a .safetensors file '__metadata__' is not the name of a Tensor; rename it")
        if a.dtype.kind not in "biuf" or a.dtype.itemsize > 8:
            raise TypeError(
                f"save: a .safetensors file holds no {_spoken(a.dtype)}, which {key!r} is; save under a name with "
                "another ending, or save real and imaginary part"
            )
    arrays = {key: a.astype(a.dtype.newbyteorder("="), copy=False) for key, a in arrays.items()}
    blob = _library().numpy.save(arrays, metadata or None)
    if int.from_bytes(blob[:8], "little") > LONGEST:
        raise ValueError(f"save: the names in a .safetensors file take at most {LONGEST:,} bytes")
    return blob


def _spoken(dtype: np.dtype) -> str:
    return f"complex numbers ({dtype})" if dtype.kind == "c" else f"array of dtype {dtype}"


def from_safetensors(path: Path) -> dict[str, Tensor]:
    """The Tensors in a file, bfloat16 as float32."""
    library, blob = _library(), path.read_bytes()
    with reading(str(path), "no whole .safetensors file"):
        entries = dict(library.deserialize(blob))
        if strange := sorted({e["dtype"] for e in entries.values()} - DTYPES.keys()):
            raise Refusal(
                f"holds {', '.join(strange)}, which NumPy has not; in PyTorch, convert it by .float() and save it anew"
            )
        tensors = {name: wrap(_array(entry)) for name, entry in entries.items()}
    if coarse := sum(entry["dtype"] == "BF16" for entry in entries.values()):
        warnings.warn(
            f"load: {path}: {coarse} of {len(entries)} tensors are bfloat16, which NumPy has not; they are read as "
            "float32, which has all of their values",
            stacklevel=3,
        )
    return tensors


def metadata_of(path: Path) -> dict[str, str]:
    """The text beside the Tensors."""
    library = _library()
    with path.open("rb"):  # so that an error of the system stays one
        pass
    with reading(str(path), "no whole .safetensors file"), library.safe_open(path, "np") as file:
        return file.metadata() or {}


def _array(entry: dict[str, Any]) -> np.ndarray:
    """In memory of its own."""
    shape, dtype = tuple(entry["shape"]), np.dtype(DTYPES[entry["dtype"]])
    numbers = np.frombuffer(entry["data"], dtype) if math.prod(shape) else np.empty(0, dtype)
    if entry["dtype"] == "BF16":  # the upper half of a float32
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(numbers.dtype.newbyteorder("=")).reshape(shape)
