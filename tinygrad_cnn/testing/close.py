"""Whether what was computed is what was expected, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from ..engine.tensor import as_array

# By dtype: how far off a result may be, relative to what is expected, and whatever that is.
TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError unless |actual - expected| ≤ atol + rtol · |expected| everywhere, and shapes and dtypes are equal.

    Both are Tensors, arrays or numbers, or lists or dicts of them. rtol and atol, given both or neither, are by default
    those of the less exact of the two dtypes: 1e-3 and 1e-5 for float16, 1.3e-6 and 1e-5 for float32, 1e-7 for
    float64, 0 for others. msg: the words of the error, or what makes them of the usual ones. Devices and layouts are
    those of the CPU; check_stride compares strides as well. ValueError for one of rtol and atol alone, TypeError for
    what cannot be compared.

    >>> import tinygrad_cnn as tg
    >>> tg.testing.assert_close(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.000001]))
    >>> tg.testing.assert_close({"loss": [0.5]}, {"loss": [0.25]})
    Traceback (most recent call last):
    ...
    AssertionError: assert_close: at ['loss'][0]: 0.5 is not 0.25: off by 0.25, which may be 1e-07 + 1e-07 · 0.25
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: rtol and atol are given both or neither, got {rtol=} and {atol=}")
    if wrong := _difference(actual, expected, "", (rtol, atol), equal_nan, check_dtype, check_stride, allow_subclasses):
        words = f"assert_close: {wrong}"
        raise AssertionError(msg(words) if callable(msg) else msg or words)


def _difference(actual: Any, expected: Any, where: str, tolerances: tuple, *how: bool) -> str | None:
    """What differs first, in words; None where nothing does."""
    at = f"at {where}: " if where else ""
    plain = [isinstance(x, Sequence | Mapping) and not isinstance(x, str) for x in (actual, expected)]
    if all(plain):
        keyed = isinstance(actual, Mapping)
        if keyed != isinstance(expected, Mapping):
            return f"{at}one is a mapping and the other is not"
        if len(actual) != len(expected) or (keyed and actual.keys() != expected.keys()):
            shown = [sorted(map(str, x)) if keyed else len(x) for x in (actual, expected)]
            return f"{at}{'the keys are' if keyed else 'the lengths are'} {shown[0]} and {shown[1]}"
        keys = actual if keyed else range(len(actual))
        found = (_difference(actual[k], expected[k], f"{where}[{k!r}]", tolerances, *how) for k in keys)
        return next((words for words in found if words), None)
    if any(plain):
        return f"{at}{type(actual).__name__} and {type(expected).__name__} are not alike"
    return _apart(actual, expected, at, tolerances, *how)


def _apart(
    actual: Any, expected: Any, at: str, tolerances: tuple, equal_nan: bool, check_dtype: bool, check_stride: bool,
    allow_subclasses: bool,
) -> str | None:  # fmt: skip
    kinds = type(actual), type(expected)
    if not allow_subclasses and kinds[0] is not kinds[1]:
        return f"{at}the types are {kinds[0].__name__} and {kinds[1].__name__}"
    if actual is None and expected is None:
        return None
    numbers = [isinstance(x, Number) for x in (actual, expected)]
    a, b = (np.asarray(as_array(x)) for x in (actual, expected))
    if numbers[0] != numbers[1] or a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        raise TypeError(f"assert_close: {at}cannot compare {kinds[0].__name__} with {kinds[1].__name__}")
    if a.shape != b.shape:
        return f"{at}the shapes are {a.shape} and {b.shape}"
    if check_dtype and a.dtype != b.dtype:
        return f"{at}the dtypes are {a.dtype} and {b.dtype}"
    if check_stride and a.strides != b.strides:
        return f"{at}the strides are {a.strides} and {b.strides}, in bytes"
    rtol, atol = tolerances
    if rtol is None:
        rtol, atol = map(max, *(TOLERANCES.get(x.dtype.name, (0.0, 0.0)) for x in (a, b)))
    common = np.result_type(a, b)
    x, y = (v.astype(common if common.kind in "fc" else object) for v in (a, b))
    with np.errstate(all="ignore"):
        off = np.abs(x - y)
        close = (x == y) | (np.asarray(off <= atol + rtol * np.abs(y), bool) & _finite(b))
    if equal_nan:
        close = close | (_nan(a) & _nan(b))
    if np.all(close):
        return None
    place = tuple(int(i) for i in np.argwhere(~np.asarray(close, bool))[0])
    among = f", the first of {int(np.sum(~np.asarray(close, bool)))} of {a.size}, at {place}" if a.ndim else ""
    return (
        f"{at}{a[place]} is not {b[place]}{among}: off by {off[place]:.6g}, which may be "
        f"{atol:g} + {rtol:g} · {abs(y[place]):.6g}"
    )


def _finite(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x) if x.dtype.kind in "fc" else np.ones(x.shape, bool)


def _nan(x: np.ndarray) -> np.ndarray:
    return np.isnan(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)
