"""What this machine can do at best: the product of two matrices, and streams through its memory.

Bytes are those read and those written; that a cache may read a line before it is written is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def product(size: int, threads: int) -> tuple[Callable, dict]:
    """a @ b of (size, size) float32 in tinygrad_cnn."""
    import tinygrad_cnn as tg

    tg.set_num_threads(threads)
    a = tg.from_numpy(np.ones((size, size), np.float32))
    return lambda: a @ a, {"flop": 2 * size**3}


def numpy_product(size: int) -> tuple[Callable, dict]:
    """The same in NumPy, with all threads of its BLAS: for a process that runs no compiled loops."""
    a = np.ones((size, size), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, a, out=out), {"flop": 2 * size**3}


def copy(megabytes: int, threads: int) -> tuple[Callable, dict]:
    """a = b, a thread each for its part of an array of so many megabytes."""
    return _stream(np.copyto, megabytes, threads, passes=2)


def triad(megabytes: int, threads: int) -> tuple[Callable, dict]:
    """b = a + b, likewise: two streams in, one out."""
    return _stream(lambda a, b: np.add(a, b, b), megabytes, threads, passes=3)


def _stream(f: Callable, megabytes: int, threads: int, passes: int) -> tuple[Callable, dict]:
    arrays = [np.zeros(megabytes * 250_000, np.float32) + k for k in range(2)]
    parts = [np.array_split(a, threads) for a in arrays]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(f, *parts)), {"bytes": passes * arrays[0].nbytes}


def status(threads: int) -> tuple[Callable, dict]:
    """Which kernels run; a job that does nothing."""
    from tinygrad_cnn import kernels

    kernels.threads.set_num_threads(threads)
    return lambda: None, kernels.status()
