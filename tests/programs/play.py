"""Programs, as lines of Python that mean the same here and in PyTorch: run one, see what it leaves behind, compare.

In a program `t` is the library, `F` its functional and `nn` its layers; `num` makes tensors of small numbers that no
sum or product of a few rounds, and `fill` gives a module such weights. The first line that is refused ends a program.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

HEADER = '''\
import numpy as np
import {library} as t
from {library} import nn
F = nn.functional

def num(*shape, seed=0, dtype="float32", grad=False):
    """Multiples of a quarter from -2 to 2; of integers, -2 to 2."""
    steps = np.random.RandomState(seed).randint(-8, 9, shape)
    x = steps / 4 if "float" in dtype else steps > 0 if dtype == "bool" else steps // 4
    x = abs(x) if dtype == "uint8" else x
    return t.tensor(x, dtype=getattr(t, dtype)).requires_grad_(grad)

def fill(module, seed=0):
    """The module, with such weights."""
    for i, p in enumerate(module.parameters()):
        p.data = num(*p.shape, seed=seed + i).to(p.dtype) / 2
    return module

def draw(*shape, seed=0, grad=False):
    """Normal numbers."""
    x = np.random.RandomState(seed).standard_normal(shape)
    return t.tensor(x, dtype=t.get_default_dtype()).requires_grad_(grad)

def weigh(module, seed=0):
    """The module, with normal weights of a size that keeps what goes through as large as it is."""
    for i, p in enumerate(module.parameters()):
        x = draw(*p.shape, seed=seed + i)
        p.data = 0.5 + x / 4 if p.dim() < 2 else x / p[0].numel() ** 0.5
    return module

class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)
'''


class Seen(NamedTuple):
    """What can be said of a tensor: its gradient is a `Seen` as well, or None.

    values: all of them, flat; of many, eight sums of all of them with changing signs and sizes.
    within: how far off the values may be, None for what `near` says.
    """

    dtype: str
    shape: tuple[int, ...]
    requires_grad: bool
    is_leaf: bool
    values: np.ndarray
    grad: Seen | None
    within: float | None = None


class Outcome(NamedTuple):
    """What is left behind by name, the number of the line that was refused, and how."""

    seen: dict[str, Any]
    refused: int | None
    error: str


def play(
    lines: list[str], library: str, double: bool = False, nudge: int = 0, context: Callable = contextlib.nullcontext
) -> Outcome:
    """Run a program. `double` makes the numbers float64 that are float32 else; `nudge` moves them a little."""
    names = start(library, double)
    if nudge:
        drawn, noise = names["draw"], np.random.RandomState(nudge)
        names["draw"] = lambda *shape, seed=0, grad=False: (
            drawn(*shape, seed=seed) * names["t"].tensor(1 + 1e-6 * noise.standard_normal(shape))
        ).requires_grad_(grad)
    before = names["t"].get_default_dtype()
    refused, error = None, ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with context():
            names["t"].set_default_dtype(names["t"].float64 if double else before)
            for i, line in enumerate(lines):
                try:
                    exec(line, names)
                except Exception as e:
                    refused, error = i, f"{type(e).__name__}: {e}"
                    break
            names["t"].set_default_dtype(before)
            backward = refused is not None and re.search(r"backward|\bgrad\(", lines[refused])
            return Outcome(dict(left_behind(names, not backward, not second(lines))), refused, error)


def second(lines: list[str]) -> bool:
    """Whether gradients have gradients. Of constant ones it is not said whether they require any, of zeros."""
    return any("create_graph" in line for line in lines)


def start(library: str, double: bool = False) -> dict[str, Any]:
    """The names that a program begins with."""
    names: dict[str, Any] = {}
    exec(HEADER.format(library=library), names)
    if double:
        single = names["num"]
        names["num"] = lambda *shape, dtype="float32", **k: single(
            *shape, dtype=re.sub("float..", "float64", dtype), **k
        )
    names["given"] = frozenset(names)
    return names


def left_behind(names: dict[str, Any], grads: bool = True, flags: bool = True) -> Iterator[tuple[str, Any]]:
    """The tensors of a program and of its modules, by name. A backward that was refused may have come half the way."""
    library = names["t"]
    for name, x in names.items():
        if name in names["given"] or name in ("given", "__builtins__"):
            continue
        if isinstance(x, library.Tensor):
            yield name, look(x, grads, flags)
        elif isinstance(x, library.nn.Module):
            for key, p in [*x.named_parameters(), *x.named_buffers()]:
                yield f"{name}.{key}", look(p, grads, flags)
        elif isinstance(x, bool | int | float | str | tuple):
            yield name, tuple(x) if isinstance(x, tuple) else x


def look(x: Any, grads: bool, flags: bool) -> Seen:
    grad = x.grad if grads else None
    if not flags and grad is not None and not (grad.abs() > 1e-6).any():
        grad = None
    return Seen(
        str(x.dtype).removeprefix("torch."), tuple(x.shape), flags and x.requires_grad, flags and x.is_leaf,
        digest(x.detach().numpy()), None if grad is None else look(grad, grads, flags),
    )  # fmt: skip


def digest(x: np.ndarray) -> np.ndarray:
    if x.size <= 16:
        return x.flatten()
    x = np.append(x.astype(np.float64).ravel(), np.zeros(-x.size % 8))
    return (x * np.cos(1.7 * np.arange(x.size))).reshape(-1, 8).sum(0)


def differs(theirs: Outcome, ours: Outcome, strictly: bool = True, nan: bool = False) -> str | None:
    """What is different, or None; not `strictly`, of the values alone; with `nan`, where PyTorch has numbers."""
    if theirs.refused != ours.refused:
        told = [f"line {o.refused + 1}: {o.error}" if o.refused is not None else "not refused" for o in (theirs, ours)]
        return f"torch: {told[0]}\nhere:  {told[1]}"
    if theirs.seen.keys() != ours.seen.keys():
        return f"torch left {sorted(theirs.seen)}, here are {sorted(ours.seen)}"
    for name, a in theirs.seen.items():
        what = _differs(a, ours.seen[name], strictly, nan)
        if what:
            return f"{name}{what}"
    return None


def _differs(a: Any, b: Any, strictly: bool, nan: bool) -> str | None:
    if not isinstance(a, Seen) or not isinstance(b, Seen):
        same = a == b or (isinstance(a, float) and isinstance(b, float) and near(np.array(a), np.array(b)))
        return None if same else f"\ntorch: {a}\nhere:  {b}"
    if strictly and a[:4] != b[:4]:
        return "\n" + "\n".join(
            f"{who} {x.dtype} {x.shape} requires_grad={x.requires_grad} is_leaf={x.is_leaf}"
            for who, x in (("torch:", a), ("here: ", b))
        )
    values = np.where(a.values == a.values, b.values, a.values) if nan and a.shape == b.shape else b.values
    if a.shape != b.shape or not near(a.values, values, a.within):
        return f"\ntorch: {a.values.tolist()}\nhere:  {b.values.tolist()}"
    if (a.grad is None) != (b.grad is None):
        return ".grad is " + ("None in torch" if a.grad is None else "None here")
    if a.grad is not None:
        what = _differs(a.grad, b.grad, strictly, nan)
        return what and f".grad{what}"
    return None


def near(a: np.ndarray, b: np.ndarray, within: float | None = None) -> bool:
    """Equal to 4 digits of each number and 5 of the largest; or as far apart as that."""
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    if within is not None:
        return np.allclose(a, b, rtol=0, atol=within, equal_nan=True)
    half = np.float16 in (a.dtype, b.dtype)
    a, b = a.astype(np.complex128), b.astype(np.complex128)
    finite = np.isfinite(a)
    largest = np.abs(a[finite]).max(initial=0)
    unit = 4e-3 if half else 1e-4
    return np.allclose(a, b, rtol=unit, atol=unit * max(1, largest) / 5, equal_nan=True)


def chosen(lines: list[str], answer: Outcome) -> str:
    """A program as a file keeps it: up to the line that is refused."""
    return "\n".join(lines if answer.refused is None else lines[: answer.refused + 1]) + "\n"


def runnable(lines: list[str], library: str = "tinygrad_cnn") -> str:
    return HEADER.format(library=library) + "\n" + "\n".join(lines) + "\n"


# Beside PyTorch.


HERE_ON_PURPOSE = {
    "What is not there says so.": "NotImplementedError",
    "Some results are views of something that only the library knows.": "can't detach a view in place",
    "A change of elements that are one place in memory is refused, whatever changes them.": "are one place in memory",
}
THERE_ON_PURPOSE = {
    "What PyTorch has no derivative for may be computed here.": "not implemented",
    "So may what it has no kernel for.": "NotImplementedError",
    "One of several views may be changed here, as any other.": "function that returns multiple views",
    "So may a tensor by itself, and a gradient, which is never expanded.": "a single memory location",
}


def fault(lines: list[str]) -> str | None:
    """What a program does differently here, or None.

    A difference does not count where PyTorch itself answers differently in double precision or has nan, as at the
    kink of a norm; nor where PyTorch refuses to go back since a value that it had kept was changed, which this library
    may not have needed: then its gradients are those that PyTorch has when it keeps copies.
    """
    try:
        theirs = play(lines, "torch")
    except RuntimeError:  # some views are not even to be looked at after their base was changed
        return None
    try:
        ours = play(lines, "tinygrad_cnn")
    except RuntimeError as error:
        if "make the view again" in str(error):  # and others here, which PyTorch shows with a history that is wrong
            return None
        raise
    what = differs(theirs, ours)
    if what is None or any(pattern in ours.error for pattern in HERE_ON_PURPOSE.values()):
        return None
    if any(pattern in theirs.error for pattern in THERE_ON_PURPOSE.values()):
        return None
    if theirs.refused != ours.refused and second(lines) and "does not require grad" in theirs.error + ours.error:
        return None
    if "modified by an inplace operation" in theirs.error and theirs.refused != ours.refused:
        import torch

        theirs = play(lines, "torch", context=torch.autograd.graph.allow_mutation_on_saved_tensors)
        what = differs(theirs, ours)
    if what and differs(theirs, play(lines, "torch", double=True), strictly=False):
        return None
    return what and differs(theirs, ours, nan=True)


def smallest(lines: list[str], wrong: Callable[[list[str]], str | None] = fault) -> list[str]:
    """The program without the lines that the fault does not need."""
    i = len(lines) - 1
    while i >= 0:
        fewer = lines[:i] + lines[i + 1 :]
        what = wrong(fewer)
        if what and "NameError" not in what:
            lines = fewer
            i = min(i, len(lines))
        i -= 1
    return lines
