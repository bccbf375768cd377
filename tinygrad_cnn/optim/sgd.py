"""Stochastic gradient descent, the simplest rule: a step down the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels import kernel
from ..kernels.settings import SGDSettings
from .optimizer import Optimizer, Params


class SGD(Optimizer):
    """b = momentum·b + (1 - dampening)·g;  p -= lr·b, for every parameter p with gradient g.

    lr: length of a step. momentum: share of the last step that is kept (Polyak, 1964). dampening: share of g that
    is not added to it. weight_decay: adds weight_decay·p to g. nesterov: steps along g + momentum·b (Sutskever et
    al., 2013). maximize: goes up. foreach, fused: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> opt = tg.optim.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.5, 1.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        self._need(group, "momentum", "momentum value")
        self._need(group, "weight_decay", "weight_decay value")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: Nesterov momentum requires a momentum and zero dampening, got "
                f"momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        arrays = [p._array for p in params]
        settings = SGDSettings(
            lr=float(group["lr"]),
            momentum=float(group["momentum"]),
            dampening=float(group["dampening"]),
            weight_decay=float(group["weight_decay"]),
            nesterov=group["nesterov"],
            maximize=group["maximize"],
        )
        if not settings.momentum:
            kernel.sgd(arrays, grads, [None] * len(params), settings)
            return
        states = [self.state[p] for p in params]
        fresh = [state.get("momentum_buffer") is None for state in states]
        for p, state, new in zip(params, states, fresh):
            if new:
                state["momentum_buffer"] = self._zeros(p)
        buffers = [state["momentum_buffer"]._array for state in states]
        if not settings.dampening or True not in fresh:
            kernel.sgd(arrays, grads, buffers, settings)
            return
        for first in (True, False):  # the first gradient of a parameter goes into its buffer whole
            chosen = [i for i, new in enumerate(fresh) if new is first]
            lists = [[values[i] for i in chosen] for values in (arrays, grads, buffers)]
            kernel.sgd(*lists, settings._replace(dampening=0.0) if first else settings)
