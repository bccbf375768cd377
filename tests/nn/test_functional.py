"""nn.functional: PyTorch's names and signatures, and the flags that are no matter of mathematics."""

from __future__ import annotations

import inspect
import pickle
import re

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F


def test_all_names_exist():
    assert [name for name in F.__all__ if not callable(getattr(F, name))] == []
    assert sorted(F.__all__) == list(F.__all__)


# PyTorch decides by a flag which of two functions it calls, and has no signature for them.
DISPATCHED = {
    name: ["input", *more, "return_indices"]
    for name, more in {
        "max_pool1d": ["kernel_size", "stride", "padding", "dilation", "ceil_mode"],
        "max_pool2d": ["kernel_size", "stride", "padding", "dilation", "ceil_mode"],
        "max_pool3d": ["kernel_size", "stride", "padding", "dilation", "ceil_mode"],
        "adaptive_max_pool1d": ["output_size"],
        "adaptive_max_pool2d": ["output_size"],
        "adaptive_max_pool3d": ["output_size"],
    }.items()
}


@pytest.mark.parametrize("name", [n for n in F.__all__ if not n.endswith("_")])
def test_parameters_are_pytorchs(pytorch, name):
    def parameters(m):
        """Their names, and their defaults where they are known."""
        f = getattr(m.nn.functional, name)
        try:
            return {n: repr(p.default) for n, p in inspect.signature(f).parameters.items()}
        except ValueError:  # written in C++: the names stand in the first line of its docstring
            line = re.search(rf"{name}\((.*?)\) ?->", f.__doc__, re.DOTALL).group(1)
            return {p.split("=")[0].strip(): "?" for p in line.split(",") if p.strip() != "*"}

    ours = parameters(tg)
    if name in DISPATCHED:
        assert list(ours) == DISPATCHED[name]
        return
    theirs = pytorch(parameters)
    assert list(ours) == list(theirs)
    unknown = [n for n in theirs if theirs[n] == "?" or n in ("kernel_size", "stride", "padding", "dilation")]
    assert {**ours, **dict.fromkeys(unknown)} == {**theirs, **dict.fromkeys(unknown)}


# Flags.

INPLACE = {
    "relu": (),
    "relu6": (),
    "leaky_relu": (0.2,),
    "elu": (0.5,),
    "celu": (0.5,),
    "selu": (),
    "silu": (),
    "mish": (),
    "hardtanh": (-0.5, 0.7),
    "hardsigmoid": (),
    "hardswish": (),
    "threshold": (0.1, -3.0),
    "rrelu": (0.1, 0.3, False),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace(name):
    f, more = getattr(F, name), INPLACE[name]
    start = tg.tensor(np.random.default_rng(0).normal(size=(3, 4)) * 3, requires_grad=True)
    plain = f(start, *more)
    (expected,) = tg.autograd.grad(plain.sum(), start)
    x = start * 1
    out = f(x, *more, True)
    assert out is x
    assert x.tolist() == plain.tolist()
    (g,) = tg.autograd.grad(out.sum(), start)
    np.testing.assert_allclose(g.numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in F.__all__ if n.endswith("_")])
def test_names_with_an_underscore_are_in_place(name):
    x = tg.tensor([-2.0, 3.0])
    more = (0.5, 0.0) if name == "threshold_" else ()
    out = getattr(F, name)(x, *more)
    assert out is x
    assert x.tolist() == getattr(F, name[:-1])(tg.tensor([-2.0, 3.0]), *more).tolist()


@pytest.mark.parametrize("name", [n for n in F.__all__ if n.endswith("_")])
def test_names_with_an_underscore_are_functions_like_any_other(name):
    f, plain = getattr(F, name), getattr(F, name[:-1])
    for g, known in ((f, name), (plain, name[:-1])):
        assert (g.__name__, g.__qualname__, g.__module__) == (known, known, F.__name__)
        assert pickle.loads(pickle.dumps(g)) is g
    assert f.__doc__.startswith(f"In place: the tensor becomes its `{name[:-1]}`.")
    assert [*inspect.signature(f).parameters, "inplace"] == list(inspect.signature(plain).parameters)
    x = tg.tensor([-2.0, 3.0])
    more = {"threshold": 0.5, "value": 0.0} if name == "threshold_" else {}
    assert f(input=x, **more) is x


def test_inplace_on_a_leaf_that_requires_grad_is_refused():
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="relu_: a leaf Variable that requires grad"):
        F.relu(x, inplace=True)
    assert x.tolist() == [-1, 2]


def test_rrelu():
    x = -tg.ones(1000)
    slopes = -F.rrelu(x, 0.1, 0.3, training=True).numpy()
    assert 0.1 <= slopes.min() < 0.12
    assert 0.28 < slopes.max() <= 0.3
    np.testing.assert_allclose(F.rrelu(x, 0.1, 0.3).numpy(), -0.2)


def test_normalize_to_out():
    x, out = tg.tensor([[3.0, 4.0]]), tg.empty(1, 2)
    assert F.normalize(x, out=out) is out
    np.testing.assert_allclose(out.numpy(), [[0.6, 0.8]], rtol=1e-6)
