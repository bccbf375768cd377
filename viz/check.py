"""One element of a gradient worked out in numbers, by a method that does not know the rule.

    dL/dx[i] = Σ_j g[j] · ∂out[j]/∂x[i]

The slopes ∂out[j]/∂x[i] are found by running the op again in double precision with x[i] a little larger and a
little smaller (a central difference). So the sum is both the explanation and the check of the rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.blocks import block
from tinygrad_cnn.arrays.quiet import quietly, silent
from tinygrad_cnn.arrays.size import Size
from tinygrad_cnn.engine.op import Op
from tinygrad_cnn.random import get_rng_state, set_rng_state

from .samples import brief

STEP = 1e-5
SHOWN = 4
LARGEST = 20_000_000
PLAIN = (type(None), bool, int, float, complex, str, slice, type(...), np.dtype, np.generic, Size)


def worked(op: Any, values: list, out: Any, places: list[int], g: Any, contributions: list) -> list[dict | None]:
    """For each contribution (to the argument at the same place in `places`): an element, its terms, both results."""
    reason = _obstacle(op, values)
    wide = [] if reason else [_wide(v) for v in values]
    if not reason:
        try:
            if not _same(_run(op, wide), out):
                reason = (
                    "not checked: run again, this op gives another result (it is random, or an input changed since)"
                )
        except Exception as error:  # an op of the script may do anything
            reason = f"not checked: run again in double precision, this op raises {type(error).__name__}"
    results: list[dict | None] = []
    for place, c in zip(places, contributions, strict=True):
        index = _choose(c)
        if index is None:
            results.append(None)
            continue
        entry: dict[str, Any] = {"index": [int(i) for i in index], "analytic": brief(c[index])}
        results.append(entry | ({"check": reason} if reason else _terms(op, wide, place, index, g, c[index])))
    return results


def _choose(c: Any) -> tuple | None:
    """The element that is the largest in magnitude, the first of equals."""
    if c is None or not isinstance(c, np.ndarray | np.generic) or np.size(c) == 0 or np.asarray(c).dtype.kind != "f":
        return None
    magnitude = np.abs(np.asarray(c))
    return np.unravel_index(int(np.argmax(np.where(np.isfinite(magnitude), magnitude, -1))), magnitude.shape)


def _obstacle(op: Any, values: list) -> str:
    if not isinstance(op, Op):
        return "not checked: a Function's forward is not run again"
    if sum(v.size for v in values if isinstance(v, np.ndarray)) > LARGEST:
        return f"not checked: more than {LARGEST:,} elements"
    return next((f"not checked: an argument is a {type(v).__name__}" for v in values if not _repeatable(v)), "")


def _repeatable(v: Any) -> bool:
    """Whether a call with this argument can be made again, on copies, without changing anything."""
    if isinstance(v, (tuple, list)):
        return all(map(_repeatable, v))
    return isinstance(v, (np.ndarray, *PLAIN)) or (isinstance(v, type) and issubclass(v, np.generic))


def _wide(v: Any) -> Any:
    """A copy, in double precision."""
    if isinstance(v, (tuple, list)) and not isinstance(v, Size):
        make = getattr(v, "_make", type(v))  # a named tuple takes its fields one by one
        return make(map(_wide, v))
    if isinstance(v, np.ndarray):
        return v.astype(np.float64) if v.dtype.kind == "f" else v.copy()
    if (isinstance(v, np.dtype) and v.kind == "f") or (isinstance(v, type) and issubclass(v, np.floating)):
        return np.dtype(np.float64)
    return v


def _run(op: Op, values: list) -> list[np.ndarray]:
    """The results of the op, with every random state left as it was."""
    with _chance_untouched():
        out = quietly(op.compute, *[_wide(v) for v in values])
    if op.keeps:
        out = out[0]
    return [np.asarray(o) for o in (out if isinstance(out, tuple) else (out,))]


@block
def _chance_untouched() -> Iterator[None]:
    ours, numpys, pythons = get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        set_rng_state(ours)
        np.random.set_state(numpys)
        random.setstate(pythons)


def _same(again: list, out: Any) -> bool:
    outs = [np.asarray(o) for o in (out if isinstance(out, tuple) else (out,))]
    return len(outs) == len(again) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-2, atol=1e-3 * max(1.0, _top(b)), equal_nan=True)
        for a, b in zip(again, outs, strict=True)
    )


def _top(a: np.ndarray) -> float:
    finite = np.abs(a[np.isfinite(a)]) if a.dtype.kind in "fc" else np.abs(a)
    return float(finite.max()) if finite.size else 0.0


@silent
def _terms(op: Op, values: list, place: int, index: tuple, g: Any, analytic: Any) -> dict[str, Any]:
    x = values[place]
    at = x[index]
    step = STEP * max(1.0, abs(float(at)))
    sides = []
    for h in (step, -step):
        moved = list(values)
        moved[place] = x.copy()
        moved[place][index] = at + h
        sides.append(_run(op, moved))
    terms: list[tuple[float, dict]] = []
    total = size = 0.0
    count = 0
    for nr, (up, down) in enumerate(zip(*sides, strict=True)):
        incoming = g.get(nr) if isinstance(g, dict) else g
        if incoming is None or up.dtype.kind != "f":
            continue
        incoming = np.broadcast_to(np.asarray(incoming, dtype=np.float64), up.shape)
        slope = (up - down) / (2 * step)
        slope = np.where(np.abs(slope) > 1e-8 * max(1.0, _top(up)), slope, 0.0)
        products = incoming * slope
        total += float(products.sum())
        size += float(np.abs(products).sum())
        count += int(np.count_nonzero(slope))
        for flat in np.argsort(-np.abs(products), axis=None, kind="stable")[:SHOWN]:
            j = np.unravel_index(int(flat), up.shape)
            if slope[j] != 0:
                term = {"at": [int(i) for i in j], "g": brief(incoming[j]), "slope": brief(slope[j])}
                terms.append((-abs(float(products[j])), term | ({"output": nr} if isinstance(g, dict) else {})))
    terms.sort(key=lambda t: t[0])
    shown = sorted((t for _, t in terms[:SHOWN]), key=lambda t: (t.get("output", 0), t["at"]))
    close = abs(total - float(analytic)) <= 1e-3 * abs(float(analytic)) + 1e-4 * size + 1e-9
    return {"terms": shown, "count": count, "numeric": brief(total), "check": "agrees" if close else "differs"}
