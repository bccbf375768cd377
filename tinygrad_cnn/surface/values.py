"""Out of the graph: the numbers of a Tensor as an array, as Python numbers, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.memory import FIXED, put_in_order
from ..engine.modes import mode
from ..engine.tensor import Tensor, wrap
from ..ops.declared import appears
from .attach import method


@method
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """The array itself, on the same memory: a change of one is a change of the other.

    >>> import tinygrad_cnn as tg
    >>> t = tg.zeros(2)
    >>> t.numpy()[0] = 5
    >>> t.tolist()
    [5.0, 0.0]
    """
    if mode.grad and not force and self.requires_grad:
        raise RuntimeError(
            "can't call numpy() on a Tensor that requires grad: the array would have no history; "
            "use tensor.detach().numpy()"
        )
    put_in_order(self)
    self._memory = FIXED
    self.version().keeper.exposed = True
    _tell(self)
    return self._array


def _tell(t: Tensor) -> None:
    if mode.tracer is not None:
        mode.tracer.taken(t)


@method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    return np.array(self.numpy(), dtype=dtype, copy=copy)


@method
def item(self: Tensor) -> int | float | bool:
    """The one number in this tensor, as a Python scalar.

    RuntimeError for more or fewer than one. A number has no graph: sum up a training with `total += loss.item()`, for
    `total += loss` keeps the graphs of all steps, and memory grows with each.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[2.5]]).item(), tg.tensor([1, 2]).sum().item()
    (2.5, 3)
    """
    if self._array.size != 1:
        raise RuntimeError(f"item: a Tensor with {self._array.size} elements cannot be converted to a scalar")
    _tell(self)
    return self._array.item()


@method
def tolist(self: Tensor) -> Any:
    """The elements as Python numbers, in lists of lists.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1, 2], [3, 4]]).tolist(), tg.tensor(0.5).tolist()
    ([[1, 2], [3, 4]], 0.5)
    """
    _tell(self)
    return self._array.tolist()


@method
def apply_(self: Tensor, callable: Any) -> Tensor:
    """In place: callable(x) of each element x, as Python numbers. Slow, and no gradient follows it.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1.0, 2.0]).apply_(lambda x: x * x).tolist()
    [1.0, 4.0]
    """
    if self.requires_grad:
        raise RuntimeError("apply_: can't call apply_() on a Tensor that requires grad; use .detach().apply_()")
    return self.copy_(wrap(np.array([callable(x) for x in self._array.ravel().tolist()]).reshape(self._array.shape)))  # type: ignore[attr-defined]


@method
def __bool__(self: Tensor) -> bool:
    if self._array.size != 1:
        raise RuntimeError(
            f"the truth value of a Tensor with {self._array.size} elements is ambiguous; use .any() or .all()"
        )
    _tell(self)
    return bool(self._array.item())


def _number(self: Tensor, kind: type) -> Any:
    if self._array.size != 1:
        raise ValueError(f"{kind.__name__}: only a Tensor of one element is a number, this one has {self._array.size}")
    return kind(self.item())


@method
def __float__(self: Tensor) -> float:
    return _number(self, float)


@method
def __int__(self: Tensor) -> int:
    return _number(self, int)


@method
def __complex__(self: Tensor) -> complex:
    return _number(self, complex)


@method
def __index__(self: Tensor) -> int:
    if self._array.size != 1 or self._array.dtype.kind not in "iub":
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self._array.item())


@method
def __len__(self: Tensor) -> int:
    if self._array.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return len(self._array)


@method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if self._array.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))  # type: ignore[attr-defined]


@method
def __format__(self: Tensor, spec: str) -> str:
    return object.__format__(self, spec) if self._array.ndim else format(self._array.item(), spec)


@appears("function")
def is_tensor(obj: Any) -> bool:
    """Whether this is a Tensor.

    >>> import tinygrad_cnn as tg
    >>> tg.is_tensor(tg.ones(2)), tg.is_tensor([1, 1])
    (True, False)
    """
    return isinstance(obj, Tensor)


@appears("function method")
def numel(input: Tensor) -> int:
    """The number of elements.

    >>> import tinygrad_cnn as tg
    >>> tg.numel(tg.zeros(2, 3))
    6
    """
    return input._array.size
