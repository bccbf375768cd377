"""Where an op's rules stand: directly under its function, so that they are read together."""

import ast
from pathlib import Path

import pytest

import tinygrad_cnn.ops

FILES = sorted(Path(tinygrad_cnn.ops.__file__).parent.glob("*.py"))
SAID = ("grad", "joint_grad", "meaning", "explain")


def said_of(statement: ast.stmt) -> tuple[str, str] | None:
    """The op that a statement gives a rule to, and which: `mul.grad(...)`, or a function under `@mul.meaning`."""
    calls = statement.decorator_list if isinstance(statement, ast.FunctionDef) else [getattr(statement, "value", None)]
    for call in calls:
        method = call.func if isinstance(call, ast.Call) else call
        if isinstance(method, ast.Attribute) and method.attr in SAID and isinstance(method.value, ast.Name):
            return method.value.id, method.attr
    return None


def out_of_place(source: str) -> list[str]:
    """The rules that do not follow their op: its gradient, its meaning, its words, and then the next op."""
    statements = ast.parse(source).body
    ruled = {said[0] for said in map(said_of, statements) if said}
    last, found = ("", -1), []
    for statement in statements:
        said = said_of(statement)
        if said:
            op, what = said
            order = SAID.index(what)
            if op != last[0] or order < last[1]:
                found.append(f"line {statement.lineno}: {op}.{what} behind {last[0] or 'nothing'}")
            last = op, order
        elif isinstance(statement, ast.FunctionDef) and (statement.decorator_list or statement.name in ruled):
            last = statement.name, -1
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_rule_stands_under_its_function(file):
    assert out_of_place(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("@op\ndef f(x): ...\ndef helper(): ...\nf.grad(x=None)\nf.explain('')", []),
        ("@op\ndef f(x): ...\n@op\ndef h(x): ...\nf.grad(x=None)", ["line 5: f.grad behind h"]),
        ("@op\ndef f(x): ...\nf.explain('')\nf.grad(x=None)", ["line 4: f.grad behind f"]),
        ("@op\ndef f(x): ...\n@op\ndef h(x): ...\n@f.meaning\ndef _(x): ...", ["line 6: f.meaning behind h"]),
    ],
)
def test_what_is_out_of_place_is_seen(source, expected):
    assert out_of_place(source) == expected
