"""The same call here and in PyTorch: value, dtype, shape, gradients, or the class of the error.

`tests/calls/` holds calls as people write them, right and wrong ones, some 1,500; here are those that are products of
a few lists, and those that hypothesis makes up. By default a part of them is run, with `-m slow` all. What differs on
purpose stands in `ON_PURPOSE`, with the reason.

In a call, `t` is the library, `F` its functional, `nn` its layers, and other names of a letter or two are the tensors
of `TENSORS`; those that are floating require a gradient.
"""

from __future__ import annotations

import itertools
import operator
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional

CALLS = Path(__file__).parent / "calls"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)
LIBRARY = tg  # the other one is made known by the fixture


@pytest.fixture(scope="module", autouse=True)
def torch():
    return pytest.importorskip("torch")


# What a call may speak of.

_draw = np.random.RandomState(0)


def _normal(*shape):
    return _draw.randn(*shape).astype(np.float32)


def _probabilities(*shape):
    p = _draw.rand(*shape).astype(np.float32)
    return p / p.sum(1, keepdims=True)


TENSORS = {
    "a": _normal(3, 4),
    "p": _draw.rand(3, 4).astype(np.float32) * 0.8 + np.float32(0.1),
    "d": _draw.randn(3, 4),
    "h": _draw.randn(3, 4).astype(np.float16),
    "i": _draw.randint(-4, 5, (3, 4)),
    "j": _draw.randint(1, 5, (3, 4)).astype(np.int32),
    "u": _draw.randint(0, 9, (3, 4)).astype(np.uint8),
    "b": _draw.rand(3, 4) > 0.5,
    "s": np.array(1.5, np.float32),  # numbers without axes
    "w": np.array(2.5),
    "z": np.array(2),
    "o": np.array(True),
    "e": np.zeros((0, 4), np.float32),  # nothing
    "E": np.zeros((3, 0), np.float32),
    "v": _normal(4),
    "f": _normal(5),
    "c": _normal(3, 1),
    "m": _normal(4, 3),
    "x": _normal(2, 3, 4),
    "y": _normal(2, 4, 3),
    "q": _normal(2, 3, 6, 5),
    "g": np.array([[1, np.nan, -np.inf, np.inf], [0, -0.0, 2, 2], [3, 3, 3, 3]], np.float32),
    "k": _draw.randint(0, 3, (4,)),
    "l": _draw.randint(0, 4, (3,)),
    "K": _draw.randint(0, 3, (3, 4)),
    "X": _normal(2, 4, 7, 6),  # pictures and kernels
    "X1": _normal(2, 4, 9),
    "X3": _normal(4, 7, 6),
    "W": _normal(6, 4, 3, 3),
    "W1": _normal(6, 4, 3),
    "W2": _normal(6, 2, 3, 3),
    "WT": _normal(4, 3, 3, 2),
    "WT1": _normal(4, 3, 3),
    "B": _normal(6),
    "C4": _draw.rand(4).astype(np.float32) + np.float32(0.5),
    "D4": _normal(4),
    "L": _normal(5, 3),  # logits and targets
    "T": np.array([0, 2, 1, 0, 2]),
    "TI": np.array([0, -100, 1, 0, 2]),
    "P": _probabilities(5, 3),
    "Q": _draw.rand(5, 3).astype(np.float32),
    "L4": _normal(2, 3, 4, 4),
    "T4": _draw.randint(0, 3, (2, 4, 4)),
    "M": _draw.rand(5).astype(np.float32),
    "Y1": np.array([1, -1, 1, 1, -1], np.float32),
    "EW": _normal(10, 4),
}
CONSTANTS = {"CW": np.array([1, 2, 0.5], np.float32)}  # weights of classes, which have no gradient in PyTorch


def put(x, index, value):
    x[index] = value
    return x


def twice(a):
    y = (a * a).sum()
    y.backward()
    y.backward()


def names(library, more=()):
    """The names of a call: fresh tensors, and the library."""
    found = {"t": library, "F": library.nn.functional, "nn": library.nn, "np": np, "put": put, "bw2": twice}
    for name, array in {**TENSORS, **CONSTANTS, **dict(more)}.items():
        found[name] = library.tensor(array) if array.ndim == 0 else library.from_numpy(array.copy())
        if array.dtype.kind == "f" and name not in CONSTANTS:
            found[name].requires_grad_(True)
    found["N"] = found["m"].T
    found["opt"] = lambda name, **options: getattr(library.optim, name)([found["a"]], **options)
    return found


