"""Jacobians, Hessians and products with vectors, against derivatives done by hand."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.autograd.functional import hessian, jacobian, jvp, vjp

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


def test_a_jacobian_can_be_differentiated():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expected a Tensor"):
        jacobian(lambda x: x, 3.0)
    with pytest.raises(RuntimeError, match="scalar"):
        hessian(lambda x: x * 2, tg.ones(2))
    with pytest.raises(RuntimeError, match="v can be left out"):
        vjp(lambda x: x, tg.ones(2))


PRODUCT, DOUBLE = lambda x, y: (x * y).sum(), lambda x, y: (x * 2).sum()
ONE = lambda x, y: tg.ones(())
LINEAR, CUBE = lambda x, y: (x * 2 + y).sum(), lambda x, y: (x**3 * y**3).sum()


@pytest.mark.parametrize(
    ("name", "f", "create_graph", "fine"),
    [
        ("jacobian", PRODUCT, True, True), ("jacobian", DOUBLE, False, False), ("jacobian", ONE, False, False),
        ("jacobian", LINEAR, False, True), ("jacobian", LINEAR, True, False), ("hessian", PRODUCT, False, False),
        ("hessian", CUBE, True, True), ("hessian", LINEAR, False, False), ("vjp", DOUBLE, False, False),
        ("vjp", LINEAR, False, True), ("vjp", LINEAR, True, False), ("jvp", DOUBLE, False, False),
        ("jvp", PRODUCT, True, True), ("jvp", LINEAR, False, True), ("jvp", ONE, False, False),
    ],
)  # fmt: skip
def test_strict_refuses_what_does_not_depend(name, f, create_graph, fine):
    inputs = tg.ones(2), tg.ones(2)
    v = (inputs,) if name == "jvp" else ()
    derivative = getattr(tg.autograd.functional, name)
    derivative(f, inputs, *v, create_graph=create_graph)
    if fine:
        derivative(f, inputs, *v, create_graph=create_graph, strict=True)
    else:
        with pytest.raises(RuntimeError, match="strict is True"):
            derivative(f, inputs, *v, create_graph=create_graph, strict=True)
