"""The same call here and in PyTorch: value, dtype, shape, gradients, or the class of the error.

`tests/calls/` holds calls as people write them, right and wrong ones, some 1,500; here are those that are products of
a few lists, and those that are drawn. A part of them is run by tests that are quick, all by slow ones. What differs
on purpose stands in `ON_PURPOSE`, with the reason.

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
from oracle import differences, plain

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional

CALLS = Path(__file__).parent / "calls"


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
    found["operator"] = operator
    for name, array in {**TENSORS, **CONSTANTS, **dict(more)}.items():
        found[name] = library.tensor(array) if array.ndim == 0 else library.from_numpy(array.copy())
        if array.dtype.kind == "f" and name not in CONSTANTS:
            found[name].requires_grad_(True)
    found["N"] = found["m"].T
    found["opt"] = lambda name, **options: getattr(library.optim, name)([found["a"]], **options)
    return found


# What came of it.


def outcome(library, call, more=()):
    """The results and the gradients by name; or the class of the error, or that it was one of backward."""
    found = names(library, more)
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(call, found)
        except Exception as error:
            kind = type(error).__name__
            return "RuntimeError" if kind == "NotImplementedError" else kind
    results = list(flat(result, library))
    total = sum((r * wave(library, r)).sum().double() for r in results if differentiable(r, library))
    if isinstance(total, library.Tensor):
        try:
            total.backward()
        except RuntimeError:
            return "RuntimeError in backward"
    grads = {k: x.grad for k, x in found.items() if isinstance(x, library.Tensor) and k != "N" and graded(x)}
    return [seen(r, library) for r in results], grads


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
        return [r, "requires grad"] if r.requires_grad else r
    if isinstance(r, np.ndarray | np.generic):
        return r.tolist()
    if isinstance(r, bool | int | float | str | tuple):
        return r
    return r if "dtype" in type(r).__name__.lower() else None


# Different on purpose: the calls, and why.

ON_PURPOSE = {
    "The machine is a CPU, and there is no device but that.": [r"cuda", r"\.to\(3\)"],
    "Names are this library's.": [r"\.type\(\)", r"str\(t\.float32\)"],
    "Numbers, NumPy arrays and names of dtypes are welcome where PyTorch wants a Tensor, a tuple or a dtype.": [
        r"where\(True", r"clamp\(a,p,1\)", r"np\.(ones|float64)\(", r"full\(3,", r"randint\(10,3\)", r"dtype='float32'",
        r"zeros\(\)",
    ],
    "What PyTorch has no kernel or no derivative for may be computed here.": [
        r"lerp\(a,d", r"scatter\(a,1,K,(d|p,reduce)", r"adaptive_avg_pool2d\(X,0\)", r"softsign\([bo]",
        r"arg(max|min)\([bo]", r"circular", r"pow\(\w, [bo]\)", r"soft_margin_loss",
    ],
    "A silent loss is an error: numbers that overflow or are cut, masks of integers, a sum in integers.": [
        r"where\(u,", r"a\[u\]", r"label_smoothing=-1",
        r"avg_pool2d\(X\.long", r"dtype=t\.int64", r"register_hook\(3\)",
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
}  # fmt: skip


def on_purpose(call):
    return any(re.search(pattern, call) for patterns in ON_PURPOSE.values() for pattern in patterns)


def room(x):
    tolerance = 4e-3 if getattr(x, "dtype", None) == np.float16 else 4e-5
    return tolerance, tolerance


@pytest.fixture
def check(pytorch):
    """check(calls, more): all of them do here what they do there. An answer has the name of its call."""

    def run(calls, more=()):
        found = []
        for call in calls:
            if not on_purpose(call):
                name = " ; ".join([call, *(f"{k} = {x.dtype} {x.shape}" for k, x in more)])
                theirs = pytorch(lambda m: outcome(m, call, more), name)  # noqa: B023
                found += [f"{name}{what}" for what in differences(plain(outcome(tg, call, more)), theirs, room)]
        assert not found, "\n\n".join(found)

    return run


# The calls that are written down.


def written(path):
    return [call.strip() for line in path.read_text().splitlines() for call in line.split(";")]


@pytest.mark.parametrize("room", sorted(path.stem for path in CALLS.glob("*.txt")))
def test_some_written_calls(check, room):
    calls = written(CALLS / f"{room}.txt")
    check(calls[:: max(1, len(calls) // 60)])


@pytest.mark.slow
@pytest.mark.parametrize("room", sorted(path.stem for path in CALLS.glob("*.txt")))
def test_all_written_calls(check, room):
    check(written(CALLS / f"{room}.txt"))


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


def test_some_products(check):
    check(PRODUCTS[::127])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_products(check, part):
    check(PRODUCTS[part::8])


# Calls that nobody thought of.

DTYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]
drawn = pytest.mark.parametrize("seed", range(40))


def values(dtype, shape):
    """Small numbers, so that none of these ops overflows, and few enough to have ties."""
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % 5) - (0 if dtype in (np.uint8, np.bool_) else 2)).astype(dtype).reshape(shape)


class Draw(np.random.RandomState):
    def pick(self, *choices):
        return choices[self.randint(len(choices))]

    def shape(self, least=0, most=4):
        """Of so many axes, each of size 0 to 4, most of them not 0."""
        return tuple(int(n) for n in self.choice([0, 1, 1, 2, 2, 3, 3, 4], self.randint(least, most + 1)))

    def broadcast(self, shape):
        """Another shape that can be broadcast with this one."""
        return tuple(n if self.randint(3) else 1 for n in shape)[self.randint(len(shape) + 1) :]

    def tensor(self, shape):
        """An array, laid out in memory in its order or in another."""
        array = values(self.pick(*DTYPES), shape)
        return array if self.randint(2) else np.ascontiguousarray(array.T).T

    def index(self, shape):
        """Ints, slices without a step back, which PyTorch does not take, None and an ellipsis, as they are written."""
        found = []
        for n in shape[: self.randint(len(shape) + 1)]:
            start, stop = sorted(self.randint(-n, n + 1, 2))
            step = self.pick("", ":1", ":2", ":3")
            found.append(
                self.pick(f"{start}:{stop}{step}", f"{start}:", f":{stop}", ":", *([str(start)] if start < n else []))
            )
        for more in ("None", "..."):
            if not self.randint(3):
                found.insert(self.randint(len(found) + 1), more)
        return ", ".join(found) or "..."


@drawn
def test_two_operands(check, seed):
    draw = Draw(seed)
    shape = draw.shape(most=3)
    f = draw.pick("add", "sub", "mul", "div", "eq", "lt", "ge")
    check([f"t.{f}(A1, A2)"], [("A1", draw.tensor(shape)), ("A2", draw.tensor(draw.broadcast(shape)))])


@drawn
def test_one_reduction(check, seed):
    draw = Draw(seed)
    x = draw.tensor(draw.shape())
    choices = ["sum", "mean", "amax", "amin", "prod", "max", "min", "cumsum"]
    choices += ["argmax"] * (x.dtype != bool) + ["softmax"] * (x.dtype.kind == "f")
    f, dim = draw.pick(*choices), draw.randint(-4, 5)
    keepdim = "" if f in ("cumsum", "softmax") else f", keepdim={draw.pick(True, False)}"
    check([f"t.{f}(A1, dim={dim}{keepdim})"], [("A1", x)])


@drawn
def test_one_basic_index(check, seed):
    draw = Draw(seed)
    x = draw.tensor(draw.shape())
    index = draw.index(x.shape)
    check([f"A1[{index}]", f"put(A1 * 1, np.s_[{index}], 1)"], [("A1", x)])


@drawn
def test_one_change_of_shape(check, seed):
    draw = Draw(seed)
    x, f = draw.tensor(draw.shape()), draw.pick("reshape", "expand", "permute", "flip", "view")
    sizes = [draw.randint(-1, 7) for _ in range(draw.randint(1, 5))]
    if f in ("flip", "permute"):
        sizes = dict.fromkeys(sizes)
    if f in ("reshape", "view") and x.size and draw.randint(2):
        sizes = [-1, *draw.broadcast(x.shape)[:2]]
    check([f"A1.{f}({', '.join(map(str, sizes))})"], [("A1", x)])


@drawn
def test_one_convolution(check, seed):
    draw = Draw(seed)
    kernel, stride, padding, dilation, groups = (draw.randint(*r) for r in ((1, 4), (1, 4), (0, 3), (1, 3), (1, 3)))
    height, width = draw.randint(3, 9, 2)
    x = np.sin(np.arange(2 * 4 * height * width)).astype(np.float32).reshape(2, 4, height, width)
    w = np.cos(np.arange(6 * (4 // groups) * kernel * 2)).astype(np.float32).reshape(6, 4 // groups, kernel, 2)
    call = f"F.conv2d(A1, A2, None, {stride}, {padding}, {dilation}, {groups})"
    if draw.randint(2):
        padding, dilation = min(padding, kernel // 2), min(dilation, kernel)
        call = f"F.max_pool2d(A1, {kernel}, {stride}, {padding}, {dilation}, {groups == 2})"
    check([call], [("A1", x), ("A2", w)])


CHANGES = [
    f"operator.{change}({x} * 1, {y})"
    for change, x, y in itertools.product(
        "iadd isub imul itruediv ifloordiv imod".split(), "aidsb", ["2", "2.5", "i", "b", "d", "v", "x", "None", "'x'"]
    )
    if change != "ifloordiv" or x == "i"
]


def test_operators_that_change_a_tensor(check):
    check(CHANGES)
