"""Functions of derivatives: forward beside reverse mode for every op, nestings, trees, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing.cases import public, table

OPS: dict = {}
for _case in table():
    if _case.orders >= 1 and any(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in _case.arrays()):
        OPS.setdefault(_case.op, []).append(_case)


def close(found, wanted, tolerance=1e-9):
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), tolerance, tolerance)


@pytest.mark.parametrize("op", OPS)
def test_a_jacobian_forward_is_the_transpose_of_the_one_backward(op):
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩"""
    rng = np.random.default_rng(0)
    for case in OPS[op]:
        arrays = case.arrays()
        first = next(i for i, a in enumerate(arrays) if isinstance(a, np.ndarray) and a.dtype.kind == "f")
        given = [tg.tensor(a) if isinstance(a, np.ndarray) else a for a in arrays]

        def f(x, case=case, given=given, first=first):
            tg.manual_seed(0)
            out = public(case.op)(*given[:first], x, *given[first + 1 :], **case.attributes)
            return tuple(t for t in (out if isinstance(out, tuple | list) else (out,)) if t.dtype.kind == "f")

        x, v = given[first], tg.tensor(rng.normal(size=arrays[first].shape))
        _, moved = jvp(f, (x,), (v,))
        out, pull = vjp(f, x)
        u = tuple(tg.tensor(rng.normal(size=tuple(t.shape))) for t in out)
        (pulled,) = pull(u)
        products = sum(float((a * b).sum()) for a, b in zip(u, moved, strict=True)), float((pulled * v).sum())
        np.testing.assert_allclose(*products, 1e-9, 1e-11, err_msg=str(case))


def cubes(x):
    return (x**3).sum()


X = tg.tensor([1.0, 2.0], dtype=tg.float64)


def test_nestings():
    assert grad(cubes)(X).tolist() == [3.0, 12.0]
    assert grad(grad(lambda x: x**4))(tg.tensor(2.0)).item() == 48.0
    assert vmap(grad(grad(lambda x: x**3)))(X).tolist() == [6.0, 12.0]
    for second in (
        hessian(cubes),
        jacrev(jacrev(cubes)),
        jacrev(jacfwd(cubes)),
        jacfwd(jacfwd(cubes)),
        jacrev(grad(cubes)),
    ):
        assert second(X).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    batch = tg.stack([X, 2 * X, -X])
    wanted = tg.stack([hessian(cubes)(x) for x in batch])
    for second in (hessian(cubes), jacfwd(grad(cubes)), jacrev(jacrev(cubes))):
        close(vmap(second)(batch), wanted)
    close(jacrev(vmap(cubes))(batch), jacfwd(vmap(cubes))(batch))
    third = jacfwd(jacrev(grad(cubes)))(X)
    assert third.tolist() == [[[6.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 6.0]]]
    _, moved = jvp(lambda x: jvp(lambda x: x**3, (x,), (tg.ones_like(x),))[1], (X,), (tg.ones_like(X),))
    assert moved.tolist() == [6.0, 12.0]
    assert grad(lambda x: jvp(cubes, (x,), (X,))[1])(X).tolist() == [6.0, 24.0]


def test_a_rule_that_asks_for_an_input_named_out():
    f = lambda x: (F.log_softmax(x, 0) * X).sum() + (F.softmax(x, 0) * X).sum()
    for second in (jacfwd(jacfwd(f)), jacrev(jacfwd(f)), jacrev(jacrev(f))):
        close(second(X), hessian(f)(X))
    close(jacrev(hessian(f))(X), jacfwd(jacrev(jacfwd(f)))(X))


def test_a_gradient_reaches_on_to_what_is_outside():
    x, w = X.clone().requires_grad_(), tg.tensor(3.0, dtype=tg.float64, requires_grad=True)
    found = grad(lambda x: w * cubes(x))(x)
    found.sum().backward()
    assert x.grad.tolist() == [18.0, 36.0]
    assert w.grad.item() == 15.0
    assert not grad(cubes)(X).requires_grad
    with tg.no_grad():
        assert grad(cubes)(x).tolist() == [3.0, 12.0]
        assert not grad(cubes)(x).requires_grad


def test_no_grad_in_a_function_stops_reverse_mode_alone():
    def f(x):
        with tg.no_grad():
            constant = x * x
        return x - constant

    x = tg.tensor([1.0, 3.0])
    ones = tg.ones(2)
    assert grad(lambda x: f(x).sum())(x).tolist() == vjp(f, x)[1](ones)[0].tolist() == [1.0, 1.0]
    assert jacrev(f)(x).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert jvp(f, (x,), (ones,))[1].tolist() == linearize(f, x)[1](ones).tolist() == [-1.0, -5.0]
    assert jacfwd(f)(x).tolist() == [[-1.0, 0.0], [0.0, -5.0]]
    with tg.no_grad():
        assert jvp(f, (x,), (ones,))[1].tolist() == [-1.0, -5.0]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (RuntimeError, lambda: jacfwd(cubes, randomness="some")(X)),
        (RuntimeError, lambda: grad(lambda x: (cubes(x), 3), has_aux=True)(X)),
        (TypeError, lambda: vjp(cubes, X)[1](3)),
        (TypeError, lambda: vjp(cubes, X)[1]()),
        (TypeError, lambda: vjp(cubes, X)[1](tg.ones(()), 2.5)),
        (TypeError, lambda: tg.func.functional_call(tg.nn.Linear(2, 1), {}, X, [])),
    ],
)
def test_an_argument_of_a_wrong_kind_is_refused(error, call):
    with pytest.raises(error):
        call()


