"""What gradcheck asks of a backward beside the right numbers."""

from __future__ import annotations

import itertools

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.testing import GradcheckError, gradcheck, gradgradcheck


def function(backward, forward=lambda x: x * 2, materialize=False):
    """A Function whose backward is this; without `materialize`, a gradient that is missing comes to it as None."""

    class Doubles(tg.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.set_materialize_grads(materialize)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, *gradients):
            return backward(*gradients)

    return Doubles.apply


def x():
    return tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)


NAIVE = function(lambda g: g * 2)
CAREFUL = function(lambda g: None if g is None else g * 2)
MATERIALIZED = function(lambda g: g * 2, materialize=True)
INVENTED = function(lambda g: tg.ones(2) if g is None else g * 2)
PAIR = lambda x: (x * 2, x * 3)
SECOND_MAY_MISS = function(lambda g, h: g * 2 if h is None else g * 2 + h * 3, PAIR)
BOTH_MAY_MISS = function(lambda g, h: sum((k * n for k, n in ((g, 2), (h, 3)) if k is not None), tg.zeros(2)), PAIR)
PAIR_MATERIALIZED = function(lambda g, h: g * 2 + h * 3, PAIR, materialize=True)


@pytest.mark.parametrize("f", [CAREFUL, MATERIALIZED, BOTH_MAY_MISS, PAIR_MATERIALIZED])
def test_a_backward_may_get_no_gradient(f):
    assert gradcheck(f, x())
    assert gradgradcheck(f, x())


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (NAIVE, r"no output of DoublesBackward got a gradient, with TypeError.*check_undefined_grad=False"),
        (lambda x: NAIVE(x) + 1, "no output of DoublesBackward"),
        (INVENTED, "makes up a gradient where no output"),
    ],
)
def test_a_backward_that_needs_a_gradient_is_refused(f, match):
    with pytest.raises(GradcheckError, match=match):
        gradcheck(f, x())
    assert not gradcheck(f, x(), raise_exception=False)
    assert gradcheck(f, x(), check_undefined_grad=False)


def test_an_output_may_be_left_unused():
    first = lambda x: (SECOND_MAY_MISS(x)[0], x**2)  # backward copes with one gradient, and not with none
    with pytest.raises(GradcheckError, match="no output of DoublesBackward"):
        gradcheck(first, x())
    assert gradcheck(first, x(), check_undefined_grad=False)


def test_one_of_several_outputs_may_get_no_gradient():
    def backward(*gradients):
        there = [g for g in gradients if g is not None]
        if len(there) == 2:
            raise ValueError("one is missing")
        return sum(there, tg.zeros(2)) * 2

    f = function(backward, lambda x: (x * 2, x * 2, x * 2))
    with pytest.raises(GradcheckError, match="output 0, unlike the others, got a gradient, with ValueError"):
        gradcheck(f, x())
    assert gradcheck(f, x(), check_undefined_grad=False)


def test_what_lies_before_the_inputs_is_not_asked():
    assert gradcheck(lambda t: t * 3, NAIVE(x()))


def test_the_second_derivative_asks_too():
    """The gradient of x·g is g·2 through the Function again, whose backward then needs one."""
    square = lambda x: NAIVE(x) * x
    with pytest.raises(GradcheckError, match="no output of DoublesBackward"):
        gradgradcheck(square, x())
    assert gradgradcheck(square, x(), check_undefined_grad=False)


def test_backward_is_the_same_twice():
    noise = itertools.count(1)
    f = function(lambda g: g * (2 + next(noise) * 1e-9), materialize=True)
    with pytest.raises(GradcheckError, match="two backward passes"):
        gradcheck(f, x())
    assert gradcheck(f, x(), nondet_tol=1e-6)


def test_backward_makes_zeros_of_zeros():
    with pytest.raises(GradcheckError, match="must be linear"):
        gradcheck(function(lambda g: g * 2 + 1e-9, materialize=True), x())


def test_given_gradients_are_left_as_they_are():
    v = tg.ones(2, dtype=tg.float64)
    assert gradgradcheck(lambda x: x**3, x(), v)
    assert not v.requires_grad


class _Third(tg.autograd.Function):
    """x³, whose rules are right, or not, as the class is told."""

    backward_by, forward_by = 3, 3

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @classmethod
    def backward(cls, ctx, g):
        return g * cls.backward_by * ctx.saved_tensors[0] ** 2

    @classmethod
    def jvp(cls, ctx, t):
        return t * cls.forward_by * ctx.saved_tensors[0] ** 2


@pytest.mark.parametrize(
    ("rules", "options", "right"),
    [
        ({}, dict(check_forward_ad=True, check_batched_grad=True, check_grad_dtypes=True), True),
        ({"forward_by": 2}, dict(check_forward_ad=True), False),
        ({"forward_by": 2}, {}, True),
        ({"backward_by": 2}, dict(check_batched_grad=True), False),
        ({"backward_by": 2}, dict(check_forward_ad=True, check_backward_ad=False), True),
    ],
)
def test_what_is_compared_can_be_chosen(rules, options, right):
    third = type("Third", (_Third,), rules)
    x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    assert gradcheck(third.apply, x, raise_exception=False, **options) is right
    with pytest.raises(AssertionError, match="expected one of"):
        gradcheck(third.apply, x, check_backward_ad=False)


def test_second_derivatives_in_forward_mode():
    x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    options = dict(gen_non_contig_grad_outputs=True, check_batched_grad=True, check_fwd_over_rev=True)
    assert gradgradcheck(lambda x: x.sin() * x, x, **options)
