"""The fast kernels of attention against NumPy's: sizes around those of a tile, every mask, heads in every order."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, use
from tinygrad_cnn.testing.calls import Law


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)


def check(name, *args):
    """The fast version takes these arguments, leaves them alone and agrees with the law."""
    assert any(guard(*args) for guard in kernels.guards(name)), f"{name} declined"
    with use("fast"):
        Law(name, args).check_call(getattr(kernel, name), args)


def check_both(query, key, value, mask=None, causal=False, scale=0.3):
    check("attention", query, key, value, mask, None, scale, causal)
    with use("numpy"):
        out, weights = kernel.attention(query, key, value, mask, None, scale, causal)
    check("attention_backward", numbers(*out.shape, seed=1), query, key, value, None, weights, scale, causal)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("L", "S", "E", "V"),
    [(1, 1, 1, 1), (5, 5, 3, 2), (16, 16, 16, 16), (17, 17, 31, 33), (6, 40, 8, 1), (70, 9, 1, 8), (130, 130, 64, 64)],
)
def test_equals_numpy(L, S, E, V, causal):
    check_both(numbers(2, 3, L, E), numbers(2, 3, S, E, seed=1), numbers(2, 3, S, V, seed=2), causal=causal)


HIDDEN = np.array([[True, False, True, True, False], [False] * 5, [True] * 5])
MASKS = {
    "added": numbers(3, 5),
    "hidden": np.where(HIDDEN, np.float32(0.5), np.float32(-np.inf)),
    "of each head": numbers(4, 3, 5),
    "of each picture": numbers(2, 1, 1, 5),
    "of each query": numbers(3, 1),
    "expanded": np.broadcast_to(numbers(5), (2, 4, 3, 5)),
    "reversed": numbers(3, 5)[::-1, ::-1],
}


@pytest.mark.parametrize("mask", MASKS)
def test_masks(mask):
    check_both(numbers(2, 4, 3, 6), numbers(2, 4, 5, 6, seed=1), numbers(2, 4, 5, 7, seed=2), MASKS[mask])


ORDERS = {
    "heads behind": lambda *shape: numbers(shape[0], shape[2], shape[1], shape[3]).swapaxes(1, 2),
    "a part of each row": lambda *shape: numbers(*shape[:3], 3 * shape[3])[..., shape[3] : 2 * shape[3]],
    "reversed": lambda *shape: numbers(*shape)[::-1, :, ::-1],
    "one for all": lambda *shape: np.broadcast_to(numbers(1, 1, *shape[2:]), shape),
    "without a batch": lambda *shape: numbers(*shape[1:]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_memory_orders(order):
    draw = ORDERS[order]
    check_both(draw(2, 3, 9, 5), draw(2, 3, 18, 5), draw(2, 3, 18, 4))
    check_both(draw(2, 3, 18, 5), draw(2, 3, 18, 5), draw(2, 3, 18, 4), causal=True)


@pytest.mark.parametrize("causal", [False, True])
def test_scores_of_any_size_give_weights_that_add_up_to_one(causal):
    query, key = numbers(1, 2, 6, 4) * 1e4, numbers(1, 2, 6, 4, seed=1) * 1e4
    with use("fast"):
        _, weights = kernel.attention(query, key, key, None, None, 1.0, causal)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)


def test_what_is_no_run_of_numbers_is_left_to_numpy():
    query = numbers(2, 3, 5)
    for declined in (query.swapaxes(1, 2), query[..., ::2], query[:0], query[0]):
        args = declined, declined, declined, None, None, 1.0, False
        assert not any(guard(*args) for guard in kernels.guards("attention"))
