"""What a + b, x @ w, x[i] and x == y mean.

Where the other operand is nothing that an op knows, Python asks that operand, and raises its TypeError.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays.types import Number
from ..engine.inplace import change
from ..engine.tensor import Tensor, as_array
from ..ops import choice
from ..ops.compare import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    eq,
    ge,
    gt,
    le,
    lt,
    ne,
)
from ..ops.elementwise import divide, floor_divide, minus, mul, neg, plus, pow, remainder
from ..ops.index import getitem
from ..ops.linalg import matmul
from ..ops.unary import abs
from .attach import method, named
from .writing import KNOWN

OPERATORS = {
    "add": ("+", plus),
    "sub": ("-", minus),
    "mul": ("*", mul),
    "truediv": ("/", divide),
    "floordiv": ("//", floor_divide),
    "mod": ("%", remainder),
    "pow": ("**", pow),
    "matmul": ("@", matmul),
    "and": ("&", bitwise_and),
    "or": ("|", bitwise_or),
    "xor": ("^", bitwise_xor),
    "lshift": ("<<", bitwise_left_shift),
    "rshift": (">>", bitwise_right_shift),
}

COMPARISONS = {"eq": ("==", eq), "ne": ("!=", ne), "lt": ("<", lt), "le": ("<=", le), "gt": (">", gt), "ge": (">=", ge)}


def operator(op: Callable) -> Callable:
    def method(self: Tensor, other: Tensor | Number) -> Tensor:
        try:
            return op(self, other)
        except TypeError:
            if isinstance(other, KNOWN):
                raise
            return NotImplemented

    return method


def reflected(op: Callable) -> Callable:
    def method(self: Tensor, other: Tensor | Number) -> Tensor:
        try:
            return op(other, self)
        except TypeError:
            if isinstance(other, KNOWN):
                raise
            return NotImplemented

    return method


def in_place(op: Callable, name: str) -> Callable:
    def method(self: Tensor, other: Tensor | Number) -> Tensor:
        return change(self, name, lambda t: op(t, other)) if isinstance(other, KNOWN) else NotImplemented

    return method


for _name, (_sign, _op) in OPERATORS.items():
    named(f"__{_name}__", operator(_op), f"self {_sign} other")
    named(f"__r{_name}__", reflected(_op), f"other {_sign} self")
    named(f"__i{_name}__", in_place(_op, f"__i{_name}__"), f"self {_sign}= other")
for _name, (_sign, _op) in COMPARISONS.items():
    named(f"__{_name}__", operator(_op), f"self {_sign} other, elementwise")


# These are ops as they are.
for _name, _op in {"neg": neg, "abs": abs, "invert": bitwise_not, "getitem": getitem}.items():
    setattr(Tensor, f"__{_name}__", _op)


@method
def __pos__(self: Tensor) -> Tensor:
    return self


@method
def __contains__(self: Tensor, element: Tensor | Number) -> bool:
    """Whether an element equals this one."""
    if not isinstance(element, KNOWN):
        raise RuntimeError(f"in: a Tensor contains numbers and Tensors, got {type(element).__name__}")
    return bool(np.any(self._array == as_array(element)))


@method
def where(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """self where condition, else other.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, -2.0])
    >>> x.where(x > 0, 0.0).tolist()
    [1.0, 0.0]
    """
    return choice.where(condition, self, other)
