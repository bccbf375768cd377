"""Parameter and Buffer."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn


def test_parameter():
    t = tg.ones(2)
    p = nn.Parameter(t)
    assert isinstance(p, tg.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    t.fill_(2.0)
    assert p.tolist() == [2.0, 2.0]
    assert repr(p).startswith("Parameter containing:\ntensor([2., 2.]")
    p.sum().backward()
    q = copy.deepcopy(p)
    assert p.grad.tolist() == [1.0, 1.0]
    assert q.grad is None
    assert type(q) is nn.Parameter
    assert q.requires_grad
    assert q.tolist() == [2.0, 2.0]
    assert type(p * 2) is tg.Tensor
    assert not nn.Parameter(t, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    with pytest.raises(TypeError, match=r"Parameter.*ndarray"):
        nn.Parameter(np.ones(2))
    with pytest.raises(RuntimeError, match="floating"):
        nn.Parameter(tg.tensor([1, 2]))
    assert nn.Parameter(tg.tensor([1, 2]), requires_grad=False).dtype == tg.int64


def test_parameter_notices_changes_of_what_it_stands_on():
    t = tg.ones(2)
    p = nn.Parameter(t)
    y = (p * p).sum()
    t.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_buffer():
    b = nn.Buffer(tg.ones(2), persistent=False)
    assert isinstance(b, tg.Tensor)
    assert not b.requires_grad
    assert not b.persistent
