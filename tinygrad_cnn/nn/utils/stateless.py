"""PyTorch's older place of `func.functional_call`."""

from __future__ import annotations

import warnings
from typing import Any

from ... import func
from ...arrays.lines import user_level


def functional_call(
    module: Any,
    parameters_and_buffers: dict,
    args: Any = None,
    kwargs: dict | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`func.functional_call`, with a FutureWarning that says so.

    >>> import warnings
    >>> import tinygrad_cnn as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     functional_call(tg.nn.Linear(1, 1, bias=False), {"weight": tg.ones(1, 1)}, tg.ones(1)).item()
    1.0
    """
    warnings.warn(
        "nn.utils.stateless.functional_call is deprecated; use func.functional_call, which takes the same arguments",
        FutureWarning,
        stacklevel=user_level(),
    )
    return func.functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
