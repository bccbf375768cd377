"""A tensor's place in the graph: backward, hooks, and where its gradient is kept."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from typing import Any

from ..autograd import gradients
from ..engine import node
from ..engine.modes import mode
from ..engine.node import Handle
from ..engine.record import OpNode
from ..engine.tensor import Tensor
from ..ops.declared import appears
from .attach import method


@method
def backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add d(self)/d(leaf) to the `.grad` of every leaf that needs a gradient; see `autograd.backward`.

    gradient: of the shape of self, not needed where self is one number.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).backward(tg.ones(2))
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    gradients.backward(self, gradient, retain_graph, create_graph, inputs)


@method
def register_hook(self: Tensor, hook: Callable) -> Handle:
    """Call `hook(grad)` whenever this tensor's gradient is computed; what it returns replaces the gradient.

    The handle's `remove()` takes the hook away. RuntimeError for a tensor that needs no gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> handle = x.register_hook(lambda grad: grad * 10)
    >>> x.sum().backward()
    >>> x.grad.tolist()
    [10.0, 10.0]
    """
    if not self.requires_grad:
        raise RuntimeError("register_hook: cannot register a hook on a tensor that doesn't require gradient")
    return node.register_hook(self.accumulator(), hook)


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable) -> Handle:
    """Call `hook(tensor)` after a gradient was added to `.grad` of this leaf.

    RuntimeError for all but leaves that need a gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad.tolist()))
    >>> x.sum().backward()
    [1.0, 1.0]
    """
    if not self.requires_grad or not self.is_leaf:
        raise RuntimeError("register_post_accumulate_grad_hook: only leaves that require grad accumulate gradients")
    end: Any = self.accumulator()
    if end.after is None:
        end.after = {}
    return Handle(end.after, hook)


@method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient in `.grad` as for a leaf.

    RuntimeError for a tensor that needs no gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * 3
    >>> y.retain_grad()
    >>> (y * y).sum().backward()
    >>> y.grad.tolist(), x.grad.tolist()
    ([6.0, 12.0], [18.0, 36.0])
    """
    if not self.requires_grad:
        raise RuntimeError("retain_grad: can't retain the grad of a Tensor that has requires_grad=False")
    if not self.is_leaf:
        self._node.retain = weakref.ref(self)  # type: ignore[union-attr]


@method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set `requires_grad` in place.

    RuntimeError for integers, and for False where the tensor is a result.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2).requires_grad_()
    >>> x.sum().backward()
    >>> x.grad.tolist()
    [1.0, 1.0]
    """
    if not isinstance(requires_grad, bool):
        raise TypeError(f"requires_grad_: requires_grad must be a bool, got {type(requires_grad).__name__}")
    self.requires_grad = requires_grad
    return self


@appears("function")
def detach(input: Tensor) -> Tensor:
    """`input.detach()`: a tensor on the same memory that needs no gradient.

    >>> import tinygrad_cnn as tg
    >>> tg.detach(tg.ones(2, requires_grad=True)).requires_grad
    False
    """
    return input.detach()


@appears("function")
@method
def detach_(self: Tensor) -> Tensor:
    """In place: without history, a leaf that needs no gradient.

    RuntimeError for a view.

    >>> import tinygrad_cnn as tg
    >>> y = tg.ones(2, requires_grad=True) * 2
    >>> y.detach_().requires_grad, y.is_leaf
    (False, True)
    """
    if self._view is not None:
        raise RuntimeError("detach_: can't detach a view in place; use detach()")
    if mode.tracer is not None:
        mode.tracer.detached(self, self)
    self._node, self._requires_grad = None, False
    return self


def _attribute(self: OpNode, name: str) -> Any:
    """What a node has saved, by PyTorch's name for it; see `autograd.graph`."""
    before, _, name = name.partition("saved_")
    if before not in ("_", "_raw_"):
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {before + name!r}")
    return importlib.import_module(f"{gradients.__package__}.graph").saved(self, name, before == "_raw_")


def _attributes(self: OpNode) -> list[str]:
    names = importlib.import_module(f"{gradients.__package__}.graph").names_saved(self)
    return [*object.__dir__(self), *names]


OpNode.__getattr__ = _attribute  # type: ignore[attr-defined]
OpNode.__dir__ = _attributes  # type: ignore[assignment]
