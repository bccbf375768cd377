"""What a picture shows of an array: its exact statistics, and all of its values or a mosaic of them.

Up to 64 values are kept exactly. Of a larger array a mosaic of at most 64×64 real elements is kept: the
planes of its last two axes side by side, as many as fit, and every second, fourth ... element of a plane
that is itself too large. A cell is an element of the array, never an average, so its index is known.

Mosaics are stored as 16-bit integers, in units of their largest magnitude / 32767.
"""

from __future__ import annotations

import base64
import math
import sys
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.quiet import silent
from tinygrad_cnn.engine.tensor import Tensor

EXACT = 64
SIDE = 64
FAR, MOST_FAR = 8, 16


def number(x: Any) -> float | int | str:
    """A number as JSON can hold it: the shortest that reads back the same; NaN and infinities as strings."""
    x = x.item() if isinstance(x, np.generic) and x.dtype.kind in "iub" else x
    if isinstance(x, (bool, int)):
        return int(x)
    if isinstance(x, complex | np.complexfloating):
        return str(complex(x))
    if math.isfinite(x):
        return float(str(x)) if isinstance(x, np.floating) else float(x)
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def brief(x: float) -> float | int | str:
    """The same to six digits, for statistics and sums."""
    return number(float(f"{float(x):.6g}"))


def plain(value: Any) -> Any:
    """An attribute as JSON can hold it, without addresses."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if value is Ellipsis:
        return "…"
    if isinstance(value, (int, float, complex, np.number, np.bool_)):
        return number(value)
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step)).removesuffix(":")
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return str(np.dtype(value))
    if isinstance(value, (np.ndarray, Tensor)):
        return f"{value.dtype} {tuple(value.shape)}"
    return type(value).__name__


@silent
def norm(array: Any) -> float:
    """‖array‖, the square root of the sum of squares: infinite or NaN where an element is, and nowhere else."""
    flat = np.asarray(array).ravel(order="K")
    if flat.dtype.kind != "c" and (flat.dtype.itemsize < 4 or flat.dtype.kind != "f" or flat.size <= 4096):
        flat = flat.astype(np.float64)
    squares = float(np.abs(np.vdot(flat, flat)))
    if 1e-30 < squares < 1e30:  # nothing was lost at either end of float32
        return math.sqrt(squares)
    magnitude = np.abs(flat).astype(np.float64)
    top = float(magnitude.max(initial=0.0))
    if top == 0 or not math.isfinite(top):
        return top
    magnitude /= top
    return min(top * math.sqrt(float(np.vdot(magnitude, magnitude))), sys.float_info.max)


class Layout:
    """Which elements of an array of this shape a mosaic shows, and where.

    grid: rows and columns of planes; step: of every how many rows and columns of a plane one is shown.
    """

    def __init__(self, shape: tuple[int, ...], side: int = SIDE):
        self.size = math.prod(shape)
        if len(shape) < 2:  # a vector goes on in the next row
            width = min(self.size, side)
            shape = (-(-self.size // width) if width else 0, width)
        height, width = shape[-2:]
        self.planes = math.prod(shape[:-2])
        self.height, self.width = height, width
        self.step = (_step(height, side), _step(width, side))
        tall, wide = -(-height // self.step[0]), -(-width // self.step[1])
        columns = max(1, min(side // max(wide, 1), math.ceil(math.sqrt(self.planes))))
        rows = max(1, min(side // max(tall, 1), -(-self.planes // columns)))
        self.grid = (rows, columns)
        self.tile = (tall, wide)

    def flat(self) -> np.ndarray:
        """The position of every cell in the flattened array, -1 where there is none: (rows, columns)."""
        (rows, columns), (tall, wide) = self.grid, self.tile
        plane = np.arange(rows)[:, None, None, None] * columns + np.arange(columns)[None, None, :, None]
        y = (np.arange(tall) * self.step[0])[None, :, None, None]
        x = (np.arange(wide) * self.step[1])[None, None, None, :]
        flat = (plane * self.height + y) * self.width + x
        return np.where((plane < self.planes) & (flat < self.size), flat, -1).reshape(rows * tall, columns * wide)


def _step(length: int, side: int) -> int:
    return 1 << max(0, math.ceil(math.log2(length / side))) if length > side else 1


class Sample:
    """A copy of what will be shown of an array; `document()` is its plain data."""

    def __init__(self, array: Any):
        a = np.asarray(array)
        self.shape, self.dtype = a.shape, str(a.dtype)
        self.exact = a.size <= EXACT
        flat = None if self.exact else Layout(a.shape).flat()
        self.values = a.copy() if flat is None else _take(a, flat)
        wide = a.astype(np.float64) if a.dtype.kind != "c" else np.abs(a)
        finite = np.isfinite(wide)
        self.bad = int(wide.size - np.count_nonzero(finite))
        self.nans = int(np.isnan(wide).sum()) if self.bad else 0
        good = wide[finite] if self.bad else wide
        self.stats = {
            "min": brief(good.min()) if good.size else None,
            "max": brief(good.max()) if good.size else None,
            "mean": brief((good / good.size).sum()) if good.size else None,
            "l2": brief(norm(wide)),
            "zeros": brief(1 - np.count_nonzero(wide) / wide.size) if wide.size else 0,
            "nan": self.nans,
            "inf": self.bad - self.nans,
        }
        if wide.ndim > 1 and wide.size and not self.bad and wide.min() <= 0:
            self.stats |= _units(wide)

    def document(self, side: int = SIDE) -> dict[str, Any]:
        """Plain data, with a mosaic of at most side × side; with side 0 the statistics alone."""
        out: dict[str, Any] = {"shape": list(self.shape), "dtype": self.dtype, **self.stats}
        if self.exact:
            out["values"] = [number(x) for x in self.values.ravel()]
        elif side:
            layout = Layout(self.shape, side)
            cells = layout.flat()
            shown = self.values if side == SIDE else _among(self.values, Layout(self.shape).flat(), cells)
            out["mosaic"] = {
                "grid": list(layout.grid),
                "tile": list(layout.tile),
                "step": list(layout.step),
                "plane": [layout.height, layout.width],
                "planes": layout.planes,
                **_packed(np.where(cells < 0, 0, shown)),
            }
        return out


def _units(wide: np.ndarray) -> dict[str, Any]:
    """The units, slices of the second and of the last axis, in which no element is above zero.

    Those are `off` for every one of `each` elements; `far` tells of the units whose largest element lies much further
    below zero than the unit in the middle lies from it: their number and that element.
    """
    found = []
    for axis in sorted({1, wide.ndim - 1}):
        others = tuple(d for d in range(wide.ndim) if d != axis)
        high, low = wide.max(axis=others), wide.min(axis=others)
        off = int(np.count_nonzero(high <= 0))
        if off:
            usual = float(np.median(np.abs(high + low)) / 2 + np.median(high - low))
            each = wide.size // len(high)
            below = (high < -FAR * usual) & (min(each, len(high)) >= 4)
            far = [[int(i), brief(high[i])] for i in np.flatnonzero(below)[:MOST_FAR]]
            found.append({"axis": axis, "of": len(high), "each": each, "off": off, "far": far})
    return {"units": found} if found else {}


def _take(a: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The elements at these positions of the flattened array; anything where the position is -1."""
    places = np.unravel_index(np.maximum(flat, 0), a.shape)
    values = a[places]
    return np.abs(values) if values.dtype.kind == "c" else values


