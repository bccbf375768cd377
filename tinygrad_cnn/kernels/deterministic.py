"""Every digit again, in every run: PyTorch's switch for it, and what it means here.

All ops are deterministic. What is not, is when a process in the background has compiled the fast kernels, which then
take over from NumPy's and round differently. With this switch, a kernel that is not compiled is waited for.
"""

from __future__ import annotations

_enabled = False
_warn_only = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """With True, runs of one program with one seed are equal to the bit, on one machine with one number of threads.

    The fast kernels are waited for where they are not compiled yet: once, with a word on stderr, for up to a minute.
    By default NumPy's run meanwhile, and they take over when they are ready, which changes results by rounding. After
    `tinygrad-cnn warmup`, or in a second run that needs no others, they are ready from the start either way.

    No op is without a deterministic version, so nothing is refused, and `warn_only` has no effect; it is accepted
    since PyTorch has it.

    >>> import tinygrad_cnn as tg
    >>> tg.use_deterministic_algorithms(True)
    >>> tg.are_deterministic_algorithms_enabled()
    True
    >>> tg.use_deterministic_algorithms(False)
    """
    global _enabled, _warn_only
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(f"use_deterministic_algorithms: {name} is {type(value).__name__}; it must be a bool")
    _enabled, _warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms(True)` holds.

    >>> are_deterministic_algorithms_enabled()
    False
    """
    return _enabled


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` was last told as `warn_only`.

    >>> is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _warn_only
