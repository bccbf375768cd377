"""How far vectors are from each other, of all pairs as well, and losses that are made of that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.kept import kept
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from .choice import clamp, minimum, where
from .compare import eq, gt, logical_or
from .declared import appears
from .dims import axis
from .elementwise import minus, mul, pow
from .index import getitem
from .linalg import matmul
from .loss import reduce_to, reduction_of
from .magnitude import norm
from .reduce import expect_floating
from .reduce import sum as total
from .shape import broadcast_shapes, broadcast_tensors, expand, squeeze, transpose, unsqueeze
from .unary import abs, nought, sign, sqrt


@appears("function functional")
@in_float32
def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-8) -> Array:
    """x1·x2 / (max(|x1|, eps)·max(|x2|, eps)) along dim        two shapes that broadcast -> without dim

    The cosine of the angle between two vectors: 1 for one direction, -1 for opposite ones.

    RuntimeError where the shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.cosine_similarity(tg.tensor([[3.0, 4.0]]), tg.tensor([[4.0, 3.0]])).tolist()
    [0.9600000381469727]
    """
    x1, x2 = broadcast_tensors(x1, x2)
    a = x1 / clamp(norm(x1, 2, dim, True), eps)
    b = x2 / clamp(norm(x2, 2, dim, True), eps)
    return total(a * b, dim)


@appears("function functional")
@in_float32
def pairwise_distance(x1: Array, x2: Array, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Array:
    """|x1 - x2 + eps|, the p-norm along the last axis        two shapes that broadcast -> without the last axis

    RuntimeError where the shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor([[3.0, 4.0], [0.0, -2.0]]), tg.zeros(2)
    >>> tg.pairwise_distance(x, y, eps=0).tolist(), tg.pairwise_distance(x, y, p=1, eps=0).tolist()
    ([5.0, 2.0], [7.0, 2.0])
    """
    return norm(x1 - x2 + eps, p, -1, keepdim)


# Of all pairs.

MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
FEW = 25  # rows, of which the differences of all pairs take little memory


@appears("function")
@in_float32
def cdist(x1: Array, x2: Array, p: float = 2.0, compute_mode: str | None = MODES[0]) -> Array:
    """out[i, j] = |x1[i] - x2[j]|, the p-norm        (..., P, M) (..., R, M) -> (..., P, R)

    Where a distance is 0 so is its gradient. compute_mode: whether Euclidean distances of many rows are found by a
    matrix product, which takes less memory; they are by default.
    RuntimeError for all but floating tensors of one dtype and as many columns, for a negative p; ValueError for another
    compute_mode.

    >>> import tinygrad_cnn as tg
    >>> tg.cdist(tg.tensor([[0.0, 0.0], [3.0, 0.0]]), tg.tensor([[3.0, 4.0]])).tolist()
    [[5.0], [4.0]]
    """
    if compute_mode not in (*MODES, None):
        raise ValueError(f"cdist: compute_mode must be one of {', '.join(MODES)}; got {compute_mode!r}")
    _check_rows("cdist", p, x1=x1, x2=x2)
    if x1.dtype != x2.dtype:
        raise RuntimeError(f"cdist: x1 and x2 must be of one dtype, got {x1.dtype} and {x2.dtype}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"cdist: x1 {tuple(x1.shape)} and x2 {tuple(x2.shape)} must have as many columns")
    by_product = compute_mode == MODES[1] or (compute_mode != MODES[2] and max(x1.shape[-2], x2.shape[-2]) > FEW)
    if p == 2 and by_product and x1.shape[-1]:
        lead = broadcast_shapes(tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
        return _euclidean(*[expand(x, (*lead, *x.shape[-2:])) for x in (x1, x2)])
    return squeeze(_length(minus(unsqueeze(x1, -2), unsqueeze(x2, -3)), float(p)), -1)


@appears("function functional")
@in_float32
def pdist(input: Array, p: float = 2.0) -> Array:
    """|input[i] - input[j]|, the p-norm, of all pairs i < j        (N, M) -> (N·(N - 1)/2,)

    RuntimeError for all but a floating matrix, and for a negative p.

    >>> import tinygrad_cnn as tg
    >>> tg.pdist(tg.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).tolist()[:2]
    [5.0, 1.0]
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist: expects a matrix, got shape {tuple(input.shape)}")
    _check_rows("pdist", p, input=input)
    first, second = _pairs(input.shape[0])
    return squeeze(_length(minus(getitem(input, first), getitem(input, second)), float(p)), -1)


@kept
def _pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(n, 1)