def _among(values: np.ndarray, held: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values at the positions `wanted`, of values that are held for the positions `held`."""
    order = np.argsort(held, axis=None)
    places = order[np.searchsorted(held.ravel(), np.maximum(wanted, 0).ravel(), sorter=order)]
    return values.ravel()[places].reshape(wanted.shape)


def _packed(values: np.ndarray) -> dict[str, Any]:
    """16-bit integers in base64, and their unit; -32768 marks what is not finite."""
    v = values.astype(np.float64)
    finite = np.isfinite(v)
    top = float(np.abs(v[finite]).max()) if finite.any() else 0.0
    unit = top / 32767 or 1.0
    q = np.where(finite, np.round(np.where(finite, v, 0) / unit), -32768).astype("<i2")
    return {"unit": float(f"{unit:.9g}"), "data": base64.b64encode(q.tobytes()).decode()}


class Samples:
    """The table of samples of one document: equal ones are kept once, and all together within a budget of bytes."""

    def __init__(self, budget: int):
        self.budget = budget
        self.held: list[Sample] = []

    def add(self, array: Any) -> int:
        self.held.append(Sample(array))
        return len(self.held) - 1

    def document(self, used: set[int]) -> tuple[dict[str, Any], list[dict], dict[int, int]]:
        """What was thinned, the table of the samples that are used, and the row of each."""
        side = SIDE
        while True:
            rows: dict[str, int] = {}
            table: list[dict] = []
            where = {}
            size = 0
            for i in sorted(used):
                text = self.held[i].document(side)
                key = repr(text)
                if key not in rows:
                    rows[key] = len(table)
                    table.append(text)
                    size += len(key)
                where[i] = rows[key]
            if size <= self.budget or side == 0:
                break
            side = side // 2 if side > 8 else 0
        if side == SIDE:
            thinned = ""
        elif side:
            thinned = f"mosaics thinned from {SIDE}×{SIDE} to {side}×{side} cells, to stay within {self.budget} bytes"
        else:
            thinned = f"mosaics left out, statistics alone kept, to stay within {self.budget} bytes"
        return {"budget": self.budget, "bytes": size, "side": side, "thinned": thinned}, table, where
