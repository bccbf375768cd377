"""Schedulers that follow a formula of the epoch t.

Their `get_lr` goes from one epoch to the next by a factor or a difference; for the formulas, see the first lines.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, state_of


class _ByFactor(LRScheduler):
    """lr_t = lr_(t-1)·factor(t), which is in closed form lr_0·share(t)."""

    def _factor(self, t: int) -> float:
        raise NotImplementedError

    def _share(self, t: int) -> float:
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        factor = self._factor(self.last_epoch)
        return [lr * factor for lr in self.lrs()]

    def _get_closed_form_lr(self) -> list[float]:
        share = self._share(self.last_epoch)
        return [lr * share for lr in self.base_lrs]


class StepLR(_ByFactor):
    """lr_t = lr_0·γ^⌊t / step_size⌋.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = StepLR(opt, step_size=2, gamma=0.5), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        return 1.0 if t == 0 or t % self.step_size else self.gamma

    def _share(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(_ByFactor):
    """lr_t = lr_0·γ^(number of milestones up to t).

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = MultiStepLR(opt, milestones=[1, 3], gamma=0.5), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1):
        self.milestones = Counter([*milestones])
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state_dict)
        self.milestones = Counter(self.milestones)  # of a file it is a dict

    def _factor(self, t: int) -> float:
        return self.gamma ** self.milestones[t]

    def _share(self, t: int) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), t)


class ConstantLR(_ByFactor):
    """lr_t = lr_0·factor for t < total_iters, then lr_0. ValueError unless 0 ≤ factor ≤ 1.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = ConstantLR(opt, factor=0.5, total_iters=2), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1):
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor is expected to be between 0 and 1, got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        if t == 0:
            return self.factor
        return 1.0 / self.factor if t == self.total_iters else 1.0

    def _share(self, t: int) -> float:
        return self.factor + (t >= self.total_iters) * (1 - self.factor)


class LinearLR(_ByFactor):
    """lr_t = lr_0·(start + (end - start)·min(t, n) / n), n = total_iters: a warm-up, or a straight way down.

    ValueError unless 0 < start_factor ≤ 1 and 0 ≤ end_factor ≤ 1.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = LinearLR(opt, start_factor=0.25, total_iters=3), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ):
        if not 0 < start_factor <= 1:
            raise ValueError(
                f"LinearLR: start_factor is expected to be greater than 0 and at most 1, got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor is expected to be between 0 and 1, got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (t - 1) * rise)

    def _share(self, t: int) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * min(self.total_iters, t) / self.total_iters


class ExponentialLR(_ByFactor):
    """lr_t = lr_0·γ^t.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = ExponentialLR(opt, gamma=0.5), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        return 1.0 if self._is_initial else self.gamma

    def _share(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(_ByFactor):
    """lr_t = lr_0·(1 - min(t, n) / n)^power, n = total_iters.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = PolynomialLR(opt, total_iters=4, power=2.0), []
    >>> for epoch in range(5):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> [round(lr, 4) for lr in rates]
    [1.0, 0.5625, 0.25, 0.0625, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        n = self.total_iters
        return 1.0 if self._is_initial or t > n else ((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power

    def _share(self, t: int) -> float:
        return (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power


class _ByFunction(LRScheduler):
    """Functions of the epoch, one for all groups or one for each; the state has what objects among them remember."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | list, last_epoch: int = -1):
        name = type(self).__name__
        self.lr_lambdas = for_each_group(name, optimizer, lr_lambda, "lr_lambda")
        for f in self.lr_lambdas:
            if not callable(f):
                raise TypeError(f"{name}: lr_lambda should be a function, got {type(f).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers; of functions nothing, of callable objects their attributes."""
        return {**super().state_dict(), "lr_lambdas": [state_of(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state; the functions stay, callable objects get back what they remembered."""
        own = self.lr_lambdas
        super().load_state_dict(state_dict)
        kept, self.lr_lambdas = state_dict.get("lr_lambdas", []), own
        for f, attributes in zip(own, kept, strict=False):
            if attributes is not None:
                vars(f).update(attributes)


class LambdaLR(_ByFunction):
    """lr_t = lr_0·lr_lambda(t); lr_lambda is a function, or a list of one for each group.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = LambdaLR(opt, lambda t: 1 / (1 + t)), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    def get_lr(self) -> list[float]:
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_ByFunction):
    """lr_t = lr_(t-1)·lr_lambda(t); lr_lambda is a function, or a list of one for each group.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = MultiplicativeLR(opt, lambda t: 0.5), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self.lrs()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.lrs(), strict=True)]


class CosineAnnealingLR(LRScheduler):
    """lr_t = η + (lr_0 - η)·(1 + cos(π·t / T)) / 2, T = T_max, η = eta_min (Loshchilov and Hutter, 2017).

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = CosineAnnealingLR(opt, T_max=4), []
    >>> for epoch in range(5):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> [round(lr, 3) for lr in rates]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self.lrs()
        if (t - 1 - T) % (2 * T) == 0:  # at the bottom there is nothing left to take a share of
            return [lr + (base - low) * (1 - math.cos(math.pi / T)) / 2 for lr, base in zip(self.lrs(), self.base_lrs)]
        factor = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [factor * (lr - low) + low for lr in self.lrs()]

    def _get_closed_form_lr(self) -> list[float]:
        angle = math.pi * self.last_epoch / self.T_max
        return [self.eta_min + (lr - self.eta_min) * (1 + math.cos(angle)) / 2 for lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that begins again after T_0 epochs, then T_0·T_mult, T_0·T_mult², ...

    Loshchilov and Hutter, 2017. `step(epoch)` may be called with fractions of an epoch. ValueError unless T_0 and
    T_mult are positive integers.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = CosineAnnealingWarmRestarts(opt, T_0=2), []
    >>> for epoch in range(5):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> [round(lr, 3) for lr in rates]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: expected positive integer T_0, got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"CosineAnnealingWarmRestarts: expected integer T_mult >= 1, got {T_mult}")
        self.T_0 = self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        angle = math.pi * self.T_cur / self.T_i
        return [self.eta_min + (lr - self.eta_min) * (1 + math.cos(angle)) / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to `epoch`, which may lie between two."""
        if epoch is None and self.last_epoch >= 0:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"CosineAnnealingWarmRestarts: expected non-negative epoch, got {epoch}")
            self.T_cur, self.T_i = self._place(epoch)
            self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            self._set_lr(self.get_lr())
        finally:
            self._get_lr_called_within_step = False

    def _place(self, epoch: float) -> tuple[float, int]:
        """How far into which length of cycle an epoch falls."""
        if epoch < self.T_0:
            return epoch, self.T_0
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_0
        n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        return epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1), self.T_0 * self.T_mult**n
