"""Scripts with Functions and ops of their own, as in `watched_scripts.py`."""

from __future__ import annotations

import random
from collections import namedtuple

import numpy as np
from small import Double
from watched_scripts import back, leaf

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import Function


class Scale(Function):
    @staticmethod
    def forward(ctx, x, k, *rest):
        ctx.save_for_backward(x)
        return x * k, x + 1

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        return g * 2 + h * x, None, None


class Product(Function):
    @staticmethod
    def forward(x, y):
        return x * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x


class Inherited(Product):
    pass


class OnlyOne(Product):
    @staticmethod
    def backward(ctx, g):
        return g, None


class Same(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 3


class Ordered(Function):
    @staticmethod
    def forward(ctx, x):
        places = x.argsort()
        ctx.mark_non_differentiable(places)
        ctx.set_materialize_grads(False)
        return x * 2, places

    @staticmethod
    def backward(ctx, g, _):
        return g * 2


class Nested(Function):
    @staticmethod
    def forward(ctx, x):
        with tg.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = ctx.x.exp()
        return ctx.y.detach()

    @staticmethod
    def backward(ctx, g):
        return tg.autograd.grad(ctx.y, ctx.x, g)


class Odd(Function):
    @staticmethod
    def forward(ctx, x, options):
        return x * 2, tg.tensor([1, 2]), "text"

    @staticmethod
    def backward(ctx, g, *rest):
        return g * 2, None


def functions():
    x, y = leaf(2), leaf(2)
    a, b = Scale.apply(x, 2, "a")
    return back(Inherited.apply(a, y) + Product.apply(b, tg.ones(2)) + OnlyOne.apply(x, y), x, y)


def function_in_place():
    x = leaf(2)
    y = Double.apply(x * 1)
    return back(y * Nested.apply(x), x)


def function_with_odd_results():
    x = leaf(2)
    y, labels, text = Odd.apply(x, {"a": 1})
    return [*back(y, x), labels, text]


def functions_that_hand_on():
    x = leaf(3)
    y, places = Ordered.apply(x)
    return [*back(Same.apply(y), x), places]


def function_differentiated_twice():
    x, y = leaf(2), leaf(2)
    (g,) = tg.autograd.grad(Product.apply(x, y).exp().sum(), x, create_graph=True)
    return back(g, x, y)


def function_that_raises():
    class Fails(Product):
        @staticmethod
        def backward(ctx, g):
            raise ValueError("mine")

    x = leaf(2)
    try:
        Fails.apply(x, x).sum().backward()
    except ValueError as error:
        return [str(error), *back(x * 2, x)]


def ops_of_the_script():
    calls = []

    @tg.op
    def zoo_noisy(x):
        calls.append(1)
        return x * x + np.random.random() * random.random()

    zoo_noisy.grad(x=lambda g, x: 2 * g * x)

    @tg.op(keeps="half")
    def zoo_halves(x, parts: tuple):
        return (x[: parts[0]], x[parts[0] :]), x / 2

    zoo_halves.grad(x=lambda g, x, half: x * 0 + half.sum())
    x = leaf(3)
    return [*back(zoo_noisy(x), x), np.random.random(3), random.random()]


Pair = namedtuple("Pair", "first second")


def named_results():
    class Net(nn.Module):
        def forward(self, x):
            return Pair(x * 2, x.max(dim=1))

    x = leaf(3, 4)
    out = Net()(x)
    values, indices = out.second
    s = x.sort(dim=1, descending=True)
    return [*back(out.first[:, 0] * values + s.values[:, 1] * x.topk(2, dim=1).values[:, 0], x), indices]
