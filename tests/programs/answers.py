"""Programs with PyTorch's answers, as text: a blank line between two, each answer a comment behind its program.

    a = num(2, seed=3, grad=True)
    b = a.exp()
    b.sum().backward()
    #: a float32 (2,) requires_grad is_leaf [0.5 -1.25] grad float32 (2,) is_leaf [1.64872 0.286505]
    #: b float32 (2,) requires_grad [1.64872 0.286505]

A program that ends with a line that is refused says `#: refused`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from play import Outcome, Seen

TENSOR = re.compile(r"(\w+) (\([\d, ]*\))( requires_grad)?( is_leaf)? \[([^]]*)\](?: within (\S+))?(?: grad (.*))?")


def written(lines: list[str], answer: Outcome) -> str:
    told = [f"#: {name} {_told(x)}" for name, x in answer.seen.items()]
    if answer.refused is not None:
        told.append("#: refused")
    return "\n".join([*lines[: len(lines) if answer.refused is None else answer.refused + 1], *told]) + "\n"


def _told(x: Any) -> str:
    if not isinstance(x, Seen):
        return f"= {x!r}"
    flags = " requires_grad" * x.requires_grad + " is_leaf" * x.is_leaf
    values = " ".join(_number(v) for v in x.values)
    within = "" if x.within is None else f" within {x.within:.1g}"
    return f"{x.dtype} {x.shape}{flags} [{values}]{within}" + (f" grad {_told(x.grad)}" if x.grad else "")


def _number(v: Any) -> str:
    return f"{v:.6g}" if isinstance(v, np.floating) else str(int(v))


def read(path: Path) -> list[tuple[list[str], Outcome]]:
    """The programs of a file, each with what PyTorch has to say."""
    found = []
    for text in path.read_text().strip().split("\n\n"):
        lines = re.split(r"\n(?! )", "\n".join(line for line in text.splitlines() if not line.startswith("#:")))
        told = [line[3:].strip() for line in text.splitlines() if line.startswith("#:")]
        refused = len(lines) - 1 if told and told[-1] == "refused" else None
        seen = dict(_heard(line) for line in told if line != "refused")
        found.append((lines, Outcome(seen, refused, "refused in PyTorch" if refused is not None else "")))
    return found


def _heard(line: str) -> tuple[str, Any]:
    name, rest = line.split(" ", 1)
    return name, eval(rest[2:]) if rest.startswith("= ") else _seen(rest)


def _seen(text: str) -> Seen:
    found = TENSOR.fullmatch(text)
    assert found, text
    dtype, shape, requires_grad, is_leaf, told, within, grad = found.groups()
    values = np.array([float(v) for v in told.split()])
    if len(values) <= 40 and len(values) == np.prod(eval(shape), dtype=int):
        values = values.astype(dtype)
    return Seen(
        dtype, eval(shape), bool(requires_grad), bool(is_leaf), values, _seen(grad) if grad else None,
        None if within is None else float(within),
    )  # fmt: skip
