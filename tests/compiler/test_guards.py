"""What a program depends on is looked at before each call; what cannot be captured is said, with its line."""

from __future__ import annotations

import copy
import gc
import math
import re
import threading
import weakref

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn

from .conftest import bits, same

F = nn.functional
FACTOR = 2.0
TABLE = {"by": 3.0}
SHIFT = tg.ones(3)


class Settings:
    root = 2

    def __init__(self):
        self.power = 2


class Slotted:
    __slots__ = ("power",)


class Cubic(nn.Module):
    power = 3

    def forward(self, x):
        return x**self.power


def count(f):
    return len(f._entries) if hasattr(f, "_entries") else len(f._compiled._entries)


def by_globals(x):
    return x * FACTOR + TABLE["by"]


def set_global(f, monkeypatch):
    monkeypatch.setitem(globals(), "FACTOR", 5.0)


def set_table(f, monkeypatch):
    monkeypatch.setitem(TABLE, "by", 7.0)


def closure():
    power = 2

    def f(x):
        return x**power

    def change():
        nonlocal power
        power = 3

    return f, change


def by_object():
    settings = Settings()

    def f(x):
        return x**settings.power

    def change():
        settings.power = 3

    return f, change


def by_class(change):
    settings = Settings()
    return lambda x: x**settings.root, lambda: change(settings)


def by_slot():
    settings = Slotted()
    settings.power = 2
    return lambda x: x**settings.power, lambda: setattr(settings, "power", 3)


def by_class_of_module(change):
    model = Cubic()
    return model, lambda: change(model)


def by_module(change):
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.ReLU())
    return model, lambda: change(model)


def replace_weight(model):
    model[0].weight = nn.Parameter(tg.ones(3, 3))


def replace_memory(model):
    model[0].weight.data = tg.ones(3, 3)


CHANGES = {
    "closure": closure,
    "object": by_object,
    "over a class attribute": lambda: by_class(lambda thing: setattr(thing, "root", 3)),
    "over a module's class attribute": lambda: by_class_of_module(lambda thing: setattr(thing, "power", 2)),
    "slot": by_slot,
    "eval": lambda: by_module(lambda m: m.eval()),
    "an attribute": lambda: by_module(lambda m: setattr(m[1], "p", 0.0)),
    "a child": lambda: by_module(lambda m: m.append(nn.Tanh())),
    "another child": lambda: by_module(lambda m: m.__setitem__(2, nn.Tanh())),
    "a parameter": lambda: by_module(replace_weight),
    "its memory": lambda: by_module(replace_memory),
    "frozen": lambda: by_module(lambda m: m[0].weight.requires_grad_(False)),
    "no bias": lambda: by_module(lambda m: setattr(m[0], "bias", None)),
}


@pytest.mark.parametrize("make", CHANGES.values(), ids=CHANGES)
def test_a_change_outside_is_noticed(make):
    f, change = make()
    fast = tg.compile(f, fullgraph=True)
    x = tg.randn(4, 3)

    def both():
        found = []
        for g in (f, fast):
            tg.manual_seed(1)
            found.append([bits(g(x)), g(x).requires_grad])
        assert found[0][1] == found[1][1]
        same(found[0][:1], found[1][:1])

    both()
    both()
    change()
    both()
    both()


def test_globals(monkeypatch):
    fast = tg.compile(by_globals)
    x = tg.ones(2)
    assert fast(x).tolist() == [5.0, 5.0]
    monkeypatch.setitem(globals(), "FACTOR", 4.0)
    assert fast(x).tolist() == [7.0, 7.0]
    monkeypatch.setitem(TABLE, "by", 1.0)
    assert fast(x).tolist() == [5.0, 5.0]
    monkeypatch.undo()
    assert fast(x).tolist() == [5.0, 5.0]
    assert count(fast) == 3


