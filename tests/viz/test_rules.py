"""Every op has its rule as a formula and in words, held next to the op."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional
from tinygrad_cnn.engine.call import registry
from tinygrad_cnn.viz.mathml import mathml
from tinygrad_cnn.viz.rules import rule_of

OURS = {name: f.op for name, f in registry.items() if f.op.forward.__module__.startswith("tinygrad_cnn.")}
DIFFERENTIABLE = sorted(name for name, op in OURS.items() if any(op.rules.values()))


def test_there_are_many():
    assert len(DIFFERENTIABLE) > 80


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_op_explains_its_rule(name):
    op = OURS[name]
    assert op.words, f"{name}: give it words, under its rules: {name}.explain('...')"
    assert op.words[0].isupper()
    assert op.words.endswith(".")
    for given, rule in rule_of(op)["inputs"].items():
        if op.rules[given] is None:
            continue
        assert rule["formula"], (name, given)
        strange = re.findall(r"\b_\w+|kernel\.|\blambda\b|\w+_to_\w+\(|\w+_back\(", rule["formula"])
        assert not strange, f"{name}.explain: {given}={rule['formula']!r} is code; give its formula"
        ET.fromstring(mathml(rule["formula"], given, frozenset({"g", given})))


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_op_says_what_it_computes(name):
    rule = rule_of(OURS[name])
    assert rule["words"]


@pytest.mark.parametrize(
    ("rule", "formula"),
    [
        ("lambda g, a, b: g * a / (b + 1)", "g · a / (b + 1)"),
        ("lambda g, a, b: -g * (a - b)", "(−g) · (a − b)"),
        ("lambda g, a, b: where(gt(a, 0), g, 0)", "g · [a > 0]"),
        ("lambda g, a, b: where(gt(a, 0), g, g * b)", "g if [a > 0], else g · b"),
        ("lambda g, a, b: g * exp(-a) * math.sqrt(math.pi)", "g · e^{−a} · √(π)"),
        ("lambda g, a, b: a**2", "a^{2}"),
    ],
)
def test_a_rule_that_is_an_expression_is_its_formula(rule, formula, tmp_path, monkeypatch):
    import importlib

    (tmp_path / "own_ops.py").write_text(
        "import math\nfrom tinygrad_cnn import exp, gt, op, where\n"
        f"@op\ndef own(a, b):\n    return a\nown.grad(a={rule}, b=None)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("own_ops")
    monkeypatch.delitem(registry, "own")
    importlib.sys.modules.pop("own_ops")
    assert rule_of(module.own.op)["inputs"]["a"]["formula"] == formula


def test_words_of_ones_own_op(monkeypatch):
    @tg.op
    def own_cube(x):
        return x * x * x

    own_cube.grad(x=lambda g, x: 3 * g * x * x)
    monkeypatch.delitem(registry, "own_cube")
    assert rule_of(own_cube.op)["inputs"]["x"]["formula"] == "3 · g · x · x"
    own_cube.explain("Three times the square.", x="3 · g · x^2")
    assert rule_of(own_cube.op)["inputs"]["x"]["formula"] == "3 · g · x^2"
    with pytest.raises(TypeError, match="there is no input 'y'"):
        own_cube.explain("No.", y="g")


def test_a_long_line_is_set_in_several():
    formula = "[o, c] = Σ_{n,p,q} g[n, o, p, q] · input[n, c, 2 · p − 1, 2 · q + 3], where a = (b · c), d = e"
    lines = ["".join(row.itertext()) for row in ET.fromstring(mathml(formula, "w").replace("&#160;", " ")).iter("mtr")]
    assert lines == [
        "∂L∂w[o,c]=", "Σn,p,qg[n,o,p,q]", "·input[n,c,2·p−1,2·q+3]", " where a=(b·c)", " and d=e"
    ]  # fmt: skip
    assert "mtr" not in mathml("g · other", "input")


@pytest.mark.parametrize(
    "formula", ["g", "Σ_{n,p} g[n,p] · w", "a^2 / √(b + 1)", "((", "))", "]{", "^", "_", "<b>&", "a b c", "√", "e^{−a}"]
)
def test_any_line_becomes_well_formed(formula):
    ET.fromstring(mathml(formula, "<x>", frozenset({"g"})).replace("&#160;", " "))
