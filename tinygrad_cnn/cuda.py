"""Here because PyTorch scripts import it: `cuda`, answered as on a machine without it."""

from __future__ import annotations

from typing import Any, NoReturn


def is_available() -> bool:
    """False: this library computes on the CPU."""
    return False


def is_initialized() -> bool:
    return False


def device_count() -> int:
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed; `tinygrad_cnn.manual_seed` seeds what there is."""


manual_seed_all = manual_seed


def empty_cache() -> None:
    """Nothing to empty."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: every op has finished when its call returns."""


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError("CUDA is not available: tinygrad_cnn computes on the CPU; ask cuda.is_available() first")


current_device = get_device_name = set_device = get_device_properties = _refuse
