"""Calls of every kernel with random arguments, and what must come out of them.

The law is the kernel of another room, run on fresh arrays of the same numbers in double precision: textbook/ for
numpy/, and numpy/ for fast/. Sums may come in another order, so what a kernel computes may be off by TOLERANCE of the
sum of the magnitudes that were added; what it only chooses or moves must be equal to the last bit.

    args = draw("conv2d", np.random.default_rng(0))
    Law("conv2d", args, room="numpy").check_call(kernel.conv2d, args)
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.formulas import trace
from ..arrays.windows import fitting
from ..kernels import kernel, stack, use
from ..kernels.settings import AdadeltaSettings, AdagradSettings, AdamSettings, RMSpropSettings, SGDSettings
from . import texts
from .arrays import plain

TOLERANCE = 1e-5
# Nothing is added.
EXACT = {"dropout", "dropout_again", "relu", "relu_mask", "max_pool2d", "max_pool2d_pick", "contiguous"}
UPDATES = {"sgd", "adam", "rmsprop", "adagrad", "adadelta"}  # in place, over lists of arrays

Rng = np.random.Generator


# What must come out.


def outcome(f: Callable, args: tuple) -> list[np.ndarray]:
    """The arrays that a kernel gives, or those that it has changed."""
    found = f(*args)
    if found is None:
        return [a for arrays in args if isinstance(arrays, list) for a in arrays if a is not None]
    return [a for a in found if a is not None] if isinstance(found, tuple) else [found]


def version(name: str, room: str) -> Callable:
    """The kernel as it stands in textbook/ or numpy/; a LookupError where it does not."""
    for f in stack(name):
        if f.__module__.startswith(f"tinygrad_cnn.kernels.{room}."):
            return f
    raise LookupError(f"kernel {name!r} has no version in {room}/")


class Law:
    """What a call of a kernel must give: the results of another room, and what each may be off by."""

    def __init__(self, name: str, args: tuple, room: str = "numpy"):
        self.name, self.dtype = name, _float_dtype(args)
        law = version(name, room)
        precise = each(args, plain) if name in EXACT else doubled(args)
        self.expected = outcome(law, copy.deepcopy(precise))
        self.bounds = self.expected if name in EXACT else BOUNDS.get(name, _magnitudes)(law, precise, self.expected)

    def check_call(self, f: Callable, args: tuple) -> None:
        """Call f; raise an AssertionError where it gives something else than the law, or changes an input."""
        before = copy.deepcopy(args)
        self.check(outcome(f, args))
        for was, now in zip(before, args, strict=True):
            if isinstance(was, np.ndarray):
                np.testing.assert_array_equal(now, was, err_msg=f"{self.name} wrote into an input")

    def check(self, found: list[np.ndarray]) -> None:
        """Raise an AssertionError where these results are not those of the law."""
        assert len(found) == len(self.expected), f"{self.name}: {len(found)} results"
        for k, (got, want, bound) in enumerate(zip(found, self.expected, self.bounds, strict=True)):
            assert got.shape == want.shape, f"{self.name}: result {k} has shape {got.shape}, not {want.shape}"
            dtype = self.dtype if want.dtype.kind == "f" else want.dtype
            assert got.dtype.newbyteorder("=") == dtype, f"{self.name}: result {k} is {got.dtype}, not {dtype}"
            with np.errstate(all="ignore"):
                off = np.abs(np.subtract(got, want, dtype=np.float64)) / (
                    0.0 if self.name in EXACT else TOLERANCE * (np.abs(bound) + 1e-3)
                )
            good = (off <= 1) | (got == want) | (np.isnan(got) & np.isnan(want))
            assert good.all(), f"{self.name}: result {k} is off by {off.max():.3g} of what is allowed, at {_worst(off)}"


def _worst(off: np.ndarray) -> tuple:
    return tuple(int(i) for i in np.unravel_index(np.nanargmax(off), off.shape))


def each(args: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The same arguments with every array changed, also those in lists."""
    if isinstance(args, np.ndarray):
        return change(args)
    if not isinstance(args, tuple | list):
        return args
    like = getattr(args, "_make", type(args))  # a NamedTuple is not made as a tuple is
    return like(each(a, change) for a in args)


