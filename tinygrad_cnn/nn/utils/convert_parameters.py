"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...arrays.arguments import forgiving
from ...engine.tensor import Tensor
from ...ops.join import cat
from ...ops.shape import reshape


@forgiving
def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """(p_1, p_2, ...) -> (Σ elements,): one vector of them all, with gradient.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.utils.parameters_to_vector([tg.zeros(2, 1), tg.ones(3)]).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0]
    """
    return cat([reshape(p, (-1,)) for p in parameters])


@forgiving
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let every parameter stand on its part of the vector's memory. RuntimeError where the vector is too short.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Linear(2, 1)
    >>> tg.nn.utils.vector_to_parameters(tg.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
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
