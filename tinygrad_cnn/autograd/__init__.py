"""Reverse-mode differentiation: `backward`, `grad`, Functions, modes, and whole Jacobians.

The walk is in `engine/walk.py`; what is walked is in `engine/node.py` (Node) and `engine/record.py` (OpNode).
"""

import importlib
from typing import TYPE_CHECKING, Any

from ..engine.function import Function
from ..engine.walk import ancestry
from ..pytorch.absent import find
from . import function, variable
from .anomaly_mode import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradients import backward, grad
from .variable import Variable

if TYPE_CHECKING:
    from . import forward_ad, functional, graph
    from .numerical import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "Variable",
    "ancestry",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    """What few programs use is read when it is first asked for."""
    if name in ("forward_ad", "functional", "graph", "profiler"):
        return importlib.import_module(f".{name}", __name__)
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(importlib.import_module(".numerical", __name__), name)
    return find(__name__, name)
