"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...engine.tensor import Tensor
from ...ops import cat, reshape


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """(p_1, p_2, ...) -> (Σ elements,): one vector of them all, with gradient."""
    return cat([reshape(p, (-1,)) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let every parameter stand on its part of the vector's memory."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    total = sum(p._array.size for p in parameters)
    if vec._array.size < total:
        raise RuntimeError(
            f"vector_to_parameters: the vector has {vec._array.size} elements, the parameters have {total}"
        )
    start = 0
    for p in parameters:
        end = start + p._array.size
        p.data = reshape(vec.detach()[start:end], p.shape)  # type: ignore[index]
        start = end
