"""PyTorch's path to `autograd.Function` and what belongs to it; they live in `engine/function.py`."""

from ..engine.function import Function, FunctionCtx, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
