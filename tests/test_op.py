"""Registering ops: what is refused at import, and what the rules get."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg


def test_five_lines_make_an_op():
    @tg.op
    def swish(x, beta=1.0):
        return x / (1 + np.exp(-beta * x))

    swish.grad(x=lambda g, x, out, beta: g * (out / x + beta * out * (1 - out / x)))
    x = tg.tensor([0.5, 1.5], dtype=tg.float64, requires_grad=True)
    assert tg.testing.gradcheck(swish, x)
    assert tg.testing.gradgradcheck(lambda x: swish(x, beta=2.0), x)
    assert isinstance(swish(np.ones(2)), np.ndarray)


def test_misspelt_names_and_missing_rules_are_refused():
    @tg.op
    def f(a, b, scale=1.0):
        return a * b

    with pytest.raises(TypeError, match=r"f.grad: no rule for input 'b'"):
        f.grad(a=lambda g, b: g * b)
    with pytest.raises(TypeError, match="there is no input 'c'; it has a, b, scale"):
        f.grad(a=lambda g: g, b=lambda g: g, c=lambda g: g)
    with pytest.raises(TypeError, match="rule for 'a' asks for 'x', which does not exist"):
        f.grad(a=lambda g, x: g, b=lambda g: g)
    with pytest.raises(TypeError, match="first parameter of the rule for 'a' must be g"):
        f.grad(a=lambda b: b, b=lambda g: g)


def test_an_op_without_rules_says_so_when_it_is_differentiated():
    @tg.op
    def h(a):
        return a * 2

    assert h(tg.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match=r"h: .*no rules.*\.grad"):
        h(tg.ones(2, requires_grad=True))


def test_not_differentiable_argument():
    @tg.op
    def scale(a, by):
        return a * by

    scale.grad(a=lambda g, by: g * by, by=None)
    out = scale(tg.ones(2), tg.ones(2, requires_grad=True)).sum()
    with pytest.raises(NotImplementedError, match="scale: 'by' is not differentiable"):
        out.backward()


def test_forward_hands_something_on():
    @tg.op(keeps="mask")
    def keep_positive(x):
        mask = x > 0
        return np.where(mask, x, 0), mask

    keep_positive.grad(x=lambda g, mask: g * mask)
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    out = keep_positive(x)
    out.sum().backward()
    assert (out.tolist(), x.grad.tolist()) == ([0.0, 2.0], [0.0, 1.0])


def test_several_outputs():
    @tg.op
    def halves(x):
        n = len(x) // 2
        return x[:n], x[n:]

    halves.grad(x=lambda g, x_shape: tg.cat([g.get(i, np.zeros(x_shape[0] // 2)) for i in (0, 1)]))
    x = tg.tensor([1.0, 2.0, 3.0, 4.0], dtype=tg.float64, requires_grad=True)
    a, b = halves(x)
    assert a.grad_fn.name() == "HalvesBackward0"
    (a.sum() * 2 + b.sum() * 3).backward()
    assert x.grad.tolist() == [2.0, 2.0, 3.0, 3.0]


# Several parameters in one word.


def parabola(x, a=1.0, b=0.0, c=0.0):
    return a * x * x + b * x + c


@pytest.mark.parametrize("names", ["a c", "b a", "a d", ""])
def test_a_word_is_for_parameters_in_a_row(names):
    with pytest.raises(TypeError, match=f"parabola: abc='{names}' must name .* in a row, .*; they are x, a, b, c"):
        tg.op(abc=names)(parabola)


def test_a_word_is_no_parameters_name():
    with pytest.raises(TypeError, match=r"parabola: a='b c' must .* by a word of its own"):
        tg.op(a="b c")(parabola)


def test_a_rule_takes_what_it_shares_in_one_word():
    op = tg.op(abc="a b c")(parabola)
    op.grad(x=lambda g, x, abc: g * (2 * abc[0] * x + abc[1]))
    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    out = op(x, 3.0, c=5.0)
    assert out.grad_fn.saved[1] == [3.0, 0.0, 5.0]
    out.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert tg.testing.gradcheck(lambda x: op(x, 3.0, 2.0), x)
    assert tg.testing.gradgradcheck(lambda x: op(x, 3.0, 2.0), x)


def test_what_is_in_a_word_is_kept_as_if_it_stood_alone():
    """An input has its place in the graph and is guarded, an array is as it was at the call."""

    @tg.op(both="scale power")
    def scaled(x, scale, power: np.ndarray):
        return scale * x**power

    scaled.grad(
        x=lambda g, x, both: g * both[0] * both[1] * x ** (both[1] - 1),
        scale=lambda g, x, both: g * x ** both[1],
    )
    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    scale = tg.tensor([3.0, 5.0], dtype=tg.float64, requires_grad=True)
    power = np.array([2.0, 3.0])
    assert tg.testing.gradcheck(lambda x, scale: scaled(x, scale, power), (x, scale))
    assert tg.testing.gradgradcheck(lambda x, scale: scaled(x, scale, power), (x, scale))

    out = scaled(x, scale, power)
    power[:] = 0
    out.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [3 * 2 * 1.0, 5 * 3 * 4.0]
    with tg.no_grad():
        scale.mul_(2)
    with pytest.raises(RuntimeError, match=r"scaled .* saved a tensor for its backward, then mul_ changed it"):
        out.sum().backward()


def test_half_precision_in_a_word_is_widened():
    seen = []

    def rule(g, both):
        seen.extend([g.dtype, both[0].dtype])
        return g * both[0]

    @tg.op(both="scale shift")
    def affine(x, scale: np.ndarray, shift: float):
        return x * scale + shift

    affine.grad(x=rule)
    x = tg.tensor([1.0, 2.0], dtype=tg.float16, requires_grad=True)
    affine(x, tg.tensor([3.0, 5.0], dtype=tg.float16), 1.0).sum().backward()
    assert (seen, x.grad.dtype, x.grad.tolist()) == ([np.float32, np.float32], np.float16, [3.0, 5.0])


def test_only_what_a_rule_asks_for_is_saved():
    x, y = tg.ones(3, requires_grad=True), tg.ones(3)
    assert (x + y).grad_fn.saved == []
    assert len((x * y).grad_fn.saved) == 1


def test_fused_backward_and_its_meaning_agree():
    @tg.op
    def square_plus(x, y):
        return x * x + y

    square_plus.joint_grad(lambda g, x, needs: (2 * g * x if needs[0] else None, g if needs[1] else None), ("x", "y"))

    @square_plus.meaning
    def _(x, y):
        return x * x + y

    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    y = tg.tensor([3.0, 4.0], dtype=tg.float64, requires_grad=True)
    assert tg.testing.gradcheck(square_plus, (x, y))
    assert tg.testing.gradgradcheck(square_plus, (x, y))
    with pytest.raises(TypeError, match="they must be equal"):
        square_plus.meaning(lambda x: x)


def test_wrong_calls_raise_pythons_errors():
    with pytest.raises(TypeError, match="mul"):
        tg.mul(tg.ones(1))
    with pytest.raises(TypeError, match="mul"):
        tg.mul(tg.ones(1), tg.ones(1), tg.ones(1), tg.ones(1))
    with pytest.raises(TypeError, match="colour"):
        tg.mul(tg.ones(1), tg.ones(1), colour=1)
