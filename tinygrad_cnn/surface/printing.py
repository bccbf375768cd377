"""How tensors and modules show themselves: values in text, `set_printoptions`, and what a notebook gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.quiet import silent
from ..engine.tensor import Tensor
from ..ops.declared import appears
from .attach import method

DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
PROFILES = {
    "default": DEFAULTS,
    "short": {**DEFAULTS, "precision": 2, "edgeitems": 2},
    "full": {**DEFAULTS, "threshold": 2**62},
}
_options: dict[str, Any] = dict(DEFAULTS)


@appears("function")
def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors show their values: digits, from how many elements on they are shortened, and how wide lines are.

    profile: "default", "short" or "full" sets them all; sci_mode: powers of ten always (True) or as needed (None).

    ValueError for another profile.

    >>> import tinygrad_cnn as tg
    >>> tg.set_printoptions(precision=2)
    >>> tg.tensor([1 / 3])
    tensor([0.33], shape=(1,), dtype=float32)
    >>> tg.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {', '.join(PROFILES)}, got {profile!r}")
        _options.update(PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


@silent
def values(array: np.ndarray, prefix: str = "") -> str:
    """The values of an array, nested like lists."""
    scientific = _options["sci_mode"]
    digits = _options["precision"]
    style = {} if not scientific else {"float_kind": lambda x: f"{x:.{digits}e}"}
    return np.array2string(
        array,
        separator=", ",
        precision=digits,
        threshold=min(_options["threshold"], 2**62),
        edgeitems=_options["edgeitems"],
        max_line_width=_options["linewidth"],
        suppress_small=scientific is False,
        formatter=style or None,  # type: ignore[arg-type]
        prefix=prefix,
    )


@method
def __repr__(self: Tensor) -> str:
    return f"tensor({describe(self)})"


def describe(t: Tensor) -> str:
    """What a repr says of a tensor: values, shape, dtype, and how it stands to the graph."""
    a = t._array
    text = f"{values(a, 'tensor(')}, shape={a.shape}, dtype={a.dtype}"
    if t.grad_fn is not None:
        return f"{text}, grad_fn={t.grad_fn!r}"
    return f"{text}, requires_grad=True" if t._requires_grad else text


# Draws a tensor or a module as HTML, or gives None where there is no more to see than its text. Only viz can draw,
# which stands far above: the package puts it here.
draw: Callable[[Any], str | None] = lambda shown: None


@method
def _repr_mimebundle_(self: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a tensor or a module: text, and HTML where there is more to see."""
    shown = {"text/plain": repr(self)}
    try:
        html = draw(self)
    except ImportError:  # a part that draws is not installed; the text is always there
        return shown
    return {**shown, "text/html": html} if html else shown
