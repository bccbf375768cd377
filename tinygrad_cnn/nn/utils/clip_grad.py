"""Shorten gradients that are too long, all together or element by element (Pascanu et al., 2013)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ...arrays.arguments import forgiving
from ...arrays.half import widened
from ...arrays.older import older
from ...arrays.quiet import silent
from ...engine.tensor import Tensor, wrap

PIECE = 1 << 16  # numbers; a sum of so many products keeps its digits, of millions it does not


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def _norm(a: np.ndarray, p: float) -> float:
    flat = widened(a.ravel(order="K"))
    if p == 2:
        pieces = (flat[i : i + PIECE] for i in range(0, flat.size, PIECE))
        return math.sqrt(sum(float(np.dot(piece, piece)) for piece in pieces))
    if math.isinf(p):
        size = np.abs(flat)
        return float(size.max(initial=0) if p > 0 else size.min(initial=math.inf))
    return float((np.abs(flat) ** p).sum() ** (1 / p)) if p else float(np.count_nonzero(flat))


@forgiving
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """‖(‖t_1‖, ‖t_2‖, ...)‖: the norm of all tensors as one vector, a 0-d tensor.

    norm_type: p of the p-norm, may be inf. error_if_nonfinite: raise a RuntimeError where it is NaN or infinite.
    foreach is a hint that changes nothing here.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.utils.get_total_norm([tg.tensor([3.0]), tg.tensor([4.0])]).item()
    5.0
    """
    tensors = _listed(tensors)
    return _as_tensor(_total_norm(tensors, norm_type, error_if_nonfinite), tensors)


def _total_norm(tensors: list[Tensor], norm_type: float, error_if_nonfinite: bool) -> float:
    norm_type = float(norm_type)
    total = _norm(np.array([_norm(t._array, norm_type) for t in tensors]), norm_type) if tensors else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"the total norm of order {norm_type} of these gradients is {total}, so it cannot be clipped; "
            "nothing was changed. Set error_if_nonfinite=False to scale the gradients by it anyway"
        )
    return total


@silent
def _as_tensor(norm: float, tensors: list[Tensor]) -> Tensor:
    dtype = np.result_type(*(t._array.dtype for t in tensors)) if tensors else np.dtype(np.float32)
    return wrap(np.array(norm, dtype))


@forgiving
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """grad *= min(1, max_norm / (total_norm + 1e-6)), in place: the second half of `clip_grad_norm_`.

    >>> import tinygrad_cnn as tg
    >>> w = tg.zeros(2, requires_grad=True)
    >>> w.grad = tg.tensor([3.0, 4.0])
    >>> tg.nn.utils.clip_grads_with_norm_([w], 1.0, total_norm=tg.tensor(5.0))
    >>> w.grad
    tensor([0.6, 0.8], shape=(2,), dtype=float32)
    """
    _scale(_gradients(parameters), float(max_norm), float(total_norm))


@silent
def _scale(gradients: list[Tensor], max_norm: float, norm: float) -> None:
    factor = norm if math.isnan(norm) else min(1.0, max_norm / (norm + 1e-6))
    for g in gradients:
        wide = np.float64 if g._array.dtype == np.float64 else np.float32  # of half precision too
        np.multiply(g._array, wide(factor), out=g._array, casting="same_kind")
        g.version().bump("clip_grad_norm_")


@forgiving
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
    name = "clip_grad_norm_"
    limit, order = _number(name, "max_norm", max_norm), _number(name, "norm_type", norm_type)
    return _clip_norm(_listed(parameters), limit, order, error_if_nonfinite)


def _number(name: str, what: str, value: float) -> float:
    """A float, also of a text that says one, as float() takes it."""
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{name}: {what} must be float, got {value!r} of type {type(value).__name__}") from None


def _clip_norm(parameters: list[Tensor], max_norm: float, norm_type: float, error_if_nonfinite: bool) -> Tensor:
    gradients = _gradients(parameters)
    norm = _total_norm(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, float(max_norm), norm)
    return _as_tensor(norm, gradients)


@forgiving
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """min(max(grad, -clip_value), clip_value) for every element, in place.

    >>> import tinygrad_cnn as tg
    >>> w = tg.zeros(2, requires_grad=True)
    >>> w.grad = tg.tensor([-3.0, 0.5])
    >>> tg.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad.tolist()
    [-1.0, 0.5]
    """
    _clip_value(_listed(parameters), _number("clip_grad_value_", "clip_value", clip_value))


def _clip_value(parameters: list[Tensor], clip_value: float) -> None:
    for g in _gradients(parameters):
        np.clip(g._array, -clip_value, clip_value, out=g._array)
        g.version().bump("clip_grad_value_")


clip_grad_norm = older(clip_grad_norm_)
