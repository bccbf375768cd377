"""Shorten gradients that are too long, all together or element by element (Pascanu et al., 2013)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ...tensor import Tensor, wrap


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def _norm(a: np.ndarray, p: float) -> float:
    flat = a.ravel(order="K")
    if p == 2:
        return math.sqrt(np.dot(flat, flat))
    if math.isinf(p):
        size = np.abs(flat)
        return float(size.max(initial=0) if p > 0 else size.min(initial=math.inf))
    return float((np.abs(flat) ** p).sum() ** (1 / p)) if p else float(np.count_nonzero(flat))


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """‖(‖t_1‖, ‖t_2‖, ...)‖: the norm of all tensors as one vector, a 0-d tensor.

    norm_type: p of the p-norm, may be inf. error_if_nonfinite: raise a RuntimeError where it is NaN or infinite.
    foreach is a hint that changes nothing here.
    """
    tensors = _listed(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return wrap(np.zeros((), np.float32))
    dtype = np.result_type(*(t._array.dtype for t in tensors))
    total = np.array(_norm(np.array([_norm(t._array, norm_type) for t in tensors]), norm_type), dtype)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"the total norm of order {norm_type} of these gradients is {total.item()}, so it cannot be clipped; "
            "nothing was changed. Set error_if_nonfinite=False to scale the gradients by it anyway"
        )
    return wrap(total)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """grad *= min(1, max_norm / (total_norm + 1e-6)), in place."""
    norm = float(total_norm)
    factor = norm if math.isnan(norm) else min(1.0, float(max_norm) / (norm + 1e-6))
    with np.errstate(all="ignore"):
        for g in _gradients(parameters):
            g._array *= g._array.dtype.type(factor)
            g.version().bump("clip_grad_norm_")


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by one factor so that their total norm is at most max_norm; returns the norm before.

    >>> import tinygrad_cnn as tg
    >>> w = tg.zeros(2, requires_grad=True)
    >>> w.grad = tg.tensor([3.0, 4.0])
    >>> tg.nn.utils.clip_grad_norm_([w], max_norm=1.0).item()
    5.0
    >>> [round(g, 4) for g in w.grad.tolist()]
    [0.6, 0.8]
    """
    parameters = _listed(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """min(max(grad, -clip_value), clip_value) for every element, in place."""
    for g in _gradients(parameters):
        np.clip(g._array, -float(clip_value), float(clip_value), out=g._array)
        g.version().bump("clip_grad_value_")
