"""A call made again, in double precision and on copies: its result, and what its rules make of any gradient.

That is how a gradient is checked, and how it is seen which factor made it zero. Where a call cannot be made again
with the same result, `reason` says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.quiet import quietly
from tinygrad_cnn.arrays.size import Size
from tinygrad_cnn.engine.modes import Setting
from tinygrad_cnn.engine.node import Parts
from tinygrad_cnn.engine.op import Op
from tinygrad_cnn.engine.record import OpNode, record
from tinygrad_cnn.engine.tensor import wrap

from .chance import chance_untouched

LARGEST = 20_000_000
PLAIN = (type(None), bool, int, float, complex, str, slice, type(...), np.dtype, np.generic, Size)
UNSEEN: dict[str, Any] = {"watch": False, "tracer": None, "grad": False, "scope": None}


class Again:
    """A call of an op on widened copies of these values, whose inputs at `places` got a gradient."""

    def __init__(self, op: Any, values: Sequence, out: Any, places: Sequence[int]):
        self.op, self.places, self.given = op, list(places), out
        self.reason = _obstacle(op, values)
        if self.reason:
            return
        self.values = [wide(v) for v in values]
        try:
            self.out, self.extras = self._compute(self.values)
        except Exception as error:  # an op of the script may do anything
            self.reason = f"run again in double precision, this op raises {type(error).__name__}"
            return
        self.outs = _listed(self.out)
        if not _same(self.outs, out):
            self.reason = "run again, the op gives another result: it is random, overflows, or an input changed"

    def run(self, values: list) -> list[np.ndarray]:
        """The results on other values of the same kinds."""
        return _listed(self._compute(values)[0])

    def _compute(self, values: list) -> tuple[Any, Sequence]:
        """The result and what forward hands on, with every random state left as it was."""
        with chance_untouched(), Setting(**UNSEEN):
            found = quietly(self.op.compute, *[wide(v) for v in values])
        out, extras = (found[0], found[1:]) if self.op.keeps else (found, ())
        return out if isinstance(out, tuple) else np.asarray(out), extras

    @cached_property
    def node(self) -> OpNode:
        """The record of this call; what its rules take is in `saved`."""
        args: list = list(self.values)
        needed = 0
        for i in self.places:
            args[i] = wrap(args[i])
            args[i]._requires_grad = True
            needed |= 1 << i
        with Setting(**UNSEEN):
            node = record(self.op, args, list(self.values), needed, self.out, self.extras)
        assert node is not None
        node.shape, node.dtype = self.outs[0].shape, np.dtype(np.float64)
        return node

    def pull(self, g: Any) -> list[np.ndarray | None]:
        """What the rules make of this gradient, for each of the places."""
        whole = Parts({i: _float64(part) for i, part in g.items()}) if isinstance(g, dict) else _float64(g)
        with chance_untouched(), Setting(**UNSEEN):
            found = quietly(self.node.pull, whole)
        return [None if c is None else np.asarray(c) for c in found]

    @cached_property
    def named(self) -> dict[str, Any]:
        """The inputs and attributes by their names, and the result as it was given."""
        return {**dict(zip(self.op.parameters, self.values, strict=False)), "out": _listed(self.given)[0]}

    @cached_property
    def names(self) -> list[str]:
        """What the rules take, one name for each of the saved things."""
        plan, op = self.node.plan, self.op
        known = dict(enumerate(plan.numbered))
        return [
            op.variadic if isinstance(k, slice) and op.variadic else "" if isinstance(k, slice) else known.get(k, "")
            for k in plan.keep
        ]


def _float64(g: Any) -> np.ndarray:
    return np.asarray(g, dtype=np.float64)


def _listed(out: Any) -> list[np.ndarray]:
    return [np.asarray(o) for o in (out if isinstance(out, tuple) else (out,))]


def _obstacle(op: Any, values: Sequence) -> str:
    if not isinstance(op, Op):
        return "a Function's forward is not run again"
    if sum(v.size for v in values if isinstance(v, np.ndarray)) > LARGEST:
        return f"more than {LARGEST:,} elements"
    return next((f"an argument is a {type(v).__name__}" for v in values if not _repeatable(v)), "")


def _repeatable(v: Any) -> bool:
    """Whether a call with this argument can be made again, on copies, without changing anything."""
    if isinstance(v, (tuple, list)):
        return all(map(_repeatable, v))
    return isinstance(v, (np.ndarray, *PLAIN)) or (isinstance(v, type) and issubclass(v, np.generic))


def wide(v: Any) -> Any:
    """A copy, in double precision."""
    if isinstance(v, (tuple, list)) and not isinstance(v, Size):
        make = getattr(v, "_make", type(v))  # a named tuple takes its fields one by one
        return make(map(wide, v))
    if isinstance(v, np.ndarray):
        return v.astype(np.float64) if v.dtype.kind == "f" else v.copy()
    if (isinstance(v, np.dtype) and v.kind == "f") or (isinstance(v, type) and issubclass(v, np.floating)):
        return np.dtype(np.float64)
    return v


def _same(again: list, out: Any) -> bool:
    outs = [np.asarray(o) for o in (out if isinstance(out, tuple) else (out,))]
    return len(outs) == len(again) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-2, atol=1e-3 * max(1e-30, top(b)), equal_nan=True)
        for a, b in zip(again, outs, strict=True)
    )


def tiny(a: np.ndarray) -> float:
    """The smallest number that this dtype holds in full."""
    return float(np.finfo(a.dtype).tiny) if a.dtype.kind == "f" else 0.0


def top(a: np.ndarray) -> float:
    """The largest finite magnitude, 0 where there is none."""
    finite = np.abs(a[np.isfinite(a)]) if a.dtype.kind in "fc" else np.abs(a)
    return float(finite.max()) if finite.size else 0.0
