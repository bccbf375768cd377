"""The ops that the engine differentiates with: broadcasting and its adjoint, conversion, and their use on gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.dtypes import float16, float32, result_type
from ..arrays.half import widened
from .call import op
from .node import Node, Parts
from .record import summed_to
from .tensor import Tensor


@op
def sum_to(input, shape: tuple):
    """Sum over the axes along which `shape` was broadcast: input.shape -> shape, the adjoint of expand_to."""
    return summed_to(input, shape)


sum_to.grad(input=lambda g, input_shape: expand_to(g, input_shape))
sum_to.explain("A sum's gradient goes to every element that was added.", input="g, repeated along axis of the sum")


@op(view=True)
def expand_to(input, shape: tuple):
    """Repeat along axes of length 1, without copying: input.shape -> shape."""
    if input.size == 1 and input.ndim <= len(shape):  # as the gradient of a sum; NumPy takes ten times as long for it
        out = np.ndarray(shape, input.dtype, input, 0, (0,) * len(shape))
        out.flags.writeable = False
    else:
        out = np.broadcast_to(input, shape)
    return input.reshape(shape) if out.size == input.size else out  # what repeats nothing may be written to


expand_to.grad(input=lambda g, input_shape: sum_to(g, input_shape))
expand_to.explain("An element that was used several times gets the sum of its gradients.", input="Σ_{copies} g")


@op(exact=True)
def cast(input, dtype: np.dtype):
    """The same values in another dtype."""
    return input.astype(dtype)


cast.grad(input=lambda g: g)
cast.explain("The same number in another dtype: the gradient passes.")


@op(view=True)
def by_cases(input, other):
    """input, which depends on other by cases alone: the derivative along other is zero."""
    return input


by_cases.grad(input=lambda g: g, other=lambda g: None)
by_cases.explain("Other decides which case holds; within a case nothing moves with it.", zero="a case is constant")


def fit(c: Any, parent: Node) -> Any:
    """A gradient, an array or a Tensor, in the shape and the dtype of the output that it is for."""
    if c.shape != parent.shape:
        c = sum_to(c, parent.shape)
    return c if c.dtype == parent.dtype else cast(c, parent.dtype)


def wide(value: Any) -> Any:
    """`widened`, of Tensors too, with their history."""
    if type(value) is list:
        return [wide(v) for v in value]
    if type(value) is Parts:
        return Parts({i: wide(g) for i, g in value.items()})
    if isinstance(value, Tensor):
        return cast(value, float32) if value._array.dtype == float16 else value
    return widened(value)


def in_float32(composition: Callable) -> Callable:
    """The same function of Tensors, which computes half precision in float32 and rounds its result once: a decorator.

    For compositions of ops: an op does so by itself, but between two of them every number would be rounded.
    """

    @functools.wraps(composition)
    def call(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(a, Tensor) and a._array.dtype is float16:
                break
        else:
            return composition(*args, **kwargs)
        given = [a._array for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        if result_type(*given) != float16:
            return composition(*args, **kwargs)
        out = composition(*[wide(a) for a in args], **{name: wide(a) for name, a in kwargs.items()})
        return cast(out, float16)

    return call
