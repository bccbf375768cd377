"""Tensors that a Module knows: parameters, which are trained, and buffers, which are only kept."""

from __future__ import annotations

import numpy as np

from ..engine.memory import join
from ..engine.tensor import Tensor, wrap


def _adopt(new: Tensor, data: Tensor | None, name: str) -> None:
    """Let a new leaf stand on the memory of `data`, so that in-place changes of either are noticed by both."""
    if data is None:
        data = wrap(np.empty(0, np.float32))
    if not isinstance(data, Tensor):
        raise TypeError(f"{name}: data must be a Tensor, got {type(data).__name__}; wrap it in tensor(...) first")
    new._array = data._array
    new._version = data.version()
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
