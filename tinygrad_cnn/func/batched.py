"""A tensor that stands for one example of many: its `physical` tensor has the axes of all levels of vmap in front.

    level 1 of 3 examples, level 2 of 5:    Batched (2, 4), levels (1, 2)    physical (3, 5, 2, 4)

To the function that is mapped it has the shape of an example, and no numbers that could be looked at, for they differ.
Taking the last level off is to see its axis as one of the example's; so a rule knows no levels, only an axis in front.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.arguments import ByExample
from ..engine.memory import FIXED, Memory
from ..engine.node import Node, Version
from ..engine.tensor import Tensor
from ..ops.shape import expand, movedim, reshape


class Veil(np.ndarray):
    """The array of a Batched tensor: a shape and a dtype. To ask for a number is an error."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise ByExample(
            "vmap: it looks like the numbers of a tensor are being looked at (by .item(), bool(), if, a list, NumPy or "
            "an index), and they differ from example to example; use where(condition, a, b) for what depends on them"
        )

    item = tolist = tobytes = any = all = nonzero = min = max = sum = prod = mean = argmin = argmax = _refuse  # type: ignore[assignment]
    __bool__ = __float__ = __int__ = __index__ = __complex__ = __iter__ = __getitem__ = _refuse  # type: ignore[assignment]
    __array_ufunc__ = _refuse  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Veil(shape={self.shape}, dtype={self.dtype})"

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return super().__array_function__(function, types, args, kwargs) if function in _OF_SHAPES else self._refuse()


_OF_SHAPES = {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.result_type,
              np.can_cast, np.broadcast_to, np.shares_memory, np.may_share_memory, np.iscomplexobj}  # fmt: skip


def _veil(array: np.ndarray, batch_axes: int) -> Any:
    kind = array.dtype.kind
    wrong = np.nan if kind in "fc" else np.iinfo(array.dtype).min if kind in "iu" else False
    return np.broadcast_to(np.array(wrong, array.dtype), array.shape[batch_axes:]).view(Veil)


class Batched(Tensor):
    """One example of many."""

    physical: Tensor
    levels: tuple[int, ...]

    def __init__(self, physical: Tensor, levels: tuple[int, ...]):
        self.physical, self.levels = physical, levels
        self._array = _veil(physical._array, len(levels))
        self._grad = None

    # Its history is that of the physical tensor.

    @property
    def _node(self) -> Node | None:  # type: ignore[override]
        return self.physical._node

    @property
    def _requires_grad(self) -> bool:  # type: ignore[override]
        return self.physical.requires_grad

    @property
    def _counter(self) -> Version | None:  # type: ignore[override]
        return self.physical._counter

    @property
    def _view(self) -> None:  # type: ignore[override]
        return None

    @property
    def _memory(self) -> Memory:  # type: ignore[override]
        return FIXED

    @property
    def requires_grad(self) -> bool:
        return self.physical.requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self.physical.requires_grad = flag

    @property
    def grad_fn(self) -> Any:
        return self.physical.grad_fn

    def accumulator(self) -> Node:
        return self.physical.accumulator()

    def guard(self) -> Version:
        return self.physical.guard()

    def version(self) -> Version:
        return self.physical.version()

    def detach(self) -> Tensor:
        return Batched(self.physical.detach(), self.levels)

    @property
    def data(self) -> Tensor:
        return Batched(self.physical.data, self.levels)

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("vmap: the data of a tensor cannot be exchanged for other data; use copy_")

    def numpy(self, *, force: bool = False) -> Any:
        return self._array.item()  # which refuses

    def __repr__(self) -> str:
        return f"Batched(shape={tuple(self._array.shape)}, levels={self.levels}, of={self.physical!r})"


def levels_of(t: Any) -> tuple[int, ...]:
    return t.levels if isinstance(t, Batched) else ()


def physical_of(t: Tensor) -> Tensor:
    return t.physical if isinstance(t, Batched) else t


def at_levels(physical: Tensor, levels: tuple[int, ...]) -> Tensor:
    """The example of a physical tensor whose first axes are of these levels."""
    return Batched(physical, levels) if levels else physical


def added(t: Tensor, level: int) -> Tensor:
    """An example of t: its first axis becomes that of this level."""
    levels = levels_of(t)
    place = sum(held < level for held in levels)
    physical = physical_of(t)
    if place < len(levels):
        physical = movedim(physical, len(levels), place)
    return Batched(physical, (*levels[:place], level, *levels[place:]))


def removed(t: Tensor, level: int, size: int) -> Tensor:
    """All examples of a level: its axis becomes the first of the tensor. What is the same for all is repeated."""
    levels = levels_of(t)
    if level not in levels:
        shape = tuple(t._array.shape)
        return expand(reshape(t, (1, *shape)), (size, *shape))
    place, last = levels.index(level), len(levels) - 1
    physical = physical_of(t)
    if place < last:
        physical = movedim(physical, place, last)
    return at_levels(physical, (*levels[:place], *levels[place + 1 :]))


def aligned(t: Tensor, levels: dict[int, int]) -> Tensor:
    """t as it is for the outside of these levels, {level: size}: their axes are its first ones, the lowest first."""
    for level in sorted(levels, reverse=True):
        t = removed(t, level, levels[level])
    return t
