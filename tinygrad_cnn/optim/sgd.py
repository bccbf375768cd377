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
        momentum, dampening = float(group["momentum"]), float(group["dampening"])
        settings = SGDSettings(
            float(group["lr"]),
            momentum,
            dampening,
            float(group["weight_decay"]),
            group["nesterov"],
            group["maximize"],
        )
        if not momentum:
            kernel.sgd(arrays, grads, [None] * len(params), settings)
            return
        kept = self.state
        buffers: list[Any] = [kept[p].get("momentum_buffer") for p in params]
        fresh = [buffer is None for buffer in buffers]
        if True in fresh:
            for p, new in zip(params, fresh):
                if new:
                    kept[p]["momentum_buffer"] = self._zeros(p)
            buffers = [kept[p]["momentum_buffer"] for p in params]
        lists = arrays, grads, [buffer._array for buffer in buffers]
        if not dampening or True not in fresh:
            kernel.sgd(*lists, settings)
            return
        for first in (True, False):  # the first gradient of a parameter goes into its buffer whole
            chosen = [i for i, new in enumerate(fresh) if new is first]
            some = [[values[i] for i in chosen] for values in lists]
            kernel.sgd(*some, settings._replace(dampening=0.0) if first else settings)
