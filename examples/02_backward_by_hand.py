"""02. How does one walk backwards give the slope of a result in every number that went into it?

The chain rule says it for one edge: if f depends on u, and u on x, then df/dx = df/du · du/dx. Give every
number a `grad`, df/d(itself). Start with df/df = 1; then, from the result back to the inputs, let every
number pass its grad times the local slope on to each of its operands, where arrivals are added up.

Below is a whole engine of that kind, for single numbers. The library does the same, for arrays.
"""

import math

import tinygrad_cnn as tg


class Value:
    """A number, the numbers it was made from, and its slope in each of them."""

    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes = data, parents, slopes
        self.grad = 0.0

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def backward(self):
        order, seen = [], set()

        def visit(value):  # append a number after all that it was made from
            if value not in seen:
                seen.add(value)
                for parent in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad += slope * value.grad


def neuron(x, w, b):
    """Anything that can be added and multiplied goes in; x is used twice."""
    return (x * w + b).tanh() * x


start = {"x": 2.0, "w": -3.0, "b": 5.5}

mine = {name: Value(number) for name, number in start.items()}
neuron(**mine).backward()

theirs = {name: tg.tensor(number, dtype=tg.float64, requires_grad=True) for name, number in start.items()}
neuron(**theirs).backward()


def nudged(name, h=1e-6):
    """The slope as anyone can measure it: move one input a little to both sides."""
    up, down = (neuron(**{n: Value(v + step * (n == name)) for n, v in start.items()}) for step in (h, -h))
    return (up.data - down.data) / (2 * h)


print("f = tanh(x·w + b)·x\n")
print("          40 lines above    tinygrad_cnn    by nudging")
for name in start:
    print(f"df/d{name}   {mine[name].grad:14.8f}  {theirs[name].grad.item():14.8f}  {nudged(name):12.8f}")

difference = max(abs(mine[name].grad - theirs[name].grad.item()) for name in start)
print(f"\nlargest difference between the engines: {difference:.1e}")
print("Notice that nudging needs two runs for each input; one walk back gives the slopes of all inputs at once.")
