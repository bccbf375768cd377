"""What a + b, x @ w, x.sum() and loss.backward() mean: the table that gives Tensor its operators and methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import ops
from .autograd import backward
from .tensor import Tensor, _hook


def operator(op: Callable) -> Callable:
    """An op of two operands as an operator: Python asks the other operand where this one does not know it."""
    def method(self, other):
        return op(self, other)
    return op


def swapped(op: Callable) -> Callable:
    def method(self, other):
        return op(other, self)

    return method


def sizes(op: Callable) -> Callable:
    """A method that takes its sizes as ints or as one tuple of them."""

    def method(self: Tensor, *shape: Any) -> Tensor:
        return op(self, shape[0] if len(shape) == 1 else shape)

    method.__name__, method.__doc__ = op.__name__, op.__doc__
    return method


PLAIN = """
add sub mul div neg exp abs pow log sqrt relu sigmoid tanh sum mean max min argmax argmin
flatten unflatten squeeze unsqueeze ravel view_as reshape_as transpose swapaxes t movedim expand_as
split chunk unbind narrow select matmul
""".split()

SIZED = "reshape view permute expand".split()

for name in PLAIN:
    if hasattr(ops, name):
        setattr(Tensor, name, getattr(ops, name))
for name in SIZED:
    setattr(Tensor, name, sizes(getattr(ops, name)))

Tensor.__add__ = Tensor.__radd__ = ops.add
Tensor.__mul__ = Tensor.__rmul__ = ops.mul
Tensor.__sub__ = ops.sub
Tensor.__rsub__ = swapped(ops.sub)
Tensor.__truediv__ = ops.div
Tensor.__rtruediv__ = swapped(ops.div)
Tensor.__neg__ = ops.neg
Tensor.__matmul__ = ops.matmul
Tensor.__getitem__ = ops.getitem
Tensor.T = property(lambda self: ops.permute(self, tuple(range(self.ndim))[::-1]))
Tensor.mT = property(lambda self: ops.transpose(self, -2, -1))


def _backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None) -> None:
    """d(self)/d(leaf) is added to the `.grad` of every leaf."""
    backward(self, gradient, retain_graph, create_graph, inputs)


Tensor.backward = _backward
