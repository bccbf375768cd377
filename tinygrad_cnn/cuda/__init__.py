"""Here because PyTorch scripts import it: `cuda`, answered as on a machine without it."""

from __future__ import annotations

from typing import Any, NoReturn

from ..arrays.typed import types_of
from ..pytorch.absent import explains


def is_available() -> bool:
    """False: this library computes on the CPU.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.is_available()
    False
    """
    return False


_initialized = False


def is_initialized() -> bool:
    """False: there is nothing to initialise.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.is_initialized()
    False
    """
    return False


def device_count() -> int:
    """0: the number of CUDA devices.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed; `tinygrad_cnn.manual_seed` seeds what there is.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.manual_seed(0)
    """


manual_seed_all = manual_seed


def empty_cache() -> None:
    """Nothing to empty.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.empty_cache()
    """


reset_peak_memory_stats = reset_max_memory_allocated = empty_cache


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: every op has finished when its call returns.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.synchronize()
    """


def memory_allocated(device: Any = None) -> int:
    """0 bytes: there is no such memory.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.max_memory_allocated()
    0
    """
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no bfloat16.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.is_bf16_supported()
    False
    """
    return False


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise a RuntimeError: there is no CUDA device to ask or to set.

    >>> import tinygrad_cnn as tg
    >>> tg.cuda.current_device()
    Traceback (most recent call last):
    RuntimeError: CUDA is not available: tinygrad_cnn computes on the CPU; ask cuda.is_available() first
    """
    raise RuntimeError("CUDA is not available: tinygrad_cnn computes on the CPU; ask cuda.is_available() first")


current_device = get_device_name = set_device = get_device_properties = get_device_capability = _refuse

globals().update(types_of("cuda"))  # FloatTensor and so on, by which nothing can be made

explains(__name__)
