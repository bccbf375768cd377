"""Reverse-mode differentiation: `backward`, `grad`, Functions, modes, and whole Jacobians.

The walk is in `engine/walk.py`; what is walked is in `engine/node.py` (Node) and `engine/record.py` (OpNode).
"""

from typing import Any

from ..engine.function import Function
from ..engine.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from ..engine.tensor import Tensor as Variable
from ..engine.walk import ancestry, backward, grad
from . import function, functional

__all__ = [
    "Function",
    "Variable",
    "ancestry",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "inference_mode",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    if name in ("gradcheck", "gradgradcheck"):  # PyTorch keeps them here; they live in `testing`
        import importlib

        return getattr(importlib.import_module("tinygrad_cnn.testing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
