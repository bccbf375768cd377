"""What the kernels of two rooms are tried on: dtypes, memory orders, convolutions and pools at their edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}

LAYOUTS = {
    "plain": lambda x: x,
    "channels_last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "sliced": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "negative": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1, :, :, :1], x.shape),
}


def normal(shape, dtype=np.float64, layout="plain", seed=0):
    """Random numbers that no kernel may write into."""
    x = LAYOUTS[layout](np.random.default_rng(seed).standard_normal(shape).astype(dtype))
    x.flags.writeable = False
    return x


def agree(expected, actual, dtype=np.float64):
    assert (expected.shape, np.dtype(dtype)) == (actual.shape, actual.dtype)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


# input, weight, stride, padding, dilation, groups
CONVOLUTIONS = {
    "plain": ((2, 3, 7, 9), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "padding": ((2, 3, 6, 5), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "1x1": ((3, 4, 5, 6), (2, 4, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1, strides": ((3, 4, 5, 7), (2, 4, 1, 1), (2, 3), (0, 0), (1, 1), 1),
    "1x1, padding": ((2, 3, 4, 4), (2, 3, 1, 1), (1, 1), (1, 2), (1, 1), 1),
    "1x1, groups": ((2, 4, 5, 5), (6, 2, 1, 1), (1, 1), (0, 0), (1, 1), 2),
    "one channel": ((3, 1, 9, 10), (5, 1, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "many channels": ((2, 17, 5, 4), (3, 17, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    "oblong": ((2, 3, 9, 6), (2, 3, 5, 2), (2, 1), (2, 0), (1, 1), 1),
    "stride leaves a rest": ((2, 2, 10, 8), (3, 2, 3, 3), (2, 3), (0, 0), (1, 1), 1),
    "stride beyond the window": ((2, 2, 9, 9), (3, 2, 2, 2), (3, 4), (0, 0), (1, 1), 1),
    "window as large as the input": ((2, 3, 4, 5), (6, 3, 4, 5), (1, 1), (0, 0), (1, 1), 1),
    "window larger than the input": ((2, 2, 3, 2), (3, 2, 5, 4), (1, 1), (1, 1), (1, 1), 1),
    "padding beyond the window": ((2, 2, 4, 4), (3, 2, 2, 2), (1, 1), (3, 2), (1, 1), 1),
    "dilation": ((2, 2, 9, 11), (3, 2, 3, 3), (1, 1), (0, 0), (2, 3), 1),
    "all at once": ((3, 4, 11, 10), (6, 2, 3, 2), (2, 3), (2, 1), (2, 1), 2),
    "depthwise": ((2, 5, 7, 7), (5, 1, 3, 3), (1, 1), (1, 1), (1, 1), 5),
    "depthwise, two filters each": ((2, 3, 7, 6), (6, 1, 3, 3), (2, 2), (1, 1), (1, 1), 3),
    "empty batch": ((0, 3, 7, 7), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "empty batch, strides": ((0, 4, 7, 7), (4, 2, 3, 3), (2, 2), (0, 0), (1, 1), 2),
}
convolutions = pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)


# input, kernel_size, stride, padding, dilation
POOLS = {
    "halves": ((2, 3, 6, 8), (2, 2), (2, 2), (0, 0), (1, 1)),
    "a rest": ((2, 3, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1)),
    "overlaps": ((2, 3, 7, 6), (3, 3), (1, 2), (0, 0), (1, 1)),
    "gaps": ((2, 3, 9, 11), (2, 2), (3, 4), (0, 0), (1, 1)),
    "oblong": ((2, 3, 9, 5), (4, 1), (2, 3), (2, 0), (1, 1)),
    "padding": ((2, 3, 6, 7), (3, 3), (2, 2), (1, 1), (1, 1)),
    "padding, even window": ((2, 3, 5, 5), (2, 2), (2, 2), (1, 1), (1, 1)),
    "window as large as the input": ((2, 3, 4, 5), (4, 5), (4, 5), (0, 0), (1, 1)),
    "window larger than the input": ((2, 3, 3, 3), (4, 4), (1, 1), (2, 2), (1, 1)),
    "one pixel": ((2, 3, 4, 5), (1, 1), (1, 1), (0, 0), (1, 1)),
    "empty batch": ((0, 3, 6, 6), (2, 2), (2, 2), (0, 0), (1, 1)),
    "more than 256 places": ((1, 1, 19, 20), (17, 16), (2, 2), (3, 4), (1, 1)),
    "dilation": ((2, 3, 9, 10), (3, 2), (2, 1), (1, 1), (2, 3)),
}
pools = pytest.mark.parametrize("case", POOLS.values(), ids=POOLS)
sum_pools = pytest.mark.parametrize("case", [c[:4] for c in POOLS.values() if c[4] == (1, 1)])


def pooled_size(size, kernel_size, stride, padding, dilation, ceil_mode):
    """PyTorch's rule: with ceil_mode one more window where it still begins inside the input or the left padding."""
    out = []
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation, strict=True):
        steps = (n + 2 * p - d * (k - 1) - 1) / s
        count = (math.ceil(steps) if ceil_mode else math.floor(steps)) + 1
        out.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return tuple(out)


def numbers_with(kind, shape, dtype, layout):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, shape).astype(dtype)  # ties everywhere
    if kind == "specials":
        x[rng.random(shape) < 0.7] = -np.inf
        x[rng.random(shape) < 0.1] = np.nan
        x[rng.random(shape) < 0.1] = np.inf
    x = LAYOUTS[layout](x)
    x.flags.writeable = False
    return x
