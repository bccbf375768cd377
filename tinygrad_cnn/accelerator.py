"""Here because PyTorch scripts import it: `accelerator`, answered as on a machine without one."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """False: this library computes on the CPU."""
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


def device_count() -> int:
    return 0


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: every op has finished when its call returns."""
