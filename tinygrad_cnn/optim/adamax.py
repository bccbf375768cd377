"""Adamax: Adam whose steps are measured by the largest gradient of late."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .expression import ByExpression
from .optimizer import Params


class Adamax(ByExpression):
    """m = β1·m + (1-β1)·g;  u = max(β2·u, |g| + eps);  p -= lr / (1 - β1^t)·m / u (Kingma and Ba, 2015, section 7).

    weight_decay: adds weight_decay·p to the gradient g. maximize: goes up. foreach, capturable: hints that change
    nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.Adamax([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.75, -19.75]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need_of_adam(group)

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        return {"exp_avg": self._zeros(p), "exp_inf": self._zeros(p)}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        exp_avg: np.ndarray,
        exp_inf: np.ndarray,
    ) -> None:
        beta1, beta2 = group["betas"]
        exp_avg += (1 - beta1) * (grad - exp_avg)
        exp_inf *= beta2
        np.maximum(exp_inf, abs(grad) + group["eps"], out=exp_inf)
        param -= float(group["lr"]) / (1 - beta1**step) * exp_avg / exp_inf
