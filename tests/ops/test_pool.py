"""Pooling: printed results of others, ties, overlaps, ragged borders, PyTorch, and the errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F


def leaf(array) -> tg.Tensor:
    return tg.tensor(np.asarray(array, np.float64), requires_grad=True)


def test_printed_values_of_a_course():
    """CS231n, assignment 2: max_pool_forward_naive."""
    x = tg.tensor(np.linspace(-0.3, 0.4, num=96).reshape(2, 3, 4, 4))
    expected = [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
    np.testing.assert_allclose(F.max_pool2d(x, 2).numpy(), expected, rtol=0, atol=5e-9)


def test_worked_example():
    """Two channels of 4x4, window and stride 2, from a published tutorial's test data."""
    x = leaf(
        [
            [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]],
            [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1], [3, 4, 5, 6]],
        ]
    )
    out = F.max_pool2d(x, 2)
    out.backward(tg.tensor([[[1.0, 2.0], [2.0, 4.0]], [[3.0, 5.0], [8.0, 2.0]]]).double())
    assert out.tolist() == [[[6, 8], [3, 4]], [[5, 7], [9, 6]]]
    assert x.grad.tolist() == [
        [[0, 0, 0, 0], [0, 1, 0, 2], [2, 0, 0, 0], [0, 0, 0, 4]],
        [[0, 0, 0, 0], [0, 3, 0, 5], [0, 8, 0, 0], [0, 0, 0, 2]],
    ]


# What is easily done wrong.


