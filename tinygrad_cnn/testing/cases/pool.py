"""Pooling: the law is a window cut out by NumPy for every output number."""

from __future__ import annotations

import numpy as np

from ...kernels import textbook
from . import Case, Normal
from .conv import two


def windows(input, kernel_size, stride, padding, dilation, ceil_mode):
    """(output index, rows, columns, size with padding) of every window, the rows and columns inside the input only."""
    H, W = input.shape[-2:]
    axes = []
    for n, k, s, pad, d in zip((H, W), two(kernel_size), two(stride or kernel_size), two(padding), two(dilation)):
        room = n + 2 * pad - (k - 1) * d - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + pad:
            count -= 1
        spots = []
        for p in range(count):
            places = p * s - pad + d * np.arange(k)
            spots.append((places[(places >= 0) & (places < n)], min(p * s - pad + k, n + pad) - (p * s - pad)))
        axes.append(spots)
    for p, (rows, tall) in enumerate(axes[0]):
        for q, (columns, wide) in enumerate(axes[1]):
            yield (p, q), rows, columns, tall * wide


def pool(input, args, f):
    found = [(at, f(input[..., rows[:, None], columns], full)) for at, rows, columns, full in windows(input, *args)]
    P, Q = np.max([at for at, _ in found], 0) + 1
    out = np.zeros((*input.shape[:-2], P, Q))
    for (p, q), value in found:
        out[..., p, q] = value
    return out


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    args = kernel_size, stride, padding, dilation, ceil_mode
    out = pool(input, args, lambda window, _: window.max((-2, -1)))
    if not return_indices:
        return out
    indices = np.zeros(out.shape, np.int64)
    for (p, q), rows, columns, _ in windows(input, *args):
        window = input[..., rows[:, None], columns]
        i, j = np.divmod(window.reshape(*window.shape[:-2], -1).argmax(-1), len(columns))
        indices[..., p, q] = rows[i] * input.shape[-1] + columns[j]
    return out, indices


def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    def average(window, full):
        inside = window.shape[-1] * window.shape[-2]
        return window.sum((-2, -1)) / (divisor_override or (full if count_include_pad else inside))

    return pool(input, (kernel_size, stride, padding, 1, ceil_mode), average)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    powers = pool(input, (kernel_size, stride, 0, 1, ceil_mode), lambda window, _: (window**norm_type).sum((-2, -1)))
    return powers ** (1 / norm_type)


def adaptive(input, output_size, f):
    H, W = input.shape[-2:]
    P, Q = two(output_size)
    P, Q = H if P is None else P, W if Q is None else Q
    out = np.zeros((*input.shape[:-2], P, Q))
    for p, q in np.ndindex(P, Q):
        rows = slice(int(np.floor(p * H / P)), int(np.ceil((p + 1) * H / P)))
        columns = slice(int(np.floor(q * W / Q)), int(np.ceil((q + 1) * W / Q)))
        out[..., p, q] = f(input[..., rows, columns])
    return out


def adaptive_avg_pool2d(input, output_size):
    return adaptive(input, output_size, lambda window: window.mean((-2, -1)))


def adaptive_max_pool2d(input, output_size):
    return adaptive(input, output_size, lambda window: window.max((-2, -1)))


def one_row(f):
    """The same in one dimension."""

    def of_rows(input, kernel_size, stride=None, padding=0, **more):
        if "dilation" in more:
            more["dilation"] = (1, more["dilation"])
        out = f(input[..., None, :], (1, kernel_size), (1, stride or kernel_size), (0, padding), **more)
        return tuple(o[..., 0, :] for o in out) if isinstance(out, tuple) else out[..., 0, :]

    return of_rows


def max_unpool2d(input, indices, kernel_size):
    N, C, P, Q = input.shape
    out = np.zeros((N, C, P * kernel_size * Q * kernel_size))
    for n, c, p, q in np.ndindex(*input.shape):
        out[n, c, indices[n, c, p, q]] = input[n, c, p, q]
    return out.reshape(N, C, P * kernel_size, Q * kernel_size)


def max_pool2d_pick(input, choice, kernel_size):
    return textbook.pool.max_pool2d_pick(input, choice, two(kernel_size), two(kernel_size), (0, 0), (1, 1))


