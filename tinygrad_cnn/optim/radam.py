"""RAdam: Adam that does not divide by a deviation which it has hardly measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .expression import ByExpression
from .optimizer import Params


class RAdam(ByExpression):
    """m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²;  p -= lr·m̂·r·√(1 - β2^t) / (√v + eps), or lr·m̂ while ρ_t <= 5.

    m̂ = m / (1 - β1^t), ρ_t = ρ - 2·t·β2^t / (1 - β2^t) with ρ = 2/(1-β2) - 1 is how many gradients v is an average of,
    and r² = (ρ_t-4)(ρ_t-2)ρ / ((ρ-4)(ρ-2)ρ_t) makes up for the variance of a few (Liu et al., 2020). weight_decay:
    adds weight_decay·p to g, or, with decoupled_weight_decay, takes lr·weight_decay·p off p. maximize: goes up.
    foreach, capturable: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.RAdam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()  # at first as SGD does
    >>> w.tolist()
    [0.5, -10.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need_of_adam(group)

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        return {"exp_avg": self._zeros(p), "exp_avg_sq": self._zeros(p)}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        exp_avg: np.ndarray,
        exp_avg_sq: np.ndarray,
    ) -> None:
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        if group["decoupled_weight_decay"]:
            param *= 1 - lr * group["weight_decay"]
        exp_avg += (1 - beta1) * (grad - exp_avg)
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * grad * grad
        change = lr / (1 - beta1**step) * exp_avg
        most = 2 / (1 - beta2) - 1
        measured = most - 2 * step * beta2**step / (1 - beta2**step)
        if measured > 5:
            of = lambda rho: (rho - 4) * (rho - 2) / rho
            rectified = math.sqrt(of(measured) / of(most) * (1 - beta2**step))
            change = rectified * change / (np.sqrt(exp_avg_sq) + group["eps"])
        param -= change
