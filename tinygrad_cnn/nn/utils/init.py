"""Making a module whose values do not matter, since they are to be loaded."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from ...random import get_rng_state, set_rng_state
from ..module import Module

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """module_cls(*args, **kwargs), with no promise of its values; the random numbers go on as if none had been drawn.

    RuntimeError for what is no Module, or takes no device.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.utils.skip_init(tg.nn.Linear, 3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"skip_init: Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("skip_init: Module must support a 'device' arg to skip initialization")
    before = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(before)
