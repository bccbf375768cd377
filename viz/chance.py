"""The random numbers of a script, of whichever source: Python's, NumPy's and this library's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.blocks import block
from tinygrad_cnn.random import get_rng_state, set_rng_state


def chances() -> tuple[Any, Any, Any]:
    """The states of all three, for `put_back`."""
    return random.getstate(), np.random.get_state(), get_rng_state()


def put_back(states: tuple[Any, Any, Any]) -> None:
    """Let all three go on from where they were.

    >>> before = chances()
    >>> x = np.random.random()
    >>> put_back(before)
    >>> x == np.random.random()
    True
    """
    pythons, numpys, ours = states
    set_rng_state(ours)
    np.random.set_state(numpys)
    random.setstate(pythons)


@block
def chance_untouched() -> Iterator[None]:
    """A block after which all three go on as if nothing had been drawn in it."""
    before = chances()
    try:
        yield
    finally:
        put_back(before)
