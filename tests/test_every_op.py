"""Every op over the case table: forward, gradient, second derivative, dtypes, layouts.

The law is finite differences in float64 and a formula in NumPy that was written down independently.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.engine.call import registry
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.testing import gradcheck, gradgradcheck
from tinygrad_cnn.testing.arrays import FORMS, plain
from tinygrad_cnn.testing.cases import Case, public, table

CASES = list(table())
DIFFERENTIABLE = [c for c in CASES if c.orders >= 1]


def tensors(case: Case, dtype=np.float64, requires_grad: bool = True) -> list:
    def tensor(x):
        if not isinstance(x, np.ndarray):
            return x
        return tg.tensor(x, requires_grad=requires_grad and case.orders > 0 and x.dtype.kind == "f")

    return [tensor(x) for x in case.arrays(dtype=dtype)]


def results(out) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else list(out)


@pytest.mark.parametrize("case", [c for c in CASES if c.expected], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_forward(case, dtype):
    expected = case.expected(*case.arrays(), **case.attributes)
    out = public(case.op)(*tensors(case, dtype), **case.attributes)
    if not isinstance(expected, tuple | list):
        expected = [expected]
    tolerance = 1e-11 if dtype == np.float64 else 2e-5
    for value, want in zip(results(out), expected, strict=True):
        want = np.asarray(want)
        assert value.shape == want.shape
        np.testing.assert_allclose(value.detach().numpy(), want, rtol=tolerance, atol=tolerance)
        if want.dtype.kind == "f" and any(getattr(x, "dtype", None) == np.float64 for x in case.arrays()):
            assert value.dtype == dtype


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_gradient(case):
    f = public(case.op)
    assert gradcheck(lambda *inputs: f(*inputs, **case.attributes), tensors(case))


@pytest.mark.parametrize("case", [c for c in CASES if c.orders >= 2], ids=str)
def test_second_derivative(case):
    f = public(case.op)
    assert gradgradcheck(lambda *inputs: f(*inputs, **case.attributes), tensors(case), atol=1e-4)


@pytest.mark.parametrize("case", [c for c in DIFFERENTIABLE if c.op != "as_strided"], ids=str)  # which sees the layout
def test_layout_changes_nothing(case):
    """Inputs and incoming gradients in every form that memory allows give what fresh arrays of these numbers give."""
    f = public(case.op)

    def run(arrays, lay):
        inputs = [tg.from_numpy(x) if isinstance(x, np.ndarray) else x for x in arrays]
        wanted = [x for x in inputs if isinstance(x, Tensor) and x.dtype.kind == "f"]
        for x in wanted:
            x.requires_grad = True
        outs = [o for o in results(f(*inputs, **case.attributes)) if o.requires_grad]
        seeds = [tg.from_numpy(lay(np.cos(np.arange(o.numel())).reshape(o.shape))) for o in outs]
        grads = tg.autograd.grad(outs, wanted, seeds, allow_unused=True)
        return [o.detach().numpy() for o in outs] + [None if g is None else g.numpy() for g in grads]

    for form, lay in FORMS.items():
        if form == "big-endian":  # of which no tensor is made
            continue
        arrays = [lay(x) if isinstance(x, np.ndarray) else x for x in case.arrays()]
        fresh = [plain(x) if isinstance(x, np.ndarray) else x for x in arrays]
        try:
            expected = run(fresh, lambda x, lay=lay: plain(lay(x)))
        except tg.linalg.LinAlgError:  # one row that is repeated is a singular matrix
            continue
        for a, b in zip(expected, run(arrays, lay), strict=True):
            assert (a is None) == (b is None), form
            if a is not None:
                np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10, err_msg=form)
        for x, before in zip(arrays, fresh, strict=True):
            if isinstance(x, np.ndarray):
                np.testing.assert_array_equal(x, before, err_msg=f"{form}: an input has changed")


def test_every_op_has_a_case(monkeypatch):
    """Run the table once and see which registered ops were never called."""
    called = set()
    engine = importlib.import_module("tinygrad_cnn.engine.call")
    record = engine.record

    def noting(op, *args, **kwargs):
        called.add(op.name)
        return record(op, *args, **kwargs)

    monkeypatch.setattr(engine, "record", noting)
    for case in DIFFERENTIABLE:
        inputs = tensors(case)
        outs = [o for o in results(public(case.op)(*inputs, **case.attributes)) if o.requires_grad]
        wanted = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
        grads = tg.autograd.grad(outs, wanted, [tg.ones_like(o, requires_grad=True) for o in outs], create_graph=True,
                                 allow_unused=True)  # fmt: skip
        grads = [g for g in grads if g is not None and g.requires_grad]
        if grads and case.orders > 1:
            tg.autograd.grad(grads, wanted, [tg.ones_like(g) for g in grads], create_graph=True, allow_unused=True)
    ours = {name for name, call in registry.items() if call.__module__.startswith("tinygrad_cnn.")}
    differentiable = {name for name in ours if any(registry[name].op.rules.values())}
    assert differentiable - called == set()


def test_an_op_without_rules_has_no_floating_result():
    for case in CASES:
        call = registry.get(case.op)
        if call is not None and not call.op.rules:
            for out in results(public(case.op)(*tensors(case, requires_grad=False), **case.attributes)):
                assert out.dtype.kind not in "fc", case


def changed(t: Tensor) -> None:
    """Other values in place: of what is no number, the other one or the other order."""
    with tg.no_grad():
        if t.dtype.kind == "f":
            t.mul_(1.7).add_(0.3)
        else:
            t.copy_(~t if t.dtype.kind == "b" else t.flip(*range(t.ndim)) if t.ndim else t * 0)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_a_change_before_backward_is_refused_or_changes_nothing(case):
    def run():
        tg.manual_seed(0)
        leaves = tensors(case)
        inputs = [x * 1 if getattr(x, "requires_grad", False) else x for x in leaves]
        attributes = {k: tg.tensor(v) if isinstance(v, np.ndarray) else v for k, v in case.attributes.items()}
        outs = [t for t in results(public(case.op)(*inputs, **attributes)) if t.requires_grad]
        mutable = [x for x in (*inputs, *attributes.values()) if isinstance(x, Tensor)]
        return [x for x in leaves if getattr(x, "requires_grad", False)], outs, mutable

    def gradients(leaves, outs):
        weights = [tg.tensor(np.cos(np.arange(t.numel())).reshape(t.shape), dtype=t.dtype) for t in outs]
        return [g.numpy() for g in tg.autograd.grad(outs, leaves, weights, materialize_grads=True)]

    leaves, outs, mutable = run()
    expected = gradients(leaves, outs)
    for i in range(len(mutable)):
        leaves, outs, mutable = run()
        changed(mutable[i])
        try:
            got = gradients(leaves, outs)
        except RuntimeError as error:
            if "inplace operation" not in str(error):
                raise
        else:
            for want, g in zip(expected, got, strict=True):
                np.testing.assert_allclose(g, want)
