"""The rule of every op, as a formula, in words, and as its source.

Words stand beside the op, in `op.explain(...)`. A rule that is an expression is its own formula, so that
is read from the source: `lambda g, other: g * other` is `g · other`. A rule that calls a kernel has its
formula in `explain` too.

Formulas are one line of text: names, numbers, · / + − ^ _ ( ) [ ], √ and Σ. `mathml.py` sets them.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.engine.op import Op, parameters_of

from .samples import plain

ENDS = {
    "none": "It answers with truth values or whole numbers, which have no slope: nothing flows back.",
    "accumulate": "The end of a path: what arrives is added to .grad of this tensor.",
    "pick": "One output of an op that has several: the gradient goes to that output's place, the others get zero.",
}


def rule_of(op: Any) -> dict[str, Any]:
    """What the viewer says of an op (or a Function class): plain data."""
    if inspect.isclass(op):
        lines = vars(op).get("__doc__")  # its own: what it inherits speaks of another class
        return {
            "forward": first_line(lines),
            "words": first_line(lines) or "The gradient is what this Function's backward returns.",
            "inputs": {},
            "source": _source(getattr(op, "backward", None)),
        }
    inputs = {}
    for name, rule in op.rules.items():
        if rule is None:
            inputs[name] = {"formula": "", "source": "None: not differentiable"}
        else:
            inputs[name] = {"formula": formula_of(op, name), "source": _read(op.name, name, rule)[0]}
    if op.rules and not any(op.rules.values()):
        words = ENDS["none"]
    else:
        words = op.words or "The gradient that arrives, times the slope of this op."
    return {
        "forward": first_line(op.forward.__doc__),
        "words": words,
        "inputs": inputs,
        "defaults": {name: plain(value) for name, value in op.defaults.items() if value is not None},
    }


def formula_of(op: Op, name: str, call: dict[str, Any] | None = None) -> str:
    """The formula of a rule, for a call with its numbers: attributes and `<input>_shape`s, as far as they are known."""
    rule = op.rules[name]
    if rule is None:
        return ""
    call = call or {}
    given = op.formulas.get(name) or _read(op.name, name, rule)[1]
    if not isinstance(given, str):
        known = {**op.defaults, **call}
        given = given(**{p: known[p] for p in parameters_of(given).names if p in known})
    numbers = {p: value for p, value in call.items() if _is_number(value)}
    for word, number in op.numbers.items():
        wanted = parameters_of(number).names
        if all(p in call for p in wanted):
            numbers[word] = number(*[call[p] for p in wanted])
    return _with_numbers(given, numbers) if numbers else given


def _is_number(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(isinstance(v, int | np.integer) for v in value)
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _with_numbers(formula: str, numbers: dict[str, Any]) -> str:
    """The formula with numbers for names; what is then added as 0 or multiplied by 1 is left out."""

    def put(match: re.Match) -> str:
        value = numbers[match[0]]
        if isinstance(value, tuple | list):
            return f"({', '.join(map(_digits, value))}{',' * (len(value) == 1)})"
        text = value if isinstance(value, str) else _digits(value)
        bare = match.start() == 0 or formula[match.start() - 1] in "([{"
        return text if bare or not text.startswith("−") else f"({text})"

    names = "|".join(sorted(map(re.escape, numbers), key=len, reverse=True))
    text = re.sub(rf"(?<![\w.])(?:{names})(?![\w.])", put, formula) if names else formula
    for pattern, shorter in _SHORTER:
        text = pattern.sub(shorter, text)
    return text


_SHORTER = [
    (re.compile(r" / 1(?![\d.])"), ""),
    (re.compile(r"(?<![\d.])1 · "), ""),
    (re.compile(r" · 1(?![\d.])"), ""),
    (re.compile(r" [−+] 0(?![\d.])"), ""),
    (re.compile(r"(, |\[)\(([^(),]*)\)(?=[,\]])"), r"\1\2"),
    (re.compile(r"/ \((\d+)\)"), r"/ \1"),
    (re.compile(r" − \(−([\d.e]+)\)"), r" + \1"),
    (re.compile(r" \+ \(−([\d.e]+)\)"), r" − \1"),
]


def _digits(value: Any) -> str:
    text = f"{value:.12g}"
    return {"inf": "∞", "-inf": "−∞"}.get(text, text.replace("-", "−") if not text.count("e-") else text)


def first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0].strip()


def _source(f: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(f)).strip()
    except (OSError, TypeError):
        return ""


@functools.lru_cache(maxsize=1024)
def _read(op: str, name: str, rule: Callable) -> tuple[str, str]:
    """The source of a rule, and its formula if it is one expression."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return "", f"{getattr(rule, '__name__', 'rule')}(g)"
    taken = code.co_varnames[: code.co_argcount]
    if rule.__name__ == "<lambda>":
        found = _lambdas(code.co_filename).get((name, code.co_firstlineno, taken))
        return found or ("", f"slope of {op} · g")
    source = _source(rule)
    try:
        body = [s for s in ast.parse(source).body[0].body if not _is_docstring(s)]  # type: ignore[attr-defined]
    except (SyntaxError, IndexError, AttributeError):
        body = []
    if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
        return source, spell(body[0].value)
    return source, f"{rule.__name__.strip('_')}({', '.join(taken)})"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@functools.cache
