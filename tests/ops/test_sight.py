"""One infinite, NaN or huge number changes what sees it and nothing else, forwards and backwards.

A linear map is its matrix, and that of a map is found by what it makes of each unit vector. A number sees those
others that its row has a weight for; the sum over these alone is the law.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F

C, H, W = SHAPE = 2, 6, 5
FILTERS = tg.tensor(np.random.default_rng(1).uniform(1, 2, (3, C, 3, 3)))

MAPS = {
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "nearest-exact": lambda x: F.interpolate(x, size=(4, 7), mode="nearest-exact"),
    "linear": lambda x: F.interpolate(x.flatten(2), size=17, mode="linear"),
    "bilinear larger": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bilinear smaller": lambda x: F.interpolate(x, size=(4, 3), mode="bilinear"),
    "bilinear corners": lambda x: F.interpolate(x, size=(11, 9), mode="bilinear", align_corners=True),
    "bicubic larger": lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic"),
    "bicubic smaller": lambda x: F.interpolate(x, size=3, mode="bicubic"),
    "bicubic corners": lambda x: F.interpolate(x, size=(11, 9), mode="bicubic", align_corners=True),
    "area": lambda x: F.interpolate(x, size=(4, 7), mode="area"),
    "area of a row": lambda x: F.interpolate(x.flatten(2), size=7, mode="area"),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "adaptive_avg_pool2d larger": lambda x: F.adaptive_avg_pool2d(x, (9, None)),
    "adaptive_avg_pool2d even": lambda x: F.adaptive_avg_pool2d(x, (3, 5)),
    "adaptive_avg_pool1d": lambda x: F.adaptive_avg_pool1d(x.flatten(2), 7),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "unfold": lambda x: F.unfold(x, (3, 2), padding=1),
    "unfold apart": lambda x: F.unfold(x, 2, dilation=2, padding=(2, 0), stride=2),
    "fold": lambda x: F.fold(x.reshape(-1, 4, 15), (6, 4), 2),
    "fold apart": lambda x: F.fold(x.reshape(-1, 4, 15), (10, 6), 2, dilation=(2, 1), padding=(1, 2), stride=(2, 4)),
    "conv2d": lambda x: F.conv2d(x, FILTERS.to(x.dtype), padding=1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, FILTERS.to(x.dtype).transpose(0, 1), stride=2),
    "pad reflect": lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"),
    "pad circular": lambda x: F.pad(x, (1, 2, 2, 1), mode="circular"),
    "windows": lambda x: x.unfold(2, 3, 2),
}  # fmt: skip


def seen(matrix, vector):
    """matrix @ vector where a weight of 0 is no factor, and the size of what was added."""
    terms = np.where(matrix == 0, 0, matrix * vector)
    return terms.sum(-1), np.abs(terms).sum(-1)


def equal(found, law, rtol):
    expected, size = law
    found = found.numpy().reshape(-1)
    plain = np.isfinite(expected)
    np.testing.assert_array_equal(found[~plain], expected[~plain])
    assert (np.abs(found[plain] - expected[plain]) <= rtol * size[plain]).all()


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64], ids=str)
@pytest.mark.parametrize("name", MAPS)
def test_one_number_spoils_only_what_sees_it(name, dtype):
    units = np.eye(C * H * W).reshape(-1, *SHAPE)
    matrix = MAPS[name](tg.tensor(units)).numpy().reshape(C * H * W, -1).T
    rng = np.random.default_rng(0)
    numbers, gradient = rng.normal(size=C * H * W), rng.normal(size=len(matrix))
    rtol = 1e-5 if dtype == tg.float32 else 1e-12
    for value in (np.inf, -np.inf, np.nan, 1e30):
        for place in (0, 13, C * H * W - 1):
            spoilt, spoiler = numbers.copy(), gradient.copy()
            spoilt[place] = spoiler[place % len(matrix)] = value
            x = tg.tensor(spoilt.reshape(1, *SHAPE), dtype=dtype, requires_grad=True)
            y = MAPS[name](x)
            equal(y.detach(), seen(matrix, spoilt), rtol)
            y.backward(tg.tensor(spoiler.reshape(y.shape), dtype=dtype))
            equal(x.grad, seen(matrix.T, spoiler), rtol)
