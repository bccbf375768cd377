"""ReLU and its mask in one pass over memory, on all threads.

Both read and write every number once, so they are as fast as memory is; in what order it lies does not matter,
as long as it is dense: a channels-last picture is seen as the flat run of numbers that it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba.extending import register_jitable

from .. import faster, kernel
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled

BIG = 8192  # numbers; NumPy does fewer as fast
PER_NUMBER = 0.25  # nanoseconds


def axes_in_memory(x: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The axes of x from the slowest to the fastest in memory, where x is dense: channels last or in order.

    With them, the order of axes that undoes it.

    >>> axes_in_memory(np.zeros((2, 5, 3, 4))), axes_in_memory(np.zeros((2, 3, 4, 5)).transpose(0, 3, 1, 2))
    (((0, 1, 2, 3), (0, 1, 2, 3)), ((0, 2, 3, 1), (0, 3, 1, 2)))
    """
    in_order, channels_last = _orders(x.ndim)
    if x.flags.c_contiguous:
        return in_order
    return channels_last if x.ndim > 1 and x.transpose(channels_last[0]).flags.c_contiguous else None


@cache
def _orders(ndim: int) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    in_order = tuple(range(ndim))
    last, back = (0, *in_order[2:], 1), (0, ndim - 1, *in_order[1:-1])
    return (in_order, in_order), (last, back) if ndim > 2 else ((1, 0), (1, 0))


def _is_big(input):
    return input.size >= BIG and readable(input) and axes_in_memory(input) is not None


@faster(when=_is_big)
def relu(input):
    axes, back = axes_in_memory(input)
    x = input.transpose(axes)
    out = memory.empty(x.shape)
    _relu(x.size * PER_NUMBER, x.reshape(-1), out.reshape(-1))
    return out.transpose(back)


def _are_big(grad, out):
    return _is_big(out) and readable(grad)


@faster(when=_are_big)
def relu_mask(grad, out):
    axes, back = axes_in_memory(out)
    g, y = grad.transpose(axes), out.transpose(axes)
    if not g.flags.c_contiguous:
        g = kernel.contiguous(g)
    masked = memory.empty(y.shape)
    _relu_mask(y.size * PER_NUMBER, g.reshape(-1), y.reshape(-1), masked.reshape(-1))
    return masked.transpose(back)


_NUMBERS = "Array(f4, 1, 'C', readonly=True)"


@register_jitable
def piece(part, parts, x):
    """A part of a run of numbers."""
    return x[part * len(x) // parts : (part + 1) * len(x) // parts]


@compiled(f"{_NUMBERS}, f4[::1]")
def _relu(thread, part, parts, x, out):
    x, out = piece(part, parts, x), piece(part, parts, out)
    for k in range(len(x)):
        value = x[k]
        out[k] = np.float32(0) if value < 0 else value  # NaN is not below 0 and stays


@compiled(f"{_NUMBERS}, {_NUMBERS}, f4[::1]")
def _relu_mask(thread, part, parts, grad, out, masked):
    grad, out, masked = piece(part, parts, grad), piece(part, parts, out), piece(part, parts, masked)
    for k in range(len(out)):
        value = grad[k]
        masked[k] = np.float32(0) if out[k] <= 0 else value  # NaN is not, and its gradient passes
