"""Containers: every script runs on both libraries, and must end the same."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import tinygrad_cnn as tg


def _layers(lib, n=3):
    """Modules that can be told apart: Sequentials of growing length."""
    return [lib.nn.Sequential(*(lib.nn.Module() for _ in range(i))) for i in range(n)]


def _lengths(container):
    return [len(m) for m in container]


def _edited(lib, kind):
    m = kind(lib)
    seen = [_lengths(m), len(m[-1]), _lengths(m[1:]), _lengths(m[::-1]), type(m[:1]).__name__]
    m.append(lib.nn.Sequential())
    m.insert(1, _layers(lib, 6)[5])
    seen.append(_lengths(m))
    m.extend(_layers(lib, 2))
    m[0] = _layers(lib, 5)[4]
    m[-1] = _layers(lib, 10)[9]
    seen.append(_lengths(m))
    del m[1]
    del m[-2:]
    seen += [_lengths(m), len(m.pop(0)), len(m.pop(-1)), _lengths(m), [name for name, _ in m.named_children()]]
    m += m[:2]
    return [*seen, _lengths(m), _lengths(m + m[:1]), list(m.state_dict()), repr(m)]


def _sequential(lib):
    return lib.nn.Sequential(*_layers(lib))


def _list(lib):
    return lib.nn.ModuleList(_layers(lib))


def _named(lib):
    a, b = _layers(lib, 2)
    m = lib.nn.Sequential(OrderedDict(first=a, second=b))
    return [m.second is b, m[1] is b, [n for n, _ in m[1:].named_children()], repr(m)]


def _computes(lib):
    class Add(lib.nn.Module):
        def __init__(self, k):
            super().__init__()
            self.k = k

        def forward(self, x):
            return x * 10 + self.k

    m = lib.nn.Sequential(Add(1), Add(2), Add(3))
    return [m(0), m[:2](0), lib.nn.Sequential()(5), lib.nn.Sequential(*list(m.children())[1:])(0)]


def _dict(lib):
    a, b, c = _layers(lib)
    m = lib.nn.ModuleDict({"a": a})
    m["b"] = b
    m.update([("c", c), ("d", a)])
    seen = [list(m), list(m.keys()), [len(v) for v in m.values()], "b" in m, "z" in m, len(m), m.b is b, repr(m)]
    seen += [[k for k, _ in m.items()], len(m.pop("b")), list(m)]
    del m["a"]
    seen += [list(m), [n for n, _ in m.named_modules()]]
    m.update(lib.nn.ModuleDict({"e": a}))
    m.clear()
    return [*seen, len(m)]


def _parameter_list(lib):
    m = lib.nn.ParameterList([lib.ones(2), lib.nn.Parameter(lib.zeros(1))])
    m.append(lib.ones(3))
    m.extend([lib.ones(1)])
    m += [lib.zeros(4)]
    m[1] = lib.nn.Parameter(lib.ones(5))
    seen = [[tuple(p.shape) for p in m], len(m), m[-1].tolist(), [tuple(p.shape) for p in m[1:3]]]
    return [*seen, [n for n, _ in m.named_parameters()], all(p.requires_grad for p in m), repr(m).replace("torch.", "")]


def _parameter_dict(lib):
    m = lib.nn.ParameterDict({"a": lib.ones(2)})
    m["b"] = lib.nn.Parameter(lib.zeros(1))
    m.update({"c": lib.ones(3)})
    seen = [list(m), "a" in m, len(m), m.a.tolist(), m["b"].requires_grad, [tuple(v.shape) for v in m.values()]]
    seen += [[k for k, _ in m.items()], m.pop("a").tolist(), list(m.state_dict()), m.get("zz")]
    del m["b"]
    return [*seen, list(m.keys())]


def _modules_among_parameters(lib):
    inner = lib.nn.ParameterList([lib.ones(2), lib.ones(3)])
    row = lib.nn.ParameterList([inner])
    row.append(lib.nn.Linear(1, 2))
    row[0] = lib.nn.ParameterList([lib.zeros(4)])
    names = lib.nn.ParameterDict({"a": lib.nn.Linear(2, 1), "b": lib.ones(1), "k": None})
    seen = [list(m.state_dict()) for m in (row, names)] + [[n for n, _ in m.named_modules()] for m in (row, names)]
    del names["a"]
    return [*seen, [type(m).__name__ for m in row], list(names.state_dict()), names["k"], len(row)]


SCRIPTS = {
    "Sequential edited": lambda lib: _edited(lib, _sequential),
    "ModuleList edited": lambda lib: _edited(lib, _list),
    "Sequential by name": _named,
    "Sequential computes": _computes,
    "ModuleDict": _dict,
    "ParameterList": _parameter_list,
    "ParameterDict": _parameter_dict,
    "modules among parameters": _modules_among_parameters,
    "empty": lambda lib: [
        repr(getattr(lib.nn, k)()) for k in ("Sequential", "ModuleList", "ModuleDict", "ParameterList")
    ],
    "a generator": lambda lib: _lengths(lib.nn.ModuleList(m for m in _layers(lib))),
    "repeats in repr": lambda lib: repr(
        lib.nn.ModuleList([lib.nn.Module(), lib.nn.Module(), *_layers(lib, 2), lib.nn.Module()])
    ),
    "shared": lambda lib: len(list(lib.nn.Sequential(*[_layers(lib, 1)[0]] * 3).modules())),
    "list index": lambda lib: _list(lib)[3],
    "list index below": lambda lib: _sequential(lib)[-4],
    "list of numbers": lambda lib: lib.nn.ModuleList([1]),
    "sequential of numbers": lambda lib: lib.nn.Sequential(1),
    "extend by a number": lambda lib: _list(lib).extend(3),
    "append a number": lambda lib: _list(lib).append(3),
    "list is no layer": lambda lib: _list(lib)(1),
    "dict without": lambda lib: lib.nn.ModuleDict()["x"],
    "dict of a number": lambda lib: lib.nn.ModuleDict({"x": 3}),
    "dict of pairs of one": lambda lib: lib.nn.ModuleDict([("x",)]),
    "dict updated by a number": lambda lib: lib.nn.ModuleDict().update(3),
    "dict key of a method": lambda lib: lib.nn.ModuleDict({"forward": lib.nn.Module()}),
    "parameter index": lambda lib: lib.nn.ParameterList()[0],
    "parameters of a number": lambda lib: lib.nn.ParameterList(3),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_in_pytorch(pytorch, name):
    pytorch.agrees(lambda m: pytorch.attempt(SCRIPTS[name], m))


def test_index_error_says_how_many_there_are():
    with pytest.raises(IndexError, match="Sequential: index 3 is out of range, it holds 3 modules"):
        _sequential(tg)[3]


def test_insert_refuses_before_changing():
    m = _list(tg)
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        m.insert(0, 3)
    assert _lengths(m) == [0, 1, 2]


def test_what_is_no_tensor_is_kept_beside_the_parameters(pytorch):
    def kept(m):
        row = m.nn.ParameterList([m.ones(2), 3, "a"])
        row[1] = m.zeros(1)
        names = m.nn.ParameterDict({"w": m.ones(2), "k": 3})
        more = names | m.nn.ParameterDict({"v": m.ones(1)})
        return [
            *[
                len(row),
                list(row.state_dict()),
                row[2],
                more.setdefault("w", 5).tolist(),
                more.setdefault("n"),
                more["k"],
            ],
            *[list(reversed(more)), more.popitem(), more.pop("k"), list(names.copy()), list(names.fromkeys("ab"))],
            *[list(more.state_dict()), [line.strip() for line in repr(row).split("\n")][3]],
        ]

    pytorch.agrees(kept)
    with pytest.raises(RuntimeError, match="should not be called"):
        tg.nn.ParameterList([])(1)


def test_sequential_in_rounds():
    layer = tg.nn.Linear(2, 2)
    net = tg.nn.Sequential(layer, tg.nn.ReLU())
    for twice in (net * 2, 2 * net):
        assert [type(m) for m in twice] == [tg.nn.Linear, tg.nn.ReLU] * 2
        assert twice[2] is layer
    assert len(net) == 2
    same = net
    net *= 3
    assert net is same
    assert len(net) == 6
    for times in (0, -1):
        with pytest.raises(ValueError, match="positive"):
            net * times
    with pytest.raises(TypeError, match="float"):
        net * 1.5
