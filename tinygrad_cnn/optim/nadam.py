"""NAdam: Adam that looks ahead, as Nesterov's momentum does."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import get_default_dtype
from ..engine.tensor import Tensor
from ..surface.creation import ones
from .expression import ByExpression
from .optimizer import Params


class NAdam(ByExpression):
    """μ_t = β1·(1 - 0.96^(t·momentum_decay) / 2);  p -= lr·((1-μ_t)·g / (1 - Π μ) + μ_{t+1}·m / (1 - μ_{t+1}·Π μ)) / d

    m = β1·m + (1-β1)·g, v = β2·v + (1-β2)·g², d = √(v / (1 - β2^t)) + eps, Π μ = μ_1·...·μ_t (Dozat, 2016).
    weight_decay: adds weight_decay·p to g, or, with decoupled_weight_decay, takes lr·weight_decay·p off p. maximize:
    goes up. foreach, capturable: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.NAdam([w], lr=0.25, momentum_decay=0.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.7359, -19.7359]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need_of_adam(group)
        self._need(group, "momentum_decay", "momentum_decay value")

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        return {"mu_product": ones(()), "exp_avg": self._zeros(p), "exp_avg_sq": self._zeros(p)}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        mu_product: np.ndarray,
        exp_avg: np.ndarray,
        exp_avg_sq: np.ndarray,
    ) -> None:
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        if group["decoupled_weight_decay"]:
            param *= 1 - lr * group["weight_decay"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        number = get_default_dtype().type  # what PyTorch keeps it in
        mu_product[...] = number(mu_product) * number(mu)
        so_far = float(mu_product)
        exp_avg += (1 - beta1) * (grad - exp_avg)
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * grad * grad
        divisor = np.sqrt(exp_avg_sq / (1 - beta2**step)) + group["eps"]
        param -= lr * (1 - mu) / (1 - so_far) * grad / divisor
        param -= lr * mu_next / (1 - so_far * mu_next) * exp_avg / divisor
