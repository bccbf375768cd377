"""Schedulers that go up and down, and let momentum go down and up (Smith, 2017 and 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, for_each_group, set_lr, state_of


class _WithMomentum(LRScheduler):
    """Schedulers that also set momentum, or β1 where the optimizer has betas."""

    def _prepare_momentum(self, base: Any, largest: Any, last_epoch: int) -> None:
        name, defaults = type(self).__name__, self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(
                f"{name}: optimizer must support momentum or beta1 with cycle_momentum=True, "
                f"{type(self.optimizer).__name__} does not; set cycle_momentum=False"
            )
        self.use_beta1 = "betas" in defaults
        self.base_momentums = for_each_group(name, self.optimizer, base, "base_momentum")
        self.max_momentums = for_each_group(name, self.optimizer, largest, "max_momentum")
        if last_epoch == -1:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                group["max_momentum"], group["base_momentum"] = high, low
                self._set_momentum(group, high)

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """lr goes from base_lr up to max_lr in step_size_up steps, down in step_size_down, and again (Smith, 2017).

    Momentum goes the other way; cycle_momentum=False leaves it alone. step() is called after every batch.
    mode: "triangular" keeps the height, "triangular2" halves it every cycle, "exp_range" multiplies it by γ^t.
    scale_fn: a function of your own for the height, of the cycle or the step t, as scale_mode says.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = CyclicLR(opt, 0.0, 1.0, step_size_up=2, cycle_momentum=False), []
    >>> for epoch in range(6):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ):
        self.optimizer = check_optimizer("CyclicLR", optimizer)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                f"CyclicLR: mode {mode!r} is not triangular, triangular2 or exp_range, and scale_fn is None"
            )
        base_lrs = for_each_group("CyclicLR", optimizer, base_lr, "base_lr")
        self.max_lrs = for_each_group("CyclicLR", optimizer, max_lr, "max_lr")
        self.total_size = float(step_size_up) + float(step_size_up if step_size_down is None else step_size_down)
        self.step_ratio = float(step_size_up) / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._prepare_momentum(base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_lr(group, lr)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a triangle, as a share of the first one's."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / (2.0 ** (x - 1))
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers; of a scale_fn nothing, but the attributes of a callable object."""
        return {**super().state_dict(), "_scale_fn_custom": state_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state; a scale_fn stays, a callable object gets back what it remembered."""
        own = self._scale_fn_custom
        super().load_state_dict(state_dict)
        kept, self._scale_fn_custom = state_dict.get("_scale_fn_custom"), own
        if kept is not None and own is not None:
            vars(own).update(kept)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        rise = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self._set_momentum(group, high - (high - low) * rise * scale)
        return [low + (high - low) * rise * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class OneCycleLR(_WithMomentum):
    """lr goes from max_lr / div_factor up to max_lr, then down to a final_div_factor-th of where it began.

    Smith and Topin, 2018. It takes `total_steps`, or `epochs`·`steps_per_epoch`, of which pct_start go up; step() is
    called after every batch. three_phase: comes down to where it began as fast as it went up, then to the end.
    anneal_strategy: "cos" or "linear". Momentum (or β1) goes from max_momentum to base_momentum and back.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = OneCycleLR(opt, max_lr=1.0, total_steps=5, pct_start=0.6), []
    >>> for epoch in range(5):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> [round(lr, 3) for lr in rates]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        self.optimizer = check_optimizer("OneCycleLR", optimizer)
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("OneCycleLR: you must define either total_steps OR (epochs AND steps_per_epoch)")
        counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for what, n in counts.items() if total_steps is None else [("total_steps", total_steps)]:
            if not isinstance(n, int) or n <= 0:
                raise ValueError(f"OneCycleLR: expected positive integer {what}, got {n}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: expected float between 0 and 1 pct_start, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be one of 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps = epochs * steps_per_epoch if total_steps is None else total_steps  # type: ignore[operator]
        self._anneal_func_type = anneal_strategy
        peak = float(pct_start * self.total_steps) - 1
        words = (
            "end_step",
            "start_lr",
            "end_lr",
            "start_momentum",
            "end_momentum",
        )  # the last four: keys of the groups
        phases: list[tuple] = [(peak, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            back = float(2 * pct_start * self.total_steps) - 2
            phases.append((back, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
            phases.append((self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
        else:
            phases.append((self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
        self._schedule_phases = [dict(zip(words, phase, strict=True)) for phase in phases]
        if last_epoch == -1:
            largest = for_each_group("OneCycleLR", optimizer, max_lr, "max_lr")
            for group, lr in zip(optimizer.param_groups, largest, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._prepare_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: tried to step {t} times, the number of total steps is {self.total_steps}")
        phases: list[dict[str, Any]] = self._schedule_phases
        i = next(i for i, phase in enumerate(phases) if t <= phase["end_step"] or phase is phases[-1])
        start = phases[i - 1]["end_step"] if i else 0.0
        end, lr_from, lr_to, momentum_from, momentum_to = phases[i].values()
        share = (t - start) / (end - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, self._between(group[momentum_from], group[momentum_to], share))
        return [self._between(group[lr_from], group[lr_to], share) for group in self.optimizer.param_groups]
