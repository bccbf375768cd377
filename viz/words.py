"""How counts, shapes, numbers and bytes are written for people."""

from __future__ import annotations

from typing import Any

MANY = 4  # outputs of one shape; more are counted


def plural(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def shape_text(shape: Any) -> str:
    """(4, 8, 26, 26); several outputs are joined by a semicolon, and many of one shape are counted."""
    if shape and isinstance(shape[0], list):
        if len(shape) > MANY and all(s == shape[0] for s in shape):
            return f"{len(shape)} × {shape_text(shape[0])}"
        return "; ".join(shape_text(s) for s in shape)
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def figure(x: Any) -> str:
    """A number for people: four digits."""
    return x if isinstance(x, str) else f"{x + 0.0:.4g}".replace("-", "−")


def clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def size_text(n: int) -> str:
    """Bytes for people."""
    if n < 1000:
        return f"{n} B"
    return f"{n / 1e3:.3g} kB" if n < 1e6 else f"{n / 1e6:.3g} MB" if n < 1e9 else f"{n / 1e9:.3g} GB"


def power(exponent: float, digits: int = 1) -> str:
    """10^exponent for people, also where no float holds it.

    >>> power(-2), power(0.5), power(-7.1), power(3.456, 2), power(400)
    ('0.01', '3', '8e−08', '2900', '1e400')
    """
    text = figure(float(f"{10.0**exponent:.{digits}g}")) if -300 < exponent < 300 else f"1e{exponent:.0f}"
    return text.replace("-", "−")
