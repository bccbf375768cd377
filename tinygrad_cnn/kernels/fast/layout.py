"""Pictures from channels last to channels first and back: every image is a matrix that is transposed.

An image of C channels and K pixels lies in memory as K rows of C numbers, or C rows of K. Copied number by number,
either what is read or what is written is scattered. So it is done block by block, each in registers.

N batch, R rows and K columns of the matrix that is read.
"""

from __future__ import annotations

import numpy as np

from .. import faster
from .machinery import memory
from .machinery.arrays import FLOAT32, readable
from .machinery.compiled import compiled
from .machinery.lanes import first_lanes
from .machinery.micro import WIDTH
from .machinery.transpose import transpose_block

BIG = 16_384  # numbers; NumPy does fewer as fast
PER_BLOCK, PER_NUMBER = 50, 0.5  # nanoseconds


def _is_transposed(input):
    return input.size >= BIG and readable(input) and _matrices(input) is not None


@faster(when=_is_transposed, pure=True)
def contiguous(input):
    return _transposed(input, _matrices(input))


def _transposed(input, x):
    N, R, K = x.shape
    out = memory.empty(input.shape)
    _transpose(N * -(-R // WIDTH) * -(-K // WIDTH) * PER_BLOCK, x, out.reshape(N, K, R))
    return out


def dense(input):
    """Four axes, float32 or uint8, in the order of memory: the array itself, or a copy made by a loop in any case.

    Other kernels that are pure take this, for `kernel.contiguous` may run in NumPy.
    """
    if input.flags.c_contiguous:
        return input
    if input.dtype == FLOAT32 and input.size and (x := _matrices(input)) is not None:
        return _transposed(input, x)
    out = memory.empty(input.shape, input.dtype)
    copy = _copy_numbers if input.dtype == FLOAT32 else _copy_bytes
    copy(input.size * PER_NUMBER, input, out)
    return out


def _matrices(input: np.ndarray) -> np.ndarray | None:
    """The memory as a batch of matrices (N,R,K), where (N,K,R) is the input: its axis 1 or its last is elsewhere."""
    if input.ndim < 3 or input.flags.c_contiguous:
        return None
    axes = range(1, input.ndim)
    if input.strides[1] == input.itemsize:
        x = input.transpose(0, *axes[1:], 1)
        return x.reshape(len(x), -1, x.shape[-1]) if x.flags.c_contiguous else None
    x = input.transpose(0, axes[-1], *axes[:-1])
    return x.reshape(len(x), x.shape[1], -1) if x.flags.c_contiguous else None


def _copy(thread, part, parts, x, out):
    N, H = x.shape[:2]
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        out[row // H, row % H] = x[row // H, row % H]


_copy_numbers, _copy_bytes = (
    compiled(f"Array({kind}, 4, 'A', readonly=True), {kind}[:,:,:,::1]")(_copy) for kind in ("f4", "u1")
)


@compiled("Array(f4, 3, 'C', readonly=True), f4[:,:,::1]")
def _transpose(thread, part, parts, x, out):
    N, R, K = x.shape
    tall, wide = (R + WIDTH - 1) // WIDTH, (K + WIDTH - 1) // WIDTH
    blocks = tall * wide
    for block in range(part * N * blocks // parts, (part + 1) * N * blocks // parts):
        n, place = block // blocks, block % blocks
        if tall > wide:  # along the shorter side, for what is half written to be soon done
            r, k = place // wide * WIDTH, place % wide * WIDTH
        else:
            k, r = place // tall * WIDTH, place % tall * WIDTH
        transpose_block(
            x.ctypes.data + ((n * R + r) * K + k) * 4,
            K * 4,
            out.ctypes.data + ((n * K + k) * R + r) * 4,
            R * 4,
            first_lanes(R - r),
            first_lanes(K - k),
        )