def _lambdas(file: str) -> dict[tuple, tuple[str, str]]:
    """The lambdas that are passed by keyword in a file: (keyword, line, parameters) -> (source, formula)."""
    text = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Lambda):
            parameters = tuple(a.arg for a in node.value.args.args)
            source = " ".join((ast.get_source_segment(text, node.value) or "").split())
            found[node.arg, node.value.lineno, parameters] = (source, spell(node.value.body))
    return found


_CALLS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "eq": "=", "ne": "≠", "logical_and": "and", "logical_or": "or"}
_LEFT_OUT = ("dim", "keepdim", "None")


def _spell_call(node: ast.Call, outer: int) -> str:
    """A call: comparisons, where, exp and roots as signs; shapes and axes are left out."""
    name = spell(node.func, 5).lstrip("_")
    arguments = [spell(a) for a in node.args]
    if name in _CALLS and len(arguments) == 2:
        return f"[{arguments[0]} {_CALLS[name]} {arguments[1]}]"
    if name == "where" and len(arguments) == 3:
        condition, yes, no = arguments
        if no == "0":
            return f"{spell(node.args[1], 2)} · {condition}"
        return f"{yes} if {condition}, else {no}"
    if name == "nought":
        return "0"
    if name == "exp" and len(arguments) == 1:
        return f"e^{{{arguments[0]}}}"
    if name in ("sqrt", "rsqrt"):
        text = f"√({arguments[0]})"
        return text if name == "sqrt" else f"(1 / {text})" if outer > 1 else f"1 / {text}"
    shown = [a for a in arguments if not a.endswith("_shape") and a not in _LEFT_OUT]
    return f"{name}({', '.join(shown)})"


_SIGNS = {ast.Add: (" + ", 1), ast.Sub: (" − ", 1), ast.Mult: (" · ", 2), ast.Div: (" / ", 2), ast.MatMult: (" @ ", 2)}
_COMPARE = {ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"}


def spell(node: ast.expr, outer: int = 0) -> str:
    """An expression of Python as a line of mathematics."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Pow):
            return f"{spell(node.left, 4)}^{{{spell(node.right)}}}"
        sign, level = _SIGNS.get(type(node.op), (" ? ", 2))
        tight = isinstance(node.op, (ast.Div, ast.Sub))
        text = f"{spell(node.left, level)}{sign}{spell(node.right, level + tight)}"
        return f"({text})" if level < outer else text
    if isinstance(node, ast.UnaryOp):
        sign = {ast.USub: "−", ast.Invert: "¬", ast.Not: "¬"}.get(type(node.op), "+")
        text = f"{sign}{spell(node.operand, 3)}"
        return f"({text})" if outer > 1 else text
    if isinstance(node, ast.Compare):
        signs = [_COMPARE.get(type(o), "∈") for o in node.ops]
        parts = [spell(node.left), *(f" {s} {spell(c)}" for s, c in zip(signs, node.comparators, strict=True))]
        return f"[{''.join(parts)}]"
    if isinstance(node, ast.IfExp):
        return f"{spell(node.body)} if {spell(node.test)}, else {spell(node.orelse)}"
    if isinstance(node, ast.Call):
        return _spell_call(node, outer)
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "math":
            return {"pi": "π", "log": "ln"}.get(node.attr, node.attr)
        return f"{spell(node.value, 5)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Starred):
        return spell(node.value)
    if isinstance(node, ast.Tuple):
        return ", ".join(spell(e) for e in node.elts)
    return ast.unparse(node)
