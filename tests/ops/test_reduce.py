"""Reductions: axes, dtypes, ties, nothing at all, stability, PyTorch's ways to call them, errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.kernels import use
from tinygrad_cnn.testing import gradcheck, gradgradcheck

inf, nan = math.inf, math.nan
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def leaf(values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def gradient(f, values):
    x = leaf(values)
    f(x).sum().backward()
    return x.grad.tolist()


# axes


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "var", "std", "norm", "logsumexp"])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3, (0, 2), (-1, 0), [1, 2], (0, 1, 2)])
def test_shapes(name, dim, keepdim):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    over = tuple(dim) if isinstance(dim, list) else dim
    out = getattr(tg, name)(tg.from_numpy(x), dim=dim, keepdim=keepdim)
    law = {
        "norm": lambda a, **kw: np.sqrt((a * a).sum(**kw)),
        "logsumexp": lambda a, **kw: np.log(np.exp(a).sum(**kw)),
        "var": lambda a, **kw: a.var(ddof=1, **kw),
        "std": lambda a, **kw: a.std(ddof=1, **kw),
    }.get(name) or getattr(np, name)
    np.testing.assert_allclose(out.numpy(), law(x, axis=over, keepdims=keepdim), rtol=1e-12)


def test_whole_with_keepdim():
    x = tg.ones(2, 3)
    assert tg.sum(x, keepdim=True).shape == (1, 1)
    assert tg.mean(x, dim=None, keepdim=True).shape == (1, 1)
    assert tg.argmax(x, keepdim=True).shape == (1, 1)
    assert tg.sum(x, ()).item() == 6


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "argmax", "logsumexp", "norm", "var"])
@pytest.mark.parametrize("dim", [0, -1])
def test_a_number_has_one_axis_to_speak_of(name, dim):
    f = getattr(tg, name)
    out = f(leaf(3.0), correction=0, dim=dim) if name == "var" else f(leaf(3.0), dim=dim)
    assert out.shape == ()
    assert out.item() == {"argmax": 0, "var": 0}.get(name, 3)
    with pytest.raises(IndexError, match="dim 1 is out of range"):
        f(leaf(3.0), dim=1)


def test_max_of_a_number():
    values, indices = tg.max(leaf(3.0), 0)
    assert (values.item(), indices.item(), values.shape) == (3, 0, ())


# dtypes


@pytest.mark.parametrize("name", "sum mean prod amax amin max min var std any all count_nonzero nansum".split())
def test_dtypes_as_in_pytorch(pytorch, name):
    def outcome(m, d):
        try:
            return getattr(m, name)(m.ones(3, dtype=getattr(m, d))).dtype
        except RuntimeError:
            return "error"

    dtypes = (
        [d for d in DTYPES if d != "uint8"] if name in ("any", "all") else DTYPES
    )  # bytes were PyTorch's first bool
    pytorch.agrees(lambda m: {d: outcome(m, d) for d in dtypes})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lambda: tg.sum(tg.tensor([True, True])), 2),
        (lambda: tg.sum(tg.tensor([100, 100], dtype=tg.int8)), 200),
        (lambda: tg.sum(tg.tensor([1.5, 1.5]), dtype=tg.int64), 2),
        (lambda: tg.mean(tg.tensor([1, 2]), dtype=tg.float32), 1.5),
        (lambda: tg.prod(tg.tensor([100, 100], dtype=tg.uint8)), 10000),
        (lambda: tg.norm(tg.tensor([3.0, 4.0]), dtype=tg.float64), 5.0),
    ],
)
def test_integers_and_dtype(expression, expected):
    assert expression().item() == expected


# extremes


def test_max_in_its_three_forms():
    x, y = tg.tensor([[1.0, 5.0], [7.0, 3.0]]), tg.tensor([[2.0, 2.0], [2.0, 9.0]])
    assert tg.max(x).item() == 7
    assert tg.min(x).item() == 1
    values, indices = tg.max(x, 1)
    assert (values.tolist(), indices.tolist(), indices.dtype) == ([5, 7], [1, 0], tg.int64)
    found = tg.min(x, dim=0, keepdim=True)
    assert (found.values.tolist(), found.indices.tolist()) == ([[1, 3]], [[0, 1]])
    assert x.max(1)[1].tolist() == [1, 0]
    assert tg.max(x, y).tolist() == tg.max(x, other=y).tolist() == [[2, 5], [7, 9]]
    assert tg.min(x, y).tolist() == [[1, 2], [2, 3]]


def test_aminmax():
    found = tg.aminmax(tg.tensor([[1, 5], [7, 3]]), dim=0)
    assert (found.min.tolist(), found.max.tolist()) == ([1, 3], [7, 5])


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (tg.amax, [0.0, 0.5, 0.5]),
        (tg.max, [0.0, 0.5, 0.5]),
        (lambda x: tg.amax(x, 0), [0.0, 0.5, 0.5]),
        (lambda x: tg.max(x, 0).values, [0.0, 1.0, 0.0]),
        (lambda x: tg.norm(x, inf), [0.0, 0.5, 0.5]),
        (tg.amin, [1.0, 0.0, 0.0]),
    ],
)
def test_ties(f, expected):
    assert gradient(f, [1.0, 3.0, 3.0]) == expected


@pytest.mark.parametrize("f", [tg.max, tg.min, tg.median], ids=lambda f: f.__name__)
def test_nans_share_the_gradient_of_an_extreme(f):
    x = tg.tensor([1.0, nan, 3.0, nan], requires_grad=True)
    y = f(x)
    assert math.isnan(y.item())
    y.backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.0, 0.5]


def test_the_first_of_equal_ones_and_nan_first_of_all():
    assert tg.argmax(tg.tensor([1, 3, 3])).item() == 1
    assert tg.argmin(tg.tensor([[2, 1], [1, 2]])).item() == 1
    assert tg.argmax(tg.tensor([[1, 3], [4, 0]]), dim=0).tolist() == [1, 0]
    values, indices = tg.max(tg.tensor([1.0, nan, 5.0]), 0)
    assert math.isnan(values.item())
    assert indices.item() == 1
    assert math.isnan(tg.amin(tg.tensor([1.0, nan])).item())
    assert tg.argmax(tg.tensor([False, True])).item() == 1


# nothing


def test_sums_of_nothing():
    x = tg.zeros(0, 3)
    assert tg.sum(x).item() == 0
    assert tg.sum(x, 0).tolist() == [0, 0, 0]
    assert tg.sum(x, 1).shape == (0,)
    assert tg.prod(x, 0).tolist() == [1, 1, 1]
    assert math.isnan(tg.mean(x).item())
    assert tg.logsumexp(x, 0).tolist() == [-inf] * 3
    assert tg.norm(x).item() == 0
    assert math.isnan(tg.var(x).item())
    assert tg.amax(x, 1).shape == tg.argmax(x, 1).shape == (0,)
    y = tg.zeros(0, 3, requires_grad=True)
    (tg.sum(y) + tg.mean(y) + tg.prod(y)).backward()
    assert y.grad.shape == (0, 3)


def test_deviation_of_one_is_nan():
    assert math.isnan(tg.var(tg.ones(1)).item())
    assert math.isnan(tg.std(tg.ones(2), correction=2).item())
    assert tg.var(tg.ones(1), correction=0).item() == 0


# sums that are hard


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_products_with_zeros_at_two_orders(zeros, dim):
    values = np.array([[2.0, -1.5, 0.5], [3.0, 1.25, -2.0]])
    values.flat[:zeros] = 0
    x = leaf(values)
    f = tg.prod if dim is None else lambda x: tg.prod(x, dim)
    assert gradcheck(f, x)
    assert gradgradcheck(f, x)


def test_third_derivative_of_a_product_with_zeros():
    x = leaf([0.0, 0.0, 0.0])
    y = tg.prod(x)
    for i in range(3):
        (g,) = tg.autograd.grad(y, x, create_graph=True)
        y = g[i]
    assert y.item() == 1


def test_variance_far_from_zero():
    x = 1e8 + np.array([0.0, 1.0, 2.0])
    assert tg.var(tg.from_numpy(x)).item() == 1
    assert tg.std(tg.tensor([1e4, 1e4 + 1, 1e4 + 2])).item() == 1


def test_logsumexp_of_large_numbers():
    x = tg.tensor([[1e4, 1e4], [-1e4, -1e4], [-inf, -inf], [inf, 0.0]])
    expected = [1e4 + math.log(2), -1e4 + math.log(2), -inf, inf]
    np.testing.assert_allclose(tg.logsumexp(x, 1).numpy(), expected, rtol=1e-7)
    assert gradient(lambda x: tg.logsumexp(x, 0), [1e4, 1e4, -inf]) == pytest.approx([0.5, 0.5, 0])
    assert gradient(lambda x: tg.logsumexp(x, 0), [-inf, -inf]) == [0, 0]


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, inf, -inf, "fro"])
def test_gradient_of_a_norm_at_zero_is_zero(p):
    assert gradient(lambda x: tg.norm(x, p), [0.0, 0.0]) == [0, 0]


def test_gradient_of_a_deviation_of_equal_numbers_is_zero():
    assert gradient(tg.std, [2.0, 2.0]) == [0, 0]


@pytest.mark.parametrize(
    ("p", "expected"), [(0, 2), (1, 7), (2, 5), (inf, 4), (-inf, 0), ("fro", 5), (None, 5), (3, 91 ** (1 / 3))]
)
def test_norms(p, expected):
    x = tg.tensor([3.0, 0.0, -4.0])
    assert tg.norm(x, p).item() == pytest.approx(expected)
    assert tg.norm(x.reshape(3, 1), p=p, dim=0, keepdim=True).shape == (1, 1)


def test_ways_to_say_the_correction():
    x = tg.tensor([[1.0, 3.0], [2.0, 2.0]])
    assert tg.var(x, 1).tolist() == tg.var(x, 1, True).tolist() == tg.var(x, dim=1, correction=1).tolist() == [2, 0]
    assert tg.var(x, 1, unbiased=False).tolist() == tg.var(x, 1, correction=0).tolist() == [1, 0]
    assert tg.var(x, False).item() == tg.var(x, unbiased=False).item() == 0.5
    assert tg.var(x, 1, False, True).shape == (2, 1)
    variance, mean = tg.var_mean(x, 1)
    assert (variance.tolist(), mean.tolist()) == ([2, 0], [2, 2])
    deviation, mean = tg.std_mean(x, 1, correction=0)
    assert (deviation.tolist(), mean.tolist()) == ([1, 0], [2, 2])


def test_nan_is_left_out():
    x = tg.tensor([[1.0, nan], [3.0, 5.0]], requires_grad=True)
    assert tg.nansum(x, 0).tolist() == [4, 5]
    assert tg.nanmean(x).item() == 3
    tg.nansum(x).backward()
    assert x.grad.tolist() == [[1, 0], [1, 1]]


def test_count_nonzero():
    x = tg.tensor([[0, 1, 2], [0, 0, 3]])
    assert tg.count_nonzero(x).item() == 3
    assert tg.count_nonzero(x, 0).tolist() == [0, 1, 2]
    assert tg.count_nonzero(x, dim=(0, 1)).dtype == tg.int64


def test_layouts_agree():
    x = np.random.default_rng(1).normal(size=(4, 5, 6))
    for perm in itertools.permutations(range(3)):
        t = tg.from_numpy(x).permute(*perm)
        for f in (tg.sum, tg.prod, tg.var, tg.logsumexp):
            np.testing.assert_allclose(f(t, 1).numpy(), f(tg.from_numpy(t.numpy().copy()), 1).numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.sum(tg.ones(2, 3), 5), IndexError, "sum: dim 5 is out of range .* expected -2 to 1"),
        (lambda: tg.sum(tg.ones(2, 3), (0, -2)), RuntimeError, "sum: axis 0 appears more than once"),
        (lambda: tg.sum(tg.ones(2, 3), 1.0), TypeError, "sum: dim must be an int"),
        (lambda: tg.mean(tg.tensor([1, 2])), RuntimeError, "mean: .*floating, got int64.*dtype="),
        (lambda: tg.var(tg.tensor([1, 2])), RuntimeError, "var: only floating tensors.*int64"),
        (lambda: tg.norm(tg.tensor([1, 2])), RuntimeError, "norm: only floating tensors.*int64"),
        (lambda: tg.norm(tg.ones(2, 2), "one"), RuntimeError, "norm: p must be a number, .fro. or .nuc., got .one."),
        (lambda: tg.max(tg.zeros(0, 3)), RuntimeError, r"amax: a tensor of shape \(0, 3\) has no elements"),
        (lambda: tg.argmax(tg.zeros(0)), IndexError, "argmax: .*no elements"),
        (lambda: tg.amax(tg.zeros(0, 3), 0), IndexError, r"amax: axis 0 of shape \(0, 3\) is empty"),
        (lambda: tg.max(tg.zeros(0, 3), 0), IndexError, "argmax: axis 0"),
        (lambda: tg.var(tg.ones(2), unbiased=True, correction=0), TypeError, "say the same"),
        (lambda: tg.prod(tg.ones(2, 2), (0, 1)), TypeError, "prod: dim must be an int"),
        (lambda: tg.logsumexp(tg.ones(2)), TypeError, "logsumexp"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# digits

TENTH = float(np.float32(0.1))


@pytest.mark.parametrize("shape", [(1_000_000, 2), (100_000, 10), (300_000,)], ids=str)
@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x.sum(0), lambda n: n * TENTH),
        (lambda x: x.mean(0), lambda n: TENTH),
        (lambda x: x.cumsum(0)[-1], lambda n: n * TENTH),
        (lambda x: x.norm(dim=0), lambda n: math.sqrt(n) * TENTH),
        (lambda x: x.logsumexp(0), lambda n: math.log(n) + TENTH),
        (lambda x: x.softmax(0)[0], lambda n: 1 / n),
        (lambda x: (x + 1000).var(0), lambda n: 0.0),
        (lambda x: tg.nn.functional.mse_loss(x, x * 2), lambda n: TENTH**2),
    ],
)
def test_long_sums_keep_their_digits(shape, compute, expected):
    found = compute(tg.full(shape, 0.1)).numpy()
    np.testing.assert_allclose(found, expected(shape[0]), rtol=1e-6, atol=1e-12)


def test_the_gradient_of_what_was_broadcast_keeps_its_digits():
    bias, row, scale = (tg.zeros(n, requires_grad=True) for n in (3, 3, 1))
    table = tg.zeros(2, 3, requires_grad=True)
    x = tg.full((300_000, 3), 0.1)
    out = (x + bias) + table[tg.zeros(len(x), dtype=tg.int64)] + tg.nn.functional.linear(x, tg.zeros(3, 3), row)
    ((out * 0.1).sum() + (x * scale).sum()).backward()
    for grad, expected in ((bias.grad, 3e5), (row.grad, 3e5), (table.grad[0], 3e5), (scale.grad, 9e5)):
        np.testing.assert_allclose(grad, expected * TENTH, rtol=1e-6)


def test_a_mean_is_finite_where_the_sum_is_not():
    large = [3e38, 3e38, 3e38]
    assert tg.tensor(large).mean().item() == pytest.approx(3e38)
    assert tg.tensor([large, [1.0, 2.0, 6.0]]).mean(1).tolist() == pytest.approx([3e38, 3.0])
    assert tg.nn.functional.l1_loss(tg.tensor(large), tg.zeros(3)).item() == pytest.approx(3e38)
    assert tg.tensor([inf, 1.0]).mean().item() == inf
    assert math.isnan(tg.tensor([inf, -inf]).mean().item())


@pytest.mark.parametrize(("a", "b"), [(1e20, 3e20), (1e-30, 3e-30), (1e7 + 1, 1e7 + 3), (1.0, 3.0)])
def test_std_of_large_small_and_distant_numbers(a, b):
    x = tg.tensor([a, b], requires_grad=True)
    x.std().backward()
    assert x.std().item() == pytest.approx((b - a) / math.sqrt(2), rel=1e-6)
    assert x.grad.tolist() == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], rel=1e-6)
    assert tg.tensor([a, b]).var().item() == pytest.approx((b - a) ** 2 / 2 if b < 1e19 else inf, rel=1e-6, abs=1e-45)


def test_a_common_offset_takes_no_digits_of_logsumexp():
    x = tg.tensor([1e7, 1e7 + 1], requires_grad=True)
    tg.logsumexp(x, 0).backward()
    assert x.grad.tolist() == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)], rel=1e-6)


# Big arrays: one pass over memory, in whatever order it lies.

DRAWN = np.random.default_rng(4).random((12, 20, 30, 40), np.float32) + 0.5
BIG = {
    "in order": DRAWN,
    "channels last": np.ascontiguousarray(DRAWN.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "expanded": np.broadcast_to(DRAWN[:, :, :1], DRAWN.shape),
    "reversed": DRAWN[:, ::-1, :, ::-1],
}
AXES = [None, 0, 1, -1, (0, 1), (0, 2, 3), (1, 2, 3), (2, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["amax", "amin", "var", "std", "norm", "prod"])
@pytest.mark.parametrize("form", BIG)
def test_a_big_array_gives_what_float64_does(name, form):
    x = BIG[form] if name != "var" else BIG[form] + 1000  # whose squares have lost all digits of it in float32
    for dim in AXES:
        if name == "prod" and isinstance(dim, tuple):
            continue
        found = []
        for threads in (1, 2):
            before = tg.get_num_threads()
            tg.set_num_threads(threads)
            with use("fast"):
                found.append(getattr(tg, name)(tg.from_numpy(x), dim=dim, keepdim=True).numpy())
            tg.set_num_threads(before)
        with use("numpy"):
            want = getattr(tg, name)(tg.from_numpy(x.astype(np.float64)), dim=dim, keepdim=True).numpy()
        np.testing.assert_array_equal(*found, err_msg=f"{dim}: other threads, other digits")
        np.testing.assert_allclose(found[0], want, rtol=1e-6, atol=1e-38, err_msg=str(dim))


def test_a_big_array_with_a_nan_or_without_variance():
    x = np.full((300, 400), 0.1, np.float32)
    with use("fast"):
        still = [f(tg.from_numpy(x), dim).numpy() for f in (tg.var, tg.std) for dim in (None, 0, 1)]
        huge = tg.std(tg.tensor([-1e30, 1e30]).repeat(50_000), correction=0)
        x[123, 45] = np.nan
        of = tg.amax, tg.amin, tg.prod, tg.var, tg.norm
        found = [f(tg.from_numpy(x), dim=dim).isnan() for f in of for dim in (0, 1)]
    assert all((values == 0).all() for values in still)
    assert huge.item() == pytest.approx(1e30)
    assert [nan.nonzero().tolist() for nan in found] == [[[45]], [[123]]] * 5


def test_products_of_others_where_they_are_quotients_and_where_not():
    x = np.random.default_rng(0).random((4, 30)) + 0.5
    for values in (x, x * 1e-12, x * (np.arange(30) != 3), x * ((np.arange(30) != 3) & (np.arange(30) != 7))):
        found = gradient(lambda x: tg.prod(x, 1), values)
        want = [[np.prod(np.delete(row, i)) for i in range(30)] for row in values]
        np.testing.assert_allclose(found, want, rtol=1e-12)


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin", "any", "all"])
@pytest.mark.parametrize("dim", [None, 0, 1, 2])
@pytest.mark.parametrize("keepdim", [False, True])
def test_what_is_expanded_has_the_extremes_of_its_copy(name, dim, keepdim):
    kept = {"keepdim": True} if keepdim and dim is not None else {}
    call = lambda x: getattr(x, name)(*() if dim is None else (dim,), **kept)
    for shape, whole in (((3, 1, 4), (3, 5, 4)), ((1, 3, 1), (2, 3, 4)), ((1, 1, 1), (2, 3, 4))):
        x = tg.randn(shape).expand(whole)
        found, expected = call(x), call(x.clone())
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected.numpy(), strict=True)


def test_what_is_expanded_beyond_all_memory():
    """It has an answer at once, or there is no room for one, which is said before anything is computed."""
    huge = tg.zeros(2, 1).expand(2, 2**58)
    assert huge.aminmax(dim=1).min.tolist() == huge.max(1).values.tolist() == [0.0, 0.0]
    assert (huge.min().item(), huge.argmin().item(), huge.any().item(), huge.all().item()) == (0.0, 0, False, False)
    place = (tg.tensor([1]), tg.tensor([3]))
    for f in (
        lambda: huge.softmax(1),
        lambda: huge.log_softmax(1),
        lambda: huge.logsumexp(1),
        lambda: huge.index_put(place, tg.ones(1)),
        lambda: huge.index_put(place, tg.ones(1), accumulate=True),
    ):
        with pytest.raises(MemoryError):
            f()
