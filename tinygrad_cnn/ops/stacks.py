"""Columns, rows and layers: joining and splitting along one of the first three axes, as NumPy names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from ..arrays.types import Array, Shape
from .declared import appears
from .dims import axis
from .join import cat, tensor_split
from .rearrange import diagonal_place
from .shape import ints, reshape, unsqueeze


@appears("function out")
def column_stack(tensors: Sequence[Array]) -> Array:
    """The tensors side by side along axis 1; a number or a vector is a column.

    RuntimeError where another axis differs in length.

    >>> import tinygrad_cnn as tg
    >>> tg.column_stack([tg.tensor([1, 2]), tg.tensor([[3, 4], [5, 6]])]).tolist()
    [[1, 3, 4], [2, 5, 6]]
    """
    return _joined("column_stack", tensors, lambda x: reshape(x, (-1, 1)) if x.ndim < 2 else x, 1)


@appears("function out")
def dstack(tensors: Sequence[Array]) -> Array:
    """The tensors behind each other along axis 2; a matrix is a layer, a vector a row of one.

    RuntimeError where another axis differs in length.

    >>> import tinygrad_cnn as tg
    >>> tg.dstack([tg.tensor([1, 2]), tg.tensor([3, 4])]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return _joined("dstack", tensors, atleast_3d, 2)


def _joined(name: str, tensors: Any, raised: Callable, dim: int) -> Any:
    if not isinstance(tensors, tuple | list) or not all(hasattr(x, "ndim") for x in tensors):
        raise TypeError(f"{name}: expected a list or tuple of Tensors, got {type(tensors).__name__}")
    if not tensors:
        raise RuntimeError(f"{name}: expected a non-empty list of Tensors")
    return cat([raised(x) for x in tensors], dim)


@overload
def atleast_3d(tensor: Array, /) -> Array: ...
@overload
def atleast_3d(*tensors: Array) -> tuple[Array, ...]: ...
@appears("function")
def atleast_3d(*tensors: Array) -> Any:
    """Each tensor with at least three axes: (n,) -> (1, n, 1), (n, m) -> (n, m, 1)

    Several tensors, or a list of them, give a tuple.

    >>> import tinygrad_cnn as tg
    >>> tg.atleast_3d(tg.zeros(2)).shape, tg.atleast_3d(tg.zeros(2, 3)).shape
    ((1, 2, 1), (2, 3, 1))
    """
    if len(tensors) == 1 and not isinstance(tensors[0], tuple | list):
        x = tensors[0]
        return x if x.ndim > 2 else unsqueeze(x, 2) if x.ndim == 2 else reshape(x, (1, -1, 1))
    return tuple(atleast_3d(x) for x in (tensors[0] if len(tensors) == 1 else tensors))


@appears("function method")
def hsplit(input: Array, indices_or_sections: Shape) -> tuple[Array, ...]:
    """So many equal parts along axis 1 (of a vector along axis 0), or parts that begin at the given places. Views.

    RuntimeError where the parts would not be equal.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.hsplit(tg.tensor([[1, 2], [3, 4]]), 2)]
    [[[1], [3]], [[2], [4]]]
    """
    return _split("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


@appears("function method")
def vsplit(input: Array, indices_or_sections: Shape) -> tuple[Array, ...]:
    """So many equal parts along axis 0, or parts that begin at the given places. Views.

    RuntimeError for a vector, and where the parts would not be equal.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.vsplit(tg.tensor([[1], [2], [3]]), (1,))]
    [[[1]], [[2], [3]]]
    """
    return _split("vsplit", input, indices_or_sections, 0, 2)


@appears("function method")
def dsplit(input: Array, indices_or_sections: Shape) -> tuple[Array, ...]:
    """So many equal parts along axis 2, or parts that begin at the given places. Views.

    RuntimeError for fewer than three axes, and where the parts would not be equal.

    >>> import tinygrad_cnn as tg
    >>> [part.shape for part in tg.dsplit(tg.zeros(2, 3, 4), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    return _split("dsplit", input, indices_or_sections, 2, 3)


def _split(name: str, input: Any, parts: Any, dim: int, least: int) -> tuple:
    if input.ndim < least:
        raise RuntimeError(f"{name}: expects at least {least} axes, got shape {tuple(input.shape)}")
    if not isinstance(parts, tuple | list):
        (parts,) = ints(name, parts)
        if parts <= 0 or input.shape[dim] % parts:
            raise RuntimeError(f"{name}: {parts} equal parts cannot be made of the {input.shape[dim]} of axis {dim}")
    return tensor_split(input, parts, dim)


# Diagonals.


@appears("function method")
def diag_embed(input: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """Matrices of zeros with the rows of input on their diagonals        (..., n) -> (..., n, n)

    offset: how far above the main diagonal. dim1, dim2: the axes of the result that are the matrices.
    RuntimeError where both are the same, IndexError for one that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.diag_embed(tg.tensor([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    ndim = input.ndim + 1
    first, second = axis("diag_embed", dim1, ndim), axis("diag_embed", dim2, ndim)
    if not input.ndim:
        raise IndexError("diag_embed: a tensor without axes has no diagonal to give")
    if first == second:
        raise RuntimeError(f"diag_embed: dim1 and dim2 cannot be identical, got {dim1} and {dim2}")
    n = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for d in sorted((first, second)):
        shape.insert(d, n)
    return diagonal_place(input, offset, first, second, tuple(shape))


@appears("function method")
def diagflat(input: Array, offset: int = 0) -> Array:
    """A matrix of zeros with all elements of input on a diagonal, `offset` above the main one.

    >>> import tinygrad_cnn as tg
    >>> tg.diagflat(tg.tensor([[1, 2]]), 1).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    return diag_embed(reshape(input, (-1,)), offset)
