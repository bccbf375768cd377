"""Boxes as rows of four numbers: left, top, right and bottom."""

from __future__ import annotations

from ...engine.tensor import Tensor
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
