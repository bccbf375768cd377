"""Rules that are a few lines of NumPy, one parameter at a time, for optimizers without a kernel of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import float16
from ..arrays.quiet import silent
from ..engine.tensor import Tensor
from .optimizer import Optimizer


class ByExpression(Optimizer):
    """An optimizer whose subclass says what it remembers of a parameter, `begin`, and its rule on arrays, `rule`.

    weight_decay is added to the gradient before, where the rule is not `decoupled` from it.
    """

    decoupled = False

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        """What the state of a parameter begins with, beside the number of steps."""
        raise NotImplementedError(f"{type(self).__name__} must define begin(group, p)")

    def rule(self, group: dict[str, Any], step: float, param: np.ndarray, grad: np.ndarray, **kept: Any) -> None:
        """Change a parameter, and the arrays that are kept of it, in place; `step` counts from 1."""
        raise NotImplementedError(f"{type(self).__name__} must define rule(group, step, param, grad, ...)")

    @silent
    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        decoupled = group.get("decoupled_weight_decay", self.decoupled)
        decay = 0.0 if decoupled else group.get("weight_decay", 0.0)
        for step, members, states in self._by_step(params, lambda p: {"step": 0.0, **self.begin(group, p)}):
            for i, state in zip(members, states, strict=True):
                param, grad = params[i]._array, grads[i]
                half = param.dtype == float16
                wide, grad = (param.astype(np.float32), grad.astype(np.float32)) if half else (param, grad)
                grad = -grad if group["maximize"] else grad
                grad = grad + decay * wide if decay else grad
                self.rule(group, step, wide, grad, **{k: v._array for k, v in state.items() if k != "step"})
                if half:
                    param[...] = wide
