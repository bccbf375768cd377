"""NumPy's archives of arrays: what anyone can read who has NumPy."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .encode import storable, write_array

LONGEST = 60_000  # bytes of a name, or of a comment; an archive has two bytes for their number


def flat(obj: Any, ending: str) -> dict[str, np.ndarray]:
    """The arrays of a flat dict of Tensors, by their names; TypeError for anything else."""
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: a {ending} file takes a flat dict of Tensors, got {type(obj).__name__}")
    for key, value in obj.items():
        if not isinstance(key, str) or not isinstance(value, Tensor | np.ndarray):
            raise TypeError(
                f"save: a {ending} file takes a flat dict of Tensors, its entry {key!r} is a "
                f"{type(value).__name__}; save under a name with another ending, which takes nested values"
            )
    arrays = {str.__str__(key): v._array if isinstance(v, Tensor) else v for key, v in obj.items()}
    if len(arrays) < len(obj):
        raise ValueError(f"save: two entries of a {ending} file have one name")
    return arrays


class Arrays:
    """What will stand in the archive, under plain names."""

    def __init__(self, obj: Any, metadata: Mapping[str, str]):
        self.arrays = {name: storable(a, f"entry {name!r}") for name, a in flat(obj, ".npz").items()}
        for name in self.arrays:
            if why := _refused(name):
                raise ValueError(f"save: {name!r:.200} is no name in an .npz file: {why}; rename it")
        self.comment = json.dumps(metadata).encode() if metadata else b""
        if len(self.comment) > LONGEST:
            raise ValueError(
                f"save: an .npz file has room for {LONGEST:,} bytes of metadata, not {len(self.comment):,}"
            )

    def write(self, file: Any) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.comment = self.comment  # which NumPy passes over
            for name, array in self.arrays.items():
                write_array(archive, f"{name}.npy", array)


def _refused(name: str) -> str:
    """Why nobody could find an array by this name; "" where one can."""
    if name.endswith(".npy"):
        return "NumPy takes the ending .npy away"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it is no text that can be encoded"
    if size > LONGEST:
        return f"it is longer than {LONGEST:,} bytes"
    return "" if zipfile.ZipInfo(name).filename == name else "an archive would change it"
