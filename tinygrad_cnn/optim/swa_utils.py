"""Weights averaged over a training: equally (SWA; Izmailov et al., 2018), or the late ones counting more (EMA).

averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))
for images, labels in loader:
    ...
    optimizer.step()
    averaged.update_parameters(model)
update_bn(loader, averaged)  # statistics of batch norms, which belong to other weights
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from ..arrays.dtypes import int64
from ..autograd.grad_mode import no_grad
from ..engine.tensor import Tensor
from ..nn import Module
from ..nn.norm import _BatchNorm
from ..surface.creation import tensor
from .lr_scheduler.base import LRScheduler, check_optimizer, for_each_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

# Of an average, a model and how many are averaged: the new average, or the averages changed in place.
Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function that gives decay · average + (1 - decay) · model, for one tensor.

    >>> import tinygrad_cnn as tg
    >>> get_ema_avg_fn(0.75)(tg.tensor([0.0]), tg.tensor([8.0]), 1).tolist()
    [2.0]
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function that gives average + (model - average) / (n + 1), the mean of n + 1 models, for one tensor.

    >>> import tinygrad_cnn as tg
    >>> get_swa_avg_fn()(tg.tensor([1.0]), tg.tensor([4.0]), 2).tolist()
    [2.0]
    """

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """A function that moves averages towards a model's tensors, by 1 - decay of the way, in place.

    >>> import tinygrad_cnn as tg
    >>> average = tg.tensor([0.0])
    >>> get_ema_multi_avg_fn(0.75)([average], [tg.tensor([8.0])], 1)
    >>> average.tolist()
    [2.0]
    """
    one = get_ema_avg_fn(decay)

    @no_grad()
    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any) -> None:
        _move(ema_param_list, current_param_list, 1 - decay, lambda p, q: one(p, q, num_averaged))

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """A function that makes means of n models those of n + 1, in place.

    >>> import tinygrad_cnn as tg
    >>> average = tg.tensor([1.0])
    >>> get_swa_multi_avg_fn()([average], [tg.tensor([4.0])], 2)
    >>> average.tolist()
    [2.0]
    """
    one = get_swa_avg_fn()

    @no_grad()
    def swa_update(
        averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any
    ) -> None:
        part = float(1 / (num_averaged + 1))
        _move(averaged_param_list, current_param_list, part, lambda p, q: one(p, q, num_averaged))

    return swa_update


def _move(averages: Sequence[Tensor], tensors: Sequence[Tensor], part: float, otherwise: Callable) -> None:
    """Move averages towards tensors by this part of the way; integers, which have no such place, `otherwise`."""
    for average, current in zip(averages, tensors, strict=True):
        if average.is_floating_point():
            average.lerp_(current, part)
        else:
            average.copy_(otherwise(average, current))


class AveragedModel(Module):
    """A copy of a model whose weights are averages of those that update_parameters() is shown.

    device: where the copy is, "cpu". avg_fn: f(average, parameter, n) that gives the new average of one parameter,
    n the number of models so far; multi_avg_fn: f(averages, parameters, n), lists of one dtype, that changes the
    averages; not both. Without them all models count equally. The first one is copied. use_buffers: buffers, such as
    the statistics of batch norms, are averaged, too, and not copied from the newest model.

    The state has the names of the model's behind "module.", and "n_averaged".

    >>> import tinygrad_cnn as tg
    >>> model = tg.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for weight in [1.0, 2.0, 6.0]:
    ...     _ = model.weight.data.fill_(weight)
    ...     averaged.update_parameters(model)
    >>> averaged(tg.ones(1)).tolist(), list(averaged.state_dict())
    ([3.0], ['n_averaged', 'module.weight'])
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of a model of the same shape into the averages.

        Raises a ValueError, and changes nothing, if its tensors are not those of the averaged model.
        """
        tensors = _pairs(self.module.named_parameters(), model.named_parameters(), "parameters")
        buffers = _pairs(self.module.named_buffers(), model.named_buffers(), "buffers")
        averaged, copied = (tensors + buffers, []) if self.use_buffers else (tensors, buffers)
        if self.n_averaged.item() == 0:
            averaged, copied = [], averaged + copied
        if self.avg_fn is not None:
            for average, current in averaged:
                average.copy_(self.avg_fn(average, current, self.n_averaged))
        elif averaged:
            move = self.multi_avg_fn or _as_multi(get_swa_avg_fn())
            for dtype in dict.fromkeys(average.dtype for average, _ in averaged):
                group = [pair for pair in averaged if pair[0].dtype == dtype]
                move([average for average, _ in group], [current for _, current in group], self.n_averaged)
        for average, current in copied:
            average.copy_(current)
        self.n_averaged.add_(1)


def _as_multi(avg_fn: Average) -> MultiAverage:
    def update(averages: Sequence[Tensor], tensors: Sequence[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averages, tensors, strict=True):
            average.copy_(avg_fn(average, current, num_averaged))

    return update


def _pairs(averages: Iterable, tensors: Iterable, what: str) -> list[tuple[Tensor, Tensor]]:
    """The tensors of the averaged model and those of another, detached, side by side."""
    pairs: list[tuple[Tensor, Tensor]] = []
    nothing: Any = (None, None)
    for (name, average), (_, current) in itertools.zip_longest(averages, tensors, fillvalue=nothing):
        ours, theirs = ("nothing" if t is None else tuple(t.shape) for t in (average, current))
        if ours != theirs:
            raise ValueError(
                f"AveragedModel.update_parameters: the {what} of the model are not those of the averaged one: "
                f"{theirs} stands where {name or 'nothing more'} {ours} should; give the model that was averaged"
            )
        pairs.append((average.detach(), current.detach()))
    return pairs


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running statistics of all batch norms in a model anew: the means over the batches of one pass.

    loader: gives inputs of the model, or tuples and lists whose first item is one. device: "cpu".

    >>> import tinygrad_cnn as tg
    >>> model = tg.nn.BatchNorm1d(1)
    >>> update_bn([tg.tensor([[0.0], [2.0]]), tg.tensor([[2.0], [6.0]])], model)
    >>> model.running_mean.tolist(), model.running_var.tolist()
    ([2.5], [5.0])
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    try:
        model.train()
        for module in momenta:
            module.reset_running_stats()
            module.momentum = None
        for batch in loader:
            first = batch[0] if isinstance(batch, list | tuple) else batch
            model(first if device is None else first.to(device))
    finally:
        for module, momentum in momenta.items():
            module.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """The rate goes to swa_lr in anneal_epochs epochs, along half a cosine ("cos") or a line ("linear"), and stays.

    swa_lr: a rate for all groups, or one for each.

    >>> import tinygrad_cnn as tg
    >>> opt = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> plan, rates = SWALR(opt, swa_lr=0.2, anneal_epochs=4, anneal_strategy="linear"), []
    >>> for epoch in range(6):
    ...     rates.append(round(plan.get_last_lr()[0], 6))
    ...     opt.step()
    ...     plan.step()
    >>> rates
    [1.0, 0.8, 0.6, 0.4, 0.2, 0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ):
        rates = for_each_group("SWALR", check_optimizer("SWALR", optimizer), swa_lr, "swa_lr")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be an int equal or greater than 0, got {anneal_epochs}")
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """How far the rate has gone at t, a part of anneal_epochs."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (
            self.anneal_func(max(0, min(1, s / max(1, self.anneal_epochs)))) for s in (step - 1, step)
        )  # the rate where the way began is not remembered: it follows from where the step before has come to
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
