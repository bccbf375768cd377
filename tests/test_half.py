"""Half precision: kept in 16 bits, computed in float32, forwards and backwards, in every op."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.testing.cases import public, table

ULP = 2.0**-10  # the relative distance of two neighbours in half precision is at most this

REFUSED = {  # as in PyTorch: what LAPACK does, which has no half precision, and statistics of float32 and float64
    *"inv solve_matrices det _slogdet _cholesky _qr _svd _svdvals _eigh _eigvalsh _pinv".split(),
    *("quantile", "nanquantile", "histogram"),
}
FLOATING = [
    c
    for c in table()
    if any(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in c.arrays())
    if c.op != "bincount"  # counts are float32 or float64
]
CASES = [c for c in FLOATING if c.op not in REFUSED]


def floats(value):
    return [t for t in (value if isinstance(value, tuple | list) else [value]) if hasattr(t, "dtype")]


def outcome(case, dtype):
    """Results and gradients, of the same numbers kept in this dtype."""
    tg.manual_seed(0)
    inputs = [
        tg.tensor(a.astype(np.float16).astype(dtype), requires_grad=case.orders > 0)
        if isinstance(a, np.ndarray) and a.dtype.kind == "f"
        else tg.tensor(a)
        if isinstance(a, np.ndarray)
        else a
        for a in case.arrays()
    ]
    results = [t for t in floats(public(case.op)(*inputs, **case.attributes)) if isinstance(t, tg.Tensor)]
    differentiable = [t for t in results if t.requires_grad]
    if differentiable:
        rng = np.random.default_rng(1)
        seeds = [tg.tensor(rng.integers(1, 5, t.shape).astype(t.dtype)) for t in differentiable]
        tg.autograd.backward(differentiable, seeds)
    return results, [t.grad for t in inputs if isinstance(t, tg.Tensor) and t.grad is not None]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_half_is_float32_rounded_once(case):
    (results, gradients), (exact, slopes) = outcome(case, np.float16), outcome(case, np.float32)
    assert len(results) == len(exact)
    assert len(gradients) == len(slopes)
    for got, want in zip(results, exact, strict=True):
        assert got.dtype == (np.float16 if want.dtype == np.float32 else want.dtype)
        want = want.detach().numpy()
        np.testing.assert_allclose(got.detach().numpy().astype(want.dtype), want, rtol=ULP, atol=2**-24)
    for got, want in zip(gradients, slopes, strict=True):
        assert got.dtype == np.float16
        want = want.numpy()
        size = np.abs(want[np.isfinite(want)]).max(initial=0.0)
        np.testing.assert_allclose(got.numpy().astype(want.dtype), want, rtol=3 * ULP, atol=2 * ULP * size)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_half_is_refused_where_pytorch_refuses_it(name):
    for case in (c for c in FLOATING if c.op == name):
        outcome(case, np.float32)
        with pytest.raises((RuntimeError, TypeError), match="float16"):
            outcome(case, np.float16)


def half(*values):
    return tg.tensor(values, dtype=tg.float16)


F = tg.nn.functional
X = half(300.0, -300.0, 600.0, 100.0)  # whose squares are too large for half precision
BEYOND = {  # (how it is computed, the result to three digits); recorded from float64
    "mean of 70,000 ones": (lambda: tg.ones(70_000, dtype=tg.float16).mean(), 1.0),
    "mean beyond the range of the sum": (lambda: half(4e4, 4e4, 4e4).mean(), 4e4),
    "sum over the first axis": (lambda: tg.ones(5000, 2, dtype=tg.float16).sum(0), [5000.0, 5000.0]),
    "sum in another dtype": (lambda: tg.full((100_000,), 2.0, dtype=tg.float16).sum(dtype=tg.float32), 200_000.0),
    "sum into half precision": (lambda: tg.full((5000,), 0.1).sum(dtype=tg.float16), 500.0),
    "mean into half precision": (lambda: tg.full((70_000,), 3.0).mean(dtype=tg.float16), 3.0),
    "softmax into half precision": (lambda: tg.softmax(tg.zeros(70_000), 0, dtype=tg.float16)[:1], [1.431e-05]),
    "nanmean": (lambda: half(4e4, 4e4, math.nan).nanmean(), 4e4),
    "cumsum": (lambda: tg.ones(5000, dtype=tg.float16).cumsum(0)[-1], 5000.0),
    "var": (lambda: (X / 10).var(), 1425.0),
    "std": (lambda: X.std(), 377.5),
    "norm": (lambda: X.norm(), 741.6),
    "norm of three": (lambda: tg.norm(X, 3), 647.0),
    "rms_norm": (lambda: F.rms_norm(X, (4,)), [0.8091, -0.8091, 1.618, 0.2697]),
    "layer_norm": (lambda: F.layer_norm(X, (4,)), [0.3824, -1.453, 1.3, -0.2294]),
    "group_norm": (lambda: F.group_norm(X.reshape(1, 1, 4), 1)[0, 0], [0.3824, -1.453, 1.3, -0.2294]),
    "instance_norm": (lambda: F.instance_norm(X.reshape(1, 1, 4))[0, 0], [0.3824, -1.453, 1.3, -0.2294]),
    "batch_norm": (
        lambda: F.batch_norm(X.reshape(4, 1), None, None, training=True)[:, 0],
        [0.3824, -1.453, 1.3, -0.2294],
    ),
    "local_response_norm": (
        lambda: F.local_response_norm(X.reshape(1, 4, 1), 2)[0, :, 0],
        [83.53, -53.35, 56.21, 10.78],
    ),
    "normalize": (lambda: F.normalize(X, dim=0), [0.4045, -0.4045, 0.809, 0.1348]),
    "cosine_similarity": (lambda: F.cosine_similarity(X, X.flip(0), dim=0), -0.5454),
    "cosine_embedding_loss": (lambda: F.cosine_embedding_loss(X, X.flip(0), tg.tensor(1)), 1.545),
    "lp_pool": (lambda: F.lp_pool1d(X.reshape(1, 1, 4), 2, 2)[0, 0], [424.3, 608.3]),
    "smooth_l1_loss": (lambda: F.smooth_l1_loss(half(500.0), half(0.0), beta=1000.0), 125.0),
    "gaussian_nll_loss": (lambda: F.gaussian_nll_loss(half(500.0), half(0.0), half(1e3)), 128.5),
    "sigmoid": (lambda: tg.sigmoid(half(-12.0)), 6.139e-06),
    "softmax": (lambda: tg.softmax(tg.zeros(70_000, dtype=tg.float16), 0)[:1], [1.431e-05]),
    "cross_entropy": (lambda: F.cross_entropy(tg.zeros(1, 70_000, dtype=tg.float16), tg.tensor([3])), 11.16),
    "addcmul": (lambda: tg.addcmul(half(0.0), half(300.0), half(300.0), value=0.1), [9000.0]),
    "a number beyond half precision": (lambda: half(0.001) * 1e5, [100.0]),
    "avg_pool2d": (lambda: F.avg_pool2d(tg.full((1, 1, 60, 60), 100.0, dtype=tg.float16), 60)[0, 0, 0], [100.0]),
    "linear": (lambda: F.linear(tg.ones(1, 5000).half(), tg.ones(1, 5000).half())[0], [5000.0]),
    "einsum": (lambda: tg.einsum("ij->", tg.full((300, 10), 20.0).half()), 60_000.0),
}


@pytest.mark.parametrize("name", BEYOND)
def test_intermediate_numbers_may_be_larger_than_half_precision_holds(name):
    compute, expected = BEYOND[name]
    out = compute()
    assert out.dtype == (np.float32 if "another" in name else np.float16)
    np.testing.assert_allclose(out.numpy().astype(np.float64), expected, rtol=2e-3)


def test_gradients_of_half_precision():
    x, y = tg.tensor(1.0, dtype=tg.float16, requires_grad=True), tg.tensor(300.0, dtype=tg.float16, requires_grad=True)
    (x / y).backward()
    assert y.grad.item() == pytest.approx(-1 / 300**2, rel=5e-3)
    x = tg.ones(70_000, dtype=tg.float16, requires_grad=True)
    x.amax().backward()
    assert x.grad[0].item() == pytest.approx(1 / 70_000, rel=5e-3)
    x = tg.tensor([300.0, -300.0], dtype=tg.float16, requires_grad=True)
    (slope,) = tg.autograd.grad(F.layer_norm(x, (2,))[0] * 300, x, create_graph=True)
    assert slope.dtype == np.float16
    assert np.isfinite(tg.autograd.grad(slope.sum(), x)[0].numpy()).all()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_optimizers_step_in_float32(name):
    """Twenty steps by gradients whose squares are too small, or too large, for half precision."""
    ends = []
    for dtype in (tg.float16, tg.float32):
        p = tg.nn.Parameter(tg.tensor([1.0, -2.0, 3.0], dtype=dtype))
        opt = getattr(tg.optim, name)([p], lr=2**-6)
        for _ in range(20):
            p.grad = tg.tensor([1e-4, 300.0, -1.0], dtype=dtype)
            if name == "SGD":
                p.grad = p.grad / 100
            opt.step()
        opt.load_state_dict(opt.state_dict())
        ends.append(p.detach().numpy())
    assert ends[0].dtype == np.float16
    np.testing.assert_allclose(*ends, rtol=0.02)


@pytest.mark.parametrize(("n", "norm"), [(4, 600.0), (100_000, math.inf)])  # the second norm is 94,868
def test_clip_grad_norm_of_half_precision(n, norm):
    p = tg.nn.Parameter(tg.ones(n, dtype=tg.float16))
    p.grad = tg.full((n,), 300.0, dtype=tg.float16)
    assert tg.nn.utils.clip_grad_norm_([p], 10.0).item() == norm
    np.testing.assert_allclose(p.grad.numpy().astype(float), 10 / math.sqrt(n), rtol=1e-3)
