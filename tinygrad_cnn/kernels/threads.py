"""How many threads the kernels may use: one number for NumPy's matrix products and for the compiled loops.

The compiled loops ask `count()` at every call. BLAS keeps its own number, which only the optional package
threadpoolctl can change while the program runs; without it, OPENBLAS_NUM_THREADS and its like count, at start.
"""

from __future__ import annotations

import os
from functools import cache


def _cores() -> int:
    """The cores this process may run on, or fewer where OMP_NUM_THREADS says so, as PyTorch does."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        cores = os.cpu_count() or 1
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wish)) if wish.isdigit() and int(wish) > 0 else cores


_count = _cores()
_pool_is_running = False  # a pool of threads does not live on in a child after fork
_lost_pool = False


def get_num_threads() -> int:
    """How many threads one operation may use.

    >>> get_num_threads() >= 1
    True
    """
    return _count


def set_num_threads(n: int) -> None:
    """Let one operation use up to `n` threads from now on; results stay equal up to rounding.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _count
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"set_num_threads: n is {type(n).__name__}; it must be an int")
    if n < 1:
        raise RuntimeError(f"set_num_threads: n is {n}; it must be positive")
    _count = n
    if (blas := _blas()) is not None:
        blas.limit(limits=n, user_api="blas")


def count() -> int:
    """The size of the team for a compiled loop: 1 in a child after fork, where the pool is gone."""
    return 1 if _lost_pool else _count


def pool_started() -> None:
    """To be told when the pool of threads starts: from then on, forks lose it."""
    global _pool_is_running
    _pool_is_running = True


def _after_fork() -> None:
    global _lost_pool
    _lost_pool = _pool_is_running


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def _blas():
    """The control of BLAS, found once: looking for the loaded libraries takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
