"""Numbers that are looked at only to refuse wrong ones."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import as_array


def every(t: Any) -> Any:
    """The array of a tensor; in `vmap`, where a tensor stands for one example, those of all examples."""
    return as_array(getattr(t, "physical", t))
