"""Convolutions: the law is the textbook's, with PyTorch's arguments around it."""

from __future__ import annotations

import numpy as np

from ...kernels import textbook
from . import Case


def two(n) -> tuple:
    return tuple(n) if isinstance(n, tuple | list) else (n, n)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    batch = input if input.ndim == 4 else input[None]
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(two(dilation), weight.shape[2:], strict=True)]
        batch = np.pad(batch, [(0, 0), (0, 0), *((t // 2, t - t // 2) for t in total)])
    padding = 0 if isinstance(padding, str) else padding
    out = textbook.conv.conv2d(batch, weight, bias, two(stride), two(padding), two(dilation), groups)
    return out if input.ndim == 4 else out[0]


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    pads = padding if isinstance(padding, str) else (0, padding)
    return conv2d(input[..., None, :], weight[..., None, :], bias, (1, stride), pads, (1, dilation), groups)[..., 0, :]


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    batch = input if input.ndim == 4 else input[None]
    N, _, *sizes = batch.shape
    _, o, *window = weight.shape
    axes = zip(sizes, window, *map(two, (stride, padding, output_padding, dilation)), strict=True)
    size = [(n - 1) * step - 2 * pad + far * (k - 1) + 1 + more for n, k, step, pad, more, far in axes]
    geometry = two(stride), two(padding), two(dilation), groups
    out = textbook.conv.conv2d_input(batch, weight, (N, o * groups, *size), *geometry)
    out = out if bias is None else out + bias[:, None, None]
    return out if input.ndim == 4 else out[0]


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    rows = (1, stride), (0, padding), (0, output_padding), groups, (1, dilation)
    return conv_transpose2d(input[..., None, :], weight[..., None, :], bias, *rows)[..., 0, :]


CASES = [
    Case("conv2d", [(2, 3, 5, 5), (4, 3, 3, 3), (4,)], expected=conv2d),
    Case("conv2d", [(2, 2, 5, 6), (3, 2, 3, 2)], dict(stride=2, padding=1), expected=conv2d),
    Case("conv2d", [(1, 2, 7, 6), (2, 2, 3, 2)], dict(stride=(2, 1), padding=(0, 2), dilation=(1, 3)), expected=conv2d),
    Case("conv2d", [(2, 4, 4, 4), (4, 2, 3, 3), (4,)], dict(groups=2, padding=1), expected=conv2d),
    Case("conv2d", [(1, 3, 4, 5), (6, 1, 2, 2)], dict(groups=3), expected=conv2d, note="depthwise"),
    Case("conv2d", [(1, 2, 4, 5), (2, 2, 2, 4), (2,)], dict(padding="same"), expected=conv2d),
    Case("conv2d", [(1, 2, 4, 5), (2, 2, 3, 2)], dict(padding="valid"), expected=conv2d),
    Case("conv2d", [(2, 4, 4), (3, 2, 1, 1), (3,)], dict(stride=2), expected=conv2d, note="unbatched"),
    Case("conv2d", [(2, 4, 4), (3, 2, 2, 3)], dict(padding="same"), expected=conv2d, note="unbatched"),
    Case("conv2d", [(1, 1, 3, 3), (1, 1, 1, 1), (1,)], expected=conv2d),
    Case("conv1d", [(2, 3, 6), (4, 3, 3), (4,)], expected=conv1d),
    Case("conv1d", [(2, 4, 7), (4, 2, 2)], dict(stride=2, padding=1, dilation=2, groups=2), expected=conv1d),
    Case("conv1d", [(3, 6), (2, 3, 4), (2,)], dict(padding="same"), expected=conv1d),
    Case("conv_transpose2d", [(2, 3, 3, 3), (3, 2, 3, 3), (2,)], expected=conv_transpose2d),
    Case(
        "conv_transpose2d",
        [(1, 2, 3, 4), (2, 3, 2, 3)],
        dict(stride=2, padding=1, output_padding=1),
        expected=conv_transpose2d,
    ),
    Case(
        "conv_transpose2d",
        [(1, 4, 3, 2), (4, 1, 2, 2), (2,)],
        dict(stride=(2, 1), groups=2, dilation=(1, 3)),
        expected=conv_transpose2d,
    ),
    Case(
        "conv_transpose2d",
        [(1, 2, 3, 3), (2, 1, 2, 2)],
        dict(dilation=3, output_padding=(2, 1)),
        expected=conv_transpose2d,
        note="beyond-the-stride",
    ),
    Case("conv_transpose2d", [(2, 3, 3), (2, 3, 2, 2), (3,)], dict(stride=2), expected=conv_transpose2d),
    Case("conv_transpose1d", [(2, 3, 4), (3, 2, 3), (2,)], dict(stride=2, padding=1), expected=conv_transpose1d),
]
