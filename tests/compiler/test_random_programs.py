"""500 random programs: 300 that are held against PyTorch elsewhere (`tests/programs`), and 200 made here."""

from __future__ import annotations

import random
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg

from .conftest import bits

PROGRAMS = Path(__file__).parent.parent / "programs"
sys.path.insert(0, str(PROGRAMS))
from play import HEADER  # noqa: E402

RECORDED = [re.split(r"\n(?! )", p) for p in (PROGRAMS / "programs.txt").read_text().strip().split("\n\n")]
NUMBERS = re.compile(r'num\((?:[\d, ]|seed=|grad=|True|False|dtype="\w+")*\)')
MODULE = re.compile(r"\w+ = (fill\()?nn\.")
SCOPE: dict = {}
exec(HEADER.format(library="tinygrad_cnn"), SCOPE)


def as_function(lines):
    """What makes the arguments, and the source of a function of them that returns all that a program computes."""
    before, body, given = [], [], []
    for line in lines:
        if MODULE.match(line):
            before.append(line)
            continue
        for call in NUMBERS.findall(line):
            name = f"given{len(given)}"
            given.append((name, call))
            line = line.replace(call, name, 1)
        body.append(line)
    made = list(dict.fromkeys(m.group(1) for line in body if (m := re.match(r"(\w+) = ", line))))
    source = [f"def f({', '.join(name for name, _ in given)}):"]
    source += [f"    {part}" for line in body for part in line.split("\n")]
    source += ["    return [v * 1 for v in (" + "".join(f"{name}, " for name in made) + ") if isinstance(v, t.Tensor)]"]
    return before, given, "\n".join(source)


def outcome(f, given):
    """What a call returns, and leaves behind in what it was given; or the kind of its error."""
    args = [eval(call, SCOPE) for _, call in given]
    tg.manual_seed(1)
    try:
        found = f(*args)
    except Exception as error:
        return type(error).__name__, []
    flags = [(t.requires_grad, t.grad_fn is None) for t in found]
    return flags, [bits(t) for t in (*found, *args, *(a.grad for a in args))]


def check(before, given, source, state):
    runs = []
    for compile in (lambda f: f, tg.compile):
        scope = dict(SCOPE)
        tg.manual_seed(0)
        exec("\n".join(before), scope)
        exec(source, scope)
        f = compile(scope["f"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runs.append([outcome(f, given) for _ in range(3)])
    state.append(bool(f._entries))
    for (flags, expected), (found_flags, found) in zip(*runs, strict=True):
        assert flags == found_flags, source
        for a, b in zip(expected, found, strict=True):
            assert (a is None) == (b is None), source
            if a is not None:
                assert (a.shape, a.dtype) == (b.shape, b.dtype), source
                np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6, err_msg=source)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_recorded_programs(part):
    captured: list[bool] = []
    for lines in RECORDED[part::10]:
        try:
            before, given, source = as_function(lines)
            check(before, given, source, captured)
        except (NameError, SyntaxError):  # it refers to what was taken out
            continue
    assert any(captured)


UNARY = """x.exp() x.tanh() x.sigmoid() x.relu() x.abs() x.square() (x*x+1).log() x.neg() F.gelu(x) F.softplus(x)
F.silu(x) x.clamp(-1,1) x*2 x+1 1-x x/3 x.clone() F.leaky_relu(x,0.1) x.transpose(0,1).transpose(0,1) x.contiguous()
F.softmax(x,1) F.layer_norm(x,x.shape[1:]) x[:,:] x.flip(0) F.dropout(x,0.3) x-x.mean(1,keepdim=True) x.detach()*2
x.reshape(-1).reshape(x.shape) F.elu(x) x.sin() x.where(x>0,-x) (x>0).float()*x x.cumsum(1) F.relu(x+0,inplace=True)
(x*1).add_(x) x*t.zeros(4) x+t.ones(3,4) x*t.randn(4)""".split()
BINARY = "x+y x*y x-y x/(y*y+1) t.maximum(x,y) t.where(x>y,x,y) x@(y.T@x@w) t.cat([x,y],0)[:3] F.linear(x,w)*y".split()
LOSSES = "x.sum() x.square().mean() (x*y).sum() F.mse_loss(x,y) F.cross_entropy(x,c) x.logsumexp(1).mean()".split()


def made(seed):
    """A program of some lines over x and y (3, 4), a weight w (4, 4) and classes c, with a backward in most."""
    draw = random.Random(seed)
    names = ["x", "y"]
    lines = []
    for k in range(draw.randint(3, 12)):
        a, b = draw.choice(names), draw.choice(names)
        text = draw.choice(UNARY if draw.random() < 0.6 else BINARY)
        text = re.sub(r"\b[xy]\b", lambda m, a=a, b=b: a if m.group() == "x" else b, text)
        lines.append(f"    v{k} = {text}")
        names.append(f"v{k}")
    last = re.sub(r"\b[xy]\b", lambda m: names[-1] if m.group() == "x" else names[-2], draw.choice(LOSSES))
    lines.append(f"    loss = {last}")
    if draw.random() < 0.6:
        lines.append("    loss.backward()")
    some = draw.sample(names[2:], min(len(names) - 2, 2))
    lines.append("    return [" + "".join(f"{name} * 1, " for name in some) + "loss.detach() * 1]")
    return "def f(x, y, w, c):\n" + "\n".join(lines)


GIVEN = [
    ("x", "num(3, 4, seed=1, grad=True)"),
    ("y", "num(3, 4, seed=2, grad=True)"),
    ("w", "num(4, 4, seed=3, grad=True)"),
    ("c", "t.tensor([0, 3, 1])"),
]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_made_programs(part):
    captured: list[bool] = []
    for seed in range(20 * part, 20 * part + 20):
        check([], GIVEN, made(seed), captured)
    assert sum(captured) >= 18