# What came of it.


def outcome(library, call, more=()):
    """("error", class) or ("done", results, gradients)."""
    found = names(library, more)
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(call, found) if isinstance(call, str) else call(found)
        except Exception as error:
            kind = type(error).__name__
            return "error", "RuntimeError" if kind == "NotImplementedError" else kind, str(error)
    results = list(flat(result, library))
    total = sum((r * wave(library, r)).sum().double() for r in results if differentiable(r, library))
    if isinstance(total, library.Tensor):
        try:
            total.backward()
        except RuntimeError as error:
            return "error in backward", "RuntimeError", str(error)
    grads = {k: x.grad.numpy() for k, x in found.items() if isinstance(x, library.Tensor) and k != "N" and graded(x)}
    return "done", [seen(r, library) for r in results], grads


def flat(result, library):
    if isinstance(result, tuple | list) and type(result).__name__ != "Size":
        for r in result:
            yield from flat(r, library)
    else:
        yield result


def differentiable(r, library):
    return isinstance(r, library.Tensor) and r.requires_grad


def graded(x):
    return x.is_leaf and x.grad is not None


def wave(library, r):
    return library.tensor(np.cos(np.arange(r.numel()) * 1.7 + 0.3).reshape(tuple(r.shape)), dtype=r.dtype)


def seen(r, library):
    """A result as both libraries can show it; of objects, that there is one."""
    if isinstance(r, library.Tensor):
        return str(r.dtype).removeprefix("torch."), tuple(r.shape), r.requires_grad, r.detach().numpy().copy()
    if isinstance(r, np.ndarray | np.generic):
        return r.tolist()
    if isinstance(r, bool | int | float | str | tuple):
        return r
    return str(r).removeprefix("torch.") if "dtype" in type(r).__name__.lower() else None


def differs(torch, call, more=()):
    """What is different, or None."""
    theirs, ours = outcome(torch, call, more), outcome(tg, call, more)
    if theirs[0] != ours[0] or (theirs[0] != "done" and theirs[1] != ours[1]):
        return f"torch: {theirs}\nhere:  {ours}"
    if theirs[0] != "done":
        return None
    if len(theirs[1]) != len(ours[1]):
        return f"torch gives {len(theirs[1])} results, here are {len(ours[1])}"
    for a, b in zip(theirs[1], ours[1], strict=True):
        tensor = isinstance(a, tuple) and len(a) == 4 and isinstance(a[3], np.ndarray)
        same = a[:3] == b[:3] and near(a[3], b[3]) if tensor and isinstance(b, tuple) else a == b or near(a, b)
        if not same:
            return f"torch: {a}\nhere:  {b}"
    if theirs[2].keys() != ours[2].keys():
        return f"torch has gradients of {sorted(theirs[2])}, here are those of {sorted(ours[2])}"
    for name, g in theirs[2].items():
        if g.dtype != ours[2][name].dtype or not near(g, ours[2][name], 4):
            return f"gradient of {name}\ntorch: {g}\nhere:  {ours[2][name]}"
    return None


def near(a, b, factor=1):
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "biuf" or a.shape != b.shape:
        return False
    tolerance = factor * (2e-3 if a.dtype == np.float16 else 2e-5)
    return np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=tolerance, atol=tolerance, equal_nan=True)


# Different on purpose: the calls, and why.

