"""Products of matrices and einsum: PyTorch as the oracle, odd shapes, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape)


@pytest.fixture
def same(pytorch):
    """same(f, shapes): f(m, *tensors) and the gradients of its inputs, here and in PyTorch."""

    def run(f, shapes):
        draw = np.random.default_rng(0)
        pytorch.agrees_with_gradients(f, *(draw.standard_normal(s) for s in shapes), rtol=1e-10, atol=1e-10)

    return run


SHAPES = [
    [(3,), (3,)],
    [(2, 3), (3,)],
    [(3,), (3, 2)],
    [(2, 3), (3, 4)],
    [(5, 2, 3), (3, 4)],
    [(6, 5, 2, 3), (3, 4)],
    [(2, 3), (5, 3, 4)],
    [(5, 2, 3), (3,)],
    [(3,), (5, 3, 2)],
    [(5, 1, 2, 3), (4, 3, 1)],
    [(1, 2, 3), (5, 3, 4)],
    [(0, 3), (3, 2)],
    [(2, 0), (0, 3)],
    [(0, 2, 3), (3, 2)],
    [(2, 3), (3, 0)],
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul(same, shapes):
    same(lambda m, a, b: m.matmul(input=a, other=b), shapes)


def test_matmul_of_strange_layouts():
    a, b = draw(6, 8, 10)[::2, ::-2, ::5], draw(4, 3).T[::-1]
    mine = tg.from_numpy(a[..., :1]) @ tg.from_numpy(b[:1])
    np.testing.assert_allclose(mine.numpy(), np.ascontiguousarray(a[..., :1]) @ np.ascontiguousarray(b[:1]))


def test_matmul_of_integers():
    a = tg.arange(6).reshape(2, 3)
    assert (a @ a.T).tolist() == [[5, 14], [14, 50]]
    assert (a @ a.T).dtype == tg.int64


def test_the_operator_knows_arrays_on_both_sides():
    a = draw(2, 3)
    for product in (a @ tg.tensor(a.T), tg.tensor(a) @ a.T):
        assert isinstance(product, tg.Tensor)
        np.testing.assert_allclose(product.numpy(), a @ a.T)
    t = tg.ones(2, 2)
    memory = t.numpy()
    t @= tg.full((2, 2), 2.0)
    assert memory.tolist() == [[4, 4], [4, 4]]


LINALG = {
    "mm": (lambda m, a, b: m.mm(a, b), (2, 3), (3, 4)),
    "bmm": (lambda m, a, b: a.bmm(b), (2, 3, 4), (2, 4, 1)),
    "mv": (lambda m, a, b: a.mv(b), (2, 3), (3,)),
    "dot": (lambda m, a, b: m.dot(a, b), (3,), (3,)),
    "outer": (lambda m, a, b: a.outer(b), (3,), (2,)),
    "inner": (lambda m, a, b: m.inner(a, b), (4, 3), (2, 5, 3)),
    "addmm": (lambda m, c, a, b: m.addmm(c, a, b, beta=0.5, alpha=3), (4,), (2, 3), (3, 4)),
    "addmv": (lambda m, c, a, b: c.addmv(a, b), (2,), (2, 3), (3,)),
    "baddbmm": (lambda m, c, a, b: m.baddbmm(c, a, b, alpha=2), (4,), (5, 2, 3), (5, 3, 4)),
    "trace": (lambda m, a: a.trace(), (3, 4)),
    "tensordot": (lambda m, a, b: m.tensordot(a, b), (2, 3, 4), (3, 4, 5)),
    "tensordot 0": (lambda m, a, b: m.tensordot(a, b, dims=0), (2,), (3,)),
    "tensordot axes": (lambda m, a, b: m.tensordot(a, b, dims=([0, 2], [1, 0])), (2, 3, 4), (4, 2, 5)),
    "linear": (lambda m, x, w, b: m.nn.functional.linear(x, w, b), (5, 2, 3), (4, 3), (4,)),
    "linear without bias": (lambda m, x, w: m.nn.functional.linear(x, w), (2, 3), (4, 3)),
    "linear of a vector": (lambda m, x, w, b: m.nn.functional.linear(x, w, b), (3,), (4, 3), (4,)),
    "linear of nothing": (lambda m, x, w, b: m.nn.functional.linear(x, w, b), (0, 3), (4, 3), (4,)),
    "bilinear": (lambda m, a, b, w, c: m.nn.functional.bilinear(a, b, w, c), (7, 2), (7, 3), (5, 2, 3), (5,)),
}


@pytest.mark.parametrize("name", LINALG)
def test_pytorch_gives_the_same(same, name):
    f, *shapes = LINALG[name]
    same(f, shapes)


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,cb", (2, 3), (4, 2)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("nchw,ochw->no", (2, 3, 2, 2), (4, 3, 2, 2)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("ij->ji", (2, 3)),
    ("ij->j", (2, 3)),
    ("ij->", (2, 3)),
    ("ij,k->ik", (2, 3), (4,)),
    ("ij,kl->", (2, 3), (4, 2)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...i,...i->...", (2, 3), (2, 3)),
    ("...,...", (2, 3), (3,)),
    ("i...,i...->...", (2, 3, 4), (2, 1, 4)),
    ("...->...", (2, 3)),
    ("i...->...i", (2, 3, 4)),
    ("...ii->...i", (2, 3, 3)),
    ("ij,ij->ij", (2, 3), (1, 3)),
    ("ij,ij->ij", (1, 3), (1, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,jk,ki->", (2, 3), (3, 4), (4, 2)),
    (" i j , j k -> k i ", (2, 3), (3, 4)),
    ("aB,Ba", (2, 3), (3, 2)),
    (",ij->ij", (), (2, 3)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=str)
def test_einsum(same, case):
    equation, *shapes = case
    same(lambda m, *tensors: m.einsum(equation, *tensors), shapes)


@pytest.mark.parametrize("case", EINSUMS[:-2], ids=str)
def test_einsum_has_derivatives(case):
    equation, *shapes = case
    inputs = [tg.tensor(draw(*s), requires_grad=True) for s in shapes]
    assert gradcheck(lambda *tensors: tg.einsum(equation, *tensors), inputs)
    assert gradgradcheck(lambda *tensors: tg.einsum(equation, *tensors) ** 2, inputs)


def test_einsum_takes_a_list_of_operands():
    a = tg.ones(2, 3)
    assert tg.einsum("ij,kj->ik", [a, a]).tolist() == [[3, 3], [3, 3]]


def test_a_result_shares_no_version_by_accident():
    a = tg.ones(2, 3)
    turned = tg.einsum("ij->ji", a)
    turned.mul_(3)
    assert (a == 3).all() or (a == 1).all()
    assert (a.version() is turned.version()) == np.shares_memory(a.numpy(), turned.numpy())


def test_linear_keeps_float64_and_float32():
    for dtype in (tg.float32, tg.float64):
        w, b = tg.ones(4, 3, dtype=dtype), tg.ones(4, dtype=dtype)
        assert F.linear(tg.ones(2, 3, dtype=dtype), w, b).dtype == dtype


def z(*shape, dtype=None):
    return tg.zeros(shape, dtype=dtype)


ERRORS = [
    (lambda: z(2, 3) @ z(2, 3), RuntimeError, r"matmul: shapes \(2, 3\) and \(2, 3\) .*3 elements.* 2"),
    (lambda: z(3) @ z(2), RuntimeError, r"\(3,\) and \(2,\)"),
    (lambda: z(2, 3) @ z(), RuntimeError, "at least one axis"),
    (lambda: z(2, 3) @ 2.0, TypeError, "must be a Tensor, got float"),
    (lambda: z(2, 3) @ "a", TypeError, "unsupported operand.*'Tensor' and 'str'"),
    (lambda: z(2, 3) @ z(3, 2, dtype=tg.float64), RuntimeError, "float32 and float64"),
    (lambda: z(2, 2, 3) @ z(3, 3, 2), RuntimeError, "in front"),
    (lambda: tg.mm(z(2, 3), z(3)), RuntimeError, r"mm: mat2 must be a matrix, got shape \(3,\)"),
    (lambda: tg.mm(z(2, 3), z(2, 3)), RuntimeError, "cannot be multiplied"),
    (lambda: tg.bmm(z(2, 3, 4), z(1, 4, 2)), RuntimeError, "equally long"),
    (lambda: tg.mv(z(2, 3), z(3, 1)), RuntimeError, "vec must be a vector"),
    (lambda: tg.dot(z(2, 3), z(3)), RuntimeError, "input must be a vector"),
    (lambda: tg.dot(z(2), 3), TypeError, "got int"),
    (lambda: tg.trace(z(3)), RuntimeError, "a matrix"),
    (lambda: tg.tensordot(z(2, 3), z(2, 3), 1), RuntimeError, "equally long"),
    (lambda: F.linear(z(2, 3), z(4, 2)), RuntimeError, r"2 in_features .*\(2, 3\).*\(4, 2\)"),
    (lambda: F.linear(z(2, 3), z(4, 3), z(3)), RuntimeError, "4 out_features"),
    (lambda: F.linear(z(2, 3), z(4, 3, 1)), RuntimeError, "out_features, in_features"),
    (lambda: F.linear(z(2, 3), z(4, 3, dtype=tg.float64)), RuntimeError, "float32 and float64"),
    (lambda: tg.einsum("ij,jk", z(2, 3)), RuntimeError, "names 2 operands, 1"),
    (lambda: tg.einsum("ij,jk->ik", z(2, 3), z(4, 2)), RuntimeError, "'j' has length 4 in operand 1"),
    (lambda: tg.einsum("ij->ik", z(2, 3)), RuntimeError, "'k'"),
    (lambda: tg.einsum("ij->ii", z(2, 3)), RuntimeError, "once in the result"),
    (lambda: tg.einsum("ijk", z(2, 3)), RuntimeError, "2 axes of operand 0"),
    (lambda: tg.einsum("i", z(2, 3)), RuntimeError, "2 axes of operand 0"),
    (lambda: tg.einsum("ii", z(2, 3)), RuntimeError, "twice|'i'"),
    (lambda: tg.einsum("i1", z(2, 3)), RuntimeError, "letters"),
    (lambda: tg.einsum("...i...", z(2, 3)), RuntimeError, "letters"),
    (lambda: tg.einsum(z(2), z(2)), TypeError, "equation"),
    (lambda: tg.einsum("i,i", z(2), z(2, dtype=tg.float64)), RuntimeError, "one dtype"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_out():
    a, out = tg.ones(2, 2), tg.zeros(2, 2)
    memory = out.numpy()
    assert tg.matmul(a, a, out=out) is out
    assert memory.tolist() == [[2, 2], [2, 2]]
    with pytest.raises(RuntimeError, match="dtype of the result, float32, got float64"):
        tg.matmul(a, a, out=tg.zeros(0, dtype=tg.float64))
    with pytest.raises(RuntimeError, match="differentiation"):
        tg.matmul(a.clone().requires_grad_(), a, out=out)
    assert memory.tolist() == [[2, 2], [2, 2]]
    with pytest.warns(UserWarning, match=r"\(2, 2\) and elements, .*\(2,\)"):
        tg.matmul(a, tg.ones(2), out=out)
    assert out.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x, v: x @ v, [(4, 0), (0,)]),
        (lambda x, v: x @ v, [(2, 3, 0), (0,)]),
        (lambda x, w: x @ w, [(4, 0), (0, 3)]),
        (tg.nn.functional.linear, [(3, 0), (2, 0), (2,)]),
        (tg.nn.functional.linear, [(0, 3), (2, 3), (2,)]),
        (lambda w: tg.nn.functional.embedding(tg.tensor([0, 1, 1]), w), [(3, 0)]),
        (lambda x: tg.nn.functional.local_response_norm(x, 2), [(1, 2, 0)]),
        (lambda x: tg.nn.functional.local_response_norm(x, 2), [(0, 2, 3)]),
    ],
)
def test_nothing_inside(f, shapes):
    operands = [tg.zeros(*shape, requires_grad=True) for shape in shapes]
    f(*operands).sum().backward()
    assert [tuple(x.grad.shape) for x in operands] == shapes


def test_a_vector_of_weights_has_one_output():
    x, w = tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([10.0, 1.0])
    assert tg.nn.functional.linear(x, w).tolist() == [12, 34]
    assert tg.nn.functional.linear(x, w, tg.tensor(1.0)).tolist() == [13, 35]


def test_a_product_over_nothing_has_gradients_of_nothing():
    x, v = tg.zeros(4, 0, requires_grad=True), tg.zeros(0, requires_grad=True)
    (x @ v).sum().backward()
    assert x.grad.shape == (4, 0)
    assert v.grad.shape == (0,)


def test_nuclear_norm():
    t = tg.tensor([[3.0, 0.0], [0.0, -4.0]], dtype=tg.float64, requires_grad=True)
    tg.norm(t, "nuc").backward()
    assert t.grad.round(decimals=12).tolist() == [[1, 0], [0, -1]]
    assert tg.norm(tg.ones(2, 3, 4), "nuc", dim=(0, 2), keepdim=True).shape == (1, 3, 1)
    for shape in ((3, 3), (4, 2), (2, 4)):
        assert gradgradcheck(lambda t: tg.norm(t, "nuc"), [tg.randn(*shape, dtype=tg.float64, requires_grad=True)])
    with pytest.raises(RuntimeError, match="two axes"):
        tg.norm(tg.ones(3), "nuc")
