"""Patches: the law is a window cut out by NumPy for every column."""

from __future__ import annotations

import numpy as np

from . import Case
from .conv import two


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    (h, w), (y, x), (top, left), (down, right) = (two(n) for n in (kernel_size, dilation, padding, stride))
    padded = np.pad(input, ((0, 0),) * (input.ndim - 2) + ((top, top), (left, left)))
    H, W = padded.shape[-2:]
    columns = [
        padded[..., p : p + y * (h - 1) + 1 : y, q : q + x * (w - 1) + 1 : x].reshape(*input.shape[:-3], -1)
        for p in range(0, H - y * (h - 1), down)
        for q in range(0, W - x * (w - 1), right)
    ]
    return np.stack(columns, -1)


def fold(input, output_size, kernel_size, **setting):
    """Σ input over the windows of each pixel: an unfolded picture of numbers 0, 1, 2, ... says where all came from."""
    *lead, rest, _ = input.shape
    (H, W), (h, w) = two(output_size), two(kernel_size)
    C = rest // (h * w)
    from_where = unfold(np.arange(1, C * H * W + 1).reshape(C, H, W), kernel_size, **setting)
    out = np.zeros((*lead, C * H * W + 1))
    for at in np.ndindex(from_where.shape):
        out[..., from_where[at]] += input[..., at[0], at[1]]
    return out[..., 1:].reshape(*lead, C, H, W)


APART = dict(kernel_size=2, dilation=(2, 1), padding=(1, 2), stride=(2, 4))

CASES = [
    Case("unfold", [(2, 3, 4, 5)], dict(kernel_size=(3, 2)), expected=unfold),
    Case("unfold", [(1, 2, 6, 4)], APART, expected=unfold),
    Case("unfold", [(2, 3, 3)], dict(kernel_size=1), expected=unfold, note="unbatched"),
    Case("fold", [(2, 12, 6)], dict(output_size=(3, 4), kernel_size=2), expected=fold),
    Case("fold", [(1, 8, 6)], dict(output_size=(6, 4), **APART), expected=fold),
    Case("fold", [(4, 9)], dict(output_size=4, kernel_size=2), expected=fold, note="unbatched"),
]