def doubled(args: Any) -> Any:
    """The same arguments in double precision, each array fresh."""
    return each(args, lambda x: plain(x).astype(np.float64) if x.dtype.kind == "f" else plain(x))


def _float_dtype(args: Any) -> np.dtype | None:
    """That of the first floating array."""
    if isinstance(args, np.ndarray):
        return args.dtype.newbyteorder("=") if args.dtype.kind == "f" else None
    return next(filter(None, map(_float_dtype, args)), None) if isinstance(args, tuple | list) else None


def _magnitudes(law: Callable, args: tuple, expected: list) -> list:
    """Of sums of products: the sums of the products' magnitudes."""
    return outcome(law, each(args, lambda x: np.abs(x) if x.dtype.kind == "f" else x))


def _themselves(law: Callable, args: tuple, expected: list) -> list:
    return [np.abs(x) + 0.1 for x in expected]


def _cross_entropy(law: Callable, args: tuple, expected: list) -> list:
    return [np.abs(args[0]).max(1, initial=0) * 2 + 1, expected[1], expected[2]]


def _batch_norm(law: Callable, args: tuple, expected: list) -> list:
    input, weight, bias, *_ = args
    _, mean, invstd = expected
    scale = _pixels(input, invstd if weight is None else invstd * np.abs(weight))
    out = (np.abs(input) + np.abs(_pixels(input, mean))) * scale
    out += 0 if bias is None else _pixels(input, np.abs(bias))
    return [out, np.abs(input).mean((0, *range(2, input.ndim))), invstd]


def _batch_norm_eval(law: Callable, args: tuple, expected: list) -> list:
    input, weight, bias, mean, invstd = args
    return _batch_norm(law, (input, weight, bias, 0), [None, mean, invstd])[:1]