ON_PURPOSE = {
    "The machine is a CPU, and there is no device but that.": [r"cuda", r"\.to\(3\)"],
    "Names are this library's.": [r"\.type\(\)", r"str\(t\.float32\)"],
    "Numbers, NumPy arrays and names of dtypes are welcome where PyTorch wants a Tensor, a tuple or a dtype.": [
        r"maximum\(a,1\)", r"addcmul\(a,a,1\)", r"clamp\(a,p,1\)", r"where\(True", r"np\.(ones|float64)\(",
        r"full\(3,", r"randint\(10,3\)", r"dtype='float32'", r"zeros\(\)", r"logical_and\(\w, [\dT]",
    ],
    "What PyTorch has no kernel or no derivative for may be computed here.": [
        r"lerp\(a,d", r"scatter\(a,1,K,(d|p,reduce)", r"adaptive_avg_pool2d\(X,0\)", r"softsign\([bo]",
        r"arg(max|min)\([bo]", r"circular", r"pow\(\w, [bo]\)", r"soft_margin_loss",
    ],
    "A silent loss is an error: numbers that overflow or are cut, masks of integers, a sum in integers.": [
        r"where\(u,", r"a\[u\]", r"label_smoothing=-1",
        r"conv2d\(X\.long", r"avg_pool2d\(X\.long", r"pow\((\w|2), ?i\)", r"dtype=t\.int64", r"register_hook\(3\)",
    ],
    "A wrong type is a TypeError, a wrong shape or dtype a RuntimeError, a wrong number a ValueError.": [
        r"tensor\((\['a'\]|None|\[None\]|2\*\*70|\{)", r"~a", r"a\['x'\]",
        r"cross_entropy\(L,(P\[:2\]|T\.unsqueeze\(0)",
        r"mse_loss\(L,(None|0\.)", r"pad\(a,1\)", r"Parameter\((3|\[)", r"batch_norm\(v", r"group_norm\(X,0\)",
        r"nan'\)\)", r"lr='x'", r"load_state_dict\(\{\}\)$", r"TensorDataset\(a,v\)", r"reshape\(a,2\)", r"reshape\(\)",
        r"stack\(\[\]\)", r"unbind\(\)", r"float\(a\)", r"manual_seed",
        r"(mean|std|var)\(\w, ('x'|1\.5)", r"\(e, \(0, 0",
    ],
    "any and all are bool, of uint8 as well; a list of lists is one index, as in NumPy.": [
        r"(any|all)\(u", r"u\.a", r"a\[\[\["
    ],
    "An empty loader may be shuffled.": [r"DataLoader\(\[\],"],
    "Outside of its domain a function is nan, and so is its slope.": [r"acosh"],
    "Infinity is not clipped away in the gradient of a target.": [r"binary_cross_entropy\(Q\*0"],
    "Half precision is rounded at other places.": [r"pow\(.*\bh\b", r"div\(h", r"half\(\),W", r"\((h, [sw]|[sw], h)\)"],
    "What is not differentiable says so at once.": [r"histc\(a"],
}  # fmt: skip


def on_purpose(call):
    return any(re.search(pattern, call) for patterns in ON_PURPOSE.values() for pattern in patterns)


def check(torch, calls):
    found = {call: difference for call in calls if not on_purpose(call) and (difference := differs(torch, call))}
    assert not found, "\n\n".join(f"{call}\n{difference}" for call, difference in found.items())


# The calls that are written down.


def written(path):
    return [call.strip() for line in path.read_text().splitlines() for call in line.split(";")]


@pytest.mark.parametrize("room", sorted(path.stem for path in CALLS.glob("*.txt")))
def test_some_written_calls(torch, room):
    calls = written(CALLS / f"{room}.txt")
    check(torch, calls[:: max(1, len(calls) // 60)])


@pytest.mark.slow
@pytest.mark.parametrize("room", sorted(path.stem for path in CALLS.glob("*.txt")))
def test_all_written_calls(torch, room):
    check(torch, written(CALLS / f"{room}.txt"))


# The calls that are products.

KINDS = "a d i j u b s w z o e E N h x".split()
UNARY = """acos acosh asin asinh atan atanh cos cosh erf erfc exp exp2 expm1 isfinite isinf isnan log log10 log1p log2
    logical_not neg reciprocal relu rsqrt sigmoid sign sin sinc sinh sqrt square tan tanh nan_to_num""".split()
SMOOTH = """elu gelu silu mish softplus softsign hardswish hardsigmoid leaky_relu logsigmoid tanhshrink softshrink
    hardshrink selu celu relu""".split()
PAIRWISE = "add sub mul div remainder pow eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor logical_and".split()
REDUCING = "sum mean amax amin std var nansum all any prod argmax argmin max min cumsum cumprod sort argsort".split()
DIMS = ["", ", 0", ", -1", ", 1", ", 2", ", -4", ", (0, 1)", ", [0]", ", (0, -1)", ", (0, 0)", ", 'x'", ", 1.5"]
KEYWORDS = ["dim=0, keepdim=True", "dim=-1, keepdim=True", "axis=0", "dim=5", "foo=1", "dim=(0, 1), keepdim=1"]

PRODUCTS = [
    *(f"t.{f}({x})" for f, x in itertools.product(UNARY, KINDS)),
    *(f"F.{f}({x})" for f, x in itertools.product(SMOOTH, KINDS)),
    *(f"{x}.{f}()" for f, x in itertools.product(UNARY, "aisb") if f != "nan_to_num"),
    *(f"t.{f}({x}, {y})" for f, x, y in itertools.product(PAIRWISE, KINDS, [*KINDS, "v", "c", "f"])),
    *(f"t.{f}({x}, {y})" for f, x, y in itertools.product(PAIRWISE, "aiz", ["2", "2.5", "True", "0"])),
    *(f"t.{f}({x}{dim})" for f, x, dim in itertools.product(REDUCING, KINDS, DIMS)),
    *(f"{x}.{f}({k})" for f, x, k in itertools.product(REDUCING, "ax", KEYWORDS) if "sort" not in f),
]


@QUICK
@given(st.sampled_from(PRODUCTS))
def test_some_products(torch, call):
    check(torch, [call])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_products(torch, part):
    check(torch, PRODUCTS[part::8])


# Calls that nobody thought of.

DTYPES = st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])


def values(dtype, shape):
    """Small numbers, so that none of these ops overflows, and few enough to have ties."""
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % 5) - (0 if dtype in (np.uint8, np.bool_) else 2)).astype(dtype).reshape(shape)


