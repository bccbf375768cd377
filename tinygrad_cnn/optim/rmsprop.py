"""RMSprop: steps in units of each element's recent gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels import kernel
from ..kernels.settings import RMSpropSettings
from .optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """v = α·v + (1-α)·g²;  p -= lr·g / (√v + eps), for every parameter p with gradient g (Hinton, 2012).

    centered: takes the square of the average g off v (Graves, 2013). momentum: gathers the steps in a buffer.
    weight_decay: adds weight_decay·p to g. maximize: goes up. capturable, foreach: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> opt = tg.optim.RMSprop([w], lr=0.25, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        self._need(group, "eps", "epsilon value")
        self._need(group, "momentum", "momentum value")
        self._need(group, "weight_decay", "weight_decay value")
        self._need(group, "alpha", "alpha value")

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        momentum, centered = float(group["momentum"]), group["centered"]
        settings = RMSpropSettings(
            lr=float(group["lr"]),
            alpha=float(group["alpha"]),
            eps=float(group["eps"]),
            weight_decay=float(group["weight_decay"]),
            momentum=momentum,
            maximize=group["maximize"],
        )
        states = [self.state[p] for p in params]
        for p, state in zip(params, states):
            if not state:
                state.update(step=0.0, square_avg=self._zeros(p))
            if momentum and "momentum_buffer" not in state:
                state["momentum_buffer"] = self._zeros(p)
            if centered and "grad_avg" not in state:
                state["grad_avg"] = self._zeros(p)
            state["step"] += 1
        kernel.rmsprop(
            [p._array for p in params],
            grads,
            [state["square_avg"]._array for state in states],
            [state["grad_avg"]._array for state in states] if centered else None,
            [state["momentum_buffer"]._array for state in states] if momentum else None,
            settings,
        )
