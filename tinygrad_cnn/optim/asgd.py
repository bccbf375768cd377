"""ASGD: gradient descent, and the average of the places where it has been."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import get_default_dtype
from ..engine.tensor import Tensor
from ..surface.creation import tensor
from .expression import ByExpression
from .optimizer import Params


class ASGD(ByExpression):
    """p = (1 - λ·η)·p - η·g;  ax += μ·(p - ax)

    η = lr / (1 + λ·lr·t)^α and μ = 1 / max(1, t - t0) are those of the step before, at first lr and 1.
    `state[p]["ax"]` is the average of p from step t0 on (Polyak and Juditsky, 1992). weight_decay: adds weight_decay·p
    to the gradient g. maximize: goes up. foreach, capturable: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = tg.optim.ASGD([w], lr=0.25, lambd=0.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.5, -1.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        self._need(group, "weight_decay", "weight_decay value")

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        return {"eta": tensor(float(group["lr"])), "mu": tensor(1.0), "ax": self._zeros(p)}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        eta: np.ndarray,
        mu: np.ndarray,
        ax: np.ndarray,
    ) -> None:
        lr, lambd, length = float(group["lr"]), group["lambd"], float(eta)
        param *= 1 - lambd * length
        param -= length * grad
        if mu == 1:
            ax[...] = param
        else:
            ax += float(mu) * (param - ax)
        number = get_default_dtype().type  # what PyTorch keeps them in
        eta[...] = number(lr / (1 + lambd * lr * step) ** group["alpha"])
        mu[...] = number(1 / max(1, step - group["t0"]))