def test_ties_give_the_whole_gradient_to_the_first():
    x = tg.ones(1, 1, 4, 4, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad[0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_overlapping_windows_add_up():
    x = leaf([[[0, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]])
    g = tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]).double()
    F.max_pool2d(x, 3, stride=1).backward(g)
    assert x.grad[0].tolist() == [[0, 0, 0, 0], [0, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("norm", [1, 2, 3.5])
def test_the_norm_of_zeros_has_a_gradient_of_zeros(norm):
    t = tg.zeros(1, 1, 2, 4, requires_grad=True)
    with tg.no_grad():
        t[..., 2:] = 2.0
    (F.lp_pool2d(t, norm, 2).sum() + F.lp_pool1d(t[0], norm, 2).sum()).backward()
    assert t.grad[..., :2].tolist() == [[[[0, 0], [0, 0]]]]
    assert (t.grad[..., 2:] > 0).all()


def test_padding_is_never_chosen():
    x = leaf(-np.ones((1, 1, 2, 2)))
    out, indices = F.max_pool2d(x, 2, stride=2, padding=1, return_indices=True)
    assert out.tolist() == [[[[-1, -1], [-1, -1]]]]
    assert indices.tolist() == [[[[0, 1], [2, 3]]]]


def test_nan_is_the_largest():
    x = leaf([[[[1, np.nan], [3, 4]]]])
    assert np.isnan(F.max_pool2d(x, 2).item())


def test_all_minus_infinity():
    x = leaf(np.full((1, 1, 4, 4), -np.inf))
    out, indices = F.max_pool2d(x, 2, return_indices=True)
    out.sum().backward()
    assert out.tolist() == [[[[-np.inf] * 2] * 2]]
    assert indices.tolist() == [[[[0, 2], [8, 10]]]]
    assert x.grad.sum().item() == 4


def test_odd_sizes_leave_out_the_rest():
    x = tg.arange(25.0).reshape(1, 5, 5).requires_grad_()
    F.max_pool2d(x, 2).sum().backward()
    assert F.max_pool2d(x, 2).tolist() == [[[6, 8], [16, 18]]]
    assert x.grad[0, 4].tolist() == [0, 0, 0, 0, 0]


def test_indices_lead_back():
    x = tg.randn(2, 3, 6, 6)
    out, indices = F.max_pool2d(x, 2, return_indices=True)
    assert indices.dtype == tg.int64
    assert not indices.requires_grad
    assert x.flatten(2).gather(2, indices.flatten(2)).tolist() == out.flatten(2).tolist()
    back = F.max_unpool2d(out, indices, 2)
    assert F.max_pool2d(back.abs() * (back != 0), 2).shape == out.shape
    assert back.sum().item() == pytest.approx(out.sum().item(), rel=1e-5)


def test_integers_are_pooled_as_they_are():
    big = 2**60 + 1
    x = tg.tensor([[[big, 3], [2, 1]]])
    assert F.max_pool2d(x, 2).tolist() == [[[big]]]


def test_empty_batch():
    x = tg.zeros(0, 2, 4, 4, requires_grad=True)
    (F.max_pool2d(x, 2).sum() + F.avg_pool2d(x, 2).sum() + F.adaptive_avg_pool2d(x, 3).sum()).backward()
    assert x.grad.shape == (0, 2, 4, 4)


def test_average_of_one_is_one():
    """Whatever the windows, their shares add up to 1 where padding does not count."""
    x = tg.ones(1, 1, 7, 5).double()
    for setting in (dict(kernel_size=3, stride=2, padding=1, ceil_mode=True), dict(kernel_size=(4, 2), stride=3)):
        out = F.avg_pool2d(x, count_include_pad=False, **setting)
        np.testing.assert_allclose(out.numpy(), 1, rtol=1e-15)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(x, (3, 4)).numpy(), 1, rtol=1e-15)


def test_global_average_is_the_mean():
    x = tg.randn(2, 3, 5, 4)
    assert F.adaptive_avg_pool2d(x, 1).flatten(1).tolist() == x.mean((2, 3)).tolist()


# Against PyTorch.


@pytest.fixture
def compare(pytorch):
    """compare(name, x, **setting): a function of `nn.functional`, its choice and its gradient are PyTorch's."""

    def run(name, x, **setting):
        def pooled(m):
            t = m.tensor(x, requires_grad=True)
            found = getattr(m.nn.functional, name)(t, **setting)
            out, *choice = found if isinstance(found, tuple) else (found,)
            out.backward(m.tensor(np.random.default_rng(1).normal(size=out.shape)))
            return [out, t.grad, *choice]

        pytorch.agrees(pooled, rtol=1e-12, atol=1e-12)

    return run


WINDOWS = [
    dict(kernel_size=2),
    dict(kernel_size=(3, 2), stride=1),
    dict(kernel_size=3, stride=2, padding=1),
    dict(kernel_size=(2, 3), stride=(3, 2), padding=(1, 0)),
    dict(kernel_size=3, stride=2, ceil_mode=True),
    dict(kernel_size=2, stride=3, padding=1, ceil_mode=True),
    dict(kernel_size=[4, 5], stride=[3, 3], padding=[2, 2], ceil_mode=True),
    dict(kernel_size=1, stride=2, ceil_mode=True),
]
PLANES = [np.random.default_rng(0).normal(size=s) for s in [(2, 3, 7, 8), (3, 6, 9)]]
# Few different numbers: most windows have ties.
TIED = np.random.default_rng(0).integers(0, 3, (2, 2, 9, 8)).astype(float)


@pytest.mark.parametrize("setting", WINDOWS, ids=str)
def test_max_pool2d_is_pytorchs(compare, setting):
    for x in (*PLANES, TIED):
        compare("max_pool2d", x, return_indices=True, **setting)
    compare("max_pool2d", PLANES[0], dilation=(1, 2), **setting)


@pytest.mark.parametrize("setting", WINDOWS, ids=str)
def test_avg_pool2d_is_pytorchs(compare, setting):
    for x in PLANES:
        compare("avg_pool2d", x, **setting)
        compare("avg_pool2d", x, count_include_pad=False, **setting)
    compare("avg_pool2d", PLANES[0], divisor_override=5, **setting)


@pytest.mark.parametrize("setting", [s for s in WINDOWS if isinstance(s["kernel_size"], int)], ids=str)
def test_pooling_of_rows_is_pytorchs(compare, setting):
    for x in (np.random.default_rng(0).normal(size=(2, 3, 11)), np.random.default_rng(0).normal(size=(3, 10))):
        compare("max_pool1d", x, return_indices=True, **setting)
        compare("avg_pool1d", x, **setting)


@pytest.mark.parametrize("size", [1, 2, (3, 5), (None, 4), (7, 1), 9, (14, 16)], ids=str)
def test_adaptive_pooling_is_pytorchs(compare, size):
    for x in PLANES:
        compare("adaptive_avg_pool2d", x, output_size=size)
        compare("adaptive_max_pool2d", x, output_size=size, return_indices=True)
    if isinstance(size, int):
        compare("adaptive_avg_pool1d", PLANES[1][0], output_size=size)
        compare("adaptive_max_pool1d", PLANES[1][0], output_size=size, return_indices=True)


def test_other_pooling_is_pytorchs(compare, pytorch):
    def there_and_back(m):
        x = m.tensor(PLANES[0])
        out, indices = m.nn.functional.max_pool2d(x, 2, 2, return_indices=True)
        return m.nn.functional.max_unpool2d(out, indices, 2, output_size=tuple(x.shape))

    compare("lp_pool2d", np.abs(PLANES[0]), norm_type=3, kernel_size=2, stride=1)
    compare("lp_pool1d", np.abs(PLANES[1]), norm_type=2, kernel_size=3, ceil_mode=True)
    pytorch.agrees(there_and_back)


X = tg.zeros(2, 3, 5, 5)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.max_pool2d(X, 2, padding=2), RuntimeError, "at most half of the window, got padding"),
        (lambda: F.avg_pool2d(X, 3, padding=2), RuntimeError, "at most half of the window, got padding"),
        (lambda: F.max_pool2d(X, 7), RuntimeError, r"the window \(7, 7\) .* larger than the input \(5, 5\)"),
        (lambda: F.avg_pool2d(X, 7), RuntimeError, "avg_pool2d: the window"),
        (lambda: F.max_pool2d(X, 2, stride=0), RuntimeError, "stride must be at least 1, got 0"),
        (lambda: F.max_pool2d(X, (2, 2, 2)), RuntimeError, "kernel_size must be a single int, or one for each"),
        (lambda: F.max_pool2d(X, -1), RuntimeError, "kernel_size must be at least 1"),
        (lambda: F.max_pool2d(X, 2.0), TypeError, "kernel_size must be an int .* got 2.0"),
        (lambda: F.max_pool2d(X, 2, dilation=0), RuntimeError, "dilation must be at least 1"),
        (lambda: F.max_pool2d(X[0, 0], 2), RuntimeError, r"expected input \(N, C, H, W\) or \(C, H, W\), got 2 axes"),
        (lambda: F.max_pool2d(X[:, :0], 2), RuntimeError, "only the batch may have size 0"),
        (lambda: F.max_pool1d(X, 2), RuntimeError, "max_pool1d: expected input"),
        (lambda: F.avg_pool2d(X, 2, divisor_override=0), RuntimeError, "divisor_override must not be 0"),
        (lambda: F.avg_pool2d(X.int(), 2), NotImplementedError, "input is int32"),
        (lambda: F.adaptive_avg_pool2d(X, (2, 2, 2)), RuntimeError, "output_size must be an int or two"),
        (lambda: F.adaptive_avg_pool2d(X, -1), RuntimeError, "output_size must be at least 0"),
        (lambda: F.adaptive_avg_pool2d(X.long(), 1), NotImplementedError, "int64"),
        (lambda: F.max_unpool2d(X, X[:1].long(), 2), RuntimeError, "indices .* must have the shape of input"),
        (lambda: F.max_unpool2d(X, X.long() + 100, 2), RuntimeError, "places 0 to 99"),
        (lambda: F.max_unpool2d(X, X.long(), 2, output_size=(13, 10)), ValueError, "output_size .* too far"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pooling_of_zeros_has_a_gradient_of_zero(p):
    x = tg.zeros(1, 1, 2, 4)
    x[..., 3] = 2.0
    x.requires_grad_()
    (tg.nn.functional.lp_pool2d(x, p, 2).sum() + tg.nn.functional.lp_pool1d(x[0, :, 0], p, 2).sum()).backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert x.grad[..., :2].abs().sum().item() == 0
    assert x.grad[0, 0, 1, 3].item() > 0


def test_lp_pooling_with_an_infinite_norm_is_of_the_largest():
    x = tg.arange(16.0).reshape(1, 1, 4, 4) - 5
    inf = float("inf")
    assert F.lp_pool2d(x, inf, 2).flatten().tolist() == [5.0, 3.0, 8.0, 10.0]
    assert F.lp_pool2d(x, -inf, 2).flatten().tolist() == [0.0, 1.0, 3.0, 5.0]
    assert F.lp_pool1d(x[0, 0], inf, 3, 1).tolist() == [[5.0, 4.0], [1.0, 2.0], [5.0, 6.0], [9.0, 10.0]]


def test_lp_pooling_of_nothing_with_a_negative_norm_is_infinite():
    x = tg.tensor([[[0.0, 1.0], [2.0, 2.0]]])
    assert F.lp_pool1d(x, -2, 2).flatten().tolist() == [0.0, pytest.approx(2**0.5)]
    assert F.lp_pool1d(x[:, 1:], -(2**63), 2).item() == float("inf")