def _batch_norm_backward(law: Callable, args: tuple, expected: list) -> list:
    grad, input, weight, *bias, mean, invstd = args
    over = (0, *range(2, input.ndim))
    scale = _pixels(input, invstd if weight is None else invstd * np.abs(weight))
    shift = _pixels(input, bias[0]) if bias and bias[0] is not None else 0
    normal = (input - _pixels(input, mean)) * _pixels(input, invstd)
    g, spread = np.abs(grad), np.abs(normal)
    doubt = np.zeros_like(g)
    if bias:  # a number next to 0 may count or not
        sign = 1 if weight is None else np.sign(_pixels(input, weight))
        doubt = g * (np.abs(normal * scale * sign + shift) < 1e-5) / TOLERANCE
    sums, products = (g + doubt).sum(over), ((g + doubt) * (spread + 1)).sum(over)
    mean_of = lambda x: _pixels(input, x / max(1, input.size // input.shape[1]))
    return [scale * (g + doubt + mean_of(sums) + spread * mean_of(products)), products, sums]


def _group_norm(law: Callable, args: tuple, expected: list) -> list:
    input, weight, bias, groups, *_ = args
    _, mean, invstd = expected
    along = lambda v: _pixels(input, np.repeat(v, input.shape[1] // groups, 1))
    out = (
        (np.abs(input) + np.abs(along(mean)))
        * along(invstd)
        * (1 if weight is None else np.abs(_pixels(input, weight)))
    )
    out += 0 if bias is None else np.abs(_pixels(input, bias))
    return [out, np.abs(input).reshape(*mean.shape, -1).mean(2), invstd]


def _group_norm_backward(law: Callable, args: tuple, expected: list) -> list:
    grad, input, weight, mean, invstd, _ = args
    along = lambda v: _pixels(input, np.repeat(v, input.shape[1] // mean.shape[1], 1))
    spread = (np.abs(input) + np.abs(along(mean))) * along(invstd)
    g, scaled = np.abs(grad), np.abs(grad if weight is None else grad * _pixels(input, weight))
    mean_of = lambda x: along(x.reshape(*mean.shape, -1).mean(2))
    over = (0, *range(2, input.ndim))
    d_input = along(invstd) * (scaled + mean_of(scaled) + spread * mean_of(scaled * spread))
    return [d_input, (g * spread).sum(over), g.sum(over)]


def _pixels(input: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(C,) or (N,C), which then stands beside (N,C,...)"""
    return values.reshape(*values.shape, *(1,) * (input.ndim - 2))


def _attention(law: Callable, args: tuple, expected: list) -> list:
    query, key, value, _, factors, scale, _ = args
    weights, kept = _with_factors(factors, expected[1])
    apart = 1 + np.abs(query) @ np.abs(key).swapaxes(-1, -2) * abs(scale)
    return [(kept * apart) @ np.abs(value), weights * apart]


def _attention_backward(law: Callable, args: tuple, expected: list) -> list:
    factors, scale = args[4], args[6]
    grad, query, key, value, weights = (np.abs(args[i]) for i in (0, 1, 2, 3, 5))
    weights, kept = _with_factors(factors, weights)
    worth = grad @ value.swapaxes(-1, -2) * (1 if factors is None else factors)
    d_scores = weights * (worth + (weights * worth).sum(-1, keepdims=True))
    d_query, d_key = d_scores @ key * scale, d_scores.swapaxes(-1, -2) @ query * scale
    return [d_query, d_key, kept.swapaxes(-1, -2) @ grad, d_scores]


def _with_factors(factors: np.ndarray | None, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights, and those with the factors of dropout."""
    return weights, weights if factors is None else weights * factors


BOUNDS = {
    "attention": _attention,
    "attention_backward": _attention_backward,
    "pointwise": lambda law, args, expected: [np.abs(x) + 1 for x in expected],
    **dict.fromkeys((*UPDATES, "softmax", "erf", "erfc", "fold", "variance"), _themselves),
    "total": lambda law, args, expected: [np.abs(args[0](*args[1])).sum() / args[2] + 1],
    "log_softmax_backward": lambda law, args, expected: [
        np.abs(args[0]) + np.exp(args[1]) * np.abs(args[0]).sum(args[2], keepdims=True)
    ],
    "log_softmax": lambda law, args, expected: [np.abs(expected[0]) + np.abs(args[0]).max(initial=1)],
    "cross_entropy": _cross_entropy,
    "cross_entropy_backward": lambda law, args, expected: [np.abs(expected[0]) + np.abs(args[0][:, None])],
    **dict.fromkeys(("batch_norm", "batch_norm_relu"), _batch_norm),
    "batch_norm_eval": _batch_norm_eval,
    **dict.fromkeys(("batch_norm_backward", "batch_norm_relu_backward"), _batch_norm_backward),
    **dict.fromkeys(("ctc_loss", "ctc_loss_backward"), texts.bounds),
    "group_norm": _group_norm,
    "group_norm_backward": _group_norm_backward,
    **dict.fromkeys(
        ("rnn", "rnn_backward", "lstm", "lstm_backward", "gru", "gru_backward"),
        lambda law, args, expected: [np.full(x.shape, np.abs(x).max(initial=0) + 0.1) for x in expected],
    ),
}


# Random calls.


def draw(name: str, rng: Rng, most: float = np.inf) -> tuple:
    """Arguments for a kernel: float32, odd sizes, some of them small and some big enough for the fast versions.

    No array of them has more than `most` numbers.
    """
    while True:
        args = DRAWS[name](rng)
        if _largest(args) <= most:
            return args


def _largest(args: Any) -> int:
    if isinstance(args, np.ndarray):
        return args.size
    return max(map(_largest, args), default=0) if isinstance(args, tuple | list) else 0


def _numbers(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


def _pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def _one_of(rng: Rng, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def _convolution(rng: Rng) -> tuple:
    """Shapes of input, weight and output, and the geometry."""
    N, groups = int(rng.integers(1, 6)), int(_one_of(rng, 1, 1, 1, 2, 3))
    c, o = int(_one_of(rng, 1, 2, 3, 5, 16, 17, 32)), int(_one_of(rng, 1, 2, 3, 7, 16, 33))
    window, stride, padding, dilation = _pair(rng, 1, 4), _pair(rng, 1, 3), _pair(rng, 0, 3), _pair(rng, 1, 2)
    kind, most = rng.integers(7), 17
    if kind == 0:  # what is transformed
        N, groups, c, o, window, stride, dilation = 6, 1, 32, 32, (3, 3), (1, 1), (1, 1)
        padding = _pair(rng, 0, 2)
    elif kind == 1:  # a filter for each channel
        groups, c, o = int(rng.integers(2, 40)), 1, int(_one_of(rng, 1, 1, 2))
    elif kind == 2:  # a weight larger than the pictures
        N, groups, c, o, most = int(rng.integers(1, 3)), 1, int(_one_of(rng, 33, 64)), int(_one_of(rng, 32, 70)), 4
    elif kind == 3:
        stride = padding = dilation = (1, 1)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, window, padding, strict=True)]
    size = tuple(int(n + rng.integers(0, most)) for n in least)
    out = (N, groups * o, *map(fitting, size, window, stride, padding, dilation))
    return (N, groups * c, *size), (groups * o, c, *window), out, (stride, padding, dilation, groups)


def _conv2d(rng: Rng) -> tuple:
    input, weight, _, geometry = _convolution(rng)
    bias = _numbers(rng, weight[0]) if rng.integers(3) else None
    return _numbers(rng, *input), _numbers(rng, *weight), bias, *geometry


def _conv2d_input(rng: Rng) -> tuple:
    input, weight, out, geometry = _convolution(rng)
    return _numbers(rng, *out), _numbers(rng, *weight), input, *geometry


def _conv2d_weight(rng: Rng) -> tuple:
    input, weight, out, geometry = _convolution(rng)
    return _numbers(rng, *out), _numbers(rng, *input), weight, *geometry


def _pool(rng: Rng, most: int = 4) -> tuple:
    """Shape of the input, size of the output, and the geometry; the last windows may reach beyond the input."""
    window, stride = _pair(rng, 1, most), _pair(rng, 1, 5)
    if rng.integers(2):
        stride = window
    dilation = _pair(rng, 1, 2) if rng.integers(3) == 0 else (1, 1)
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in window)
    size = tuple(int(d * (k - 1) + 1 + rng.integers(0, 13)) for d, k in zip(dilation, window, strict=True))
    C = int(_one_of(rng, 1, 2, 3, 5, 8, 13, 16, 17, 31, 64, 70, 130))
    P, Q = map(fitting, size, window, stride, padding, dilation)
    if rng.integers(3) == 0 and P * stride[0] - padding[0] < size[0]:  # as in ceil_mode
        P += 1
    return (int(rng.integers(1, 6)), C, *size), (P, Q), (window, stride, padding, dilation)


def _max_pool2d(rng: Rng) -> tuple:
    shape, out, geometry = _pool(rng)
    return np.round(_numbers(rng, *shape) * 2), *geometry, out


def _max_pool2d_place(rng: Rng) -> tuple:
    input, *geometry, out = _max_pool2d(rng)
    with use("numpy"):
        choice = kernel.max_pool2d(input, *geometry, out)[1]
    return _numbers(rng, *choice.shape), choice, input.shape, *geometry


def _max_pool2d_pick(rng: Rng) -> tuple:
    _, choice, shape, *geometry = _max_pool2d_place(rng)
    return _numbers(rng, *shape), choice, *geometry


def _sum_pool2d(rng: Rng) -> tuple:
    while True:
        shape, out, (*geometry, dilation) = _pool(rng, most=int(_one_of(rng, 4, 40)))
        if dilation == (1, 1):
            return _numbers(rng, *shape), *geometry, out


def _sum_pool2d_spread(rng: Rng) -> tuple:
    input, *geometry, out = _sum_pool2d(rng)
    return _numbers(rng, *input.shape[:2], *out), input.shape, *geometry


def _matmul(rng: Rng) -> tuple:
    side = lambda: int(_one_of(rng, 1, 1, 2, 7, 16, 33, 64, 129, 300, 1030))
    M, K, N = side(), side(), side()
    return _numbers(rng, M, K), _numbers(rng, K, N) if rng.integers(2) else _numbers(rng, N, K).T


def _linear(rng: Rng) -> tuple:
    input, weight = _matmul(rng)
    lead = _one_of(rng, (), (1,), (3,))
    bias = _numbers(rng, weight.shape[1]) if rng.integers(3) else None
    return _numbers(rng, *lead, *input.shape), plain(weight.T), bias


def _pictures(rng: Rng) -> tuple[int, ...]:
    C = int(_one_of(rng, 1, 2, 3, 13, 16, 33, 64))
    pixels = _one_of(rng, (), (int(rng.integers(1, 300)),), _pair(rng, 1, 31))
    N = int(_one_of(rng, 2, 5, 17, 300))
    return N, C, *pixels


def _norm(rng: Rng) -> tuple:
    shape = _pictures(rng)
    weight, bias = (_numbers(rng, shape[1]) if rng.integers(3) else None for _ in range(2))
    return _numbers(rng, *shape) * 2 + 5, weight, bias, 1e-5


def _norm_eval(rng: Rng) -> tuple:
    input, weight, bias, _ = _norm(rng)
    return input, weight, bias, _numbers(rng, input.shape[1]), np.abs(_numbers(rng, input.shape[1]))


def _norm_backward(rng: Rng, with_bias: bool = False) -> tuple:
    input, weight, bias, eps = _norm(rng)
    with use("numpy"):
        _, mean, invstd = kernel.batch_norm(input, weight, bias, eps)
    return _numbers(rng, *input.shape), input, weight, *([bias] if with_bias else []), mean, invstd


def _steps(rng: Rng) -> tuple:
    """The sizes of steps, as many rows, the numbers of a state, and whether steps are read from behind."""
    T, B, H = (int(_one_of(rng, *choices)) for choices in ((1, 2, 5, 9), (1, 2, 13, 30), (1, 3, 16, 37, 64)))
    sizes = (B,) * T if rng.integers(2) else tuple(sorted(rng.integers(1, B + 1, T).tolist(), reverse=True))
    return sizes, sum(sizes), H, bool(rng.integers(2))


def _weights(rng: Rng, *shape: int) -> np.ndarray:
    """So small that numbers neither grow nor vanish from step to step."""
    return _numbers(rng, *shape) / np.float32(np.sqrt(shape[-1]))


def _read(rng: Rng, N: int, gates: int) -> tuple:
    """What the steps read, the weight and the bias."""
    I = int(_one_of(rng, 1, 20, 65))
    return _numbers(rng, N, I), _weights(rng, gates, I), _numbers(rng, gates) if rng.integers(3) else None


def _rnn(rng: Rng) -> tuple:
    sizes, N, H, reverse = _steps(rng)
    hidden, weight = _numbers(rng, sizes[0], H), _weights(rng, H, H)
    return *_read(rng, N, H), hidden, weight, sizes, reverse, bool(rng.integers(2))


def _rnn_backward(rng: Rng) -> tuple:
    sizes, N, H, reverse = _steps(rng)
    grads = [_numbers(rng, n, H) if rng.integers(3) else None for n in (N, sizes[0])]
    return *grads, _numbers(rng, N, H) / 3, _weights(rng, H, H), sizes, reverse


def _lstm(rng: Rng) -> tuple:
    sizes, N, H, reverse = _steps(rng)
    P = H if rng.integers(3) else H // 2 + 1
    projection = None if P == H else _weights(rng, P, H)
    hidden, cell = (_numbers(rng, sizes[0], n) for n in (P, H))
    return *_read(rng, N, 4 * H), hidden, cell, _weights(rng, 4 * H, P), projection, sizes, reverse


def _lstm_backward(rng: Rng) -> tuple:
    *args, weight, projection, sizes, reverse = _lstm(rng)
    with use("numpy"):
        out, last, last_cell, _, before_cell, gates = kernel.lstm(*args, weight, projection, sizes, reverse)
    grads = [_numbers(rng, *a.shape) if rng.integers(3) else None for a in (out, last, last_cell)]
    return *grads, before_cell, gates, weight, projection, sizes, reverse


def _gru(rng: Rng) -> tuple:
    sizes, N, H, reverse = _steps(rng)
    bias = _numbers(rng, 3 * H) if rng.integers(2) else None
    return *_read(rng, N, 3 * H), _numbers(rng, sizes[0], H), _weights(rng, 3 * H, H), bias, sizes, reverse


def _gru_backward(rng: Rng) -> tuple:
    *args, weight, bias, sizes, reverse = _gru(rng)
    with use("numpy"):
        out, last, before, gates = kernel.gru(*args, weight, bias, sizes, reverse)
    grads = [_numbers(rng, *a.shape) if rng.integers(3) else None for a in (out, last)]
    return *grads, before, gates, weight, sizes, reverse


def _groups(rng: Rng) -> tuple:
    """Of one number each, too; some layer norms."""
    shape = _one_of(rng, _pictures(rng), (int(_one_of(rng, 1, 3, 40)), int(_one_of(rng, 1, 37, 130, 5000))))
    groups = int(_one_of(rng, 1, *(g for g in range(1, shape[1] + 1) if shape[1] % g == 0)))
    weight, bias = (_numbers(rng, shape[1]) if rng.integers(3) else None for _ in range(2))
    return _numbers(rng, *shape) * 2 + 5, weight, bias, groups, 1e-2, bool(rng.integers(3))


def _groups_backward(rng: Rng) -> tuple:
    input, weight, bias, *rest, centered = _groups(rng)
    with use("numpy"):
        _, mean, invstd = kernel.group_norm(input, weight, bias, *rest, centered)
    return _numbers(rng, *input.shape), input, weight, mean, invstd, centered


def _some(rng: Rng) -> np.ndarray:
    return _numbers(rng, *_pictures(rng))


# Each with the kinds of its inputs; those with two of them broadcast.
FORMULAS = (
    (lambda g, out: g * (1 - out * out), "ff"),
    (lambda x, y: (np.where(x > y, np.tanh(x), y), np.isnan(x) | (x <= 0.25)), "ff"),
    (lambda x, c: np.where(c, np.exp(-np.abs(x)) / 3, 7.5), "fb"),
)


def _pointwise(rng: Rng, formulas: tuple = FORMULAS) -> tuple:
    x = _some(rng)
    f, kinds = formulas[rng.integers(len(formulas))]
    other = _numbers(rng, *[n if rng.integers(3) else 1 for n in x.shape][int(rng.integers(2)) :])
    return trace(f, kinds), [x, other if kinds[1] == "f" else other > 0]


def _some_axes(rng: Rng, ndim: int) -> tuple[int, ...]:
    return tuple(axis for axis in range(ndim) if rng.integers(2))


def _dropout(rng: Rng) -> tuple:
    x = _some(rng)
    return x, rng.integers(0, 2**63, 1).astype(np.uint64), _one_of(rng, 0.25, 0.5, 1.0), _order(rng, x)


def _dropout_again(rng: Rng) -> tuple:
    x = _some(rng)
    return x, rng.integers(0, 256, -(-x.size // 64) * 8).astype(np.uint8), _one_of(rng, 0.25, 0.5, 1.0), _order(rng, x)


def _order(rng: Rng, x: np.ndarray) -> tuple[int, ...]:
    """In order, or channels last."""
    axes = tuple(range(x.ndim))
    return axes if rng.integers(2) else (0, *axes[2:], 1)


def _cross_entropy_call(rng: Rng) -> tuple:
    N, C = int(_one_of(rng, 1, 2, 50, 129)), int(_one_of(rng, 1, 2, 10, 131))
    return _numbers(rng, N, C) * 20, rng.integers(0, C, N)


def _cross_entropy_backward(rng: Rng) -> tuple:
    input, target = _cross_entropy_call(rng)
    with use("numpy"):
        _, highest, powers = kernel.cross_entropy(input, target)
    return _numbers(rng, len(input)), input, highest, powers, target


def _update(*rest: Any, lists: int, without: int | None = None) -> Callable[[Rng], tuple]:
    """Parameters, gradients and state; all but the first two are not negative, and the list `without` is not there."""

    def drawn(rng: Rng) -> tuple:
        shapes = [(8, 1, 3, 3), (8,), (10, 135), (1,), _one_of(rng, (50, 301), (5, 31))]
        values = [[_numbers(rng, *shape) for shape in shapes] for _ in range(lists)]
        for state in values[2:]:
            for x in state:
                np.abs(x, out=x)
        return *(None if i == without else arrays for i, arrays in enumerate(values)), *rest

    return drawn


def _attention_call(rng: Rng) -> tuple:
    before = _one_of(rng, (), (2,), (2, 3))
    L, S, E, V = (int(_one_of(rng, 1, 2, 7, 16, 33, 70)) for _ in range(4))
    if causal := not rng.integers(3):
        S = L
    query, key, value = (_numbers(rng, *before, *shape) for shape in ((L, E), (S, E), (S, V)))
    mask = _one_of(rng, None, _numbers(rng, L, S), rng.integers(0, 2, (*before, 1, S)) > 0)
    factors = _one_of(rng, None, (rng.integers(0, 2, (*before, L, S)) * 2).astype(np.float32))
    return query, key, value, None if causal else mask, factors, 0.3, causal


def _attention_backward_call(rng: Rng) -> tuple:
    query, key, value, mask, factors, scale, causal = _attention_call(rng)
    with use("numpy"):
        out, weights = kernel.attention(query, key, value, mask, factors, scale, causal)
    return _numbers(rng, *out.shape), query, key, value, factors, weights, scale, causal


DRAWS: dict[str, Callable[[Rng], tuple]] = {
    "attention": _attention_call,
    "attention_backward": _attention_backward_call,
    **dict.fromkeys(("conv2d", "conv2d_relu"), _conv2d),
    "conv2d_input": _conv2d_input,
    "conv2d_weight": _conv2d_weight,
    "max_pool2d": _max_pool2d,
    "max_pool2d_place": _max_pool2d_place,
    "max_pool2d_pick": _max_pool2d_pick,
    "sum_pool2d": _sum_pool2d,
    "sum_pool2d_spread": _sum_pool2d_spread,
    "matmul": _matmul,
    **dict.fromkeys(("linear", "linear_relu"), _linear),
    **dict.fromkeys(("batch_norm", "batch_norm_relu"), _norm),
    "batch_norm_eval": _norm_eval,
    "batch_norm_backward": _norm_backward,
    "batch_norm_relu_backward": lambda rng: _norm_backward(rng, with_bias=True),
    "group_norm": _groups,
    "group_norm_backward": _groups_backward,
    "ctc_loss": texts.ctc,
    "ctc_loss_backward": texts.ctc_backward,
    "rnn": _rnn,
    "rnn_backward": _rnn_backward,
    "lstm": _lstm,
    "lstm_backward": _lstm_backward,
    "gru": _gru,
    "gru_backward": _gru_backward,
    **dict.fromkeys(("channel_sums", "contiguous", "relu", "erf", "erfc"), lambda rng: (_some(rng),)),
    "sums_at": lambda rng: (x := _some(rng), rng.integers(0, 7, len(x)), 7),
    "sum": lambda rng: (x := _some(rng), _some_axes(rng, x.ndim), bool(rng.integers(2))),
    "fold": lambda rng: (
        *(x := _some(rng), _one_of(rng, "squares", "prod", "max", "min")),
        *(_some_axes(rng, x.ndim), bool(rng.integers(2))),
    ),
    "variance": lambda rng: (
        *(x := _some(rng) + 5, _some_axes(rng, x.ndim), float(rng.integers(1, 9))),
        *(bool(rng.integers(2)), bool(rng.integers(2))),
    ),
    "pointwise": _pointwise,
    "total": lambda rng: (*_pointwise(rng, FORMULAS[::2]), float(rng.integers(1, 50))),
    "dropout": _dropout,
    "dropout_again": _dropout_again,
    "relu_mask": lambda rng: (x := _some(rng), _numbers(rng, *x.shape)),
    **dict.fromkeys(("softmax", "log_softmax"), lambda rng: (_some(rng), int(rng.integers(2)))),
    **dict.fromkeys(
        ("softmax_backward", "log_softmax_backward"),
        lambda rng: (x := _some(rng), -np.abs(_numbers(rng, *x.shape)), int(rng.integers(2))),
    ),
    "cross_entropy": _cross_entropy_call,
    "cross_entropy_backward": _cross_entropy_backward,
    "sgd": _update(SGDSettings(0.1, momentum=0.9, dampening=0.2, weight_decay=0.1), lists=3),
    "adam": _update(3, AdamSettings(0.1, 0.9, 0.99, eps=1e-3, weight_decay=0.1, decoupled=True), lists=5),
    "rmsprop": _update(RMSpropSettings(0.1, 0.9, eps=1e-3, weight_decay=0.1, momentum=0.9), lists=5, without=3),
    "adagrad": _update(3, AdagradSettings(0.1, lr_decay=0.1, eps=1e-3, weight_decay=0.1), lists=3),
    "adadelta": _update(AdadeltaSettings(0.1, 0.9, eps=1e-3, weight_decay=0.1), lists=4),
}
