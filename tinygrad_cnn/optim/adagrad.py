"""Adagrad: steps in units of all gradients that an element ever had."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from ..kernels import kernel
from ..kernels.settings import AdagradSettings
from .optimizer import Optimizer, Params


class Adagrad(Optimizer):
    """sum += g²;  p -= lr_t·g / (√sum + eps), for every parameter p with gradient g (Duchi et al., 2011).

    lr_t = lr / (1 + (t - 1)·lr_decay) at step t. initial_accumulator_value: what sum begins with. weight_decay: adds
    weight_decay·p to g. maximize: goes up. foreach, fused: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.Adagrad([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.75, -19.75]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self._fresh(p, group["initial_accumulator_value"])

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        self._need(group, "lr_decay", "lr_decay value")
        self._need(group, "weight_decay", "weight_decay value")
        self._need(group, "initial_accumulator_value", "initial_accumulator_value value")
        self._need(group, "eps", "epsilon value")

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        start = group["initial_accumulator_value"]
        settings = AdagradSettings(
            lr=float(group["lr"]),
            lr_decay=float(group["lr_decay"]),
            eps=float(group["eps"]),
            weight_decay=float(group["weight_decay"]),
            maximize=group["maximize"],
        )
        for step, members, states in self._by_step(params, lambda p: self._fresh(p, start)):
            kernel.adagrad(
                [params[i]._array for i in members],
                [grads[i] for i in members],
                [state["sum"]._array for state in states],
                float(step),
                settings,
            )

    def _fresh(self, p: Tensor, start: float) -> dict[str, Any]:
        return {"step": 0.0, "sum": wrap(np.full_like(self._zeros(p)._array, start))}
