"""What distributions do with their parameters: of one shape and dtype, as probabilities or as their logarithms."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from ..arrays.dtypes import finfo, get_default_dtype
from ..autograd.grad_mode import enable_grad
from ..engine.tensor import Tensor
from ..ops.activation import sigmoid
from ..ops.choice import clamp
from ..ops.elementwise import sub
from ..ops.shape import broadcast_tensors
from ..ops.softmax import softmax
from ..ops.unary import log, log1p
from ..surface.creation import tensor


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; a number gets the dtype of the first tensor, or the default one.

    ValueError for anything else.

    >>> import tinygrad_cnn as tg
    >>> a, b = broadcast_all(tg.zeros(2), 1.0)
    >>> b.tolist()
    [1.0, 1.0]
    """
    for v in values:
        if not isinstance(v, Tensor | Number) or isinstance(v, complex):
            raise ValueError(f"broadcast_all: expected numbers and Tensors, got {type(v).__name__}")
    dtype = next((v.dtype for v in values if isinstance(v, Tensor)), get_default_dtype())
    return broadcast_tensors(*[v if isinstance(v, Tensor) else tensor(v, dtype=dtype) for v in values])


def one_of(name: str, **given: Any) -> str:
    """The name of the one argument that is given; ValueError where it is not one."""
    there = [key for key, value in given.items() if value is not None]
    if len(there) != 1:
        raise ValueError(f"{name}: exactly one of {', '.join(given)} must be given, got {', '.join(there) or 'none'}")
    return there[0]


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities that are not 0 or 1, so that their logarithms are numbers."""
    eps = finfo(probs.dtype).eps
    return clamp(probs, eps, 1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """ln p, or ln p/(1 - p) of probabilities that are each of one event."""
    p = clamp_probs(probs)
    return sub(log(p), log1p(-p)) if is_binary else log(p)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """What `probs_to_logits` came from: the softmax along the last axis, or the sigmoid."""
    return sigmoid(logits) if is_binary else softmax(logits, -1)


class lazy_property:
    """A property that is computed when it is first asked for, with its history, and kept."""

    def __init__(self, wrapped: Callable):
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.name] = value
        return value
