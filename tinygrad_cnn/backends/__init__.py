"""Here because PyTorch scripts import it: `backends`, and other switches that they set and nothing depends on."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

from ..arrays.lines import user_level
from ..pytorch.absent import explains
from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]

explains(__name__)
mkl = openmp = SimpleNamespace(is_available=lambda: False)
mkldnn = SimpleNamespace(is_available=lambda: False, enabled=False)

_precision = "highest"
_between = 1


def set_float32_matmul_precision(precision: str) -> None:
    """How exactly float32 is multiplied: always as "highest" says; "high" and "medium" allow less, which nobody does.

    >>> import tinygrad_cnn as tg
    >>> tg.set_float32_matmul_precision("high")
    >>> tg.get_float32_matmul_precision()
    'high'
    >>> tg.set_float32_matmul_precision("highest")
    """
    global _precision
    if precision in ("highest", "high", "medium"):
        _precision = precision
        return
    words = f"{precision} is not one of 'highest', 'high' and 'medium': set_float32_matmul_precision changes nothing"
    warnings.warn(words, stacklevel=user_level())


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told last.

    >>> import tinygrad_cnn as tg
    >>> tg.get_float32_matmul_precision()
    'highest'
    """
    return _precision


def set_flush_denormal(mode: bool) -> bool:
    """False: the smallest numbers keep the digits that they have, whatever is asked for.

    >>> import tinygrad_cnn as tg
    >>> tg.set_flush_denormal(True)
    False
    """
    return False


def set_num_interop_threads(n: int) -> None:
    """How many ops run at the same time: one. RuntimeError for less.

    >>> import tinygrad_cnn as tg
    >>> tg.set_num_interop_threads(1)
    """
    global _between
    if n < 1:
        raise RuntimeError(f"set_num_interop_threads: expected a positive number, got {n}")
    _between = n


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was told last.

    >>> import tinygrad_cnn as tg
    >>> tg.get_num_interop_threads()
    1
    """
    return _between
