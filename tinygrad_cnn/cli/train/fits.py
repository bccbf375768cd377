"""What can be known before the first step of a training that would fail later."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ...nn import BatchNorm2d
from .. import UserError
from .options import flag
from .training import Training

STATES = 4  # times the weights: themselves, at most two moments of each, and the best


def check(training: Training) -> None:
    """Refuse a network that does not take the images, and a disk that does not take what is to be written."""
    check_network(training)
    check_disk(training)


def check_network(training: Training) -> None:
    from ... import no_grad, zeros

    card, model = training.data.card, training.model
    c, h, w = card.shape
    single: list[Any] = []  # batch norms that are given one number a channel

    def look(norm: Any, inputs: Any, output: Any) -> None:
        if output.numel() == norm.num_features:
            single.append(norm)

    handles = [m.register_forward_hook(look) for m in model.modules() if isinstance(m, BatchNorm2d)]
    model.eval()
    try:
        with no_grad():
            model(zeros(1, c, h, w))
    except (ValueError, RuntimeError) as error:
        raise UserError(f"--model: {card.model} does not take images of {c}x{h}x{w}: {error}") from None
    finally:
        for handle in handles:
            handle.remove()
    n, batch = len(training.data.parts["train"]), training.options.batch_size
    if single and n % batch == 1 and not training.ranks.together:
        raise UserError(
            f"--batch-size: of {n} images, {batch} a step, one is left for the last, of which a batch norm of "
            f"{card.model} has no deviation at {h}x{w}; take another number, or a larger --size"
        )


def check_disk(training: Training) -> None:
    options = training.options
    weights = sum(t.numel() * t.element_size() for t in training.model.state_dict().values())
    wanted = {"save": weights, "checkpoint": STATES * weights, "folder": STATES * weights * (options.keep + 2)}
    for name, size in wanted.items():
        if place := getattr(options, name):
            there = next(p for p in (Path(place), *Path(place).parents) if p.is_dir())
            free = shutil.disk_usage(there).free
            if free < size:
                raise UserError(
                    f"{flag(name)}: the disk of {place} has {free / 1e6:,.1f} MB left, {size / 1e6:,.1f} are needed"
                )
