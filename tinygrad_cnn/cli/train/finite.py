"""What is done about a loss that is NaN or infinite: the training stops, and says where that came from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import UserError


def check_finite(loss: float, model: Any, images: Any, where: str) -> None:
    """Raise a UserError for a loss that is not finite, which the model gave for these images."""
    if not math.isfinite(loss):
        raise UserError(
            f"the loss became {loss} in {where}; the first value that is not finite is in "
            f"{first_bad_module(model, images)}; try a smaller --lr"
        )


def first_bad_module(model: Any, images: Any) -> str:
    """The first module in order of computation with a NaN or Inf in its weights or its output."""
    from ... import no_grad

    names = {module: name for name, module in model.named_modules()}
    found: list[str] = []

    def look(module: Any, inputs: Any, output: Any) -> None:
        for what, t in [*module.named_parameters(recurse=False), ("its output", output)]:
            if not found and not np.isfinite(t.detach().numpy()).all():
                found.append(f"{what} of module {names[module]!r}, {module}")

    handles = [m.register_forward_hook(look) for m in names if not list(m.children())]
    try:
        with no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "the loss"
