"""Tensors that a Module knows: parameters, which are trained, and buffers, which are only kept.

Of either there is one whose shape is not known yet: it has no array, so that nothing can be computed with it, until
`materialize` gives it one and makes it what it stands for. It stays the same object, for optimizers that hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeGuard

import numpy as np

from ..arrays.types import DType, Shape
from ..engine.memory import join
from ..engine.tensor import Tensor, wrap
from ..surface.creation import empty


def _adopt(new: Tensor, data: Tensor | None, name: str) -> None:
    """Let a new leaf stand on the memory of `data`, so that in-place changes of either are noticed by both."""
    if data is None:
        data = wrap(np.empty(0, np.float32))
    if not isinstance(data, Tensor):
        raise TypeError(f"{name}: data must be a Tensor, got {type(data).__name__}; wrap it in tensor(...) first")
    new._array = data._array
    new._counter = data.version()
    new._node = new._view = new._grad = None
    new._requires_grad = False
    join(data, new)


class Parameter(Tensor):
    """A Tensor that is trained: assigned to an attribute of a Module, it appears in `module.parameters()`.

    data: its values, whose memory it shares. requires_grad: False freezes it.

    >>> import tinygrad_cnn as tg
    >>> p = tg.nn.Parameter(tg.ones(2))
    >>> (p * p).sum().backward()
    >>> p.grad.tolist()
    [2.0, 2.0]
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True):
        _adopt(self, data, "Parameter")
        if requires_grad:
            self.requires_grad = True

    def __deepcopy__(self, memo: dict) -> Tensor:
        """A parameter of the same values on memory of its own. It begins without a gradient."""
        grad, self._grad = self._grad, None
        try:
            return super().__deepcopy__(memo)
        finally:
            self._grad = grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A Tensor that a Module keeps but does not train; `persistent` says whether it is part of `state_dict()`.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Module()
    >>> net.mean = tg.nn.Buffer(tg.zeros(3))
    >>> list(net.state_dict()), list(net.parameters())
    (['mean'], [])
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True):
        _adopt(self, data, "Buffer")
        self.persistent = persistent


def _of_none(name: str) -> Callable:
    """A method that a tensor without elements, of the dtype that this one will have, answers for it."""

    @wraps(getattr(Tensor, name))
    def method(self: UninitializedTensorMixin, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._kept, name)(*args, **kwargs)

    return method


def _converted(name: str) -> Callable:
    @wraps(getattr(Tensor, name))
    def method(self: UninitializedTensorMixin, *args: Any, **kwargs: Any) -> UninitializedTensorMixin:
        return type(self)(self._requires_grad, dtype=getattr(self._kept, name)(*args, **kwargs).dtype)

    return method


class UninitializedTensorMixin(Tensor):
    """What parameters and buffers without a shape have in common; `_kept`, which has no elements, knows the dtype."""

    __slots__ = ()
    cls_to_become: Any
    _kept: Tensor

    def __init__(self, requires_grad: bool, device: Any = None, dtype: DType | None = None):
        self._node = self._counter = self._view = self._memory = self._grad = None
        self._requires_grad = requires_grad
        self._kept = empty(0, device=device, dtype=dtype)

    def materialize(self, shape: Shape, device: Any = None, dtype: DType | None = None) -> None:
        """Become a tensor of this shape, with no values yet; the dtype is the one that it was made for."""
        made = empty(shape, device=device, dtype=self._kept.dtype if dtype is None else dtype)
        del self._kept
        self.__class__ = self.cls_to_become
        self.data = made

    @property
    def _array(self) -> np.ndarray:  # type: ignore[override]
        raise ValueError(
            f"{type(self).__name__}: Attempted to use an uninitialized parameter, whose shape is not known before its "
            "module is called; run a dummy batch through the model first"
        )

    @property
    def shape(self) -> Any:
        """A RuntimeError: it is not known yet."""
        raise RuntimeError(
            f"{type(self).__name__}: Can't access the shape of an uninitialized parameter or buffer, not known before "
            "its module is called; run a dummy batch through the model first"
        )

    @property
    def data(self) -> Tensor:
        """Without elements: what is written to it now, the first call draws anew."""
        return self._kept

    @data.setter
    def data(self, value: Tensor) -> None:
        kept = value._kept if is_lazy(value) else value
        if kept.shape != (0,):
            raise RuntimeError(f"{type(self).__name__}.data: it has no shape yet; materialize(shape) gives it one")
        self._kept = kept

    dtype = property(lambda self: self._kept.dtype, doc="The type that its elements will have.")
    device = property(lambda self: self._kept.device, doc="Where its elements will be.")
    size, is_floating_point = _of_none("size"), _of_none("is_floating_point")
    to, type, half, float, double = map(_converted, ("to", "type", "half", "float", "double"))
    cpu, cuda = map(_converted, ("cpu", "cuda"))

    def share_memory_(self) -> Tensor:
        """A RuntimeError: there is no memory yet."""
        raise RuntimeError(
            f"{type(self).__name__}: Can't share memory on an uninitialized parameter or buffer; run a dummy batch "
            "through the model first"
        )

    def __deepcopy__(self, memo: dict) -> Tensor:
        twin = memo[id(self)] = type(self)(self._requires_grad, dtype=self._kept.dtype)
        return twin

    def __reduce__(self) -> tuple:
        return type(self), (self._requires_grad, None, self._kept.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known yet: a Lazy module makes it one when it is first called.

    Its shape is a RuntimeError, computing with it a ValueError; its dtype may change, an optimizer may hold it.

    >>> import tinygrad_cnn as tg
    >>> p = tg.nn.UninitializedParameter()
    >>> p
    <UninitializedParameter>
    >>> p.materialize((2, 3))
    >>> type(p).__name__, p.shape
    ('Parameter', (2, 3))
    """

    __slots__ = ()
    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: DType | None = None):
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose shape is not known yet: see UninitializedParameter.

    >>> import tinygrad_cnn as tg
    >>> b = tg.nn.UninitializedBuffer()
    >>> b.materialize((2,))
    >>> type(b).__name__, b.requires_grad
    ('Tensor', False)
    """

    __slots__ = ()
    cls_to_become = Tensor

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: DType | None = None, persistent: bool = True
    ):
        super().__init__(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(param: Any) -> TypeGuard[UninitializedTensorMixin]:
    """Whether this is a parameter or a buffer whose shape is not known yet.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.parameter.is_lazy(tg.nn.LazyLinear(2).weight)
    True
    """
    return isinstance(param, UninitializedTensorMixin)
