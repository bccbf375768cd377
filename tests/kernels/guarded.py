"""Run the fast kernels where every array ends at the end of memory: `python guarded.py SEEDS`.

Inputs, results and scratch lie right before, or right behind, a page that nobody may touch, and are full of NaN. What
reads or writes one number too far crashes the process; what reads a number that nobody wrote makes a wrong result.
The last line that was printed names the kernel.
"""

from __future__ import annotations

import copy
import ctypes
import math
import mmap
import sys

import numpy as np

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, threads
from tinygrad_cnn.kernels.fast import columns, conv, direct, groups, linear, norm, planes, softmax, winograd
from tinygrad_cnn.kernels.fast.machinery import compiled, filters, memory, products
from tinygrad_cnn.testing.calls import DRAWS, Law, draw, each

PAGE, NOBODY = mmap.PAGESIZE, 0
LIBC = ctypes.CDLL(None, use_errno=True)


class Border:
    """Makes arrays at the border of what may be touched: `at_end`, or at the begin."""

    at_end = True

    def empty(self, shape, dtype=np.float64):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        pages = -(-size // PAGE)
        block = mmap.mmap(-1, (pages + 2) * PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(block))
        for guard in (address, address + (pages + 1) * PAGE):
            assert LIBC.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(PAGE), NOBODY) == 0
        offset = (pages + 1) * PAGE - size if self.at_end else PAGE
        array = np.ndarray(shape, dtype, block, offset)
        array.view(np.uint8).fill(0xFF) if array.ndim and size else array.fill(0)  # all bits set are NaN
        return array

    def zeros(self, shape, dtype=np.float64):
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def put(self, x):
        """The numbers of x, in the order of memory that x has."""
        order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
        array = self.empty([x.shape[axis] for axis in order], x.dtype).transpose(np.argsort(order))
        array[...] = x
        return array

    def __getattr__(self, name):  # in the place of NumPy
        return getattr(np, name)


def channels_last(x):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 2 else x


def main(seeds):
    kernels.warmup()
    kernels.SMALL = 0
    border = Border()
    memory.empty = lambda shape, dtype=np.float32: border.empty(shape, dtype)
    for module in (columns, conv, direct, filters, groups, linear, norm, planes, products, softmax, winograd):
        module.np = border
    threads.set_num_threads(2)
    for seed in range(seeds):
        compiled.SPLIT = 15_000 if seed % 2 else 0  # 0: two threads, however little there is to do
        for name in DRAWS:
            for lay in (np.copy, channels_last):
                args = each(draw(name, np.random.default_rng(seed)), lay)
                law = Law(name, args)
                for border.at_end in (True, False):
                    shapes = [a.shape if isinstance(a, np.ndarray) else a for a in args if not isinstance(a, list)]
                    print(
                        f"{name} {shapes} seed {seed} {'end' if border.at_end else 'begin'} {lay.__name__}", flush=True
                    )
                    law.check_call(getattr(kernel, name), each(copy.deepcopy(args), border.put))


if __name__ == "__main__":
    main(int(sys.argv[1]))
