"""Here because PyTorch scripts import it: `Variable`, which was around every tensor before tensors had gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..engine.tensor import Tensor, wrap


class VariableMeta(type):
    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=VariableMeta):
    """`Variable(x)` is x: the same dtype, on the same memory, without history; every tensor is an instance.

    requires_grad: whether it needs a gradient; a tensor that says otherwise, or has a history, stays as it is, and the
    result is another one on its memory. volatile: a warning, for `no_grad` does that now. TypeError for what is no
    tensor.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1, 2])
    >>> tg.autograd.Variable(x) is x, tg.autograd.Variable(x.double(), requires_grad=True).dtype
    (True, dtype('float64'))
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                UserWarning,
                stacklevel=user_level(),
            )
        if data is None:
            data = wrap(np.empty(0, np.float32))
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if type(data) is Tensor and not data.requires_grad and not requires_grad:
            return data
        out = data.detach()
        out.requires_grad = bool(requires_grad)
        return out