ARGUMENTS = {
    "shape": [(tg.ones(2, 3),), (tg.ones(4, 3),)],
    "dtype": [(tg.ones(2),), (tg.ones(2, dtype=tg.float64),), (tg.ones(2, dtype=tg.int64),)],
    "strides": [(tg.arange(6.0).reshape(2, 3),), (tg.arange(6.0).reshape(3, 2).T,), (tg.ones(1, 3).expand(2, 3),)],
    "requires_grad": [(tg.ones(2),), (tg.ones(2, requires_grad=True),)],
    "a number": [(tg.ones(2), 2), (tg.ones(2), 2.0), (tg.ones(2), 3), (tg.ones(2), True)],
    "a word": [(tg.ones(2), "mean"), (tg.ones(2), "sum")],
    "a list": [([tg.ones(2), 1],), ([tg.ones(2), 2],), ([tg.ones(2)],)],
    "a dict": [({"x": tg.ones(2)},), ({"y": tg.ones(2)},)],
}


@pytest.mark.parametrize("calls", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(calls):
    def f(x, y=1):
        if isinstance(x, list):
            return x[0] * 2 + len(x) * x[-1]
        if isinstance(x, dict):
            return sum(t * ord(key) for key, t in x.items())
        return getattr(x * 2, y)() if isinstance(y, str) else x * y

    fast = tg.compile(f, fullgraph=True)
    for _ in range(2):
        for args in calls:
            expected, found = f(*args), fast(*args)
            assert expected.requires_grad == found.requires_grad
            same([bits(expected)], [bits(found)])
    assert count(fast) == len(calls)


def test_modes():
    w = tg.ones(3, requires_grad=True)
    f = tg.compile(lambda x: x * w)
    x = tg.ones(3)
    for _ in range(2):
        assert f(x).requires_grad
        with tg.no_grad():
            assert not f(x).requires_grad
        with tg.inference_mode():
            assert not f(x).requires_grad


def test_one_tensor_twice_and_a_parameter_as_input():
    w = tg.ones(3, requires_grad=True)

    def f(x, y):
        return x * y + w

    fast = tg.compile(f, fullgraph=True)
    a, b = tg.arange(3.0).requires_grad_(), tg.full((3,), 2.0, requires_grad=True)
    for _ in range(2):
        for x, y in ((a, a), (a, b), (w, b), (w, w)):
            found = []
            for g in (f, fast):
                for t in (a, b, w):
                    t.grad = None
                out = g(x, y)
                out.sum().backward()
                found.append([bits(t) for t in (out, a.grad, b.grad, w.grad)])
            same(*found)


def test_leaves_hooks_and_what_is_not_held():
    def f(x):
        loss = (x * x).sum()
        loss.backward()
        return loss.detach()

    fast = tg.compile(f, fullgraph=True)
    x = tg.ones(3, requires_grad=True)
    for n in range(1, 4):
        fast(x)
        assert x.grad.tolist() == [2.0 * n] * 3
    with pytest.raises(RuntimeError, match="compile: "):
        fast(x * 3)  # whose gradient goes on to what it was made of
    gone = weakref.ref(x)
    x = tg.ones(3, requires_grad=True)
    x.register_hook(lambda g: g * 10)
    with pytest.raises(RuntimeError, match="a hook sees a gradient"):
        fast(x)
    gc.collect()
    assert gone() is None


def test_many_shapes_are_said_once(quietly):
    fast = tg.compile(lambda x: x + 1)
    said = []
    for _ in range(2):
        for n in range(12):
            out, words = quietly(fast, tg.ones(n))
            assert out.tolist() == [2.0] * n
            said += words
    assert len(said) == 1
    assert "8 programs" in said[0]


def a_branch(x):
    return x * 2 if x.sum() > 0 else x


def an_item(x):
    return x * x.sum().item()


def numpy_between(x):
    return x + tg.tensor(np.ones(3))


def numpy_of_it(x):
    return tg.tensor(x.numpy() * 2)


def a_print(x):
    print(x)
    return x * 2


def a_hook(x):
    y = x * 2
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    return y


def python_time(x):
    return x * math.sqrt(id(object()) % 7)


def a_global(x):
    global FACTOR
    FACTOR = 2.0
    return x * 2


SEEN = []


def an_append(x):
    SEEN.append(1)
    return x * 2


def a_shape_of_numbers(x):
    return tg.nonzero(x)


def a_view_of_the_input(x):
    return x[1:]


def second_derivatives(x):
    x = (x * 1).detach().requires_grad_()
    return tg.autograd.grad((x**3).sum(), x, create_graph=True)[0]


REFUSED = {
    a_branch: (1, "looks at numbers"),
    an_item: (1, r"item\(\), which looks at numbers"),
    numpy_between: (1, "NumPy"),
    numpy_of_it: (1, r"numpy\(\), which looks at numbers"),
    a_print: (1, "print"),
    a_hook: (1, "hook"),
    a_global: (2, "the global FACTOR"),
    an_append: (None, "SEEN"),
    a_shape_of_numbers: (1, "looks at numbers"),
    a_view_of_the_input: (None, "view of a tensor from outside"),
    second_derivatives: (1, "sets .requires_grad"),
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f, quietly):
    line, why = REFUSED[f]
    x = tg.arange(3.0).requires_grad_() if f is a_hook else tg.arange(3.0)
    fast = tg.compile(f)
    expected = f(x)
    said = []
    for _ in range(3):
        found, words = quietly(fast, x)
        said += words
        same([bits(expected)], [bits(found)])
    assert len(said) == 1
    assert re.search(why, said[0]), said
    if line is not None:
        assert f"test_guards.py:{f.__code__.co_firstlineno + line} in {f.__name__}" in said[0]
    with pytest.raises(RuntimeError, match=why):
        tg.compile(f, fullgraph=True)(x)


def test_classes_that_are_not_there():
    fast = tg.compile(lambda x, y: F.cross_entropy(x, y), fullgraph=True)
    x = tg.randn(3, 4)
    for _ in range(2):
        fast(x, tg.tensor([0, 1, 3]))
        same([bits(F.cross_entropy(x, tg.tensor([0, -100, 3])))], [bits(fast(x, tg.tensor([0, -100, 3])))])
        with pytest.raises(IndexError, match="out of bounds"):
            fast(x, tg.tensor([0, 1, 4]))


def test_threads():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    fast = tg.compile(model)
    inputs = [tg.randn(5, 4) for _ in range(4)]
    expected = [bits(model(x)) for x in inputs]
    wrong = []

    def work(k):
        for _ in range(30):
            if not (bits(fast(inputs[k])) == expected[k]).all():
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_compiled_module_is_the_module():
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    fast = tg.compile(model)
    assert [*fast.parameters()] == [*model.parameters()]
    assert fast[0] is model[0]
    assert list(fast.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    twin = copy.deepcopy(fast)
    x = tg.ones(1, 2)
    for net in (fast, twin):
        net.eval()
        net(x)
        with tg.no_grad():
            net[0].bias += 1
        same([bits(net._orig_mod(x))], [bits(net(x))])
    assert twin[0].weight is not fast[0].weight
    assert not model.training
    assert not model[1].training
    assert not fast.training
    assert tg.compile(model, disable=True) is model
    with pytest.raises(TypeError):
        tg.compile(model, wrong=1)
    with pytest.raises(TypeError, match="expected a module or a function"):
        tg.compile(3)


def test_the_collector_may_call_what_it_likes_meanwhile():
    def told(phase, info):
        global FACTOR
        FACTOR = 2.0

    x, before = tg.ones(3), gc.get_threshold()
    f = tg.compile(lambda x: [[x * 2] for _ in range(9)][-1][0] + 1, fullgraph=True)
    gc.callbacks.append(told)
    gc.set_threshold(1)
    try:
        assert f(x).tolist() == [3, 3, 3]
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(told)
