"""Schedulers made of schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_state, set_lr
from .plateau import ReduceLROnPlateau


class _Combined(LRScheduler):
    """Several schedulers of one optimizer."""

    def __init__(self, optimizer: Optimizer | None, schedulers: Sequence[LRScheduler]):
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name}: expects at least one scheduler, got none")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name}: the scheduler at index {i}, a {type(scheduler).__name__}, has no optimizer")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name}: does not support ReduceLROnPlateau (at index {i}), whose step() needs a metric; "
                    "call its step() yourself"
                )
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        for i, scheduler in enumerate(schedulers):
            if scheduler.optimizer is not self.optimizer:
                raise ValueError(
                    f"{name}: expects all schedulers to belong to the same optimizer, the one at index {i} does not"
                )
        self._schedulers = list(schedulers)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state, which must be of as many schedulers; ValueError otherwise."""
        name, own = type(self).__name__, self._schedulers
        check_state(name, state_dict)
        states = state_dict.get("_schedulers", ())
        if len(states) != len(own):
            raise ValueError(f"{name}: the state is one of {len(states)} schedulers, here are {len(own)}")
        for state in states:
            check_state(f"a scheduler of {name}", state)
        super().load_state_dict({**state_dict, "_schedulers": own})
        for scheduler, state in zip(own, states, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Combined):
    """One scheduler after the other: the i-th from milestones[i - 1] on, each counting its own epochs.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm = tg.optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=2)
    >>> fall = tg.optim.lr_scheduler.ExponentialLR(opt, gamma=0.1)
    >>> plan = SequentialLR(opt, [warm, fall], milestones=[2])
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates.append(opt.param_groups[0]["lr"])
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [0.5, 0.5, 1.0, 0.1]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: list[int], last_epoch: int = -1
    ):
        super().__init__(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR: expects one scheduler more than milestones, "
                f"got {len(schedulers)} schedulers and {len(milestones)} milestones"
            )
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        # Making the schedulers has stepped them all; undo that, and let only the first begin.
        for group in optimizer.param_groups:
            set_lr(group, group["initial_lr"])
        for scheduler in self._schedulers:
            _step_back(scheduler)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _step_back(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Combined):
        for inner in scheduler._schedulers:
            _step_back(inner)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Combined):
    """All schedulers at once: each changes the rates that the one before it has set.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm = tg.optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=2)
    >>> fall = tg.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> plan, rates = ChainedScheduler([warm, fall]), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        super().__init__(optimizer, schedulers)
        self._last_lr = self.lrs()

    def step(self) -> None:  # type: ignore[override]
        """Step all of them."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self.lrs()
