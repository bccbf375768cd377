"""Adam and AdamW: steps in units of each element's own gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels import kernel
from ..kernels.settings import AdamSettings
from .optimizer import Optimizer, Params


class Adam(Optimizer):
    """m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²;  p -= lr·m̂ / (√v̂ + eps), for every parameter p with gradient g.

    m̂ = m / (1 - β1^t), v̂ = v / (1 - β2^t) at step t (Kingma and Ba, 2015). weight_decay: adds weight_decay·p to g, or,
    with decoupled_weight_decay, takes lr·weight_decay·p off p. amsgrad: divides by the largest v̂ so far (Reddi et
    al., 2018). maximize: goes up. foreach, capturable, fused: hints that change nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -20.0], requires_grad=True)
    >>> opt = tg.optim.Adam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.tolist()
    [0.75, -19.75]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need_of_adam(group)

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        amsgrad = group["amsgrad"]
        beta1, beta2 = group["betas"]
        settings = AdamSettings(
            lr=float(group["lr"]),
            beta1=float(beta1),
            beta2=float(beta2),
            eps=float(group["eps"]),
            weight_decay=float(group["weight_decay"]),
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )
        for step, members, states in self._by_step(params, lambda p: self._fresh(p, amsgrad)):
            kernel.adam(
                [params[i]._array for i in members],
                [grads[i] for i in members],
                [state["exp_avg"]._array for state in states],
                [state["exp_avg_sq"]._array for state in states],
                [state["max_exp_avg_sq"]._array for state in states] if amsgrad else None,
                float(step),
                settings,
            )

    def _fresh(self, p: Tensor, amsgrad: bool) -> dict[str, Any]:
        state = {"step": 0.0, "exp_avg": self._zeros(p), "exp_avg_sq": self._zeros(p)}
        if amsgrad:
            state["max_exp_avg_sq"] = self._zeros(p)
        return state


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself: p -= lr·weight_decay·p (Loshchilov and Hutter, 2019).

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = tg.optim.AdamW([w], lr=0.25, weight_decay=0.5)
    >>> w.grad = tg.zeros(2)
    >>> opt.step()  # the decay alone: w -= lr·weight_decay·w
    >>> w.tolist()
    [0.875, -1.75]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