@st.composite
def tensors(draw, shapes):
    """An array, laid out in memory in its order or in another."""
    array = values(draw(DTYPES), draw(shapes))
    return array if draw(st.booleans()) else np.ascontiguousarray(array.T).T


SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@QUICK
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0), st.data())
def test_two_operands(torch, shapes, data):
    x, y = (data.draw(tensors(st.just(shape))) for shape in shapes.input_shapes)
    f = data.draw(st.sampled_from(["add", "sub", "mul", "div", "eq", "lt", "ge"]))
    assert not differs(torch, f"t.{f}(A1, A2)", {"A1": x, "A2": y})


@QUICK
@given(tensors(SHAPES), st.data())
def test_one_reduction(torch, x, data):
    f = data.draw(st.sampled_from(["sum", "mean", "amax", "amin", "prod", "argmax", "max", "min", "cumsum", "softmax"]))
    dim = data.draw(st.integers(-4, 4))
    options = f"dim={dim}" + ("" if f in ("cumsum", "softmax") else f", keepdim={data.draw(st.booleans())}")
    call = f"t.{f}(A1, {options})"
    if not (x.dtype == bool and f.startswith("arg")) and not (x.dtype.kind != "f" and f == "softmax"):
        assert not differs(torch, call, {"A1": x})


@QUICK
@given(tensors(SHAPES), st.data())
def test_one_basic_index(torch, x, data):
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True))
    steps = [i.step for i in (index if isinstance(index, tuple) else (index,)) if isinstance(i, slice)]
    if all(step is None or step > 0 for step in steps):  # PyTorch takes no step back
        assert not differs(torch, lambda found: found["A1"][index], {"A1": x})
        assert not differs(torch, lambda found: put(found["A1"] * 1, index, 1), {"A1": x})


@QUICK
@given(tensors(SHAPES), st.data())
def test_one_change_of_shape(torch, x, data):
    sizes = tuple(data.draw(st.lists(st.integers(-1, 6), min_size=1, max_size=4)))
    f = data.draw(st.sampled_from(["reshape", "expand", "permute", "flip", "view"]))
    if f in ("flip", "permute"):
        sizes = tuple(dict.fromkeys(sizes))
    call = f"A1.{f}({', '.join(map(str, sizes))})"
    assert not differs(torch, call, {"A1": x})


@QUICK
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(1, 2), st.integers(3, 8),
    st.integers(3, 8), st.booleans(),
)  # fmt: skip
def test_one_convolution(torch, kernel, stride, padding, dilation, groups, height, width, pool):
    x = np.sin(np.arange(2 * 4 * height * width)).astype(np.float32).reshape(2, 4, height, width)
    w = np.cos(np.arange(6 * (4 // groups) * kernel * 2)).astype(np.float32).reshape(6, 4 // groups, kernel, 2)
    call = f"F.conv2d(A1, A2, None, {stride}, {padding}, {dilation}, {groups})"
    if pool:
        padding, dilation = min(padding, kernel // 2), min(dilation, kernel)
        call = f"F.max_pool2d(A1, {kernel}, {stride}, {padding}, {dilation}, {groups == 2})"
    assert not differs(torch, call, {"A1": x, "A2": w})


def test_operators_that_change_a_tensor(torch):
    changes = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod]
    for change, x, y in itertools.product(changes, "aidsb", ["2", "2.5", "i", "b", "d", "v", "x", "None", "'x'"]):
        if change is not operator.ifloordiv or x == "i":
            difference = differs(torch, lambda found: change(found[x] * 1, eval(y, found)))  # noqa: B023
            assert not difference, f"{change.__name__}({x}, {y})\n{difference}"
