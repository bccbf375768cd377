"""Products of matrices: matmul, its special cases, linear layers, einsum.

B stands for any axes in front, N K M for the sizes of one product.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import bool as BOOL
from ..arrays.dtypes import number
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..kernels import kernel
from .choice import where
from .declared import appears
from .dims import axes
from .einsum import einsum
from .rearrange import diagonal
from .reduce import sum
from .shape import expand, permute, reshape, transpose, unsqueeze


@appears("function linalg out exact method")
@op
def matmul(input: Array, other: Array) -> Array:
    """input @ other: (..., N, K) (..., K, M) -> (..., N, M); axes in front broadcast.

    A vector on the left is a row, on the right a column, and its axis is not in the result:
    (K,) (K,) -> (), (N, K) (K,) -> (N,), (K,) (..., K, M) -> (..., M).
    RuntimeError where the shapes do not fit or the dtypes differ.

    >>> import tinygrad_cnn as tg
    >>> a = tg.ones(2, 3, requires_grad=True)
    >>> (a @ tg.tensor([1.0, 2.0, 3.0])).sum().backward()
    >>> a.grad.tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """
    try:
        if input.dtype is other.dtype or input.dtype == other.dtype:
            out = kernel.matmul(input, other)
            if out.dtype is BOOL:
                raise NotImplementedError("matmul: bools are not added up; convert one with .int() or .float()")
            return out
    except (ValueError, IndexError, AttributeError):
        pass
    raise _mismatch("matmul", input, other)


def _mismatch(name: str, input: Any, other: Any) -> Exception:
    for which, x in (("input", input), ("other", other)):
        if not hasattr(x, "shape"):
            return TypeError(f"{name}: {which} must be a Tensor, not {type(x).__name__}")
    a, b = tuple(input.shape), tuple(other.shape)
    if not a or not b:
        return RuntimeError(f"{name}: both arguments need at least one axis, got shapes {a} and {b}; use * for numbers")
    if a[-1] != b[-2:][0]:
        return RuntimeError(
            f"{name}: shapes {a} and {b} cannot be multiplied: the last axis of input has {a[-1]} elements, "
            f"{'the only' if len(b) == 1 else 'the last but one'} axis of other {b[-2:][0]}; they must be equal"
        )
    if input.dtype != other.dtype:
        return RuntimeError(
            f"{name}: expected both to have one dtype, got {input.dtype} and {other.dtype}; convert one"
        )
    return RuntimeError(f"{name}: the axes in front of shapes {a} and {b} do not broadcast; they must be equal or 1")


def _matmul_input(g: Any, other: Any, input_shape: tuple) -> Any:
    if len(input_shape) == 1 and other.ndim == 1:
        return g * other
    if len(input_shape) == 1:  # g (..., M), other (..., K, M) -> (..., K)
        return reshape(matmul(other, unsqueeze(g, -1)), other.shape[:-1])
    if other.ndim == 1:
        return unsqueeze(g, -1) * other
    return matmul(g, _transposed(other))


def _matmul_other(g: Any, input: Any, other_shape: tuple) -> Any:
    if len(other_shape) == 1 and input.ndim == 1:
        return g * input
    if len(other_shape) == 1:  # g (..., N), input (..., N, K) -> (K,)
        return matmul(reshape(g, (-1,)), _rows(input))
    if input.ndim == 1:
        return unsqueeze(input, -1) * unsqueeze(g, -2)
    if len(other_shape) == 2 and input.ndim > 2:  # one product for the whole batch
        input, g = _rows(input), _rows(g)
    return matmul(_transposed(input), g)


def _transposed(x: Any) -> Any:
    """(..., N, K) -> (..., K, N)"""
    return x.T if x.ndim == 2 else transpose(x, -2, -1)


matmul.grad(input=_matmul_input, other=_matmul_other)
LETTERS = "abcdefgh"


def _formula_of_input(input_shape: tuple = (1, 1), other_shape: tuple = (1, 1)) -> str:
    if len(input_shape) == len(other_shape) == 1:
        return "g · other"
    if len(input_shape) == 1:
        n = LETTERS[: len(other_shape) - 2]
        return f"[k] = Σ_{{{','.join((*n, 'm'))}}} g[{', '.join((*n, 'm'))}] · other[{', '.join((*n, 'k', 'm'))}]"
    if len(other_shape) == 1:
        n = ", ".join(LETTERS[: len(input_shape) - 1])
        return f"[{n}, k] = g[{n}] · other[k]"
    return "g @ other^{T}"


def _formula_of_other(input_shape: tuple = (1, 1), other_shape: tuple = (1, 1)) -> str:
    if len(input_shape) == len(other_shape) == 1:
        return "g · input"
    if len(other_shape) == 1:
        n = LETTERS[: len(input_shape) - 1]
        return f"[k] = Σ_{{{','.join(n)}}} g[{', '.join(n)}] · input[{', '.join((*n, 'k'))}]"
    if len(input_shape) == 1:
        n = LETTERS[: len(other_shape) - 2]
        return f"[{', '.join((*n, 'k', 'm'))}] = g[{', '.join((*n, 'm'))}] · input[k]"
    return "input^{T} @ g"


matmul.explain(
    "The gradient times the other matrix, transposed: on the side where it stood.",
    input=_formula_of_input,
    other=_formula_of_other,
)


@op
def weigh(input: Array, weights: Any, dim: int, back: bool = False) -> Array:
    """Σ_y weights[p,y] · input[..., y, ...] along axis dim, -2 or -1        (..., Y, ...) (P, Y) -> (..., P, ...)

    A product with a matrix that is mostly 0; but a weight of 0 is no factor, it sees nothing: 0 · inf is 0 here.
    back: by the matrix transposed.
    """
    weights = (weights.T if back else weights).astype(input.dtype)
    out = kernel.matmul(weights, input) if dim == -2 else kernel.matmul(input, weights.T)
    numbers, sums = input.swapaxes(dim, -1), out.swapaxes(dim, -1)
    if not np.isfinite(sums[..., :1]).all():  # what is infinite or NaN has spoiled all sums along its line
        for p, row in enumerate(weights):
            seen = row != 0
            sums[..., p] = numbers[..., seen] @ row[seen]
    return out


weigh.grad(input=lambda g, weights, dim, back: weigh(g, weights, dim, not back))
weigh.explain(
    "A sum of weighted numbers: each number gets back the gradients of its sums, with the same weights.",
    zero="no sum sees it",
    input=lambda dim=-1, back=False: (
        f"g @ weights{'^{T}' * back}" if dim == -1 else f"weights{'^{T}' * (not back)} @ g"
    ),
)


@op
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.linear(tg.ones(2, 3), tg.ones(4, 3), tg.zeros(4)).shape
    (2, 4)
    """
    return kernel.linear(*checked_linear(input, weight, bias))


