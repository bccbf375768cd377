"""Numbers that are looked at before an op runs: to refuse wrong ones, or to make an index of them."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import as_array


def every(t: Any) -> Any:
    """The array of a tensor; in `vmap`, where a tensor stands for one example, those of all examples."""
    return as_array(getattr(t, "physical", t))


def numbers_of(t: Any) -> Any:
    """The array of a tensor, to compute with; in `vmap` there is none that could be known, which is an error there."""
    array = as_array(t)
    return array.tolist() if hasattr(t, "physical") else array
