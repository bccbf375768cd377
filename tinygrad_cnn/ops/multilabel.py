"""The hinge of examples with several labels: each label's score is to be above all others'."""

from __future__ import annotations

import numpy as np

from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.tensor import as_array
from .choice import where
from .compare import gt
from .declared import appears
from .gather import gather
from .loss import reduce_to, reduction_of
from .reduce import sum as total
from .shape import reshape, unsqueeze


@appears("functional")
@in_float32
def multilabel_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """Σ over labels j, Σ over i that are none of max(0, 1 - input[j] + input[i]) / C        (N,C) (N,C) -> ()

    target: int64, the labels of each example first, then -1; what stands behind that does not count.

    RuntimeError for shapes that differ, and for labels that are not there.

    >>> import tinygrad_cnn as tg
    >>> x, labels = tg.tensor([[0.1, 0.2, 0.4, 0.8]]), tg.tensor([[3, 0, -1, 1]])
    >>> round(tg.nn.functional.multilabel_margin_loss(x, labels).item(), 4)
    0.85
    """
    reduction = reduction_of(reduction, size_average, reduce)
    labels = as_array(target)
    if input.dtype.kind != "f":
        raise NotImplementedError(f"multilabel_margin_loss: input is {input.dtype}, it must be floating")
    if input.ndim > 2 or (input.shape and not input.shape[-1]):
        raise RuntimeError(f"multilabel_margin_loss: expected input (N, C) or (C,), got {tuple(input.shape)}")
    if labels.dtype != np.int64:
        raise RuntimeError(f"multilabel_margin_loss: expected target dtype int64, got {labels.dtype}; use .long()")
    if labels.shape != tuple(input.shape):
        raise RuntimeError(
            f"multilabel_margin_loss: target must have the shape of input, {tuple(input.shape)}, got {labels.shape}"
        )
    shape = tuple(input.shape[:-1])
    C = input.shape[-1] if input.ndim else 1
    rows, labels = reshape(input, (-1, C)), labels.reshape(-1, C)
    if labels.size and not -1 <= labels.min() <= labels.max() < C:
        raise RuntimeError(f"multilabel_margin_loss: target out of range: the classes are 0 to {C - 1}, -1 ends them")
    counted = np.logical_and.accumulate(labels >= 0, 1)
    chosen = np.where(counted, labels, 0)
    is_label = np.zeros(labels.shape, bool)
    is_label[np.nonzero(counted)[0], labels[counted]] = True
    beyond = 1 - unsqueeze(gather(rows, 1, chosen), 2) + unsqueeze(rows, 1)  # (N, labels, C)
    counts = counted[:, :, None] & ~is_label[:, None] & as_array(gt(beyond, 0))
    losses = total(where(counts, beyond, 0), (1, 2)) / C
    return reduce_to(losses, reduction) if reduction != "none" else reshape(losses, shape)
