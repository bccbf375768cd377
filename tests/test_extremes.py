"""float32 at its ends: values and gradients are right where a square, a sum or a power in between would not fit.

What is expected was computed in float64, or with more digits where float64 itself would not do.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg

F = tg.nn.functional
inf, nan = math.inf, math.nan
LABEL = tg.tensor([0])
TWO = math.e / (1 + math.e)  # the larger share in a softmax of two numbers that are 1 apart

CASES = [  # what, of which numbers, the gradient that arrives, the value (None: no matter), the gradients
    (lambda x, y: x / y, (1e20, 1e20), 1.0, 1.0, (1e-20, -1e-20)),
    (lambda x, y: x / y, (1e-30, 1e-30), 1.0, 1.0, (1e30, -1e30)),
    (lambda x, y: x / y, (3.0, 1e25), 1.0, 3e-25, (1e-25, 0.0)),
    (lambda x, y: x / y, (1e-25, 1e-25), 1.0, 1.0, (1e25, -1e25)),
    (lambda x, y: x / y, (1e-30, 1e-30), 0.0, 1.0, (0.0, 0.0)),
    (lambda x, y: x / y, (0.0, 1e-30), 1.0, 0.0, (1e30, 0.0)),
    (lambda x: 3.0 / x, (1e20,), 1e30, 3e-20, (-3e-10,)),
    (lambda x: tg.rsqrt(x), (1e-20,), 1.0, 1e10, (-5e29,)),
    (lambda x, y: x**y, (1e-40, 0.0), 1.0, 1.0, (0.0, math.log(1e-40))),
    (lambda x, y: x**y, (nan, 0.0), 1.0, 1.0, (0.0, nan)),
    (lambda x, y: tg.atan2(x, y), (1e-30, 1e-30), 1.0, math.pi / 4, (5e29, -5e29)),
    (lambda x, y: tg.atan2(x, y), (1e25, 1e25), 1.0, math.pi / 4, (5e-26, -5e-26)),
    (lambda x, y: tg.atan2(x, y), (0.0, 0.0), 1.0, 0.0, (0.0, 0.0)),
    (lambda x, y: tg.hypot(x, y), (3e30, 4e30), 1.0, 5e30, (0.6, 0.8)),
    (lambda x, y: tg.logaddexp(x, y), (3e38, 1.0), 1.0, 3e38, (1.0, 0.0)),
    (lambda x, y: tg.xlogy(x, y), (2.0, 0.0), 0.0, -inf, (0.0, nan)),
    (lambda x: tg.expm1(x), (-20.0,), 1.0, math.expm1(-20), (math.exp(-20),)),
    (lambda x: tg.sinc(x), (1e-4,), 1.0, 1.0, (-3.289868e-4,)),
    (lambda x: tg.acosh(x), (1e25,), 1.0, math.acosh(1e25), (1e-25,)),
    (lambda x: F.elu(x), (-20.0,), 1.0, -1.0, (math.exp(-20),)),
    (lambda x: F.celu(x, 0.5), (-10.0,), 1.0, -0.5, (math.exp(-20),)),
    (lambda x: F.selu(x), (-20.0,), 1.0, None, (1.6732632 * 1.0507010 * math.exp(-20),)),
    (lambda x: F.mish(x), (1e10,), 1e30, 1e10, (1e30,)),
    (lambda x: F.softsign(x), (1e15,), 1.0, 1.0, (1e-30,)),
    (lambda x: F.softsign(x), (1e20,), 1e30, 1.0, (1e-10,)),
    (lambda x: F.gelu(x, approximate="tanh"), (-1e15,), 1.0, 0.0, (0.0,)),
    (lambda x: F.gelu(x, approximate="tanh"), (1e15,), 1.0, 1e15, (1.0,)),
    (lambda x, y: F.binary_cross_entropy_with_logits(x, y), (-100.0, 1e-30), 1.0, 1e-28, (-1e-30, 100.0)),
    (lambda x, y: F.binary_cross_entropy_with_logits(x, y), (20.0, 1.0), 1.0, math.exp(-20), (-math.exp(-20), -20.0)),
    (lambda x, y: F.binary_cross_entropy_with_logits(x, y), (-20.0, 0.0), 1.0, math.exp(-20), (math.exp(-20), 20.0)),
    (lambda x, y: F.binary_cross_entropy_with_logits(x, y), (inf, 0.0), 1.0, inf, (1.0, -inf)),
    (lambda x, y: F.multilabel_soft_margin_loss(x[None], y[None]), (20.0, 1.0), 1.0, math.exp(-20), None),
    (lambda x, y: F.multi_margin_loss(tg.stack([x, y])[None], LABEL), (1.0, 0.0), 1.0, 0.0, (0.0, 0.0)),
    (lambda x, y: F.multi_margin_loss(tg.stack([x, y])[None], LABEL), (inf, 0.0), 1.0, 0.0, (0.0, 0.0)),
    (lambda x, y: F.multi_margin_loss(tg.stack([x, y])[None], LABEL), (1.0, 0.5), 1.0, 0.25, (-0.5, 0.5)),
    (lambda x, y: F.layer_norm(tg.stack([x, y]), (2,))[0], (3e25, 1e25), 1.0, 1.0, None),
    (lambda x, y: F.cross_entropy(tg.stack([x, y])[None], LABEL), (1e7, 1e7 + 1), 1.0, 1.3132617, (-TWO, TWO)),
    (lambda x, y: F.log_softmax(tg.stack([x, y]), 0)[0], (1e7, 1e7 + 1), 1.0, -1.3132617, (TWO, -TWO)),
    (lambda x, y: tg.softmax(tg.stack([x, y]), 0)[0], (-3e38, 3e38), 1.0, 0.0, (0.0, 0.0)),
    (lambda x, y: tg.amax(tg.stack([x, y])), (nan, 1.0), 1.0, nan, (nan, nan)),
    (lambda x, y: tg.cumprod(tg.stack([x, x, y]), 0)[2], (1e30, 1e-30), 1.0, 1e30, None),
]  # fmt: skip


@pytest.mark.parametrize(("f", "numbers", "g", "value", "slopes"), CASES)
def test_value_and_gradient(f, numbers, g, value, slopes):
    inputs = [tg.tensor(n, requires_grad=True) for n in numbers]
    out = f(*inputs)
    if value is not None:
        np.testing.assert_allclose(out.item(), value, rtol=2e-6, atol=1e-38)
    if slopes is not None:
        out.backward(tg.tensor(g))
        np.testing.assert_allclose([x.grad.item() for x in inputs], slopes, rtol=5e-6, atol=1e-38)


@pytest.mark.parametrize("n", [3, 5000], ids=["numpy", "fast"])
@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop"])
def test_an_optimizer_moves_on_after_a_large_gradient(name, n):
    """The square of 1e20 is too large for float32, a thousandth of it is not."""
    p = tg.zeros(n, requires_grad=True)
    opt = getattr(tg.optim, name)([p], lr=0.1)
    seen = []
    for g in (1e20, 1.0, -1e20):
        p.grad = tg.full((n,), g)
        opt.step()
        seen.append(p[n - 1].item())
    expected = {  # recorded from PyTorch
        "Adam": [-0.1, -0.167006, -0.158419],
        "AdamW": [-0.1, -0.166906, -0.158152],
        "RMSprop": [-1.0, -1.0, -0.289349],
    }
    np.testing.assert_allclose(seen, expected[name], rtol=1e-4)
