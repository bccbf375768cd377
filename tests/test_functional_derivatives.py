"""Jacobians, Hessians and products with vectors, against derivatives done by hand."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def linear(x):
    return tg.tensor(A) @ x


def test_jacobian_of_a_linear_map_is_its_matrix():
    assert jacobian(linear, tg.tensor([1.0, 0.0, 2.0], dtype=tg.float64)).tolist() == A.tolist()


def test_jacobian_blocks():
    x, y = tg.tensor([1.0, 2.0]), tg.tensor(3.0)
    (xx, xy), (yx, yy) = jacobian(lambda x, y: (x * y, y * y), (x, y))
    assert xx.tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert xy.tolist() == [1.0, 2.0]
    assert yx.tolist() == [0.0, 0.0]
    assert yy.item() == 6.0


def test_hessian_blocks():
    x, y = tg.tensor([1.0, 2.0]), tg.tensor(3.0)
    (xx, xy), (yx, yy) = hessian(lambda x, y: (x * x * y).sum(), (x, y))
    assert xx.tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert xy.tolist() == yx.tolist() == [2.0, 4.0]
    assert yy.item() == 0.0


def test_products():
    x, u, v = tg.tensor([1.0, 0.0, 2.0], dtype=tg.float64), tg.tensor([1.0, 1.0, 0.0]), tg.tensor([1.0, -1.0])
    assert jvp(linear, x, u.double())[1].tolist() == (A @ u.numpy()).tolist()
    assert vjp(linear, x, v.double())[1].tolist() == (v.numpy() @ A).tolist()


def test_products_with_a_hessian():
    """f = x²y: H = [[2y, 2x], [2x, 0]], here [[6, 4], [4, 0]]."""
    x, y = tg.tensor(2.0), tg.tensor(3.0)
    for product in (hvp, vhp):
        value, (to_x, to_y) = product(lambda x, y: x * x * y, (x, y), (tg.tensor(1.0), tg.tensor(-1.0)))
        assert (value.item(), to_x.item(), to_y.item()) == (12.0, 2.0, 4.0)
        assert product(lambda x: x**3, x)[1].item() == 12.0  # v is 1


def test_a_jacobian_can_be_differentiated():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


@pytest.mark.parametrize("create_graph", [False, True])
def test_what_a_function_takes_from_outside_is_a_constant(create_graph):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert jacobian(lambda t: t * x, x, create_graph=create_graph).tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert vjp(lambda t: (t * x).sum(), x, create_graph=create_graph)[1].tolist() == [1.0, 2.0]


def test_one_output_in_a_tuple_stays_in_a_tuple():
    x, v = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0])
    for product in (vjp, jvp):
        out, g = product(lambda x: (x * x,), x, v)
        assert isinstance(out, tuple)
        assert isinstance(g, tuple) is (product is jvp)


@pytest.mark.parametrize("derivative", [jacobian, hessian])
@pytest.mark.parametrize("create_graph", [False, True])
def test_rows_all_at_once_are_the_same_rows(derivative, create_graph):
    inputs = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor(3.0)
    f = lambda x, y: (x**3 * y).sum()
    one, all = (derivative(f, inputs, create_graph, vectorize=vectorize) for vectorize in (False, True))
    assert str(one) == str(all)
    with pytest.raises(RuntimeError, match="strict=True and vectorize=True"):
        derivative(f, inputs, create_graph, strict=True, vectorize=True)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expected a Tensor"):
        jacobian(lambda x: x, 3.0)
    with pytest.raises(RuntimeError, match="scalar"):
        hessian(lambda x: x * 2, tg.ones(2))
    with pytest.raises(RuntimeError, match="v can be left out"):
        vjp(lambda x: x, tg.ones(2))
    for product in (vjp, jvp, vhp, hvp):
        f = (lambda x: x) if product in (vjp, jvp) else tg.sum
        with pytest.raises(RuntimeError, match=r"v must have the shapes of the \w+, \[\(2,\)\], got \[\(3,\)\]"):
            product(f, tg.ones(2), tg.ones(3))
        with pytest.raises(TypeError, match="entry 0 of v is a float"):
            product(f, tg.ones(2), 1.0)


PRODUCT, DOUBLE = lambda x, y: (x * y).sum(), lambda x, y: (x * 2).sum()
ONE = lambda x, y: tg.ones(())
LINEAR, CUBE = lambda x, y: (x * 2 + y).sum(), lambda x, y: (x**3 * y**3).sum()
PAIR = lambda x, y: ((x * y).sum(), (x**2).sum())  # the second does not depend on y


@pytest.mark.parametrize(
    ("name", "f", "create_graph", "fine"),
    [
        ("jacobian", PRODUCT, True, True), ("jacobian", DOUBLE, False, False), ("jacobian", ONE, False, False),
        ("jacobian", LINEAR, False, True), ("jacobian", LINEAR, True, False), ("hessian", PRODUCT, False, False),
        ("hessian", CUBE, True, True), ("hessian", LINEAR, False, False), ("vjp", DOUBLE, False, False),
        ("vjp", LINEAR, False, True), ("vjp", LINEAR, True, False), ("jvp", DOUBLE, False, False),
        ("jvp", PRODUCT, True, True), ("jvp", LINEAR, False, True), ("jvp", ONE, False, False),
        ("jacobian", PAIR, False, False), ("jvp", PAIR, False, True),
        ("vhp", CUBE, True, True), ("vhp", PRODUCT, False, True), ("vhp", PRODUCT, True, False),
        ("vhp", LINEAR, False, False), ("vhp", DOUBLE, False, False), ("hvp", CUBE, True, True),
        ("hvp", PRODUCT, False, True), ("hvp", LINEAR, False, False), ("hvp", ONE, False, False),
    ],
)  # fmt: skip
def test_strict_refuses_what_does_not_depend(name, f, create_graph, fine):
    inputs = tg.ones(2), tg.ones(2)
    v = (inputs,) if name in ("jvp", "vhp", "hvp") else ()
    derivative = getattr(tg.autograd.functional, name)
    derivative(f, inputs, *v, create_graph=create_graph)
    if fine:
        derivative(f, inputs, *v, create_graph=create_graph, strict=True)
    else:
        with pytest.raises(RuntimeError, match="strict is True"):
            derivative(f, inputs, *v, create_graph=create_graph, strict=True)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_all_rows_or_columns_at_once(strategy):
    x, y = tg.tensor([1.0, 2.0]), tg.tensor(3.0)
    f = lambda x, y: (x * y, y * y)
    for found, wanted in zip(jacobian(f, (x, y), vectorize=True, strategy=strategy), jacobian(f, (x, y)), strict=True):
        assert [block.tolist() for block in found] == [block.tolist() for block in wanted]
    g = lambda x: (x**3).sum()
    found = hessian(g, x, vectorize=True, outer_jacobian_strategy=strategy)
    assert found.tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("error", "given"),
    [
        (AssertionError, {"strategy": "sideways"}),
        (NotImplementedError, {"strategy": "forward-mode"}),
        (NotImplementedError, {"strategy": "forward-mode", "vectorize": True, "create_graph": True}),
        (RuntimeError, {"strategy": "forward-mode", "vectorize": True, "strict": True}),
    ],
)
def test_what_cannot_be_had_together(error, given):
    with pytest.raises(error):
        jacobian(linear, tg.tensor([1.0, 0.0, 2.0]), **given)


def test_gradients_of_rows():
    x, unused = tg.tensor([1.0, 2.0], requires_grad=True), tg.ones(2, requires_grad=True)
    y = x**2
    for create_graph in (False, True):
        rows, none = tg.autograd.grad(
            y, [x, unused], tg.eye(2), True, create_graph, allow_unused=True, is_grads_batched=True
        )
        assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]
        assert none is None
        assert rows.requires_grad is create_graph
    rows = tg.vmap(lambda v: tg.autograd.grad(y, x, v, retain_graph=True)[0])(tg.eye(2))
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]
