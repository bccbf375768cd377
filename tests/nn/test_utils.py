"""Clipping of gradients and parameters as one vector, against PyTorch and by formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import utils

VALUES = [[[3.0, -4.0], [0.0, 1.0]], [12.0], 0.5]
NORMS = [2.0, 1.0, 3, 0.5, math.inf, -math.inf]


def _parameters(lib, values=VALUES, skip=()):
    ps = []
    for i, v in enumerate(values):
        p = lib.zeros(np.shape(v), dtype=lib.float64, requires_grad=True)
        if i not in skip:
            p.grad = lib.tensor(v, dtype=lib.float64)
        ps.append(p)
    return ps


def _grads(ps):
    return [None if p.grad is None else p.grad.tolist() for p in ps]


@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [1.0, 1000.0])
@pytest.mark.parametrize("skip", [(), (1,)])
def test_clip_grad_norm_as_in_pytorch(pytorch, norm_type, max_norm, skip):
    def clipped(m):
        ps = _parameters(m, skip=skip)
        return m.nn.utils.clip_grad_norm_(iter(ps), max_norm, norm_type), _grads(ps)

    pytorch.agrees(clipped, rtol=1e-12)


def test_clip_by_formula():
    p = _parameters(tg)[0]
    total = utils.clip_grad_norm_(p, max_norm=1.0)
    length = math.sqrt(9 + 16 + 1)
    assert total.item() == pytest.approx(length, rel=1e-15)
    assert total.dtype == tg.float64
    np.testing.assert_allclose(p.grad.numpy(), np.array(VALUES[0]) / (length + 1e-6), rtol=1e-15)


def test_gradients_keep_their_dtype_and_notice_the_change():
    p = tg.ones(2, requires_grad=True)
    (p * 3).sum().backward()
    before = p.grad.version().changes
    utils.clip_grad_norm_([p], 1.0)
    assert p.grad.dtype == tg.float32
    assert p.grad.version().changes > before


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_nonfinite(bad):
    ps = _parameters(tg, [[1.0, bad], [2.0]])
    with pytest.raises(RuntimeError, match="nothing was changed"):
        utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
    assert ps[1].grad.tolist() == [2.0]
    total = utils.clip_grad_norm_(ps, 1.0)
    assert not math.isfinite(total.item())


def test_clip_grad_value():
    ps = _parameters(tg)
    utils.clip_grad_value_(ps, 2)
    assert _grads(ps) == [[[2.0, -2.0], [0.0, 1.0]], [2.0], 0.5]


def test_nothing_to_clip():
    ps = _parameters(tg, skip=(0, 1, 2))
    assert utils.clip_grad_norm_(ps, 1.0).item() == 0.0
    utils.clip_grad_value_(ps, 1.0)
    assert utils.get_total_norm([]).item() == 0.0


def test_get_total_norm_of_tensors():
    assert utils.get_total_norm([tg.tensor([3.0]), tg.tensor([[4.0]])]).item() == 5.0


def test_vector_and_back():
    ps = [tg.nn.Parameter(tg.tensor(v)) for v in VALUES]
    vec = utils.parameters_to_vector(ps)
    assert vec.tolist() == [3.0, -4.0, 0.0, 1.0, 12.0, 0.5]
    vec.sum().backward()
    assert ps[0].grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    new = tg.arange(6.0)
    utils.vector_to_parameters(new, ps)
    assert [p.tolist() for p in ps] == [[[0.0, 1.0], [2.0, 3.0]], [4.0], 5.0]
    new[0] = 9.0
    assert ps[0][0, 0].item() == 9.0


def test_vector_errors():
    ps = [tg.nn.Parameter(tg.zeros(3))]
    with pytest.raises(RuntimeError, match="2 elements, the parameters have 3"):
        utils.vector_to_parameters(tg.zeros(2), ps)
    with pytest.raises(TypeError, match="expected a Tensor"):
        utils.vector_to_parameters(np.zeros(3), ps)


def test_import_paths():
    from tinygrad_cnn.nn.utils.clip_grad import clip_grad_norm_
    from tinygrad_cnn.nn.utils.convert_parameters import parameters_to_vector

    assert tg.nn.utils.clip_grad_norm_ is clip_grad_norm_
    assert utils.parameters_to_vector is parameters_to_vector


@pytest.mark.parametrize("p", [2.0, 0, -1, -1.5, math.inf, -math.inf])
def test_the_norm_of_nothing_is_zero(p):
    assert utils.get_total_norm([], p).item() == 0.0
    assert utils.clip_grad_norm_([], 1.0, p).item() == 0.0
