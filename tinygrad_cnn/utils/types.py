"""Here because PyTorch scripts import it: the words of its signatures, and one number that stands for several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import IO, Any

from ..arrays.device import device as _device
from ..arrays.size import Size as _size_of
from ..engine.tensor import Tensor as Tensor

Number = bool | int | float
Device = _device | str | int | None
FileLike = str | os.PathLike | IO[bytes]
_bool, _int, _float, _complex = bool, int, float, complex
_size = Sequence[int] | _size_of
_TensorOrTensors = Tensor | Sequence[Tensor]
_size_any_t = _size_1_t = _size_2_t = _size_3_t = _size_4_t = _size_5_t = _size_6_t = int | tuple[int, ...]
_ratio_any_t = _ratio_2_t = _ratio_3_t = float | tuple[float, ...]
_maybe_indices_t = Tensor | tuple[Tensor, Tensor]


def _ntuple(n: int, name: str = "") -> Callable[[Any], tuple]:
    """A function that gives n of one number, and of several those.

    >>> _ntuple(2)(3), _ntuple(2)([3, 4])
    ((3, 3), (3, 4))
    """
    return lambda x: tuple(x) if isinstance(x, Iterable) else tuple(repeat(x, n))


_single, _pair, _triple, _quadruple = (_ntuple(n) for n in (1, 2, 3, 4))


def _reverse_repeat_tuple(t: Sequence, n: int) -> tuple:
    """Each n times, from the last to the first.

    >>> _reverse_repeat_tuple((1, 2), 2)
    (2, 2, 1, 1)
    """
    return tuple(x for x in reversed(t) for _ in range(n))
