"""Adafactor: Adam's units of a matrix from the means of its rows and columns, which take next to no memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from .expression import ByExpression
from .optimizer import Params


class Adafactor(ByExpression):
    """p -= α·u / max(1, rms(u) / d), u = g / √v, where v = r·c / mean(r) of a matrix (Shazeer and Stern, 2018).

    r and c are moving averages of the means of g² along rows and columns, with β = 1 - t^beta2_decay; a vector has v
    itself. α = max(eps[1], rms(p))·min(lr, 1/√t). v is at least eps[0]², by default the machine's epsilon, squared.
    weight_decay: takes lr·weight_decay·p off p. maximize: goes up. foreach: a hint that changes nothing here.

    >>> import tinygrad_cnn as tg
    >>> w = tg.ones(2, 3, requires_grad=True)
    >>> opt = tg.optim.Adafactor([w], lr=0.25)
    >>> w.sum().backward()
    >>> opt.step()
    >>> w[0].tolist(), opt.state[w]["row_var"].shape
    ([0.75, 0.75, 0.75], (2, 1))
    """

    decoupled = True
    _of_other_shape = frozenset({"row_var", "col_var"})

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")
        self._need(group, "d", "clipping threshold", low=1.0)
        self._need(group, "weight_decay", "weight_decay value")
        if not group["beta2_decay"] <= 0:
            raise ValueError(f"Adafactor: Invalid beta2_decay: {group['beta2_decay']}; expected beta2_decay <= 0")
        if any(e is not None and not e >= 0 for e in group["eps"]):
            raise ValueError(f"Adafactor: Invalid epsilon values: {group['eps']}; expected eps >= 0")

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Tensor]:
        if p.ndim < 2:
            return {"variance": self._zeros(p)}
        kept = self._zeros(p)._array
        return {"row_var": wrap(kept[..., :1].copy()), "col_var": wrap(kept[..., :1, :].copy())}

    def rule(  # type: ignore[override]
        self,
        group: dict[str, Any],
        step: float,
        param: np.ndarray,
        grad: np.ndarray,
        row_var: Any = None,
        col_var: Any = None,
        variance: Any = None,
    ) -> None:
        (least, eps), lr = group["eps"], float(group["lr"])
        least = float(np.finfo(param.dtype).eps) if least is None else least
        part, size = step ** group["beta2_decay"], math.sqrt(param.size)
        alpha = max(eps, np.linalg.norm(param.ravel()) / size) * min(lr, 1 / math.sqrt(step))
        param *= 1 - lr * group["weight_decay"]
        squares = grad * grad
        if variance is None:
            row_var += part * (squares.mean(-1, keepdims=True) - row_var)
            col_var += part * (squares.mean(-2, keepdims=True) - col_var)
            variance = row_var @ col_var / np.maximum(row_var.mean(-2, keepdims=True), least)
        else:
            variance += part * (squares - variance)
        change = grad / np.sqrt(np.maximum(variance, least**2))
        param -= alpha / max(1.0, np.linalg.norm(change.ravel()) / (size * group["d"])) * change
