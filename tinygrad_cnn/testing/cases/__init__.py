"""The case table: every op with inputs to try it on. The tests run over it, and the viewer draws from it.

A case is data: the name of a public op, its inputs, its attributes, and an independent formula in NumPy.
Each topic file holds the cases of the file of the same name in `ops/`.

    Case("mul", [(2, 3), (3,)], expected=np.multiply)                       shapes -> normal random numbers
    Case("log", [Positive(2, 3)], expected=np.log)                          where the function is defined
    Case("conv2d", [(2, 3, 5, 5), (4, 3, 3, 3), (4,)], dict(stride=2), expected=naive_conv2d)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Draw:
    """How to draw an input of this shape. Values keep away from kinks and poles by at least `gap`."""

    gap = 0.05

    def __init__(self, *shape: int):
        self.shape = shape

    def draw(self, rng: np.random.Generator) -> Any:
        raise NotImplementedError


class Normal(Draw):
    """Normal numbers that are not close to zero, or to each other: no ties, no kinks."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        n = int(np.prod(self.shape))
        ranks = rng.permutation(n) - (n - 1) / 2
        values = ranks * max(self.gap, 3.0 / max(n, 1)) + rng.uniform(0.3, 0.45) * self.gap
        return values.reshape(self.shape)


class Positive(Draw):
    """Uniform in [0.2, 2.2)."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(0.2, 2.2, self.shape)


class Unit(Draw):
    """Uniform in (-0.9, 0.9)."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-0.9, 0.9, self.shape)


class Probability(Draw):
    """Uniform in (0.05, 0.95)."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(0.05, 0.95, self.shape)


class Labels(Draw):
    """Integers 0 <= i < classes; no gradient."""

    def __init__(self, *shape: int, classes: int):
        super().__init__(*shape)
        self.classes = classes

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, self.classes, self.shape)


@dataclass(frozen=True)
class Case:
    """One call of an op.

    inputs: a shape (a tuple of ints) for Normal, a Draw, or the array, number or None itself.
    expected: the same result from arrays, by an independent NumPy formula that takes inputs and attributes;
    None where a test of its own does that. orders: how many times it is differentiated in the tests.
    """

    op: str
    inputs: Sequence[Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    expected: Callable | None = None
    orders: int = 2
    note: str = ""

    def arrays(self, seed: int = 0, dtype: Any = np.float64) -> list:
        """The inputs, drawn; floating ones in this dtype."""
        rng = np.random.default_rng(seed)
        drawn = []
        for x in self.inputs:
            if isinstance(x, tuple):
                x = Normal(*x)
            if isinstance(x, Draw):
                x = x.draw(rng)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                x = np.asarray(x, dtype)
            drawn.append(x)
        return drawn

    def __str__(self) -> str:
        shapes = ",".join(
            str(x if isinstance(x, tuple) else x.shape if hasattr(x, "shape") else x) for x in self.inputs
        )
        attributes = "".join(f";{k}={v}" for k, v in self.attributes.items())
        return f"{self.op}[{shapes}{attributes}]{self.note}".replace(" ", "")


TOPICS = ("elementwise", "unary", "activation", "compare", "reduce", "cumulative", "sort", "shape", "index", "scatter",
          "special", "numbers", "statistics", "linalg", "matrices", "conv", "patches", "pool", "volumes", "resize",
          "softmax", "loss", "norm", "dropout", "embedding", "attention", "recurrent", "engine")  # fmt: skip


def table() -> Iterator[Case]:
    """All cases, topic by topic."""
    for topic in TOPICS:
        yield from importlib.import_module(f"{__name__}.{topic}").CASES


def public(name: str) -> Callable:
    """The function of this name: in nn.functional, with the parameters of the op, the package, Tensor, else the op."""
    import tinygrad_cnn
    from tinygrad_cnn.engine.call import registry
    from tinygrad_cnn.nn import functional

    for place in (functional, tinygrad_cnn, tinygrad_cnn.Tensor):
        if hasattr(place, name):
            return getattr(place, name)
    return registry[name]
