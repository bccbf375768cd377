"""The names of PyTorch's tensor types: a dtype and a place, as in `torch.FloatTensor` and `torch.cuda.LongTensor`.

Of other places than the CPU there are only the names, so that a script may choose between them. What makes tensors
by such a name stands in `surface/typed.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import refuse_other

NAMES = {"Float": "float32", "Double": "float64", "Half": "float16", "Long": "int64", "Int": "int32", "Short": "int16",
         "Char": "int8", "Byte": "uint8", "Bool": "bool"}  # fmt: skip
PLACES = {"torch": "cpu", "torch.cuda": "cuda"}


class TensorType(type):
    """A name that makes tensors when it is called, and that those are instances of which are of its dtype and place."""

    dtype: np.dtype
    place: str
    is_cuda: bool

    def __repr__(cls) -> str:
        return f"<class '{name_of(cls.dtype, cls.place)}'>"

    def __instancecheck__(cls, x: object) -> bool:
        return False

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        name = name_of(cls.dtype, cls.place)
        raise TypeError(f"type {name} is not available: tinygrad_cnn computes on the CPU; use {name_of(cls.dtype)}")


def types_of(place: str, kind: type[TensorType] = TensorType) -> dict[str, Any]:
    """All types of one place, by name: {"FloatTensor": ..., ...}."""
    made = {}
    for word, d in NAMES.items():
        doc = f"{word}Tensor(2, 3), {word}Tensor([1, 2]): a tensor of {d}, whose instances are all such; on {place}."
        held = {"dtype": np.dtype(d), "place": place, "is_cuda": place == "cuda", "__doc__": doc}
        made[f"{word}Tensor"] = kind(f"{word}Tensor", (), held)
    return made


def name_of(dtype: np.dtype, place: str = "cpu") -> str:
    """The name of a type as PyTorch says it, which scripts compare with: "torch.FloatTensor"."""
    words = {np.dtype(d): word for word, d in NAMES.items()}
    if dtype.kind == "c":
        words[dtype] = "ComplexFloat" if dtype == np.complex64 else "ComplexDouble"
    prefix = next(prefix for prefix, p in PLACES.items() if p == place)
    return f"{prefix}.{words.get(dtype) or dtype.name.replace('ui', 'UI').replace('i', 'I', 1)}Tensor"


def dtype_named(given: Any) -> np.dtype:
    """The dtype that a type, its name or a dtype says.

    ValueError for other words, TypeError for other things, RuntimeError for another place than the CPU.
    """
    if isinstance(given, str):
        prefix, _, name = given.rpartition(".")
        if prefix not in PLACES or name.removesuffix("Tensor") not in NAMES or not name.endswith("Tensor"):
            raise ValueError(f"invalid type: {given!r}; expected one such as 'torch.FloatTensor'")
        refuse_other(PLACES[prefix])
        return np.dtype(NAMES[name.removesuffix("Tensor")])
    if isinstance(given, TensorType):
        refuse_other(given.place)
        return given.dtype
    if isinstance(given, np.dtype):
        return given
    if isinstance(given, type):
        raise ValueError(f"invalid type: {given.__name__!r}; expected a dtype, or one such as 'torch.FloatTensor'")
    raise TypeError(f"type: dtype must be a type, str, or dtype object, got {type(given).__name__}")
