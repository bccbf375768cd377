"""A table that appears row by row."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any, TextIO


class Table:
    """Columns by their headings, which say the unit, each with the format of its numbers.

    >>> import sys
    >>> table = Table("op", {"ms": "8.2f"}, sys.stdout, name=6)
    <BLANKLINE>
    op          ms
    >>> table.row("relu", {"ms": 1.234})
    relu      1.23
    >>> table.row("tanh", {"ms": None})
    tanh
    """

    def __init__(self, title: str, columns: dict[str, str], out: TextIO, name: int = 20):
        self.columns, self.out, self.name = columns, out, name
        self._line(f"\n{title:{name}s}", [f"{heading:>{width(spec)}s}" for heading, spec in columns.items()])

    def row(self, name: str, figures: dict[str, Any]) -> None:
        """A line; what is not among the figures, or None, stays blank."""
        cells = []
        for heading, spec in self.columns.items():
            value = figures.get(heading)
            cells.append(" " * width(spec) if value is None else format(value, spec))
        self._line(f"{name:{self.name}s}", cells)

    def _line(self, name: str, cells: list[str]) -> None:
        print(name + "".join(cells).rstrip(), file=self.out, flush=True)


def width(spec: str) -> int:
    """The characters of a cell.

    >>> width(">9,.1f"), width("12.0%")
    (9, 12)
    """
    return int(spec.lstrip(">").split(".")[0].rstrip(",s"))


def geometric_mean(values: Iterable[float]) -> float | None:
    """The mean of ratios; None where there are none.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    values = list(values)
    return statistics.geometric_mean(values) if values else None
