"""Boxes as rows of four numbers: left, top, right and bottom."""

from __future__ import annotations

import numpy as np

from ...engine.tensor import Tensor, wrap
from ...ops import choice, join


def box_area(boxes: Tensor) -> Tensor:
    """(x₂ - x₁) (y₂ - y₁): (N, 4) -> (N,)

    >>> import tinygrad_cnn as tg
    >>> box_area(tg.tensor([[0.0, 0.0, 2.0, 3.0]])).tolist()
    [6.0]
    """
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The area that two boxes share over that which they cover, of each with each: (N, 4) (M, 4) -> (N, M)

    >>> import tinygrad_cnn as tg
    >>> box_iou(tg.tensor([[0.0, 0.0, 2.0, 2.0]]), tg.tensor([[0.0, 0.0, 2.0, 1.0], [3.0, 3.0, 4.0, 4.0]])).tolist()
    [[0.5, 0.0]]
    """
    first, second = boxes1.unsqueeze(-2), boxes2.unsqueeze(-3)  # (N, 1, 4) (1, M, 4)
    low = choice.maximum(first[..., :2], second[..., :2])
    high = choice.minimum(first[..., 2:], second[..., 2:])
    sides = (high - low).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    return shared / (box_area(first) + box_area(second) - shared)


_CORNERS = {  # of each format: the two corners
    "xyxy": lambda a, b: (a, b),
    "xywh": lambda a, b: (a, a + b),
    "cxcywh": lambda a, b: (a - b / 2, a + b / 2),
}
_FORMATS = {
    "xyxy": lambda low, high: (low, high),
    "xywh": lambda low, high: (low, high - low),
    "cxcywh": lambda low, high: ((low + high) / 2, high - low),
}


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another format, "xyxy", "xywh" or "cxcywh" (the middle and the size). ValueError for others.

    >>> import tinygrad_cnn as tg
    >>> box_convert(tg.tensor([[1.0, 1.0, 2.0, 4.0]]), "xywh", "cxcywh").tolist()
    [[2.0, 3.0, 2.0, 4.0]]
    """
    for fmt in (in_fmt, out_fmt):
        if fmt not in _CORNERS:
            raise ValueError(f"box_convert: expected one of the formats {', '.join(_CORNERS)}, got {fmt!r}")
    if in_fmt == out_fmt:
        return boxes.clone()
    return join.cat(_FORMATS[out_fmt](*_CORNERS[in_fmt](boxes[..., :2], boxes[..., 2:])), -1)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The numbers of boxes that none with a higher score covers by more than iou_threshold, the best first: (K,)

    boxes (N, 4): the corners; scores (N,). RuntimeError for other shapes.

    >>> import tinygrad_cnn as tg
    >>> boxes = tg.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9], [5.0, 5.0, 6.0, 6.0]])
    >>> nms(boxes, tg.tensor([0.7, 0.8, 0.9]), 0.5).tolist()
    [2, 1]
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise RuntimeError(
            f"nms: expected boxes (N, 4) and scores (N,), got {tuple(boxes.shape)} and {tuple(scores.shape)}"
        )
    covered = box_iou(boxes.detach(), boxes.detach()).numpy() > iou_threshold
    left, kept = np.ones(len(boxes), bool), []
    for i in np.argsort(-scores.detach().numpy(), kind="stable"):
        if left[i]:
            kept.append(i)
            left &= ~covered[i]
    return wrap(np.array(kept, np.int64))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` of each class by itself; idxs (N,) are the classes.

    >>> import tinygrad_cnn as tg
    >>> boxes = tg.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9]])
    >>> batched_nms(boxes, tg.tensor([0.7, 0.8]), tg.tensor([0, 1]), 0.5).tolist()
    [1, 0]
    """
    if not boxes.numel():
        return wrap(np.zeros(0, np.int64))
    apart = idxs.to(boxes.dtype) * (boxes.amax() + 1)  # where no box of another class is
    return nms(boxes + apart.unsqueeze(1), scores, iou_threshold)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The numbers of boxes whose sides are both at least min_size: (N, 4) -> (K,)

    >>> import tinygrad_cnn as tg
    >>> remove_small_boxes(tg.tensor([[0.0, 0.0, 1.0, 5.0], [0.0, 0.0, 3.0, 2.0]]), 2).tolist()
    [1]
    """
    large = (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)
    return large.nonzero().squeeze(1)


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes cut off at the edges of an image of size (height, width): (..., 4) -> (..., 4)

    >>> import tinygrad_cnn as tg
    >>> clip_boxes_to_image(tg.tensor([[-1.0, 2.0, 3.0, 9.0]]), (4, 2)).tolist()
    [[0.0, 2.0, 2.0, 4.0]]
    """
    height, width = size
    across, down = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return join.stack((across, down), boxes.ndim).reshape(boxes.shape)
