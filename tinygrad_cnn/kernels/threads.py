"""How many threads the kernels may use: one number for NumPy's matrix products and for the compiled loops.

The compiled loops ask at every call. BLAS keeps its own number, which only the optional package
threadpoolctl can change while the program runs; without it, OPENBLAS_NUM_THREADS and its like count, at start.

The threads of BLAS wait for work busily, and take the cores from the loops. So from the first loop that runs on
several threads, BLAS is held to one: big products then are loops as well (fast/linear.py). Before that, it leaves a
core to a process that compiles: if one of its threads has to wait for a core, all the others wait for that thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from operator import index


def _cores() -> int:
    """The cores this process may run on, or fewer where OMP_NUM_THREADS says so, as PyTorch does."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        cores = os.cpu_count() or 1
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wish)) if wish.isdigit() and int(wish) > 0 else cores


MOST = max(64, _cores())  # threads; who asks for more has mistaken something
when_changed: list[Callable[[int], None]] = []  # who is told of another number
_count = _cores()
_loops_run = False
_spared = 0


def get_num_threads() -> int:
    """How many threads one operation may use.

    >>> get_num_threads() >= 1
    True
    """
    return _count


def set_num_threads(n: int) -> None:
    """Let one operation use up to `n` threads from now on; results stay equal up to rounding. Threads beyond them end.

    RuntimeError, and nothing is changed, for less than 1 and for far more than there are cores.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _count
    if isinstance(n, bool) or not hasattr(type(n), "__index__"):
        raise TypeError(f"set_num_threads: n is {type(n).__name__}; it must be an int")
    n = index(n)
    if not 1 <= n <= MOST:
        what = "positive" if n < 1 else f"at most {MOST}, for this machine has {_cores()} cores"
        raise RuntimeError(f"set_num_threads: n is {n}; it must be {what}")
    _count = n
    _hold_blas()
    for tell in when_changed:
        tell(n)


def loops_run() -> None:
    """To be told when compiled loops begin to run on several threads."""
    global _loops_run
    if not _loops_run:
        _loops_run = True
        _hold_blas()


def spare(cores: int) -> None:
    """To be told how many cores another process needs that works for this one."""
    global _spared
    if cores != _spared:
        _spared = cores
        _hold_blas()


def _hold_blas() -> None:
    if (blas := _blas()) is not None:
        blas.limit(limits=1 if _loops_run else max(1, _count - _spared), user_api="blas")


@cache
def _blas():
    """The control of BLAS, found once: looking for the loaded libraries takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
