"""vmap(f)(xs) is stack([f(x) for x in xs]): every op of the case table, by each of its inputs and by all of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.func import grad, jacrev, vmap
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing.cases import public, table

OPS: dict = {}
for _case in table():
    OPS.setdefault(_case.op, []).append(_case)
EXAMPLES = 3


def in_a_tuple(out):
    return out if isinstance(out, tuple | list) else (out,)


def check(case, mapped, dim):
    """The op mapped over axis `dim` of these of its inputs, beside a loop."""
    f, own, drawn = public(case.op), case.arrays(0), [case.arrays(seed) for seed in range(EXAMPLES)]
    held = [tg.tensor(a) if isinstance(a, np.ndarray) else a for a in own]

    def call(*given):
        given = dict(zip(mapped, given, strict=True))
        tg.manual_seed(0)
        out = f(*[given.get(i, a) for i, a in enumerate(held)], **case.attributes)
        return in_a_tuple(out)

    rows = [call(*[tg.tensor(arrays[i]) for i in mapped]) for arrays in drawn]
    dims = tuple(dim % (own[i].ndim + 1) for i in mapped)
    stacks = [tg.tensor(np.stack([arrays[i] for arrays in drawn], d)) for i, d in zip(mapped, dims, strict=True)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "vmap: there is no batching rule")
        found = vmap(call, dims, randomness="same")(*stacks)
    for t, parts in zip(found, zip(*rows, strict=True), strict=True):
        wanted = np.stack([part.numpy() for part in parts])
        assert t.dtype == wanted.dtype
        np.testing.assert_allclose(t.numpy(), wanted, 1e-9, 1e-11, err_msg=f"{case} over {mapped}")


@pytest.mark.parametrize("op", [op for op in OPS if op not in ("unique", "nonzero")])
def test_every_op_maps(op):
    for case in OPS[op]:
        arrays = [i for i, a in enumerate(case.arrays(0)) if isinstance(a, np.ndarray)]
        if not arrays:
            continue
        for mapped, dim in [(tuple(arrays), 0), (tuple(arrays), -1), *[((i,), 0) for i in arrays[: len(arrays) > 1]]]:
            check(case, mapped, dim)


X = tg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_axes_trees_and_chunks():
    assert vmap(tg.sum)(X).tolist() == [6.0, 15.0]
    assert vmap(tg.sum, 1)(X).tolist() == vmap(tg.sum, -1)(X).tolist()
    assert vmap(lambda x: x + 1, 1, 1)(X).tolist() == (X + 1).tolist()
    assert vmap(vmap(tg.mul), (0, None))(X, X[0]).tolist() == (X * X[0]).tolist()
    assert vmap(lambda d, y: d["a"] * d["b"][0] + y, ({"a": 0, "b": [None]}, 0))({"a": X, "b": [X[0]]}, X).shape == (
        2,
        3,
    )
    assert vmap(lambda x, y: (x, {"sum": x + y}), out_dims=(0, {"sum": 1}))(X, X)[1]["sum"].shape == (3, 2)
    for size in (None, 1):  # what is given by name is the same for every example
        assert vmap(lambda x, y: x + y, chunk_size=size)(X, y=X).shape == (2, 2, 3)
    for size in (1, 2, 5):
        assert vmap(lambda x, w: (x * w).sum(), (1, None), chunk_size=size)(X, 2).tolist() == [10.0, 14.0, 18.0]


def test_a_number_that_differs_cannot_be_looked_at():
    for f in (
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        float,
        lambda x: x.numpy(),
    ):
        with pytest.raises(RuntimeError, match="differ from example to example"):
            vmap(f)(X if f is not float else X[0])


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda: vmap(tg.add)(X, X[0])),
        (ValueError, lambda: vmap(tg.add, (0,))(X, X)),
        (ValueError, lambda: vmap(tg.add, None)(X, X)),
        (ValueError, lambda: vmap(tg.sum, 2)(X)),
        (ValueError, lambda: vmap(tg.add)(X, 2)),
        (ValueError, lambda: vmap(lambda: X)()),
        (ValueError, lambda: vmap(lambda x: 3)(X)),
        (ValueError, lambda: vmap(lambda x: x, out_dims=None)(X)),
        (ValueError, lambda: vmap(tg.sum, chunk_size=0)),
        (TypeError, lambda: vmap(tg.sum, chunk_size="2")),
        (TypeError, lambda: vmap(tg.sum)(X, foo=1)),
        (RuntimeError, lambda: vmap(tg.sum, randomness="some")(X)),
        (RuntimeError, lambda: vmap(lambda x: x + tg.randn(3))(X)),
        (RuntimeError, lambda: vmap(lambda x: tg.zeros(3).add_(x))(X)),
        (RuntimeError, lambda: vmap(lambda x: x[x > 0])(X)),
        (RuntimeError, lambda: vmap(tg.nonzero)(X)),
        (RuntimeError, lambda: vmap(tg.unique)(X)),
    ],
)
def test_what_is_wrong_is_refused(error, call):
    with pytest.raises(error):
        call()


def test_changes_in_place():
    def f(x):
        y = x * 1
        y[0] = 7.0
        y[1:].mul_(2)
        y += x
        return y

    assert vmap(f)(X).tolist() == tg.stack([f(x) for x in X]).tolist()
    assert (
        vmap(grad(lambda x: (f(x) * f(x)).sum()))(X).tolist()
        == tg.stack([grad(lambda x: (f(x) ** 2).sum())(x) for x in X]).tolist()
    )


def test_chance():
    same = vmap(lambda x: x + tg.randn(3), randomness="same")(X) - X
    np.testing.assert_allclose(same[0].numpy(), same[1].numpy(), atol=1e-5)
    for draw in (lambda x: tg.randn(3), lambda x: F.dropout(tg.ones(64)), lambda x: F.dropout(x * 0 + tg.ones(3, 3))):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "vmap: there is no batching rule")
            one, other = vmap(draw, randomness="different")(X)
        assert one.tolist() != other.tolist()


def test_a_function_maps_by_its_own_rule_or_by_example():
    class Double(tg.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    class Own(Double):
        @staticmethod
        def vmap(info, in_dims, x):
            return 2 * x, in_dims[0]

    class Neither(Double):
        generate_vmap_rule = False

    assert vmap(Double.apply)(X).tolist() == vmap(Own.apply, 1, 1)(X).tolist() == (2 * X).tolist()
    assert vmap(jacrev(Double.apply))(X)[1].tolist() == (2 * tg.eye(3)).tolist()
    with pytest.raises(RuntimeError, match="no vmap support"):
        vmap(Neither.apply)(X)
