"""Hooks of modules: when they are called, and what they must return."""

from __future__ import annotations

import pytest
from small import Scale

import tinygrad_cnn as tg
from tinygrad_cnn import nn


def test_failing_always_called_hook_is_a_warning():
    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("first")

    bad = Bad()
    bad.register_forward_hook(lambda *a: 1 / 0, always_call=True)
    with pytest.warns(UserWarning, match="ZeroDivisionError"), pytest.raises(ValueError, match="first"):
        bad(1)


def test_pre_hook_with_kwargs_must_return_two():
    m = Scale()
    m.register_forward_pre_hook(lambda mod, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"\(args, kwargs\)"):
        m(tg.ones(2))


@pytest.mark.parametrize("given", [(), (1, 2)])
def test_backward_hook_must_return_one_for_each(given):
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: given)
    y = m(tg.ones(2, requires_grad=True)).sum()
    with pytest.raises(RuntimeError, match=f"{len(given)} gradients, there are 1"):
        y.backward()


def test_backward_hook_cannot_replace_what_nobody_needs():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: go)
    y = m(tg.ones(2)).sum()
    with pytest.raises(RuntimeError, match="no input of the module requires a gradient"):
        y.backward()


def test_backward_hooks_of_one_module_called_twice():
    m, seen = Scale(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append(gi[0].tolist()))
    x = tg.ones(2, requires_grad=True)
    m.w.data.fill_(3.0)
    m(m(x)).sum().backward()
    assert seen == [[3.0, 3.0], [9.0, 9.0]]
    assert x.grad.tolist() == [9.0, 9.0]


def test_second_derivative_through_backward_hooks():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
    x = tg.tensor([3.0, 1.0], requires_grad=True)
    (g,) = tg.autograd.grad((m(x) ** 2).sum(), x, create_graph=True)
    (gg,) = tg.autograd.grad(g.sum(), x)
    assert g.tolist() == [12.0, 4.0]
    assert gg.tolist() == [8.0, 8.0]


def test_hook_must_be_callable():
    for register in ("forward_pre", "forward", "full_backward_pre", "full_backward"):
        with pytest.raises(TypeError, match="callable"):
            getattr(nn.Module(), f"register_{register}_hook")(3)
