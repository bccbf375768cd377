"""ReLU and its mask in one pass over memory, on all threads.

Both read and write every number once, so they are as fast as memory is; in what order it lies does not matter,
as long as it is dense: a channels-last picture is seen as the flat run of numbers that it is.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster, kernel
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled

BIG = 8192  # numbers; NumPy does fewer as fast
PER_NUMBER = 0.25  # nanoseconds


def axes_in_memory(x: np.ndarray) -> tuple[int, ...] | None:
    """The axes of x from the slowest to the fastest in memory, where x is dense: channels last or in order."""
    if x.flags.c_contiguous:
        return tuple(range(x.ndim))
    last = (0, *range(2, x.ndim), 1) if x.ndim > 2 else (1, 0)
    return last if x.ndim > 1 and x.transpose(last).flags.c_contiguous else None


def _is_big(input):
    return input.size >= BIG and readable(input) and axes_in_memory(input) is not None


@faster(when=_is_big)
def relu(input):
    axes = axes_in_memory(input)
    x = input.transpose(axes)
    out = memory.empty(x.shape)
    _relu(x.size * PER_NUMBER, x.reshape(-1), out.reshape(-1))
    return out.transpose(back(axes))


def _are_big(grad, out):
    return _is_big(out) and readable(grad)


@faster(when=_are_big)
def relu_mask(grad, out):
    axes = axes_in_memory(out)
    g, y = kernel.contiguous(grad.transpose(axes)), out.transpose(axes)
    masked = memory.empty(y.shape)
    _relu_mask(y.size * PER_NUMBER, g.reshape(-1), y.reshape(-1), masked.reshape(-1))
    return masked.transpose(back(axes))


def back(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order of axes that undoes a transpose by `axes`.

    >>> back((0, 2, 3, 1))
    (0, 3, 1, 2)
    """
    return tuple(axes.index(axis) for axis in range(len(axes)))


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
