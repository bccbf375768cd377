"""How far two vectors are from each other, and losses that are made of that."""

from __future__ import annotations

from ..arrays.types import Array
from ..engine.broadcast import in_float32
from .choice import clamp, minimum, where
from .declared import appears
from .loss import reduce_to, reduction_of
from .magnitude import norm
from .reduce import sum as total
from .shape import broadcast_tensors
from .unary import sqrt


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
