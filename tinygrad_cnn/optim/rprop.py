"""Rprop: steps that the signs of the gradients lengthen and shorten."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .expression import ByExpression
from .optimizer import Params


class Rprop(ByExpression):
    """p -= s·sign(g), where s grows by η+ while g keeps its sign and shrinks by η- where it turns (Riedmiller, 1993).

    etas: (η-, η+). step_sizes: the bounds of s, which begins at lr. Where g turns, that step is left out. It is for
    gradients of all data at once: in small batches signs are chance. maximize: goes up. foreach, capturable: hints
    that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.Rprop([w], lr=0.25)
    >>> for _ in range(2):
    ...     opt.zero_grad()
    ...     (w * w).sum().backward()
    ...     opt.step()
    >>> [round(x, 4) for x in w.tolist()]  # 0.25, and 1.2 times as far
    [0.45, -19.45]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        less, more = group["etas"]
        if not 0.0 < less < 1.0 < more:
            raise ValueError(f"Rprop: Invalid eta values: {less}, {more}; expected 0 < etas[0] < 1 < etas[1]")

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        size = self._zeros(p)
        size._array[...] = float(group["lr"])
        return {"prev": self._zeros(p), "step_size": size}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        prev: np.ndarray,
        step_size: np.ndarray,
    ) -> None:
        less, more = group["etas"]
        agrees = grad * prev
        step_size *= np.where(agrees > 0, more, np.where(agrees < 0, less, 1.0)).astype(step_size.dtype)
        np.clip(step_size, *group["step_sizes"], out=step_size)
        prev[...] = np.where(agrees < 0, 0.0, grad)
        param -= np.sign(prev) * step_size
