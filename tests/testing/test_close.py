"""assert_close, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg

PAIRS = {
    "equal": lambda m: (m.tensor([1.0, 2.0]), m.tensor([1.0, 2.0])),
    "a little off": lambda m: (m.tensor([1.0]), m.tensor([1.0 + 2e-6])),
    "too far off": lambda m: (m.tensor([1.0]), m.tensor([1.0001])),
    "double": lambda m: (m.tensor([1.0]).double(), m.tensor([1.0]).double() + 1e-6),
    "half": lambda m: (m.tensor([1.0]).half(), m.tensor([1.001]).half()),
    "whole": lambda m: (m.tensor([3]), m.tensor([4])),
    "nan": lambda m: (m.tensor([np.nan]), m.tensor([np.nan])),
    "inf": lambda m: (m.tensor([np.inf]), m.tensor([np.inf])),
    "both infinities": lambda m: (m.tensor([np.inf]), m.tensor([-np.inf])),
    "far from inf": lambda m: (m.tensor([1.0]), m.tensor([np.inf])),
    "shapes": lambda m: (m.ones(2), m.ones(1, 2)),
    "dtypes": lambda m: (m.ones(2), m.ones(2).double()),
    "empty": lambda m: (m.ones(0), m.ones(0)),
    "numbers": lambda m: (1.0, 1.1),
    "kinds of numbers": lambda m: (1, 1.0),
    "a number and a tensor": lambda m: (1, m.tensor(1)),
    "a list and a tuple": lambda m: ([m.ones(1), 2.0], (m.ones(1), 2.0)),
    "lengths": lambda m: ([1], [1, 2]),
    "keys": lambda m: ({"a": 1}, {"b": 1}),
    "deep": lambda m: ({"a": [m.ones(1)]}, {"a": [m.zeros(1)]}),
    "texts": lambda m: ("a", "a"),
    "nothing": lambda m: (None, None),
}
OPTIONS = [{}, {"rtol": 0.0, "atol": 1e-3}, {"equal_nan": True}, {"check_dtype": False}, {"msg": "so"}]


def test_it_decides_as_pytorch_does(pytorch):
    def decisions(m):
        found = {}
        for name, make in PAIRS.items():
            for options in OPTIONS:
                try:
                    m.testing.assert_close(*make(m), **options)
                    found[f"{name} {options}"] = "close"
                except (AssertionError, TypeError, ValueError) as error:
                    found[f"{name} {options}"] = type(error).__name__
        return found

    pytorch.agrees(decisions)


def test_what_it_says():
    far = tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([[1.0, 2.5], [3.0, 5.0]])
    with pytest.raises(AssertionError, match=r"2\.0 is not 2\.5, the first of 2 of 4, at \(0, 1\): off by 0\.5, which"):
        tg.testing.assert_close(*far)
    with pytest.raises(ValueError, match=r"rtol and atol are given both or neither, got rtol=0\.1"):
        tg.testing.assert_close(*far, rtol=0.1)
    with pytest.raises(AssertionError, match=r"^in the end: assert_close: at \['w'\]: 2\.0"):
        tg.testing.assert_close({"w": far[0]}, {"w": far[1]}, msg=lambda words: f"in the end: {words}")
