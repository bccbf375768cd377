"""Sums of products, named by letters: einsum("nchw,ochw->no", x, w) is Σ over c, h, w of x · w.

The gradient of a sum of products is a sum of products: to get that of one operand, put g in its place,
and exchange its letters with the result's. That holds when each letter of an operand occurs once in it,
and again elsewhere; so `einsum` first takes diagonals (ii), sums away letters that nobody else has, and
drops axes of length 1 that broadcast. What is left is the op.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from .declared import appears
from .rearrange import diagonal
from .reduce import sum
from .shape import permute, reshape

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@op
def _einsum(*operands: Array, equation: str) -> Array:
    if len({a.dtype for a in operands}) > 1:
        raise RuntimeError(f"einsum: operands must have one dtype, got {', '.join(str(a.dtype) for a in operands)}")
    return np.einsum(equation, *operands, optimize=True)


def _operand_back(g: Any, operands: list, equation: str, index: int) -> Any:
    terms, _, result = equation.partition("->")
    letters = terms.split(",")
    mine, letters[index] = letters[index], result
    return _einsum(*operands[:index], g, *operands[index + 1 :], equation=f"{','.join(letters)}->{mine}")


def _equation(equation: str = "…->…", index: int = 0) -> str:
    """What `_operand_back` computes, in einsum's own words."""
    terms, _, result = equation.partition("->")
    letters = terms.split(",")
    mine, letters[index] = letters[index], result
    given = ", ".join("g" if i == index else f"operand {i}" for i in range(len(letters)))
    return f"einsum({','.join(letters)}->{mine}) of {given}"


_einsum.grad(operands=_operand_back)
_einsum.explain(
    "The same sum with the gradient in the place of the operand: the letters say where everything goes.",
    operands=_equation,
)


@appears("function")
@in_float32
def einsum(equation: str, *operands: Array) -> Array:
    """Σ of the products of the operands over all letters that stand before the arrow and not behind it.

    A letter that is twice in one operand takes its diagonal; `...` stands for any axes, which broadcast.
    Without an arrow the result has the letters that occur once, in alphabetical order.
    Raises a RuntimeError where letters and axes do not fit.

    >>> import tinygrad_cnn as tg
    >>> a = tg.ones(2, 3, requires_grad=True)
    >>> tg.einsum("ij,kj->ik", a, tg.ones(4, 3)).sum().backward()
    >>> a.grad.tolist()
    [[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the first argument must be the equation, a str, got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    for x in operands:
        if not hasattr(x, "ndim"):
            raise TypeError(f"einsum: expected Tensors behind the equation, got {type(x).__name__}")
    terms, result = _letters(equation, [x.ndim for x in operands])
    lengths: dict[str, int] = {}
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        for letter, n in zip(term, x.shape, strict=True):
            if lengths.setdefault(letter, n) == 1:
                lengths[letter] = n
            if n not in (1, lengths[letter]):
                raise RuntimeError(
                    f"einsum: letter {letter!r} has length {n} in operand {i} of shape {tuple(x.shape)}, and length "
                    f"{lengths[letter]} before; they must be equal"
                )
    simple = [_each_letter_once(term, x, lengths) for term, x in zip(terms, operands, strict=True)]
    for i, (term, x) in enumerate(simple):
        others = result + "".join(t for k, (t, _) in enumerate(simple) if k != i)
        alone = tuple(d for d, letter in enumerate(term) if letter not in others)
        if alone:
            simple[i] = "".join(letter for letter in term if letter in others), sum(x, alone)
    known = "".join(term for term, _ in simple)
    wide = "".join(letter for letter in result if letter in known)
    if len(simple) == 1:
        ((term, x),) = simple
        out = permute(x, tuple(term.index(letter) for letter in wide))
    else:
        out = _einsum(*[x for _, x in simple], equation=f"{','.join(term for term, _ in simple)}->{wide}")
    return out if wide == result else reshape(out, tuple(lengths[letter] for letter in result))


def _letters(equation: str, ndims: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters in place of `...`."""
    terms, arrow, result = equation.replace(" ", "").partition("->")
    parts = terms.split(",")
    if not all(re.fullmatch(r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*", part) for part in (*parts, result)):
        raise RuntimeError(f"einsum: {equation!r} must be letters, commas, one '->' and at most one '...' in each part")
    if len(parts) != len(ndims):
        raise RuntimeError(f"einsum: the equation {equation!r} names {len(parts)} operands, {len(ndims)} were given")
    free = [letter for letter in LETTERS if letter not in equation]
    widths = [n - len(part.replace("...", "")) for part, n in zip(parts, ndims, strict=True)]
    for i, (part, width) in enumerate(zip(parts, widths, strict=True)):
        if width < 0 or (width and "..." not in part):
            raise RuntimeError(f"einsum: {part!r} does not name the {ndims[i]} axes of operand {i} in {equation!r}")
    shared = "".join(free[: max((w for part, w in zip(parts, widths, strict=True) if "..." in part), default=0)])
    parts = [p.replace("...", shared[len(shared) - w :]) for p, w in zip(parts, widths, strict=True)]
    everything = "".join(parts)
    if not arrow:
        result = "..." + "".join(sorted(c for c in set(everything) - set(shared) if everything.count(c) == 1))
    result = result.replace("...", shared)
    for letter in result:
        if letter not in everything or result.count(letter) > 1:
            raise RuntimeError(f"einsum: letter {letter!r} of the result must be in an operand, and once in the result")
    return parts, result


def _each_letter_once(term: str, x: Any, lengths: dict[str, int]) -> tuple[str, Any]:
    """The operand with diagonals taken for repeated letters, and without axes of length 1 that broadcast."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(f"einsum: letter {letter!r} is twice in {term!r}, for axes of {tuple(x.shape)}")
            x = diagonal(x, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    kept = [d for d, letter in enumerate(term) if x.shape[d] == lengths[letter] != 1]
    if len(kept) < len(term):
        x = reshape(x, tuple(x.shape[d] for d in kept))
    return "".join(term[d] for d in kept), x
