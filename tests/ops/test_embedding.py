"""Embedding: rows, their gradients, and the rows that are special."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck

ROWS = np.array([[0, 3, 3], [2, 0, 3]])


@pytest.mark.parametrize(
    "setting", [{}, dict(padding_idx=3), dict(padding_idx=-1), dict(scale_grad_by_freq=True)], ids=str
)
def test_is_pytorchs(pytorch, setting):
    table = np.random.default_rng(0).normal(size=(5, 2))
    pytorch.agrees(lambda m: m.nn.functional.embedding(m.tensor(ROWS), m.tensor(table), **setting))
    pytorch.agrees_with_gradients(
        lambda m, table: m.nn.functional.embedding(m.tensor(ROWS), table, **setting), table, rtol=1e-14
    )


@pytest.mark.parametrize("scale", [False, True])
def test_derivatives_with_a_padding_row(scale):
    """The padding row has no gradient by decree, so look at the second derivative of the others."""
    table = tg.tensor(np.random.default_rng(0).normal(size=(5, 2)), requires_grad=True)
    setting = dict(padding_idx=4, scale_grad_by_freq=scale)
    if not scale:
        assert gradcheck(lambda t: F.embedding(tg.tensor(ROWS), t, **setting), [table])

    def slope(t):
        return tg.autograd.grad((F.embedding(tg.tensor(ROWS), t, **setting) ** 3).sum(), t, create_graph=True)[0]

    if not scale:
        assert gradgradcheck(lambda t: F.embedding(tg.tensor(ROWS), t, **setting) ** 2, [table])
    counts = np.array([2, 1, 1, 3, 1])[:, None] if scale else 1
    times = np.array([2, 0, 1, 3, 0])[:, None]
    np.testing.assert_allclose(slope(table).detach().numpy(), 3 * table.detach().numpy() ** 2 * times / counts)


def test_the_rule_of_the_rule_is_its_adjoint():
    from tinygrad_cnn.ops.embedding import _embedding_weight

    for setting in [(None, False), (3, False), (None, True), (0, True)]:
        g = tg.tensor(np.random.default_rng(0).normal(size=(2, 3, 2)), requires_grad=True)
        assert gradcheck(lambda g, setting=setting: _embedding_weight(g, ROWS, (5, 2), *setting), [g])


def test_max_norm_shortens_the_table_itself():
    table = tg.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    out = F.embedding(tg.tensor([0, 1, 0]), table, max_norm=1.0)
    np.testing.assert_allclose(out.numpy(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(table.numpy(), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-5)


def test_max_norm_after_saving_is_noticed():
    table = tg.tensor([[3.0, 4.0]], requires_grad=True)
    loss = (table * table).sum()
    F.embedding(tg.tensor([0]), table, max_norm=1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_shapes():
    table = tg.zeros(4, 3)
    assert F.embedding(tg.tensor(2), table).shape == (3,)
    assert F.embedding(tg.zeros(0, 5, dtype=tg.int64), table).shape == (0, 5, 3)


TABLE = tg.ones(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.embedding(tg.tensor([0, 5]), TABLE), IndexError, "index 5 is out of range .* expected 0 to 2"),
        (lambda: F.embedding(tg.tensor([-1]), TABLE), IndexError, "index -1"),
        (lambda: F.embedding(tg.tensor([0.0]), TABLE), RuntimeError, "must be int64 or int32.* got float32"),
        (lambda: F.embedding([0], TABLE), TypeError, "got list"),
        (lambda: F.embedding(tg.tensor([0]), tg.ones(3, 2, 2)), RuntimeError, "weight must be a table"),
        (lambda: F.embedding(tg.tensor([0]), TABLE, padding_idx=5), AssertionError, "padding_idx 5"),
        (lambda: F.embedding(tg.tensor([0]), TABLE, sparse=True), NotImplementedError, "sparse"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_the_functions_at_the_top_level_have_parameters_of_their_own():
    """As `torch.embedding(weight, indices)`: of losses, reduction is a number, and none where it is left out."""
    table, x = tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([[0.0, 1.0], [-1.0, 0.5]])
    assert tg.embedding(table, tg.tensor([1, 0]), -1).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert tg.embedding(table, indices=tg.tensor([1])).tolist() == [[3.0, 4.0]]
    for number, word in enumerate(["none", "mean", "sum"]):
        expected = tg.nn.functional.binary_cross_entropy_with_logits(x, x.abs(), pos_weight=table, reduction=word)
        assert tg.equal(expected, tg.binary_cross_entropy_with_logits(x, x.abs(), None, table, number))
    assert tg.kl_div(x, x.abs(), log_target=True).shape == tg.hinge_embedding_loss(x, x.sign()).shape == x.shape
    normed = tg.batch_norm(x, tg.ones(2), tg.zeros(2), tg.ones(2), tg.ones(2) * 4, False, 0.1, 0.0, True)
    assert normed.tolist() == [[-0.5, 0.0], [-1.0, -0.25]]


def test_long_rows_of_half_precision_are_shortened():
    table = tg.tensor([[300.0, 400.0], [1.0, 2.0]], dtype=tg.float16)
    tg.nn.functional.embedding(tg.tensor([0, 1]), table, max_norm=10.0)
    assert table.tolist() == [[6.0, 8.0], [1.0, 2.0]]


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_are_pytorchs(pytorch, mode):
    """Of several lengths, one of them empty; with rows that are shortened first."""
    table, begins = np.random.default_rng(0).normal(size=(5, 2)), [0, 2, 2, 5]
    for setting in ({}, dict(padding_idx=3), dict(max_norm=0.5)):
        pytorch.agrees_with_gradients(
            lambda m, t, setting=setting: m.nn.functional.embedding_bag(
                m.tensor(ROWS.reshape(-1)), t * 1, m.tensor(begins), mode=mode, **setting
            ),
            table,
            rtol=1e-12,
        )


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (dict(offsets=None), ValueError, "offsets must be a vector"),
        (dict(offsets=[1]), RuntimeError, "must begin with 0, got 1"),
        (dict(offsets=[0, 9]), RuntimeError, "at most 3, the length of input, got 9"),
        (dict(offsets=[0, 2, 1]), RuntimeError, "must ascend"),
        (dict(offsets=[], include_last_offset=True), RuntimeError, "where the last bag ends"),
        (dict(mode="prod"), ValueError, "sum, mean or max, got 'prod'"),
        (dict(mode="max", scale_grad_by_freq=True), ValueError, "neither scale_grad_by_freq nor sparse"),
        (dict(sparse=True), NotImplementedError, "sparse"),
        (dict(per_sample_weights=tg.ones(2)), ValueError, r"shape of input \(3,\), got \(2,\)"),
        (dict(per_sample_weights=tg.ones(3)), NotImplementedError, "mode='sum'"),
        (dict(padding_idx=4), RuntimeError, "within the 4 rows"),
    ],
)
def test_bags_that_are_refused(given, error, says):
    offsets = given.pop("offsets", [0])
    with pytest.raises(error, match=says):
        F.embedding_bag(
            tg.tensor([0, 3, 3]), tg.ones(4, 2), None if offsets is None else tg.tensor(offsets).long(), **given
        )
