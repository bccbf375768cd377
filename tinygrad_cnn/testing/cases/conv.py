"""Convolutions: the law is the definition, one output number at a time."""

from __future__ import annotations

import numpy as np

from . import Case


def two(n) -> tuple:
    return tuple(n) if isinstance(n, tuple | list) else (n, n)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    batch = input if input.ndim == 4 else input[None]
    O, c, h, w = weight.shape
    (sy, sx), (dy, dx) = two(stride), two(dilation)
    if padding == "same":
        total = dy * (h - 1), dx * (w - 1)
        around = [(t // 2, t - t // 2) for t in total]
    else:
        around = [(p, p) for p in two(0 if padding == "valid" else padding)]
    x = np.pad(batch, [(0, 0), (0, 0), *around])
    P = (x.shape[2] - dy * (h - 1) - 1) // sy + 1
    Q = (x.shape[3] - dx * (w - 1) - 1) // sx + 1
    out = np.zeros((len(batch), O, P, Q))
    for n, o, p, q in np.ndindex(*out.shape):
        first = o // (O // groups) * c
        window = x[n, first : first + c, p * sy :, q * sx :][:, : dy * h : dy, : dx * w : dx]
        out[n, o, p, q] = np.sum(window * weight[o]) + (0 if bias is None else bias[o])
    return out if input.ndim == 4 else out[0]


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    pads = padding if isinstance(padding, str) else (0, padding)
    return conv2d(input[..., None, :], weight[..., None, :], bias, (1, stride), pads, (1, dilation), groups)[..., 0, :]


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    batch = input if input.ndim == 4 else input[None]
    N, C, P, Q = batch.shape
    _, o, h, w = weight.shape
    (sy, sx), (py, px), (ay, ax), (dy, dx) = two(stride), two(padding), two(output_padding), two(dilation)
    H, W = (P - 1) * sy + dy * (h - 1) + 1 + ay, (Q - 1) * sx + dx * (w - 1) + 1 + ax
    out = np.zeros((N, o * groups, H, W))
    for n, c, p, q in np.ndindex(*batch.shape):
        first = c // (C // groups) * o
        for i, j in np.ndindex(h, w):
            out[n, first : first + o, p * sy + i * dy, q * sx + j * dx] += batch[n, c, p, q] * weight[c, :, i, j]
    out = out[:, :, py : H - py, px : W - px]
    if bias is not None:
        out = out + bias[:, None, None]
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
