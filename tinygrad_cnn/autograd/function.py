"""PyTorch's `autograd.function`: what belongs to a Function. The class itself is the engine's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Set
from typing import Any, TypeVar

from ..engine.function import Function, FunctionCtx
from ..engine.modes import Setting, mode
from ..engine.node import Node, tick
from ..engine.tensor import Tensor, wrap

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]

InplaceFunction = Function  # which says itself by mark_dirty what it changes

F = TypeVar("F", bound=Callable[..., Any])


def once_differentiable(backward: F) -> F:
    """Mark a backward that cannot be differentiated again: doing so raises, instead of giving a wrong result.

    >>> import tinygrad_cnn as tg
    >>> class Square(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, g):
    ...         return 2 * ctx.saved_tensors[0] * g
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(Square.apply(x), x, create_graph=True)
    >>> first.backward()
    Traceback (most recent call last):
    RuntimeError: SquareBackward: trying to differentiate twice a function that was marked with @once_differentiable
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        outputs = Setting(grad=False).during(backward, ctx, *grads)
        sources = [t for t in (*grads, *ctx.saved_tensors) if isinstance(t, Tensor) and t.requires_grad]
        if not mode.grad or not sources:
            return outputs
        everything = outputs if isinstance(outputs, tuple) else (outputs,)
        results = tuple(wrap(t._array, Once(ctx, t, sources)) if isinstance(t, Tensor) else t for t in everything)
        return results if isinstance(outputs, tuple) else results[0]

    return wrapper  # type: ignore[return-value]


class Once(Node):
    """A gradient from a backward that is marked with `once_differentiable`: the end of the way."""

    def __init__(self, ctx: Node, gradient: Tensor, sources: list[Tensor]):
        self.parents = tuple(t.accumulator() for t in sources)
        self.shape, self.dtype = gradient._array.shape, gradient._array.dtype
        self.time = tick()
        self.hooks = self.retain = self.where = None
        self.scope = mode.scope
        self.of = ctx.name()

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        raise RuntimeError(
            f"{self.of}: trying to differentiate twice a function that was marked with @once_differentiable"
        )
