"""How large a gradient is, to be seen: the width and the colour of its arrow follow log10 ‖g‖.

A scale covers whole powers of ten and is cut into a few equal steps, each a class of the arrow, so that a legend can
show every one that there is. What has no place on it looks different without colour too: a zero is hollow, NaN and
infinity are dotted with a diamond at their end, and a way that gradients do not take is cut by a bar, with the cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .causes import cause_kind
from .words import power

# From the smallest to the largest: on a light page darker, on a dark page lighter where it is more.
LIGHT = ("#5b8bb8", "#4a78b5", "#6a62a6", "#8f4f86", "#ac4060", "#b53a2c", "#8c2200")
DARK = ("#5f86ad", "#7fa6d8", "#a79be0", "#d08fc4", "#f08aa0", "#ffa07a", "#ffc9a0")
WIDTHS = (1.0, 1.3, 1.7, 2.3, 3.0, 3.8, 4.6)
ZERO, BAD, CUT = "#6b6b76", "#b000b0", "#6f6f7a"
# Every colour of heat, and what it is on a dark page.
ON_DARK = {**dict(zip(LIGHT, DARK, strict=True)), ZERO: "#a9a9b5", BAD: "#ff7dff", CUT: "#a2a2ae"}
STYLES: dict[str, dict[str, str]] = {
    **{
        f"h{k}": {"color": LIGHT[k], "penwidth": str(WIDTHS[k]), "style": "dashed", "arrowtail": "vee"}
        for k in range(7)
    },
    "zero": {"color": f"{ZERO}:{ZERO}", "penwidth": "0.9", "style": "solid", "arrowtail": "onormal"},  # two thin lines
    "bad": {"color": BAD, "penwidth": "3", "style": "dotted", "arrowtail": "diamond"},
}
# In the page, where what is hollow is drawn in one piece: colour and width by kind.
WARMTH = {**{f"h{k}": (LIGHT[k], WIDTHS[k]) for k in range(len(WIDTHS))}, "zero": (ZERO, 4), "bad": (BAD, 3.4)}
CUTS = {
    "detached": "detached",
    "no_grad": "no_grad",
    "frozen": "frozen",
    "hook": "cut by a hook",
    "function": "cut by a Function",
}


@dataclass(frozen=True)
class Scale:
    """From 10^low to 10^high, whole powers, in equal steps of the logarithm."""

    low: int
    high: int

    def step(self, norm: Any) -> int:
        """Which step, from 0, a norm that is finite and not zero is in."""
        share = (math.log10(norm) - self.low) / (self.high - self.low)
        return max(0, min(len(WIDTHS) - 1, int(share * len(WIDTHS))))

    def ends(self) -> list[str]:
        """Where the steps begin and end, one more than there are steps, for people."""
        return [power(self.low + (self.high - self.low) * k / len(WIDTHS)) for k in range(len(WIDTHS) + 1)]

    def kind(self, norm: Any) -> str:
        """The class of an arrow with this ‖g‖: h0, h1 ... for a step, or zero, or bad.

        >>> [Scale(-2, 5).kind(x) for x in (0.02, 3.0, 0, "NaN")]
        ['h0', 'h2', 'zero', 'bad']
        """
        if isinstance(norm, str):
            return "bad"
        return f"h{self.step(norm)}" if norm else "zero"


def scale_of(norms: Iterable[Any]) -> Scale | None:
    """The scale that all of these fit on, at least two powers of ten; None where none is finite and not zero."""
    logs = [math.log10(x) for x in norms if isinstance(x, int | float) and x > 0]
    if not logs:
        return None
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    if high - low < 2:
        low, high = low - 1, low + 1
    return Scale(low, high)


def heat_scale(document: dict[str, Any]) -> Scale | None:
    """The scale of a document, the same for every pass, so that passes can be compared."""
    return scale_of(one["norm"] for p in document["passes"] for step in p["steps"] for one in step["inputs"])


def total(norms: Iterable[Any]) -> Any:
    """‖g‖ of several gradients together; None where there is none."""
    found = [x for x in norms if x is not None]
    if not found:
        return None
    bad = [x for x in found if isinstance(x, str)]
    return bad[0] if bad else math.hypot(*found) if len(found) > 1 else found[0]


def cut(edge: dict[str, Any]) -> str:
    """What cuts this way for gradients that would otherwise go on behind it, in a word or two; "" for nothing."""
    return CUTS.get(cause_kind(edge), "")


def drawn(scale: Scale | None, norm: Any) -> dict[str, str]:
    """How DOT draws a gradient arrow."""
    return {"class": f"grad {kind_of(scale, norm)}", **STYLES[kind_of(scale, norm)]}


def kind_of(scale: Scale | None, norm: Any) -> str:
    return scale.kind(norm) if scale is not None else "bad" if isinstance(norm, str) else "zero"


def style() -> str:
    """The legend's style in the page: the colours of the steps, light and dark, and their widths."""
    light = {kind: colour for kind, (colour, _) in WARMTH.items()}
    dark = {kind: ON_DARK[colour] for kind, colour in light.items()}
    on, off = (";".join(f"--heat-{kind}:{colour}" for kind, colour in table.items()) for table in (light, dark))
    rules = [f":root{{{on}}}", f"@media screen{{:root[data-theme=dark]{{{off}}}}}"]
    rules.append(f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{off}}}}}")
    rules += [f".{kind}{{--heat:var(--heat-{kind});--wide:{width}px}}" for kind, (_, width) in WARMTH.items()]
    return "".join(rules)