CHOICE = np.array([[[[3, 0], [1, 2]]]], np.uint8)

CASES = [
    Case("max_pool2d", [(2, 3, 4, 6)], dict(kernel_size=2), expected=max_pool2d),
    Case("max_pool2d", [(1, 2, 5, 5)], dict(kernel_size=3, stride=1), expected=max_pool2d, note="overlapping"),
    Case("max_pool2d", [(1, 2, 5, 7)], dict(kernel_size=(2, 3), stride=(1, 2), padding=(1, 1)), expected=max_pool2d),
    Case("max_pool2d", [(1, 2, 6, 5)], dict(kernel_size=2, stride=2, dilation=(2, 3)), expected=max_pool2d),
    Case("max_pool2d", [(1, 2, 5, 6)], dict(kernel_size=3, stride=2, padding=1, ceil_mode=True), expected=max_pool2d),
    Case("max_pool2d", [(2, 4, 5)], dict(kernel_size=2, return_indices=True), expected=max_pool2d),
    Case("max_pool2d", [(2, 5, 5)], dict(kernel_size=3, stride=2, padding=1), expected=max_pool2d, note="unbatched"),
    Case("max_pool1d", [(2, 3, 7)], dict(kernel_size=3, stride=2, padding=1), expected=one_row(max_pool2d)),
    Case("max_pool1d", [(3, 7)], dict(kernel_size=2, dilation=2, return_indices=True), expected=one_row(max_pool2d)),
    Case("max_unpool2d", [(1, 2, 1, 2), np.array([[[[0, 7]], [[5, 2]]]])], dict(kernel_size=2), expected=max_unpool2d),
    Case("max_pool2d_pick", [(1, 1, 4, 5), CHOICE], dict(kernel_size=2), expected=max_pool2d_pick),
    Case("avg_pool2d", [(2, 3, 4, 6)], dict(kernel_size=2), expected=avg_pool2d),
    Case("avg_pool2d", [(1, 2, 5, 5)], dict(kernel_size=3, stride=1, padding=1), expected=avg_pool2d),
    Case(
        "avg_pool2d",
        [(1, 2, 5, 6)],
        dict(kernel_size=(3, 2), stride=2, padding=1, count_include_pad=False, ceil_mode=True),
        expected=avg_pool2d,
    ),
    Case("avg_pool2d", [(1, 1, 5, 5)], dict(kernel_size=2, ceil_mode=True), expected=avg_pool2d),
    Case("avg_pool2d", [(2, 4, 4)], dict(kernel_size=2, divisor_override=3), expected=avg_pool2d),
    Case("avg_pool1d", [(2, 3, 7)], dict(kernel_size=3, stride=2, padding=1), expected=one_row(avg_pool2d)),
    Case("lp_pool2d", [Normal(1, 2, 4, 5)], dict(norm_type=2, kernel_size=2), expected=lp_pool2d),
    Case("adaptive_avg_pool2d", [(2, 3, 4, 4)], dict(output_size=1), expected=adaptive_avg_pool2d),
    Case("adaptive_avg_pool2d", [(2, 3, 4, 6)], dict(output_size=(2, 3)), expected=adaptive_avg_pool2d),
    Case("adaptive_avg_pool2d", [(2, 5, 7)], dict(output_size=(3, None)), expected=adaptive_avg_pool2d),
    Case("adaptive_avg_pool2d", [(1, 2, 3, 2)], dict(output_size=(4, 5)), expected=adaptive_avg_pool2d),
    Case("adaptive_max_pool2d", [(2, 3, 4, 6)], dict(output_size=2), expected=adaptive_max_pool2d),
    Case("adaptive_max_pool2d", [(2, 2, 5, 7)], dict(output_size=(3, 4)), expected=adaptive_max_pool2d),
    Case(
        "adaptive_avg_pool1d",
        [(2, 3, 7)],
        dict(output_size=3),
        expected=lambda x, output_size: adaptive_avg_pool2d(x[..., None, :], (1, output_size))[..., 0, :],
    ),
    Case(
        "adaptive_max_pool1d",
        [(2, 3, 7)],
        dict(output_size=4),
        expected=lambda x, output_size: adaptive_max_pool2d(x[..., None, :], (1, output_size))[..., 0, :],
    ),
]