def _check_rows(name: str, p: float, **rows: Any) -> None:
    for which, x in rows.items():
        if x.dtype.kind != "f":
            raise RuntimeError(f"{name}: {which} must be floating, got {x.dtype}; convert it with .float()")
        if x.ndim < 2:
            raise RuntimeError(f"{name}: {which} must have at least 2 axes, got shape {tuple(x.shape)}")
    if p < 0:
        raise RuntimeError(f"{name}: p must not be negative, got {p}")


@op
def _length(input: Array, p: float) -> Array:
    """The p-norm along the last axis, which stays; for p = 0 the number of elements that are not 0."""
    if p == 0:
        return np.count_nonzero(input, axis=-1, keepdims=True).astype(input.dtype)
    if not input.shape[-1]:
        return np.zeros((*input.shape[:-1], 1), input.dtype)
    return np.linalg.norm(input, p, axis=-1, keepdims=True)


def _length_back(g: Any, input: Any, out: Any, p: float) -> Any:
    """g · sign(x)·(|x| / out)^(p - 1), 0 where the length is 0; for p = inf of all that are as long."""
    if p == 0:
        return nought(mul(g, input))
    if p == math.inf:
        return mul(g, where(eq(abs(input), out), sign(input), 0))
    still = eq(out, 0)
    if p < 2:
        still = logical_or(still, eq(input, 0))  # its power may be infinite
        share = pow(where(still, 1, abs(input)) / where(still, 1, out), p - 1)
        return where(still, 0, mul(g, mul(sign(input), share)))
    share = input / where(still, 1, out)
    return where(still, 0, mul(g, share if p == 2 else mul(share, pow(abs(share), p - 2))))


_length.grad(input=_length_back)
_length.explain(
    "The gradient in the direction of the vector; a vector of length 0 has none.",
    zero="the length is 0",
    input=lambda p=2.0: {
        0.0: "0 · g",
        2.0: "g · input / out",
        math.inf: "g · sign(input) · [abs(input) = out]",
    }.get(p, "g · sign(input) · (abs(input) / out)^{p − 1}"),
)


@op
def _euclidean(x1: Array, x2: Array) -> Array:
    """√(|a|² + |b|² - 2·a·b) of all pairs of rows, in float64 about their mean, for most digits may cancel."""
    a, b = x1.astype(np.float64), x2.astype(np.float64)
    middle = a.mean(-2, keepdims=True) if a.shape[-2] else 0
    a, b = a - middle, b - middle
    squares = (a * a).sum(-1)[..., :, None] + (b * b).sum(-1)[..., None, :] - 2 * (a @ np.swapaxes(b, -1, -2))
    return np.sqrt(np.maximum(squares, 0)).astype(x1.dtype)


def _towards(g: Any, x1: Any, x2: Any, out: Any) -> Any:
    """Σ over j of g[i, j] · (x1[i] - x2[j]) / out[i, j], 0 where that is 0."""
    still = eq(out, 0)
    share = where(still, 0, g) / where(still, 1, out)
    return x1 * total(share, -1, True) - matmul(share, x2)


def _pulled(formula: str, shape: tuple) -> str:
    """The formula with letters for the axes of the batch."""
    return formula.format("".join(f"{letter}, " for letter in "abcdefgh"[: len(shape) - 2]))


_euclidean.grad(
    x1=_towards,
    x2=lambda g, x1, x2, out: _towards(transpose(g, -2, -1), x2, x1, transpose(out, -2, -1)),
)
_euclidean.explain(
    "Each row is drawn along its differences to all rows of the other matrix.",
    zero="the rows are equal",
    x1=lambda x1_shape=(1, 1): _pulled(
        "[{0}i, m] = Σ_{{j}} g[{0}i, j] · (x1[{0}i, m] − x2[{0}j, m]) / out[{0}i, j]", x1_shape
    ),
    x2=lambda x2_shape=(1, 1): _pulled(
        "[{0}j, m] = Σ_{{i}} g[{0}i, j] · (x2[{0}j, m] − x1[{0}i, m]) / out[{0}i, j]", x2_shape
    ),
)


@appears("function method")
def dist(input: Array, other: Array, p: float = 2) -> Array:
    """|input - other|, the p-norm of all elements; the shapes broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.dist(tg.tensor([1.0, 2.0]), tg.tensor([4.0, 6.0])).item()
    5.0
    """
    return norm(input - other, p)


@appears("function out exact method in_place")
@in_float32
def renorm(input: Array, p: float, dim: int, maxnorm: float) -> Array:
    """input, where each slice along dim whose p-norm is greater than maxnorm is scaled down to it.

    RuntimeError for fewer than two axes, for a p that is not positive, and a negative maxnorm.

    >>> import tinygrad_cnn as tg
    >>> tg.renorm(tg.tensor([[3.0, 4.0], [0.0, 1.0]]), 2, 0, 1.0).round(decimals=4).tolist()[1]
    [0.0, 1.0]
    """
    if p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: p must be positive and maxnorm not negative, got {p} and {maxnorm}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 axes, got shape {tuple(input.shape)}")
    expect_floating("renorm", input)
    d = axis("renorm", dim, input.ndim)
    lengths = norm(input, p, tuple(i for i in range(input.ndim) if i != d), True)
    long = gt(lengths, maxnorm)
    return mul(input, where(long, maxnorm / (where(long, lengths, 1) + 1e-7), 1.0))


