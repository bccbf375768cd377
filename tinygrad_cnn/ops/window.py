"""Windows that slide over pictures: how many fit, and whether the arguments make sense.

Convolution and pooling ask here. What they ask depends on shapes and plain numbers only, so every answer
is kept: the checks of a network's thousandth batch cost one look-up.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import index
from typing import Any

from ..arrays.windows import fitting

AXES = {1: ("length",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")}


def remembered(f: Callable) -> Callable:
    """f with a memory of its results; arguments that cannot be looked up (a list as stride) are computed anew."""
    look_up = functools.lru_cache(4096, typed=True)(f)

    @functools.wraps(f)
    def call(*args: Any) -> Any:
        try:
            return look_up(*args)
        except TypeError:
            pass
        return f(*args)

    return call


def numbers(op: str, name: str, value: Any, count: int, least: int) -> tuple[int, ...]:
    """One int for each spatial axis, none below `least`, from a single one or from a tuple.

    >>> numbers("conv2d", "stride", 2, count=2, least=1)
    (2, 2)
    """
    try:
        given = tuple(index(v) for v in value) if isinstance(value, tuple | list) else (index(value),)
    except TypeError:
        expected = "an int" if count == 1 else f"an int or {count} of them {AXES[count]}"
        raise TypeError(f"{op}: {name} must be {expected}, got {value!r}") from None
    if len(given) not in (1, count):
        raise RuntimeError(
            f"{op}: {name} must be a single int, or one for each of the spatial axes {AXES[count]}, got {value!r}"
        )
    if min(given) < least:
        raise RuntimeError(f"{op}: {name} must be at least {least}, got {value!r}")
    return given if len(given) == count else given * count


def fit(op, what, sizes, window, stride, padding, dilation, ceil_mode=False) -> tuple[int, ...]:
    """How many windows fit on each axis of the input, of which there must be some.

    >>> fit("unfold", "picture", (28, 5), (5, 5), stride=(2, 1), padding=(0, 0), dilation=(1, 1))
    (12, 1)
    """
    axes = zip(sizes, window, stride, padding, dilation)
    found = tuple(fitting(n, k, s, pad, d, ceil_mode) for n, k, s, pad, d in axes)
    if min(found) < 1:
        raise RuntimeError(
            f"{op}: the window {tuple(window)} with dilation {dilation} is larger than the {what} {tuple(sizes)} with "
            f"padding {padding}; pad more, or use a smaller window"
        )
    return found


def batched(op: str, input: Any, spatial: int, kind: type[Exception] = RuntimeError) -> bool:
    """Whether there is a batch axis before the channels; without one, (C, ...) is one picture."""
    ndim = getattr(input, "ndim", None)
    if ndim == spatial + 2:
        return True
    if ndim == spatial + 1:
        return False
    letters = {1: "L", 2: "H, W", 3: "D, H, W"}[spatial]
    if ndim is None:
        raise TypeError(f"{op}: input must be a Tensor, got {type(input).__name__}")
    raise (kind if ndim < spatial + 1 else RuntimeError)(
        f"{op}: expected input (N, C, {letters}) or (C, {letters}), got {ndim} axes {tuple(input.shape)}"
    )