def test_a_name_that_a_module_does_not_have_is_there_for_the_call():
    class Scaled(tg.nn.Module):
        def forward(self, x):
            return x * getattr(self, "scale", 1)

    module = Scaled()
    assert tg.func.functional_call(module, {"scale": tg.tensor(3.0)}, X).tolist() == (3 * X).tolist()
    assert module(X).tolist() == X.tolist()


def test_trees_argnums_and_aux():
    def f(p, x, scale=1.0):
        out = scale * (p["w"] * x).sum() + p["b"][0]
        return out, {"twice": 2 * out}

    p, x = {"w": X, "b": [tg.tensor(1.0, dtype=tg.float64)]}, tg.tensor([10.0, 20.0], dtype=tg.float64)
    (to_p, to_x), (value, aux) = grad_and_value(f, (0, -1), True)(p, x)
    assert to_p["w"].tolist() == [10.0, 20.0]
    assert to_p["b"][0].item() == 1.0
    assert to_x.tolist() == [1.0, 2.0]
    assert value.item() == 51.0
    assert aux["twice"].item() == 102.0
    assert grad(f, has_aux=True)(p, x, scale=2.0)[0]["w"].tolist() == [20.0, 40.0]
    out, pull, _ = vjp(f, p, x, has_aux=True)
    assert pull(tg.ones_like(out))[0]["w"].tolist() == pull(tg.ones_like(out))[0]["w"].tolist() == [10.0, 20.0]
    out, push = linearize(lambda a, b: {"product": a * b}, X, x)
    assert push(X, x)["product"].tolist() == [20.0, 80.0]
    found = jacrev(lambda a, b: {"product": a * b}, (0, 1))(X, x)
    assert found["product"][0].tolist() == [[10.0, 0.0], [0.0, 20.0]]
    assert jacfwd(lambda a, b: (a * b, a), 1)(X, x)[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert jacrev(lambda a: a * a, chunk_size=1)(X).tolist() == [[2.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: grad(lambda x: x)(X),
        lambda: grad(lambda x: 1.0)(X),
        lambda: grad(cubes, 1)(X),
        lambda: grad(cubes, ())(X),
        lambda: grad(cubes, (0, 0))(X),
        lambda: grad(cubes)(tg.tensor([1, 2])),
        lambda: vjp(lambda x: 1.0, X),
        lambda: vjp(lambda x: x, X)[1](tg.ones(3)),
        lambda: jvp(cubes, X, X),
        lambda: jvp(cubes, (), ()),
        lambda: jvp(cubes, (X,), (X, X)),
        lambda: jvp(cubes, (X,), (tg.ones(3),)),
        lambda: jvp(lambda x: tg.ones(2), (X,), (X,), strict=True),
    ],
)
def test_what_is_wrong_is_refused(call):
    with pytest.raises(RuntimeError):
        call()


def test_gradients_of_every_sample():
    model = tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3), tg.nn.ReLU(), tg.nn.Flatten(), tg.nn.Linear(32, 4))
    state = {name: p.detach() for name, p in model.named_parameters()}
    images, labels = tg.randn(3, 1, 6, 6), tg.tensor([0, 3, 1])

    def loss(state, image, label):
        return F.cross_entropy(functional_call(model, state, (image[None],)), label[None])

    found = vmap(grad(loss), (None, 0, 0))(state, images, labels)
    for i in range(3):
        model.zero_grad()
        F.cross_entropy(model(images[i : i + 1]), labels[i : i + 1]).backward()
        for name, p in model.named_parameters():
            np.testing.assert_allclose(found[name][i].numpy(), p.grad.numpy(), 1e-4, 1e-6)


def test_an_ensemble():
    models = [tg.nn.Linear(2, 3) for _ in range(4)]
    parameters, buffers = stack_module_state(models)
    x = tg.randn(5, 2)
    found = vmap(lambda p, b, x: functional_call(models[0], (p, b), x), (0, 0, None))(parameters, buffers, x)
    close(found.detach(), tg.stack([m(x) for m in models]).detach(), 1e-5)


def test_functional_call():
    tied = tg.nn.Sequential(tg.nn.Linear(2, 2, bias=False), tg.nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    before, x, w = tied[0].weight, tg.tensor([1.0, 2.0]), 2 * tg.eye(2)
    assert functional_call(tied, {"0.weight": w}, x).tolist() == [4.0, 8.0]
    assert functional_call(tied, {"0.weight": w}, x, tie_weights=False).tolist() == (before @ (2 * x)).tolist()
    assert tied[0].weight is before
    assert tied[1].weight is before
    norm = tg.nn.BatchNorm1d(2)
    buffers = {name: b.clone() for name, b in norm.named_buffers()}
    functional_call(norm, buffers, (tg.randn(4, 2),))
    assert buffers["num_batches_tracked"].item() == 1
    assert norm.num_batches_tracked.item() == 0
    for error, state in [(RuntimeError, {"0.weight": w}), (RuntimeError, {"0.weight": w, "1.weight": w, "b": w})]:
        with pytest.raises(error):
            functional_call(tied, state, x, strict=True)
    twice = {"0.weight": w, "1.weight": w + 1}
    for error, state in [
        (ValueError, twice),
        (ValueError, ({"b": w}, {"b": w})),
        (ValueError, 3),
        (TypeError, {"b": 3}),
    ]:
        with pytest.raises(error):
            functional_call(tied, state, x)