# Losses.


@appears("function functional")
@in_float32
def cosine_embedding_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of 1 - cos where target is 1, max(0, cos - margin) where it is -1        (N,D) (N,D) (N,) -> ()

    RuntimeError for other shapes.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor([[3.0, 4.0], [3.0, 4.0]]), tg.tensor([[4.0, 3.0], [4.0, 3.0]])
    >>> loss = tg.nn.functional.cosine_embedding_loss(x, y, tg.tensor([1, -1]), reduction="none")
    >>> [round(v, 4) for v in loss.tolist()]
    [0.04, 0.96]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input1.shape != input2.shape or target.ndim != input1.ndim - 1 or input1.ndim not in (1, 2):
        raise RuntimeError(
            f"cosine_embedding_loss: expected two inputs (N, D) and target (N,), or (D,) and (); got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(target.shape)}"
        )
    lengths = sqrt(total(input1 * input1, -1) + 1e-12) * sqrt(total(input2 * input2, -1) + 1e-12)
    cosine = total(input1 * input2, -1) / lengths
    losses = where(target == 1, 1 - cosine, 0.0) + where(target == -1, clamp(cosine - margin, 0), 0.0)
    return reduce_to(losses, reduction)


@appears("function functional")
@in_float32
def margin_ranking_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of max(0, margin - target·(input1 - input2)): input1 should be larger where target is 1, smaller where -1

    Any shapes that broadcast. RuntimeError for different numbers of axes.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor([5.0, 1.0, 1.0]), tg.tensor([1.0, 5.0, 1.5])
    >>> F = tg.nn.functional
    >>> F.margin_ranking_loss(x, y, tg.tensor([1, 1, -1]), margin=1.0, reduction="none").tolist()
    [0.0, 5.0, 0.5]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: both inputs and target must have equally many axes, got {tuple(input1.shape)}, "
            f"{tuple(input2.shape)} and {tuple(target.shape)}"
        )
    return reduce_to(clamp(margin - target * (input1 - input2), 0), reduction)


@appears("function functional")
@in_float32
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of max(0, |anchor - positive| - |anchor - negative| + margin)        (N,D) three times -> ()

    Distances are pairwise_distance(..., p, eps). swap: the negative may be compared with the positive instead, if
    that is closer. (Balntas et al., 2016.)

    ValueError unless margin is positive, RuntimeError for different numbers of axes.

    >>> import tinygrad_cnn as tg
    >>> anchor, near, far = tg.zeros(1, 2), tg.tensor([[3.0, 4.0]]), tg.tensor([[6.0, 8.0]])
    >>> F = tg.nn.functional
    >>> F.triplet_margin_loss(anchor, near, far, eps=0).item(), F.triplet_margin_loss(anchor, far, near, eps=0).item()
    (0.0, 6.0)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"triplet_margin_loss: anchor, positive and negative must have equally many axes, got {tuple(anchor.shape)}"
            f", {tuple(positive.shape)} and {tuple(negative.shape)}"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_to(clamp(near - far + margin, 0), reduction)


@appears("functional")
@in_float32
def triplet_margin_with_distance_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    distance_function: Callable[[Array, Array], Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Array:
    """mean of max(0, distance(anchor, positive) - distance(anchor, negative) + margin)        three (N,D) -> ()

    distance_function: by default pairwise_distance. swap: the negative may be compared with the positive instead, if
    that is closer.

    ValueError unless margin is positive, RuntimeError for different numbers of axes.

    >>> import tinygrad_cnn as tg
    >>> here, near, far = tg.tensor([[0.0]]), tg.tensor([[1.0]]), tg.tensor([[9.0]])
    >>> squared = lambda x, y: ((x - y) ** 2).sum(-1)
    >>> F = tg.nn.functional
    >>> F.triplet_margin_with_distance_loss(here, far, near, distance_function=squared).item()
    81.0
    """
    reduction = reduction_of(reduction)
    if margin <= 0:
        raise ValueError(f"triplet_margin_with_distance_loss: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "triplet_margin_with_distance_loss: anchor, positive and negative must have equally many axes, got "
            f"{tuple(anchor.shape)}, {tuple(positive.shape)} and {tuple(negative.shape)}"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduce_to(clamp(near - far + margin, 0), reduction)