def checked_linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> tuple:
    """The operands of a linear layer, if they fit."""
    if (
        input.ndim
        and weight.ndim == 2
        and input.shape[-1] == weight.shape[1]
        and input.dtype == weight.dtype
        and (bias is None or (bias.shape == weight.shape[:1] and bias.dtype == weight.dtype))
    ):
        return input, weight, bias
    raise _misfit(input, weight, bias)


def _misfit(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> Exception:
    shapes = f"input {input.shape}, weight {weight.shape}" + ("" if bias is None else f", bias {bias.shape}")
    dtypes = {a.dtype.name for a in (input, weight, bias) if a is not None}
    if len(dtypes) > 1:
        return RuntimeError(f"linear: all must have one dtype, got {' and '.join(sorted(dtypes))}; convert the input")
    if weight.ndim != 2:
        return RuntimeError(f"linear: weight must have the shape (out_features, in_features); got {shapes}")
    if not input.ndim or input.shape[-1] != weight.shape[1]:
        return RuntimeError(
            f"linear: the last axis of input must have the {weight.shape[1]} in_features of weight; got {shapes}"
        )
    return RuntimeError(f"linear: bias must have the {weight.shape[0]} out_features of weight; got {shapes}")


linear.grad(
    input=lambda g, weight: matmul(g, weight),
    weight=lambda g, input: matmul(_rows(g).T, _rows(input)),
    bias=lambda g: g,
)


def _linear(text: str, input_shape: tuple) -> str:
    """A formula with a sum over all axes of the input but the last."""
    n = LETTERS[: len(input_shape) - 1]
    rows = "".join(f"{letter}, " for letter in n)
    return text.format(f"Σ_{{{','.join(n)}}} " if n else "", rows, rows)


linear.explain(
    "The input gets the gradient through the weights; a weight gets gradient times input, summed "
    "over the batch; the bias gets the sum.",
    input="g @ weight",
    weight=lambda input_shape=(1, 1): (
        "g^{T} @ input" if len(input_shape) == 2 else _linear("[o, i] = {}g[{}o] · input[{}i]", input_shape)
    ),
    bias=lambda input_shape=(1, 1): _linear("[o] = {}g[{}o]", input_shape),
)


def _rows(x: Any) -> Any:
    """(..., I) -> (N, I)."""
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


# Matmul for shapes that are known: each says what it expects.


def _expect(name: str, **operands: tuple[Any, int]) -> None:
    """Raise where an operand has another number of axes than expected."""
    for which, (x, ndim) in operands.items():
        if not hasattr(x, "ndim"):
            raise TypeError(f"{name}: {which} must be a Tensor, not {type(x).__name__}")
        if x.ndim != ndim:
            what = ("a number", "a vector", "a matrix", "a batch of matrices")[ndim]
            raise RuntimeError(f"{name}: {which} must be {what}, got shape {tuple(x.shape)}; matmul takes any")


@appears("function out exact method")
def mm(input: Array, mat2: Array) -> Array:
    """input @ mat2: (N, K) (K, M) -> (N, M).

    RuntimeError where one is no matrix, where K differs, and where the dtypes do.

    >>> import tinygrad_cnn as tg
    >>> tg.mm(tg.tensor([[1, 2], [3, 4]]), tg.tensor([[1], [10]])).tolist()
    [[21], [43]]
    """
    _expect("mm", input=(input, 2), mat2=(mat2, 2))
    return matmul(input, mat2)


@appears("function out exact method")
def bmm(input: Array, mat2: Array) -> Array:
    """input[b] @ mat2[b]: (B, N, K) (B, K, M) -> (B, N, M).

    RuntimeError for other numbers of axes, where B or K differs, and where the dtypes do.

    >>> import tinygrad_cnn as tg
    >>> tg.bmm(tg.tensor([[[1, 2]], [[3, 4]]]), tg.tensor([[[1], [10]], [[1], [100]]])).tolist()
    [[[21]], [[403]]]
    """
    _expect("bmm", input=(input, 3), mat2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(f"bmm: the batches of {tuple(input.shape)} and {tuple(mat2.shape)} must be equally long")
    return matmul(input, mat2)


@appears("function out exact method")
def mv(input: Array, vec: Array) -> Array:
    """input @ vec: (N, K) (K,) -> (N,).

    RuntimeError for other numbers of axes, where K differs, and where the dtypes do.

    >>> import tinygrad_cnn as tg
    >>> tg.mv(tg.tensor([[1, 2], [3, 4]]), tg.tensor([1, 10])).tolist()
    [21, 43]
    """
    _expect("mv", input=(input, 2), vec=(vec, 1))
    return matmul(input, vec)


@appears("function out exact method")
def dot(input: Array, tensor: Array) -> Array:
    """Σ input · tensor: (K,) (K,) -> ().

    RuntimeError where one is no vector, where the lengths differ, and where the dtypes do.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = tg.dot(x, tg.tensor([3.0, 4.0]))
    >>> y.backward()
    >>> y.item(), x.grad.tolist()
    (11.0, [3.0, 4.0])
    """
    _expect("dot", input=(input, 1), tensor=(tensor, 1))
    return matmul(input, tensor)


@appears("function out exact method")
def inner(input: Array, other: Array) -> Array:
    """Σ over the last axis of both: (..., K) (___, K) -> (..., ___).

    A number multiplies. RuntimeError where the last axes differ in length.

    >>> import tinygrad_cnn as tg
    >>> tg.inner(tg.tensor([[1, 2], [3, 4]]), tg.tensor([1, 10])).tolist()
    [21, 43]
    """
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner: the last axes must be equally long, got shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    return tensordot(input, other, ((-1,), (-1,)))


@appears("function out method", aliases="ger")
def outer(input: Array, vec2: Array) -> Array:
    """Each element with each: (N,) (M,) -> (N, M).

    RuntimeError where one is no vector.

    >>> import tinygrad_cnn as tg
    >>> tg.outer(tg.tensor([1, 2]), tg.tensor([3, 4, 5])).tolist()
    [[3, 4, 5], [6, 8, 10]]
    """
    _expect("outer", input=(input, 1), vec2=(vec2, 1))
    return unsqueeze(input, 1) * vec2


def added(name: str, input: Any, product: Any, beta: float, alpha: float) -> Any:
    """beta·input + alpha·product, in the shape of product; factors of integers lose what is behind the point."""
    if input.dtype != product.dtype:
        raise RuntimeError(f"{name}: all must have one dtype, got {input.dtype} and a product of {product.dtype}")
    if product.dtype.kind in "iu":
        beta, alpha = number(beta, product.dtype), number(alpha, product.dtype)
    input, product = expand(input, tuple(product.shape)), product if alpha == 1 else product * alpha
    if beta == 0:
        return where(True, product, input)  # not looked at: NaN times 0 would be NaN
    return (input if beta == 1 else input * beta) + product


@appears("function out exact method in_place")
@in_float32
def addmm(input: Array, mat1: Array, mat2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta · input + alpha · mat1 @ mat2; input broadcasts to (N, M).

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.eye(2)
    >>> tg.addmm(tg.tensor([100.0, 200.0]), a, b, beta=0.5, alpha=10).tolist()
    [[60.0, 120.0], [80.0, 140.0]]
    """
    return added("addmm", input, mm(mat1, mat2), beta, alpha)


@appears("function out exact method in_place function_")
@in_float32
def addmv(input: Array, mat: Array, vec: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta · input + alpha · mat @ vec.

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.addmv(tg.ones(2), tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 10.0]), beta=5).tolist()
    [26.0, 48.0]
    """
    return added("addmv", input, mv(mat, vec), beta, alpha)


@appears("function out exact method in_place")
@in_float32
def baddbmm(input: Array, batch1: Array, batch2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta · input + alpha · batch1 @ batch2.

    input broadcasts to (B, N, M). RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.ones(2, 1, 3), tg.ones(2, 3, 1)
    >>> tg.baddbmm(tg.tensor([[[1.0]], [[2.0]]]), a, b, alpha=10).tolist()
    [[[31.0]], [[32.0]]]
    """
    return added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@appears("function method")
def trace(input: Array) -> Array:
    """The sum of the main diagonal of a matrix.

    RuntimeError for all but a matrix.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = tg.trace(x)
    >>> y.backward()
    >>> y.item(), x.grad.tolist()
    (5.0, [[1.0, 0.0], [0.0, 1.0]])
    """
    _expect("trace", input=(input, 2))
    return sum(diagonal(input))


@appears("function out exact")
def tensordot(a: Array, b: Array, dims: Any = 2) -> Array:
    """Σ over axes dims[0] of a and dims[1] of b; a number n means the last n of a and the first n of b.

    An axis of length 1 meets one of any length. RuntimeError where axes differ otherwise.

    >>> import tinygrad_cnn as tg
    >>> tg.tensordot(tg.ones(2, 3, 4), tg.ones(3, 4, 5)).shape
    (2, 5)
    """
    if hasattr(dims, "__index__"):
        n = dims.__index__()
        if not 0 <= n <= min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot: dims={n} is not a number of axes that {a.shape} and {b.shape} both have")
        dims = (range(a.ndim - n, a.ndim), range(n))
    left, right = (axes("tensordot", tuple(d), x.ndim) for d, x in zip(dims, (a, b), strict=True))
    for i, j in zip(left, right, strict=False):
        if a.shape[i] == 1 != b.shape[j]:
            b = sum(b, j, keepdim=True)
        elif b.shape[j] == 1 != a.shape[i]:
            a = sum(a, i, keepdim=True)
    lengths = [a.shape[i] for i in left]
    if lengths != [b.shape[i] for i in right]:
        raise RuntimeError(
            f"tensordot: axes {left} of {tuple(a.shape)} and axes {right} of {tuple(b.shape)} must be equally long"
        )
    kept = [[i for i in range(x.ndim) if i not in d] for x, d in ((a, left), (b, right))]
    rows, columns = [a.shape[i] for i in kept[0]], [b.shape[i] for i in kept[1]]
    inside = math.prod(lengths)
    product = matmul(
        reshape(permute(a, (*kept[0], *left)), (math.prod(rows), inside)),
        reshape(permute(b, (*right, *kept[1])), (inside, math.prod(columns))),
    )
    return reshape(product, (*rows, *columns))


@appears("function functional")
@in_float32
def bilinear(input1: Array, input2: Array, weight: Array, bias: Array | None = None) -> Array:
    """out[..., o] = Σᵢⱼ input1[..., i] · weight[o, i, j] · input2[..., j] + bias[o].

    Shapes: (..., I) (..., J) (O, I, J) (O,) -> (..., O). RuntimeError where they do not fit.

    >>> import tinygrad_cnn as tg
    >>> x1, x2 = tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0, 4.0]])
    >>> tg.nn.functional.bilinear(x1, x2, tg.ones(1, 2, 2), tg.tensor([100.0])).tolist()
    [[121.0]]
    """
    out = einsum("...i,oij,...j->...o", input1, weight, input2)
    return out if bias is None else out + bias
