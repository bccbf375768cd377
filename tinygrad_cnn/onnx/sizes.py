"""Two runs of a model become one record of it: what differs between them is no constant.

A trace holds numbers, and does not say which of them belong to the model and which to the tensors that it was given.
So the model runs twice, the second time on other numbers, with other sizes along the axes that are to be dynamic. A
number that is another one in the second run is a `Size`, both of them, and has to be computed in the exported model,
or refused; an array that no op made has to be the same in both.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.program import Value
from .trace import Call, Trace


class Varies(RuntimeError):
    """Something that has to be fixed differs between the two runs."""


class Size:
    """A number that depends on the sizes of the inputs: what it was in the first run, and in the second."""

    __slots__ = ("first", "second")

    def __init__(self, first: Any, second: Any):
        self.first, self.second = first, second

    @staticmethod
    def of(first: Any, second: Any) -> Any:
        """The number itself, where it is the same."""
        return first if first == second else Size(first, second)

    def _with(self, other: Any, compute: Callable) -> Any:
        theirs = (other.first, other.second) if isinstance(other, Size) else (other, other)
        return Size.of(compute(self.first, theirs[0]), compute(self.second, theirs[1]))

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, operator.floordiv)

    def __mod__(self, other: Any) -> Any:
        return self._with(other, operator.mod)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Size) and (self.first, self.second) == (other.first, other.second)

    def __hash__(self) -> int:
        return hash((self.first, self.second))

    def _refuse(self, *_: Any) -> Any:
        raise Varies(f"a number depends on the size of a dynamic axis ({self}), and ONNX wants a constant there")

    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __index__ = __int__ = __float__ = _refuse

    def __repr__(self) -> str:
        return f"{self.first} or {self.second}"


class Record:
    """What a model does, whatever it is given. `shapes` of values have a Size where an axis is dynamic; `varying`:
    arrays that are no constants, for no op made them and they differ, as they were in the second run.
    """

    def __init__(self, first: Trace, second: Trace):
        self.calls = first.calls
        self.result = first.result
        self.inputs = list(first.program.inputs)
        self.shapes: dict[Value, tuple] = {}
        self.varying: dict[Value, np.ndarray] = {}
        self._same: dict[Value, Value] = {}  # of the second run: which one of the first run it is
        for a, b in zip(first.program.inputs, second.program.inputs, strict=True):
            self._meet(a, b)
        self._calls(first.calls, second.calls)
        self._both(first.result, second.result)

    def _calls(self, first: list[Call], second: list[Call]) -> None:
        for a, b in zip(first, second):
            if a.name != b.name or len(a.outs) != len(b.outs):
                raise Varies(f"it calls {a.name}{a.where()}, or {b.name}{b.where()}")
            self._call(a, b)
        if len(first) != len(second):
            longer = max(first, second, key=len)[min(len(first), len(second))]
            raise Varies(f"it calls {longer.name}{longer.where()}, or does not")

    def _call(self, a: Call, b: Call) -> None:
        try:
            a.args = self._both(a.args, b.args)
        except Varies as why:
            raise Varies(f"{a.name}{a.where()}: {why}") from None
        if a.inner is not None:
            try:
                if b.inner is None:
                    raise Varies(b.why)
                self._calls(a.inner, b.inner)
            except Varies as why:
                a.inner, a.why = None, str(why)
        for mine, theirs in zip(a.outs, b.outs):
            if mine is not None and theirs is not None:
                self._meet(mine, theirs)

    def _meet(self, a: Value, b: Value) -> Value:
        """Two values that are the same in the model."""
        known = self._same.setdefault(b, a)
        if known is not a:
            raise Varies("it takes a result from here, or one from there")
        if a not in self.shapes:
            if len(a.shape) != len(b.shape) or a.dtype != b.dtype or a.kind != b.kind:
                raise Varies(f"a tensor is {a.dtype} of shape {a.shape}, or {b.dtype} of shape {b.shape}")
            self.shapes[a] = tuple(map(Size.of, a.shape, b.shape))
            if a.kind == "outside" and a.tensor is not b.tensor:
                raise Varies("it takes a tensor from here, or one from there")
            if a.kind == "constant" and not _equal(a.tensor._array, b.tensor._array):
                self.varying[a] = b.tensor._array
        return a

    def _both(self, a: Any, b: Any) -> Any:
        """An argument, as it was in the two runs."""
        if isinstance(a, Value) and isinstance(b, Value):
            return self._meet(a, b)
        if type(a) is not type(b):
            raise Varies(f"an argument is {a!r}, or {b!r}")
        if isinstance(a, tuple | list):
            if len(a) != len(b):
                raise Varies(f"an argument is {a!r}, or {b!r}")
            parts = [self._both(x, y) for x, y in zip(a, b)]
            return type(a)(*parts) if hasattr(a, "_fields") else type(a)(parts)
        if isinstance(a, dict):
            if a.keys() != b.keys():
                raise Varies(f"an argument has the keys {list(a)}, or {list(b)}")
            return {key: self._both(a[key], b[key]) for key in a}
        if isinstance(a, slice):
            return slice(*(self._both(getattr(a, part), getattr(b, part)) for part in ("start", "stop", "step")))
        if isinstance(a, int | float | np.number) and not isinstance(a, bool):
            return a if a == b or (a != a and b != b) else Size(a, b)
        if hasattr(a, "value") and hasattr(a.value, "shape"):  # AsTensor
            self._both(a.value, b.value)
            return a.value
        if a is not b and not (a == b):
            raise Varies(f"an argument is {a!r}, or {b!r}")
        return a


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
