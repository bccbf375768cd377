"""Every digit again, in every run: PyTorch's switch for it, and what it means here.

All ops are deterministic. What is not, is when a process in the background has compiled the fast kernels, which then
take over from NumPy's and round differently. With this switch, a kernel that is not compiled is waited for.
"""

from __future__ import annotations

MODES = ("default", "warn", "error")
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


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by a number or a word: 0 "default", 1 "warn" or 2 "error".

    >>> set_deterministic_debug_mode("warn")
    >>> get_deterministic_debug_mode(), are_deterministic_algorithms_enabled()
    (1, True)
    >>> set_deterministic_debug_mode(0)
    """
    if isinstance(debug_mode, bool) or not isinstance(debug_mode, int | str):
        raise TypeError(f"set_deterministic_debug_mode: expected int or str, got {type(debug_mode).__name__}")
    if debug_mode not in (0, 1, 2, *MODES):
        raise RuntimeError(f"set_deterministic_debug_mode: expected 0 to 2 or one of {MODES}, got {debug_mode!r}")
    mode = MODES.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """0 for no, 1 and 2 for deterministic algorithms, 1 where these only warn.

    >>> get_deterministic_debug_mode()
    0
    """
    return 0 if not _enabled else 1 if _warn_only else 2
