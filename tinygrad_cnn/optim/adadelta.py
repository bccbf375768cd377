"""Adadelta: steps as long as the last ones, so that no learning rate has to be chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels import kernel
from ..kernels.settings import AdadeltaSettings
from .optimizer import Optimizer, Params


class Adadelta(Optimizer):
    """v = ρ·v + (1-ρ)·g²;  Δ = √(u + eps) / √(v + eps)·g;  u = ρ·u + (1-ρ)·Δ²;  p -= lr·Δ (Zeiler, 2012).

    weight_decay: adds weight_decay·p to the gradient g. maximize: goes up. foreach, capturable: hints that change
    nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([4.0], requires_grad=True)
    >>> opt = tg.optim.Adadelta([w], rho=0.75, eps=9.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> round(w.item(), 4)  # g = 8, v = 8²/4, Δ = √9 / √(16 + 9)·8
    -0.8
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        if not 0.0 <= group["rho"] <= 1.0:
            raise ValueError(f"Adadelta: Invalid rho value: {group['rho']}; expected 0 <= rho <= 1")
        self._need(group, "eps", "epsilon value")
        self._need(group, "weight_decay", "weight_decay value")

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        settings = AdadeltaSettings(
            lr=float(group["lr"]),
            rho=float(group["rho"]),
            eps=float(group["eps"]),
            weight_decay=float(group["weight_decay"]),
            maximize=group["maximize"],
        )
        states = [self.state[p] for p in params]
        for p, state in zip(params, states):
            if not state:
                state.update(step=0.0, square_avg=self._zeros(p), acc_delta=self._zeros(p))
            state["step"] += 1
        kernel.adadelta(
            [p._array for p in params],
            grads,
            [state["square_avg"]._array for state in states],
            [state["acc_delta"]._array for state in states],
            settings,
        )
