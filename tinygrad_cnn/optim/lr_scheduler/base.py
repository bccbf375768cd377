"""What all schedulers have in common: they count epochs and write `lr` into the optimizer's groups.

A scheduler is mostly two lines. `get_lr` says the rates of epoch `last_epoch`, from the rates of the epoch
before: so several schedulers can work on one optimizer, and a rate set by hand is respected.
`_get_closed_form_lr` says them from the initial rates alone: so a scheduler can begin, or begin again, anywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from types import FunctionType
from typing import Any

from ...arrays.arguments import names_itself
from ...engine.tensor import Tensor
from ..optimizer import Optimizer


class LRScheduler:
    """Base class: a subclass defines `get_lr()`, from `last_epoch`, `base_lrs` and `optimizer.param_groups`.

    last_epoch: the epoch to go on from; -1 begins at the optimizer's rates.
    Making a scheduler sets the rates of epoch 0; `step()`, after `optimizer.step()`, those of the next.

    >>> import tinygrad_cnn as tg
    >>> class Inverse(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / (1 + self.last_epoch) for lr in self.base_lrs]
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = Inverse(opt), []
    >>> for epoch in range(4):
    ...     rates += plan.get_last_lr()
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names_itself(cls)
        if "get_lr" in vars(cls) and cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
            cls.get_lr = _within_step(cls.get_lr)  # type: ignore[method-assign]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        self.optimizer = check_optimizer(type(self).__name__, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: param 'initial_lr' is not specified in param_groups[{i}], which going on "
                    f"from last_epoch={last_epoch} needs; load the optimizer's state first"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self._get_lr_called_within_step = False  # which subclasses that were written for PyTorch ask for
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates of epoch `last_epoch`, one for each group; called by step()."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rates that are in use, one for each group."""
        return self._last_lr

    def lrs(self) -> list[float]:
        """The rates of the groups as they are now."""
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to `epoch`, and set its rates."""
        overridden = type(self.optimizer).step is not Optimizer.step
        if self._step_count == 1 and not self.optimizer._opt_called and not overridden:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`, which skips the first value of the "
                "schedule; call them the other way round",
                UserWarning,
                stacklevel=2,
            )
        if epoch is not None:
            warn_of_epoch()
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            self._set_lr(self.get_lr() if epoch is None else closed_form())
        finally:
            self._get_lr_called_within_step = False

    def _set_lr(self, lrs: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_lr(group, lr)
        self._last_lr = self.lrs()

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, but not the optimizer and no functions."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer" and not callable(value)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        check_state(type(self).__name__, state_dict)
        self.__dict__.update(state_dict)


class _LRScheduler(LRScheduler):
    """LRScheduler by its old name, for subclasses that know it by that."""


def _within_step(get_lr: Callable) -> Callable:
    """get_lr of a scheduler, which says that it is no question of users: asked again, it may go on by a step."""

    @wraps(get_lr)
    def g(self: LRScheduler) -> list[float]:
        if not self._get_lr_called_within_step:
            warnings.warn(
                f"{type(self).__name__}: get_lr() is what step() asks for the rates of the next epoch; "
                "for those in use ask get_last_lr()",
                UserWarning,
                stacklevel=2,
            )
        return get_lr(self)

    return g


def warn_of_epoch() -> None:
    """Say that a scheduler counts epochs by itself."""
    warnings.warn(
        "lr_scheduler.step(epoch=...) is deprecated: a scheduler counts epochs by itself, call step(); to begin "
        "elsewhere, load its state",
        UserWarning,
        stacklevel=3,
    )


def copied(lr: Any) -> Any:
    """A rate that stays when the one of the group goes on, which a Tensor does in place."""
    return lr.clone() if isinstance(lr, Tensor) else lr


def set_lr(group: dict[str, Any], lr: Any) -> None:
    """Give a group its rate; a Tensor stays the same one, for whoever holds it too."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(lr)
    else:
        group["lr"] = lr


def state_of(f: Any) -> dict[str, Any] | None:
    """What a callable object remembers, for the state of a scheduler; None of a function."""
    return None if f is None or isinstance(f, FunctionType) else dict(vars(f))


def check_state(name: str, state_dict: Any) -> None:
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"{name}.load_state_dict: expected the dict of state_dict(), got a {type(state_dict).__name__}")


def check_optimizer(name: str, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{name}: {type(optimizer).__name__} is not an Optimizer")
    return optimizer


def for_each_group(name: str, optimizer: Optimizer, value: Any, what: str) -> list:
    """One value for each group, from one for all or a list of them."""
    n = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * n
    if len(value) != n:
        raise ValueError(f"{name}: {what} must have one value for each parameter group: got {len(value)}, groups {n}")
    return list(value)
