"""The data of the graph: a Tensor is an array with a history. The steps of that history are in `node.py`.

Here stands what the engine needs of it. What makes it pleasant to use, operators, methods, printing, stands in
`surface/`, which attaches it to the class.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.plain import plain
from .memory import Memory, join
from .modes import mode
from .node import INFERENCE, AccumulateGrad, Node, Version
from .view import View

if TYPE_CHECKING:  # what `surface/` attaches, as its stub says it
    from ..surface.attached import Attached
else:
    Attached = object


class Tensor(Attached):
    """An array with a history.

    `_array` is the NumPy array, `_node` the step that made it (for a leaf: its AccumulateGrad, made
    when first needed), `_counter` the shared record of in-place changes (made when first needed).
    `_view` says how it is made from its base, `_memory` who else lies in its memory.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.], shape=(2,), dtype=float32)
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_counter", "_grad", "_memory", "_node",
                 "_requires_grad", "_view")  # fmt: skip
    __array_priority__ = 1000  # so that `array * tensor` asks the tensor

    _array: np.ndarray
    _node: Node | None
    _requires_grad: bool
    _counter: Version | None
    _view: View | None
    _memory: Memory | None
    _grad: Tensor | None

    __hash__ = object.__hash__  # identity, though == compares elements

    # its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is asked for: a leaf says so itself, a result where one of its inputs does.

        Set it on leaves. RuntimeError for integers, and for False where the tensor is a result.

        >>> import tinygrad_cnn as tg
        >>> x = tg.ones(2, requires_grad=True)
        >>> x.requires_grad, (x * 2).requires_grad, tg.ones(2).requires_grad
        (True, True, False)
        """
        if self._view is not None:
            self._view.refresh(self)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if not isinstance(flag, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(flag).__name__}")
        if flag:
            refuse_complex("requires_grad", self._array.dtype)
        if flag and self._array.dtype.kind != "f":
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, this one is {self._array.dtype}; "
                "convert it first with .float()"
            )
        if not flag and not self.is_leaf:
            raise RuntimeError("requires_grad can be changed of a leaf alone; x.detach() is one without history")
        if flag and self._counter is INFERENCE and not mode.inference:
            raise RuntimeError(
                "requires_grad: this tensor was made in inference_mode and cannot require grad outside of it; "
                ".clone() it first"
            )
        self._requires_grad = flag

    @property
    def is_leaf(self) -> bool:
        """Whether no op made this tensor, or none that autograd follows: the ends where gradients are kept.

        >>> import tinygrad_cnn as tg
        >>> x = tg.ones(2, requires_grad=True)
        >>> x.is_leaf, (x * 2).is_leaf, (x * 2).detach().is_leaf
        (True, False, True)
        """
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | Any:
        """The node that made this tensor, None for a leaf.

        >>> import tinygrad_cnn as tg
        >>> x = tg.ones(2, requires_grad=True)
        >>> (x * 2).grad_fn.name(), x.grad_fn is None
        ('MulBackward0', True)
        """
        if self._view is not None:
            self._view.refresh(self)
        return None if isinstance(self._node, AccumulateGrad) else self._node

    def _become(self, node: Node | None) -> None:
        """Be the result of another node from now on; where `.grad` is kept, it is that node's."""
        old = self._node
        if node is not None and old is not None and old.retain is not None:
            old.retain, node.retain = None, weakref.ref(self)
        self._node = node
        self._requires_grad = node is not None

    def version(self) -> Version:
        """The record of in-place changes of this tensor's memory."""
        if self._counter is None:
            self._counter = Version()
        return self._counter

    def guard(self) -> Version:
        """The version, for a node that saves the values: it compares them later."""
        if self._counter is INFERENCE:
            raise RuntimeError(
                f"inference tensors cannot be saved for backward: this one of shape {self._array.shape} was made in "
                "inference_mode, where changes are not counted; .clone() it outside, or use no_grad instead"
            )
        return self.version()

    @property
    def grad(self) -> Tensor | Any:
        """The gradient that backward adds to, in place; None before there is one.

        Set it to None, or to a Tensor of the shape and dtype of this one (RuntimeError for others).

        >>> import tinygrad_cnn as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> x.sum().backward()
        >>> (x * x).sum().backward()
        >>> x.grad.tolist()
        [3.0, 5.0]
        """
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("grad: a tensor cannot be its own gradient")
            mine, its = self._array, value._array
            if its.shape != mine.shape or its.dtype != mine.dtype:
                raise RuntimeError(
                    f"grad: a gradient has the shape and dtype of its tensor, {mine.shape} {mine.dtype}; "
                    f"got {its.shape} {its.dtype}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def accumulator(self) -> Node:
        """The node of this tensor; a leaf gets its AccumulateGrad here."""
        if self._node is None:
            self._node = AccumulateGrad(self)
        return self._node

    # the same memory, another history

    def detach(self) -> Tensor:
        """A tensor on the same memory that needs no gradient. In-place changes are still noticed.

        >>> import tinygrad_cnn as tg
        >>> x = tg.ones(2, requires_grad=True)
        >>> y = x.detach()
        >>> y[0] = 5
        >>> y.requires_grad, x.tolist()
        (False, [5.0, 1.0])
        """
        out = wrap(self._array)
        out._counter = self.version()
        join(self, out)
        if mode.tracer is not None:
            mode.tracer.detached(self, out)
        return out

    @property
    def data(self) -> Tensor:
        """A tensor on the same memory, without history; autograd does not notice what is done to it.

        Set to another tensor, this one has that one's memory from then on.

        >>> import tinygrad_cnn as tg
        >>> x = tg.ones(2, requires_grad=True)
        >>> x.data[0] = 5
        >>> x.tolist(), x.data.requires_grad
        ([5.0, 1.0], False)
        """
        out = wrap(self._array)
        out.version().join(self.version())
        join(self, out)
        if mode.tracer is not None:
            mode.tracer.detached(self, out)
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tensor.data: expected a Tensor, got {type(value).__name__}")
        if self._requires_grad and value._array.dtype.kind != "f":
            refuse_complex("Tensor.data", value._array.dtype)
            raise RuntimeError(
                f"Tensor.data: what requires grad must be floating, got {value._array.dtype}; convert it with .float()"
            )
        self._array = value._array
        self._view = None
        if self._counter is not INFERENCE:
            self.version().join(value.version())
        join(value, self)
        node, array = self._node, value._array
        if isinstance(node, AccumulateGrad) and (node.shape, node.dtype) != (array.shape, array.dtype):
            self._node = anew = AccumulateGrad(self)
            anew.hooks, anew.after = node.hooks, node.after


def wrap(array: np.ndarray, node: Node | None = None) -> Tensor:
    """A Tensor on this very array, made by this node."""
    t = _new(Tensor)
    t._array = array
    t._node = node
    t._requires_grad = node is not None
    t._counter = t._view = t._memory = t._grad = None
    return t


_new = Tensor.__new__


def refuse_complex(name: str, dtype: np.dtype) -> None:
    """Raise where a gradient is asked for through complex numbers: the rules are those of real ones."""
    if dtype.kind == "c":
        raise RuntimeError(
            f"{name}: {dtype} has no gradients here; compute with real and imaginary parts, or .detach() what "
            "requires grad"
        )


def refuse_change(t: Tensor, name: str) -> None:
    """Raise where `t` must not be changed in place."""
    if t._counter is INFERENCE and not mode.inference:
        raise RuntimeError(
            f"{name}: a tensor made in inference_mode is being changed in place outside of it; .clone() it first"
        )
    if not mode.grad:
        return
    base = t if t._view is None else t._view.base
    if base._requires_grad and base.is_leaf:
        what = "a leaf Variable that requires grad" if base is t else "a view of a leaf Variable that requires grad"
        raise RuntimeError(
            f"{name}: {what} is being used in an in-place operation; nothing was changed. "
            "Do it under tinygrad_cnn.no_grad(), or make a new tensor with the op that is not in place"
        )
    if t._view is not None and (t.requires_grad or base._requires_grad):
        t._view.refuse_change(name)


def as_array(data: Any) -> Any:
    """The array of a Tensor, an array as `plain` has it; anything else as it is."""
    if isinstance(data, Tensor):
        return data._array
    return plain(data) if isinstance(data, np.ndarray) else data
