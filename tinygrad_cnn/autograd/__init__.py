"""Reverse-mode differentiation: `backward`, `grad`, Functions, modes, and whole Jacobians.

The walk is in `engine/walk.py`; what is walked is in `engine/node.py` (Node) and `engine/record.py` (OpNode).
"""

from ..engine.function import Function
from ..engine.tensor import Tensor as Variable
from ..engine.walk import ancestry
from . import function, functional
from .anomaly_mode import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradients import backward, grad
from .numerical import gradcheck, gradgradcheck

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
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
