"""One element of a gradient worked out in numbers, by a method that does not know the rule.

    dL/dx[i] = Σ_j g[j] · ∂out[j]/∂x[i]

The slopes ∂out[j]/∂x[i] are found by running the op again in double precision with x[i] a little larger and a
little smaller. So the sum is both the explanation and the check of the rule.

Usually one step of x[i], in proportion to it, tells. Where its answer is not the rule's, many are tried, long ones
where the result's rounding hides the difference, short ones beside a kink; each side is looked at by itself, and at a
kink the rule may give what either side does, or anything between. A rule is wrong where the difference is settled
to more digits than it differs by, and where the rule differs in double precision too: float32 may round away all
that is left of a difference. What cannot be settled is called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.quiet import silent

from .again import Again, tiny, top
from .samples import brief

SHOWN = 4
ULP = float(np.finfo(np.float64).eps)
NOT_HERE = "not checkable here: "
RATIOS = (1e-5, 1e-7, 1e-9, 1e-3, 1e-11)  # of a step to the element


def worked(call: Again, g: Any, contributions: list) -> list[dict | None]:
    """For each contribution, to the input at the same place in `call.places`: an element, its terms, both results."""
    return [_worked(call, nr, g, c) for nr, c in enumerate(contributions)]


@silent
def _worked(call: Again, nr: int, g: Any, c: Any) -> dict | None:
    if c is None or not isinstance(c, np.ndarray | np.generic) or np.size(c) == 0 or np.asarray(c).dtype.kind != "f":
        return None
    c = np.asarray(c)
    index = _striking(c)
    found: dict[str, Any] = {"index": [int(i) for i in index], "analytic": brief(c[index])}
    if not np.isfinite(c[index]):
        return found | {"check": NOT_HERE + _not_finite(call, g, c, index)}
    if call.reason:
        return found | {"check": NOT_HERE + call.reason}
    if not np.isfinite(call.values[call.places[nr]][index]):
        return found | {"check": NOT_HERE + "the element itself is not finite"}
    try:
        entry = Element(call, nr, g, c, index).entry()
        if entry["check"] != "differs" and (missed := _overlooked(call, nr, g, c)) is not None:
            other = Element(call, nr, g, c, missed).entry()
            entry = other if other["check"] == "differs" else entry
    except Exception as error:  # an op of the script may do anything
        return found | {"check": f"{NOT_HERE}with another number in its place, this op raises {type(error).__name__}"}
    return entry


def _striking(c: np.ndarray) -> tuple:
    """The first NaN, else the first infinity, else the element of the largest magnitude, the first of equals."""
    order = np.where(np.isnan(c), np.inf, np.abs(c.astype(np.float64)))
    flat = np.argmax(np.isnan(c)) if np.isnan(c).any() else np.argmax(order)
    return np.unravel_index(int(flat), c.shape)


def _not_finite(call: Again, g: Any, c: np.ndarray, index: tuple) -> str:
    """Why there is nothing to check where a gradient is no number."""
    kind = "NaN" if np.isnan(c[index]) else "infinite"
    bad = int(np.count_nonzero(~np.isfinite(c)))
    which = f"this element is {kind}" + (f", as {bad} of {c.size} are not finite" if bad > 1 else "")
    parts = [np.asarray(part) for part in (g.values() if isinstance(g, dict) else [g])]
    if not all(np.isfinite(part).all() for part in parts):
        return f"{which}; what arrives is not finite either"
    arrays = [] if call.reason else [v for v in call.values if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    if not all(np.isfinite(a).all() for a in arrays):
        return f"{which}; an input of the op is not finite"
    return f"{which}; what arrives and the inputs are finite, so it is made here"


class Difference(NamedTuple):
    """Σ g · (high − low) / step."""

    total: float
    size: float  # Σ |g · slope|
    noise: float  # what the last digits of the results can make of it
    slopes: list[np.ndarray | None]


class Found(NamedTuple):
    """What a step of one length tells: the slope lies between `low` and `high`, give or take `error`.

    whole: whether both sides are seen, or one where there is no other.
    """

    low: float
    high: float
    error: float
    size: float
    slopes: list[np.ndarray | None]
    whole: bool = True

    def near(self, value: float) -> float:
        return min(max(value, self.low), self.high)


class Element:
    """One element of one contribution, and what its input does to the results."""

    def __init__(self, call: Again, nr: int, g: Any, c: np.ndarray, index: tuple):
        self.call, self.nr, self.g, self.index = call, nr, g, index
        self.place = call.places[nr]
        self.x = call.values[self.place]
        self.at = float(self.x[index])
        self.analytic = float(c[index])
        self.dtype = c.dtype
        self.rounding = max(1e-3, 8 * float(np.finfo(c.dtype).eps))
        self.incoming = incoming(call, g)
        self.largest = max(map(top, call.outs), default=0.0)

    def entry(self) -> dict[str, Any]:
        """The element, its terms, and whether they agree."""
        out = {"index": [int(i) for i in self.index], "analytic": brief(self.analytic)}
        quick = self._quick()
        if quick is not None and quick.error <= self._allowed(quick) and self._holds(quick, self.analytic):
            return out | self._terms(quick) | {"check": "agrees"}
        found, verdict = self._settled()
        shown = found or quick
        return out | ({} if shown is None else self._terms(shown)) | {"check": verdict}

    # differences

    def _moved(self, h: float, x: np.ndarray | None = None) -> list[np.ndarray]:
        values = list(self.call.values)
        values[self.place] = (self.x if x is None else x).copy()
        values[self.place][self.index] += h
        return self.call.run(values)

    def _steps(self) -> Iterator[float]:
        """Steps to try: in proportion to the element, to its whole input, to one, to the results."""
        scales = [s for s in (abs(self.at), top(self.x), 1.0, self.largest) if s > 0]
        for k, s in enumerate(scales):
            if s not in scales[:k]:
                for ratio in RATIOS:
                    h = (self.at + s * ratio) - self.at  # a step that the element can take
                    if h != 0 and np.isfinite(h):
                        yield h

    def _quick(self) -> Found | None:
        h = next(self._steps(), None)
        if h is None:
            return None
        both = difference(self._moved(h), self._moved(-h), 2 * h, self.incoming)
        return Found(both.total, both.total, both.noise, both.size, both.slopes) if _finite(both.total) else None

    def _allowed(self, found: Found) -> float:
        """How far the rule may be from what was found."""
        largest = max(abs(self.analytic), abs(found.near(self.analytic)))
        return self.rounding * largest + 1e-4 * found.size + tiny(np.empty(0, self.dtype))

    def _holds(self, found: Found, value: float) -> bool:
        return abs(value - found.near(value)) <= self._allowed(found) + found.error

    def _settled(self) -> tuple[Found | None, str]:
        self._reach()
        best: Found | None = None
        whole: list[tuple[float, Found]] = []
        misses: list[tuple[float, float]] = []
        jumps = False
        for h in self._steps():
            found, miss, jump = self._rung(h)
            jumps = jumps or jump
            if _finite(miss):
                misses.append((h, miss))
            if found is None:
                continue
            if found.error <= self._allowed(found) and self._holds(found, self.analytic):
                return found, "agrees"
            if found.whole:
                whole.append((h, found))
                best = found if best is None or found.error < best.error else best
        miss = 0.0 if best is None else abs(self.analytic - best.near(self.analytic))
        if best is not None and best.error <= 0.05 * miss:
            length = next(h for h, found in whole if found is best)
            for h, found in whole:  # a shorter step knows better, as of a staircase that looks like a slope from afar
                if h < length and found.error <= 0.2 * miss and self._holds(found, self.analytic):
                    return found, "agrees"
            best = self._among_ties(best)
            if self._holds(best, self.analytic):
                return best, "agrees"
            if all(
                np.isfinite(o[g != 0]).all()
                for o, g in zip(self.call.outs, self.incoming, strict=True)
                if g is not None
            ):
                return best, self._in_double(best)
            return None, NOT_HERE + "a result is not finite"
        misses.sort()
        if len(misses) > 2 and min(miss for _, miss in misses[:-1]) <= 1e-4 * misses[-1][1]:
            return None, "agrees"  # the shorter the step, the closer
        if not misses:
            return None, NOT_HERE + "next to this number the result is not finite"
        if jumps:
            return None, NOT_HERE + "the result jumps at this number, or is as steep as if it did"
        return None, NOT_HERE + "what this element changes is lost in the rounding of the result"

    def _reach(self) -> None:
        """Which results move with this element at all, and what may be hidden in the last digits of the others."""
        far = {1e-3 * max(abs(self.at), top(self.x), 1.0), 1e-3 * self.largest} - {0.0}
        self.touched = [np.zeros(o.shape, bool) for o in self.call.outs]
        for h in far:
            for touched, up, down in zip(self.touched, self._moved(h), self._moved(-h), strict=True):
                touched |= ~same(up, down)
        self.hidden = 0.0
        for touched, out, g in zip(self.touched, self.call.outs, self.incoming, strict=True):
            if g is not None:
                last = np.where(touched | (g == 0) | ~np.isfinite(out), 0.0, np.abs(g * out))
                self.hidden += 2 * ULP * float(last.sum()) / max(far)

    def _rung(self, h: float) -> tuple[Found | None, float, bool]:
        """What a step and its half tell, if it is the same; how far that is from the rule; whether there is a jump."""
        base = self.call.outs
        (r1, l1), (r2, l2) = [
            (
                difference(self._moved(s), base, s, self.incoming, self.touched),
                difference(base, self._moved(-s), s, self.incoming, self.touched),
            )
            for s in (h, h / 2)
        ]
        middle, coarse = (r2.total + l2.total) / 2, (r1.total + l1.total) / 2
        misses = [abs(t - self.analytic) for t in (middle, r2.total, l2.total) if _finite(t)]
        miss = min(misses[:1] if _finite(middle) else misses, default=np.nan)
        jump = any(_finite(a.total) and abs(b.total) > 1.9 * abs(a.total) > 0 for a, b in ((r1, r2), (l1, l2)))
        size = max((side.size for side in (r2, l2) if _finite(side.size)), default=0.0)
        slopes = _mean(r2.slopes, l2.slopes)
        both = self._steady(coarse, middle, middle, max(r2.noise, l2.noise), _size(self.incoming, slopes), slopes)
        bends = abs(r1.total - r2.total) + abs(l1.total - l2.total)
        if both is not None and abs(r2.total - l2.total) <= 4 * bends + self._allowed(both) + both.error:
            return both, miss, jump
        pairs = [(one, half) for one, half in ((r1, r2), (l1, l2)) if _finite(half.total)]
        sides = [
            side for one, half in pairs
            if (side := self._steady(one.total, half.total, 2 * half.total - one.total, half.noise, size, half.slopes))
        ]  # fmt: skip
        if not sides:
            return None, miss, jump
        low, high = (f([side.low for side in sides]) for f in (min, max))
        closest = min(sides, key=lambda side: abs(side.low - self.analytic))
        error = max(side.error for side in sides)
        return Found(low, high, error, size, closest.slopes, len(sides) == len(pairs)), miss, jump

    def _steady(self, one: float, half: float, value: float, noise: float, size: float, slopes: list) -> Found | None:
        """The slope, if a step and half of it give it to the same digits."""
        noise += self.hidden
        if not abs(one - half) <= self.rounding * abs(value) + 1e-4 * size + 4 * noise:
            return None
        return Found(value, value, abs(one - half) + noise, size, slopes)

    def _among_ties(self, found: Found) -> Found:
        """Where more than two pieces meet, as where elements are equal: the slopes close by, where they are not."""
        n = self.x.size
        if n > 4096 or (found.low == found.high and np.unique(self.x).size == n):
            return found
        rng = np.random.default_rng(0)
        mine = int(np.ravel_multi_index(self.index, self.x.shape)) if self.x.ndim else 0
        orders = [rng.permutation(n) for _ in range(8)]
        for rank in range(n) if n <= 64 else (0, (n - 1) // 2, n // 2, n - 1):
            for others in (range(n), range(n - 1, -1, -1)):
                orders.append(np.insert([k for k in others if k != mine], rank, mine))
        apart = 1e-6 * np.where(self.x == 0, top(self.x) or 1.0, np.abs(self.x))
        h = float(apart[self.index]) / (100 * n)
        low, high = found.low, found.high
        for order in orders:
            x = self.x + apart * (np.argsort(order) / n).reshape(self.x.shape)
            there = difference(self._moved(h, x), self._moved(-h, x), 2 * h, self.incoming)
            if _finite(there.total) and there.noise <= 1e-2 * max(there.size, abs(self.analytic)):
                low, high = min(low, there.total), max(high, there.total)
        return found._replace(low=low, high=high)

    def _in_double(self, found: Found) -> str:
        """The verdict where the gradient is another one: it may be right, but for its rounding."""
        try:
            exact = self._pulled(self.g)
        except Exception:
            return "differs"
        if not _finite(exact) or not self._holds(found, exact):
            return "differs"
        eps = float(np.finfo(self.dtype).eps)
        once, more = (max(abs(self._jittered(eps * k, seed) - exact) for seed in range(4)) for k in (1, 4))
        rounded = 64 * once if more >= 2 * once else 0.0  # else another case holds there
        least = tiny(np.empty(0, self.dtype))
        if abs(self.analytic - exact) > rounded + 8 * eps * self._size_in_double() + least:
            numbers = [
                a for a in (*self.call.values, *self.call.outs) if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            ]
            if not any(((a != 0) & (np.abs(a) < least)).any() for a in numbers):  # which have few digits, or none
                return "differs"
        return (
            f"{NOT_HERE}its digits are rounded away in {self.dtype}; in double precision the rule gives {brief(exact)}"
        )

    def _size_in_double(self) -> float:
        """How large the gradient is where what arrives is as large everywhere, and nothing cancels."""
        parts = self.g if isinstance(self.g, dict) else {None: self.g}
        size = max(top(np.asarray(part)) for part in parts.values())
        ways = np.random.default_rng(0)
        g = {k: size * ways.uniform(-1, 1, np.shape(part)) for k, part in parts.items()}
        c = self.call.pull(g.get(None, g))[self.nr]
        return 0.0 if c is None else top(c)

    def _pulled(self, g: Any) -> float:
        c = self.call.pull(g)[self.nr]
        return 0.0 if c is None else float(c[self.index])

    def _jittered(self, eps: float, seed: int) -> float:
        """The element where all that its rule takes has another last digit."""
        rng = np.random.default_rng(seed)

        def jitter(v: Any) -> Any:
            if isinstance(v, np.ndarray) and v.dtype.kind == "f":
                return v * (1 + eps * rng.choice((-1.0, 1.0), v.shape))
            if type(v) in (list, tuple):
                return type(v)(map(jitter, v))
            return {k: jitter(part) for k, part in v.items()} if isinstance(v, dict) else v

        node = self.call.node
        saved = node.saved
        try:
            node.saved = jitter(saved)
            return self._pulled(jitter(self.g))
        finally:
            node.saved = saved

    # what is shown

    def _terms(self, found: Found) -> dict[str, Any]:
        terms: list[tuple[float, dict]] = []
        count = 0
        several = isinstance(self.g, dict)
        for nr, (slope, g) in enumerate(zip(found.slopes, self.incoming, strict=True)):
            if slope is None or g is None:
                continue
            count += int(np.count_nonzero(slope))
            products = np.abs(g * slope)
            for flat in np.argsort(-products, axis=None, kind="stable")[:SHOWN]:
                j = np.unravel_index(int(flat), slope.shape)
                if slope[j] != 0:
                    term = {"at": [int(i) for i in j], "g": brief(g[j]), "slope": brief(slope[j])}
                    terms.append((-float(products[j]), term | ({"output": nr} if several else {})))
        terms.sort(key=lambda t: t[0])
        shown = sorted((t for _, t in terms[:SHOWN]), key=lambda t: (t.get("output", 0), t["at"]))
        out: dict[str, Any] = {"terms": shown, "count": count, "numeric": brief(found.near(self.analytic))}
        if found.low != found.high:
            out["between"] = [brief(found.low), brief(found.high)]
        return out


def incoming(call: Again, g: Any) -> list[np.ndarray | None]:
    """The gradient of each result, None where it has none."""
    parts = [g.get(nr) if isinstance(g, dict) else g for nr in range(len(call.outs))]
    return [
        None if p is None or o.dtype.kind != "f" else np.broadcast_to(np.asarray(p, dtype=np.float64), o.shape)
        for p, o in zip(parts, call.outs, strict=True)
    ]


def difference(high: list, low: list, step: float, incoming: list, touched: list | None = None) -> Difference:
    """touched: which results move with this element, though not by this step; else those that have moved."""
    total = size = noise = 0.0
    slopes: list[np.ndarray | None] = []
    for nr, (u, d, g) in enumerate(zip(high, low, incoming, strict=True)):
        if g is None:
            slopes.append(None)
            continue
        still = same(u, d)
        last = 4 * ULP * np.maximum(np.abs(u), np.abs(d))
        last = np.where(still if touched is None else still & ~touched[nr], 0.0, last)
        moved = np.where(still, 0.0, u - d)
        slope = np.where(np.abs(moved) <= last, 0.0, moved / step)
        products = np.where(g == 0, 0.0, g * slope)
        total += float(products.sum())
        size += float(np.abs(products).sum())
        noise += float(np.where(g == 0, 0.0, np.abs(g) * last).sum()) / step
        slopes.append(slope)
    return Difference(total, size, noise, slopes)


def same(u: np.ndarray, d: np.ndarray) -> np.ndarray:
    return (u == d) | (np.isnan(u) & np.isnan(d))


def _size(incoming: list, slopes: list) -> float:
    return sum(float(np.abs(g * s).sum()) for g, s in zip(incoming, slopes, strict=True) if s is not None)


def _mean(a: list, b: list) -> list:
    return [None if u is None else (u + v) / 2 for u, v in zip(a, b, strict=True)]


def _finite(x: float) -> bool:
    return bool(np.isfinite(x))


def _overlooked(call: Again, nr: int, g: Any, c: np.ndarray) -> tuple | None:
    """An element whose gradient is zero, though the result changes with it; found by halving what changes it."""
    x = call.values[call.places[nr]]
    left = np.flatnonzero((c == 0) & np.isfinite(x))
    arriving = incoming(call, g)
    if not left.size or not any(part is not None and part.any() for part in arriving):
        return None
    ways = np.random.default_rng(0).choice((-1e-6, 1e-6), x.size)
    scale = np.where(x == 0, top(x) or 1.0, np.abs(x)).ravel()

    def changes(where: np.ndarray) -> bool:
        step = np.zeros(x.size)
        step[where] = ways[where] * scale[where]
        sides = []
        for sign in (1, -1):
            values = list(call.values)
            values[call.places[nr]] = x + sign * step.reshape(x.shape)
            sides.append(call.run(values))
        found = difference(sides[0], sides[1], 1.0, arriving)
        return abs(found.total) > 4 * found.noise

    if not changes(left):
        return None
    while left.size > 1:
        half = left[: left.size // 2]
        left = half if changes(half) else left[left.size // 2 :]
    return np.unravel_index(int(left[0]), c.shape)
