"""A line of mathematics as MathML, which browsers show without any script.

    g · other            g / (2 · √(input))            out^2            [o] = Σ_{n,p,q} g[n, o, p, q]

`_` and `^` take one name or number, or a group in braces. Names of tensors can carry a shape below.
"""

from __future__ import annotations

import re
from html import escape

_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e-?\d+)?|[ΣΠ∂√]|mean(?=_)|[^\W\d_](?=_[\d{])|[^\W\d_][\w.]*|[_^{}()\[\],√]|\S)")
_SHAPED = re.compile(r'<munder>(<mi>[^<]*</mi>)(<mtext data-shape="[^"]*"></mtext>)</munder>')
_PREFIX = re.compile(r"(?:(\[[^\]]*\]) = )?(.*)", re.DOTALL)
LONG = 34
_WORDS = {"if", "else", "where", "otherwise", "and", "or", "of", "the", "to", "for", "in", "is", "at"}


def mathml(formula: str, of: str = "", names: frozenset[str] = frozenset()) -> str:
    """The formula as a <math> element, after "∂L/∂of =" if `of` is given.

    Each name in `names` gets an empty place below it, `<mtext data-shape="name">`, for its shape.
    """
    element, formula = _PREFIX.fullmatch(formula).groups()  # type: ignore[union-attr]
    lines = [_line(line, names) for line in _lines(formula)]
    if of:
        at = "".join(_row(_TOKEN.findall(element or ""), 0, frozenset(), "")[0])
        below = f"<mrow>{_mo('∂')}<mi>{escape(of)}</mi>{at}</mrow>"
        left = f"<mfrac><mrow>{_mo('∂')}<mi>L</mi></mrow>{below}</mfrac>{_mo('=')}"
        lines = [left, *lines] if len(lines) > 1 else [left + lines[0]]
    if len(lines) > 1:
        lines = [f"<mtable displaystyle='true'>{''.join(f'<mtr><mtd>{line}</mtd></mtr>' for line in lines)}</mtable>"]
    return f'<math displaystyle="true"><mrow>{lines[0]}</mrow></math>'


def _lines(formula: str) -> list[str]:
    """A long formula in lines: its factors or cases below each other, and below them what its letters mean."""
    if len(formula) <= LONG:
        return [formula]
    main, *meant = re.split(r", where |, (?=\w+ = )", formula)
    parts, depth, start = [], 0, 0
    for i, sign in enumerate(main):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and main.startswith("else " if " if " in main else " · ", i):
            parts.append(main[start:i])
            start = i
    lines = [""]
    for part in [*parts, main[start:]]:
        if lines[-1] and (len(lines[-1] + part) > LONG or part.startswith("else ")):
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines] + [f"{'and' if k else 'where'} {line}" for k, line in enumerate(meant)]


def _line(line: str, names: frozenset[str]) -> str:
    tokens = _TOKEN.findall(line)
    parts, end = _row(tokens, 0, names, "")
    while end < len(tokens):  # a closing bracket without its opening one stays what it is
        parts.append(_mo(tokens[end]))
        more, end = _row(tokens, end + 1, names, "")
        parts += more
    return "".join(parts)


def _row(tokens: list[str], i: int, names: frozenset[str], until: str) -> tuple[list[str], int]:
    parts: list[str] = []
    while i < len(tokens):
        token = tokens[i]
        if token == until or (token in "})]" and not until):
            break
        if token in "_^" and parts and i + 1 < len(tokens):
            script, i = _atom(tokens, i + 1, names)
            base = parts.pop()
            big = base in ("<mo>Σ</mo>", "<mo>max</mo>", "<mo>Π</mo>", "<mo>mean</mo>")
            tag = {("_", True): "munder", ("^", True): "mover", ("_", False): "msub"}.get((token, big), "msup")
            shaped = _SHAPED.fullmatch(base)
            if shaped:  # the shape stays below both
                parts.append(f"<munder><{tag}>{shaped[1]}{script}</{tag}>{shaped[2]}</munder>")
            else:
                parts.append(f"<{tag}>{base}{script}</{tag}>")
            continue
        if parts and _is_word(token) and _is_word(tokens[i - 1]):
            parts.append('<mspace width="0.35em"></mspace>')
        part, i = _atom(tokens, i, names)
        parts.append(part)
    return parts, i


def _atom(tokens: list[str], i: int, names: frozenset[str]) -> tuple[str, int]:
    token = tokens[i]
    if token == "{":
        inner, i = _row(tokens, i + 1, names, "}")
        return f"<mrow>{''.join(inner)}</mrow>", i + 1
    if token in "([":
        closing = ")" if token == "(" else "]"
        inner, i = _row(tokens, i + 1, names, closing)
        return f"<mrow>{_mo(token)}{''.join(inner)}{_mo(closing)}</mrow>", i + 1
    if token == "√" and i + 1 < len(tokens):
        if tokens[i + 1] == "(":  # the root's bar is bracket enough
            inner, i = _row(tokens, i + 2, names, ")")
            return f"<msqrt>{''.join(inner)}</msqrt>", i + 1
        under, i = _atom(tokens, i + 1, names)
        return f"<msqrt>{under}</msqrt>", i
    if token[0].isdigit():
        return f"<mn>{escape(token)}</mn>", i + 1
    if token in ("Σ", "Π", "max", "mean", "∂"):
        return _mo(token), i + 1
    if token in _WORDS:
        return f"<mtext>&#160;{escape(token)}&#160;</mtext>", i + 1
    if token[0].isalpha():
        name = f"<mi>{escape(token)}</mi>"
        if token in names:
            name = f'<munder>{name}<mtext data-shape="{escape(token)}"></mtext></munder>'
        return name, i + 1
    return _mo(token), i + 1


def _is_word(token: str) -> bool:
    return token[0].isalnum() and token not in _WORDS


def _mo(token: str) -> str:
    return f"<mo>{escape(token)}</mo>"
