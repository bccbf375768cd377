"""What operators of ONNX do, in our own ops: the table, and what its functions ask for.

    @reads("LeakyRelu")
    def _(n, x):
        return leaky_relu(x, n.get("alpha", 0.01))

A function gets the node and its inputs, None for one that is left out, and returns the result, or a tuple of results.
Inputs that depend on no tensor, as shapes do, are arrays; `ints` and `number` take either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.tensor import Tensor

OPERATORS: dict[str, Callable] = {}
# Inputs that are numbers of the operator itself and no weights, by place.
SETTINGS = {"Clip": {1, 2}, "Dropout": {1}, "Pad": {2}, "Range": {0, 1, 2}, "Resize": {1, 2}, "Upsample": {1}}
LARGEST = 2**31  # bytes of a result
# Inputs that are moved in training, and not trained.
STATISTICS = {"BatchNormalization": {3, 4}}


def reads(*names: str) -> Callable[[Callable], Callable]:
    """Put a function into the table, for these operators."""

    def put(read: Callable) -> Callable:
        for name in names:
            OPERATORS[name] = read
        return read

    return put


class Node:
    """A node that runs: its operator, the version that it is written for, its attributes, and the mode."""

    def __init__(self, op: str, opset: int, attributes: dict[str, Any], outputs: int):
        self.op, self.opset, self.attributes, self.outputs = op, opset, attributes, outputs
        self.training = False

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, of the type of the default; a list of ints where that is None or a list."""
        value = self.attributes.get(name, default)
        if value is default:
            return value
        kind = type(default) if isinstance(default, int | float | str) else list
        if not isinstance(value, kind) or (isinstance(value, list) and not all(map(_is_int, value))):
            raise ValueError(f"{name} is {value!r:.60}")
        return value

    def need(self, name: str, kind: type) -> Any:
        """An attribute that has to be there."""
        value = self.attributes.get(name)
        if not isinstance(value, kind):
            raise ValueError(f"{name} is missing, or is {value!r:.60}")
        return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int)


def ints(x: Any) -> list[int]:
    """The integers of a tensor or an array of one axis."""
    array = x._array if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
        raise ValueError(f"expected a few integers in a row, got {array.dtype} of shape {array.shape}")
    return [int(n) for n in array.reshape(-1)]


def number(x: Any) -> Any:
    """The number of a tensor or an array of one element."""
    array = x._array if isinstance(x, Tensor) else np.asarray(x)
    if array.size != 1:
        raise ValueError(f"expected a number, got shape {array.shape}")
    return array.item()


def given_ints(n: Node, name: str, x: Any) -> list[int] | None:
    """Integers that are an attribute in old versions and an input in newer ones; None where neither is there."""
    if x is not None:
        return ints(x)
    return n.get(name)


def room(shape: Any, dtype: Any = np.float32) -> None:
    """Raise a MemoryError for a result that is larger than any of a network: a number in a file is written quickly."""
    needed = math.prod(int(n) for n in shape) * np.dtype(dtype).itemsize
    if needed > LARGEST:
        raise MemoryError(f"a tensor of shape {tuple(shape)} needs {needed / 1e9:,.1f} GB")
