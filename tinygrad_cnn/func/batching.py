"""Batching rules: how an op of one example becomes the same op of all examples, which lie along a new first axis.

Most rules follow from what is known of an op already: its parameters have the same names everywhere.

    elementwise     shapes broadcast from behind, so ones are put behind the first axis where an input has fewer axes
    along axes      `dim` and its kin are one more, a `shape` has the number of examples in front
    in one loss     elementwise without its reduction, which is then taken of each example
    folded          convolution and pooling take a batch: that of the batches
    of matrices     `A` is one, along the last two axes
    by its parts    an op that says what it means as other ops, here or to the engine, is run as those

What has no rule is run example by example, which is said once for each op.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.dtypes import result_type
from ..arrays.lines import user_level
from ..engine.broadcast import cast, expand_to
from ..engine.call import Op
from ..engine.tensor import Tensor
from ..ops.conv import conv2d_weight
from ..ops.dropout import _dropout
from ..ops.index import Places, getitem, parse
from ..ops.join import stack, unbind
from ..ops.linalg import matmul
from ..ops.norm import _batch_norm as batch_norm
from ..ops.reduce import mean, sum
from ..ops.shape import clone, movedim, reshape, squeeze, transpose, unsqueeze
from .interpreter import again, tensors_in

Rule = Callable[[Op, dict, set, int], Any]  # of the op, its arguments, the names of those that are batched, how many

AXES = {"dim", "dims", "dim0", "dim1", "dim2", "dimension", "start_dim", "end_dim", "axes"}
SHAPES = {"shape", "input_shape"}
MAKES_AXES = {"unsqueeze", "diagonal_place"}  # its `dim` is one of the result


def shape_of(value: Any) -> tuple:
    return tuple(value._array.shape)


def elementwise(op: Op, given: dict, batched: set, n: int) -> Any:
    """Each number depends on those in its place."""
    tensors = {name: v for name, v in given.items() if isinstance(v, Tensor)}
    axes = {name: v._array.ndim - (name in batched) for name, v in tensors.items()}
    most = max(axes.values())
    ready = dict(given)
    for name, v in tensors.items():
        if name in batched and axes[name] < most:
            ready[name] = reshape(v, (n, *(1,) * (most - axes[name]), *shape_of(v)[1:]))
    dtypes = {v._array.dtype for v in tensors.values()}
    if len(dtypes) > 1 and op.name != "where":  # what has no axes does not decide the dtype; of a batch it would
        seen = [np.empty((0,) * axes[name], v._array.dtype) for name, v in tensors.items()]
        wanted = result_type(*seen, *[v for v in given.values() if type(v) in (int, float)])
        for name, v in tensors.items():
            if v._array.dtype.kind == wanted.kind and v._array.dtype != wanted and axes[name] == 0:
                ready[name] = cast(ready[name], wanted)
    return again(op, list(ready.values()))


def everywhere(given: dict, batched: set, n: int) -> tuple[dict, int]:
    """All tensors with a first axis, and how many axes an example of the first of them has."""
    ready = {
        name: v if name in batched or not isinstance(v, Tensor) else expand_to(unsqueeze(v, 0), (n, *shape_of(v)))
        for name, v in given.items()
    }
    first = next(v for v in ready.values() if isinstance(v, Tensor))
    return ready, first._array.ndim - 1


def shifted(op: Op, dim: Any, ndim: int) -> Any:
    """The same axes behind a new first one."""
    if isinstance(dim, tuple | list):
        return tuple([shifted(op, d, ndim) for d in dim])
    n = ndim + (op.name in MAKES_AXES) or 1
    if not -n <= dim < n:
        raise IndexError(f"{op.name}: dim {dim} is out of range for a tensor of {ndim} axes; expected {-n} to {n - 1}")
    return dim + (n if dim < 0 else 0) + 1


def along_axes(op: Op, given: dict, batched: set, n: int) -> Any:
    """An op whose parameters name the axes that it works along, or that works from the last axis on."""
    ready, ndim = everywhere(given, batched, n)
    alone = not ndim and op.name not in MAKES_AXES and not AXES.isdisjoint(ready)  # a number has one axis to speak of
    for name, value in ready.items():
        if alone and isinstance(value, Tensor):
            ready[name] = reshape(value, (n, 1))
        elif name in AXES:
            everything = value is None or value in ((), [])
            ready[name] = tuple(range(1, (ndim or 1) + 1)) if everything else shifted(op, value, ndim)
        elif name in SHAPES:
            ready[name] = (n, *(value if isinstance(value, tuple | list) else (value,)))
    out = again(op, list(ready.values()))
    return _each(out, lambda t: reshape(t, (n,))) if alone else out


def in_a_row(op: Op, given: dict, batched: set, n: int) -> Any:
    """An op that takes all elements in a row where no axis is named."""
    word = "dims" if "dims" in given else "dim"
    if given[word] is not None:
        return along_axes(op, given, batched, n)
    ready, ndim = everywhere(given, batched, n)
    shape = shape_of(ready["input"])
    ready["input"] = reshape(ready["input"], (n, math.prod(shape[1:])))
    if op.name == "roll":
        shifts = ready["shifts"]
        return reshape(again(op, [ready["input"], shifts if isinstance(shifts, int) else shifts[0], 1]), shape)
    keepdim = ready["keepdim"]
    out = again(op, list({**ready, "dim": 1, "keepdim": False}.values()))
    return reshape(out, (n, *(1,) * ndim)) if keepdim else out


def squeezed(op: Op, given: dict, batched: set, n: int) -> Any:
    input, dim = given["input"], given["dim"]
    ndim = input._array.ndim - 1
    dims = range(-ndim, 0) if dim is None else dim if isinstance(dim, tuple | list) else (dim,)
    places = [shifted(op, d, ndim) for d in dims]
    return reshape(input, [m for i, m in enumerate(shape_of(input)) if i not in places or m != 1])


def flattened(op: Op, given: dict, batched: set, n: int) -> Any:
    alone = given["input"]._array.ndim == 1
    return unsqueeze(given["input"], 1) if alone else along_axes(op, given, batched, n)


def permuted(op: Op, given: dict, batched: set, n: int) -> Any:
    return again(op, [given["input"], (0, *shifted(op, given["dims"], given["input"]._array.ndim - 1))])


def summed_to(op: Op, given: dict, batched: set, n: int) -> Any:
    """The axes that are summed away stand before those that stay."""
    input, shape = given["input"], given["shape"]
    full = (1,) * (input._array.ndim - 1 - len(shape)) + tuple(shape)
    return reshape(again(op, [input, (n, *full)]), (n, *shape))


def repeated(op: Op, given: dict, batched: set, n: int) -> Any:
    """New axes come before those of the example."""
    input, sizes = given.values()
    sizes = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
    _, *shape = shape_of(input)
    input = reshape(input, (n, *(1,) * (len(sizes) - len(shape)), *shape))
    return again(op, [input, (1 if op.name == "repeat" else n, *sizes)])


def in_one_loss(op: Op, given: dict, batched: set, n: int) -> Any:
    """The losses of each example, and what the reduction makes of them."""
    losses = elementwise(op, {**given, "reduction": "none"}, batched, n)
    over = tuple(range(1, losses._array.ndim))
    how = given["reduction"]
    return losses if how == "none" or not over else {"mean": mean, "sum": sum}[how](losses, over)


def folded(op: Op, given: dict, batched: set, n: int) -> Any:
    """An op that takes a batch: the examples' batches are one."""
    ready, _ = everywhere(given, batched, n)
    size = shape_of(next(v for v in ready.values() if isinstance(v, Tensor)))[1]
    whole = {name: _fold(v) if isinstance(v, Tensor) else v for name, v in ready.items()}
    if "input_shape" in whole:
        whole["input_shape"] = (n * whole["input_shape"][0], *whole["input_shape"][1:])
    return _each(again(op, list(whole.values())), lambda t: reshape(t, (n, size, *shape_of(t)[1:])))


def _fold(t: Tensor) -> Tensor:
    a, b, *rest = shape_of(t)
    return reshape(t, (a * b, *rest))


def _each(out: Any, f: Callable) -> Any:
    return tuple(map(f, out)) if isinstance(out, tuple) else f(out)


def pooled(op: Op, given: dict, batched: set, n: int) -> Any:
    """What takes images (C,H,W), or columns (C,L), as well as batches of them."""
    first = op.parameters[0]
    single = 2 if op.name == "fold" else 3
    return (along_axes if given[first]._array.ndim - (first in batched) == single else folded)(op, given, batched, n)


def convolved(op: Op, given: dict, batched: set, n: int) -> Any:
    """Examples with one filter are one batch; filters of their own are groups: (N, n·C, ...) by (n·O, C/g, ...)."""
    first, second = op.parameters[:2]
    if given[first]._array.ndim - (first in batched) == 3:
        return _of_images(op, given, batched, n)
    if second not in batched and op is not conv2d_weight.op and given.get("bias") is None:
        size = shape_of(given[first])[1]
        whole = {**given, first: _fold(given[first])}
        if "input_shape" in whole:
            whole["input_shape"] = (n * size, *whole["input_shape"][1:])
        out = again(op, list(whole.values()))
        return reshape(out, (n, size, *shape_of(out)[1:]))
    ready, _ = everywhere(given, batched, n)
    ready["groups"] = ready["groups"] * n
    if op is conv2d_weight.op:
        ready[first], ready[second] = _as_channels(ready[first]), _as_channels(ready[second])
        ready["weight_shape"] = (n * ready["weight_shape"][0], *ready["weight_shape"][1:])
        out = again(op, list(ready.values()))
        return reshape(out, (n, -1, *shape_of(out)[1:]))
    ready[first], ready[second] = _as_channels(ready[first]), _fold(ready[second])
    if ready.get("bias") is not None:
        ready["bias"] = _fold(ready["bias"])
    if "input_shape" in ready:
        N, C, *pixels = ready["input_shape"]
        ready["input_shape"] = (N, n * C, *pixels)
    out = again(op, list(ready.values()))
    N, C, *pixels = shape_of(out)
    return movedim(reshape(out, (N, n, C // n, *pixels)), 1, 0)


def _of_images(op: Op, given: dict, batched: set, n: int) -> Any:
    """An image (C,H,W) is a batch of one."""
    whole = dict(given)
    for name in op.parameters[:2]:
        if isinstance(v := given[name], Tensor) and name != "weight":
            whole[name] = unsqueeze(v, 1 if name in batched else 0)
    if "input_shape" in whole:
        whole["input_shape"] = (1, *whole["input_shape"])
    out = convolved(op, whole, batched, n)
    return out if op is conv2d_weight.op else squeeze(out, 1)


def _as_channels(t: Tensor) -> Tensor:
    """(n,N,C,...) -> (N,n·C,...)"""
    n, N, C, *pixels = shape_of(t)
    return reshape(movedim(t, 0, 1), (N, n * C, *pixels))


def multiplied(op: Op, given: dict, batched: set, n: int) -> Any:
    """matmul: a vector is a matrix of one row, or one column; the axes before the matrices broadcast."""
    axes = {name: v._array.ndim - (name in batched) for name, v in given.items()}
    most = max(2, *axes.values())

    def ready(name: str, side: int) -> Tensor:
        v, k = given[name], axes[name]
        if k == 1:
            v, k = unsqueeze(v, side), 2
        if name not in batched:
            return v
        return reshape(v, (n, *(1,) * (most - k), *shape_of(v)[1:]))

    out = matmul(ready("input", -2), ready("other", -1))
    for name, side in (("other", -1), ("input", -2)):
        if axes[name] == 1:
            out = squeeze(out, side if axes["other"] != 1 or name == "other" else -1)
    return out


def of_matrices(op: Op, given: dict, batched: set, n: int) -> Any:
    """Matrices A lie along the last two axes, and those before them broadcast."""
    ready, _ = everywhere(given, batched, n)
    most = max(v._array.ndim for v in ready.values() if isinstance(v, Tensor))
    for name, v in ready.items():
        if isinstance(v, Tensor) and v._array.ndim < most:
            ready[name] = reshape(v, (n, *(1,) * (most - v._array.ndim), *shape_of(v)[1:]))
    return again(op, list(ready.values()))


def joined(op: Op, given: list, batched: list, n: int) -> Any:
    """cat: along the next axis."""
    *tensors, dim, lengths = given
    tensors = [t if b else expand_to(unsqueeze(t, 0), (n, *shape_of(t))) for t, b in zip(tensors, batched)]
    return again(op, [*tensors, dim % (tensors[0]._array.ndim - 1) + 1, lengths])


def summed(op: Op, given: list, batched: list, n: int) -> Any:
    """einsum: one more letter."""
    *tensors, equation = given
    terms, _, result = equation.partition("->")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in equation)
    terms = ",".join([letter * b + term for term, b in zip(terms.split(","), batched)])
    return again(op, [*tensors, f"{terms}->{letter}{result}"])


def at_places(op: Op, given: dict, batched: set, n: int) -> Any:
    """An index that is the same for all examples: it begins with all of the first axis."""
    word = "places" if "places" in given else "index"
    ready, _ = everywhere({k: v for k, v in given.items() if k != word}, batched, n)
    shape = given["shape"] if "shape" in given else shape_of(ready["input"])[1:]
    basic, advanced = parse(given[word], tuple(shape))
    if advanced is not None:
        kinds = [isinstance(i, np.ndarray) for i in advanced]
        if True in kinds and False in kinds[kinds.index(True) : len(kinds) - kinds[::-1].index(True)]:
            return by_example(op, given, batched, n)  # NumPy moves the axes of such an index to the front
        advanced = (slice(None), *advanced)
    places = Places((slice(None), *basic), advanced)
    if "shape" in given:
        ready["shape"] = (n, *shape)
    if "value" in ready and isinstance(ready["value"], Tensor):
        v = ready["value"]
        picked = getitem(np.empty(shape, bool), given[word])
        axes = shape_of(v)[1:]
        ready["value"] = reshape(v, (n, *(1,) * (picked.ndim - len(axes)), *axes[max(len(axes) - picked.ndim, 0) :]))
    elif "src" in ready:
        return by_example(op, given, batched, n)
    return again(op, [places if k == word else ready[k] for k in given])


def taken(op: Op, given: dict, batched: set, n: int) -> Any:
    """input[index], also where the index differs from example to example."""
    index = given["index"]
    if "index" not in batched:
        return at_places(op, given, batched, n)
    if isinstance(index, tuple | list) and len(index) == 1:
        index = index[0]
    if any(t._array.dtype.kind == "b" for t in tensors_in((index,))):
        refuse_shape("an index by a mask")
    if not isinstance(index, Tensor) or index._array.dtype.kind not in "iu":
        return by_example(op, given, batched, n)
    if "input" not in batched:
        return getitem(given["input"], index)
    rows = np.arange(n).reshape((n, *(1,) * (index._array.ndim - 1)))
    return getitem(given["input"], (rows, index))


def as_it_is(op: Op, given: dict, batched: set, n: int) -> Any:
    """An op that counts its axes from behind."""
    return again(op, list(given.values()))


def looked_up(op: Op, given: dict, batched: set, n: int) -> Any:
    if "weight" not in batched and not given["scale_grad_by_freq"]:
        return again(op, list(given.values()))
    if given["padding_idx"] is None and not given["scale_grad_by_freq"]:
        ready, _ = everywhere(given, batched, n)
        return taken(getitem.op, {"input": ready["weight"], "index": ready["input"]}, {"input", "index"}, n)
    return by_example(op, given, batched, n)


def in_memory(op: Op, given: dict, batched: set, n: int) -> Any:
    """What reads the memory of a tensor: each example gets one of its own."""
    slow(op.name)
    return stacked([again(op, [clone(row), *list(given.values())[1:]]) for row in unbind(given["input"])])


def by_example(op: Op, given: Any, batched: Any, n: int) -> Any:
    """Each example by itself, and the results stacked; said once for each op."""
    slow(op.name)
    values = list(given.values()) if isinstance(given, dict) else given
    flags = [name in batched for name in given] if isinstance(given, dict) else batched
    parts = [parted(v, n) if b else [v] * n for v, b in zip(values, flags)]
    return stacked([again(op, row) for row in zip(*parts)])


def parted(value: Any, n: int) -> list:
    """What an argument is for each example; tensors in it have a first axis."""
    if isinstance(value, tuple | list):
        return [type(value)(row) for row in zip(*[parted(v, n) for v in value])]
    return list(unbind(value)) if isinstance(value, Tensor) else [value] * n


def stacked(results: Sequence) -> Any:
    """The results of the examples as one, along a new first axis."""
    first = results[0]
    if isinstance(first, tuple):
        found = [stacked(part) for part in zip(*results, strict=True)]
        return type(first)(*found) if hasattr(first, "_fields") else tuple(found)
    if len({shape_of(t) for t in results}) > 1:
        raise RuntimeError(
            f"vmap: the results of the examples have different shapes, {', '.join(str(shape_of(t)) for t in results)}, "
            "so they make no batch; compute with masks instead"
        )
    return stack(list(results))


def refuse_shape(name: str, *_: Any) -> None:
    """Raise: this gives results of different shapes, even if by chance it does not."""
    raise RuntimeError(
        f"vmap: the shape of {name} depends on the numbers, which differ from example to example, so the results would "
        "make no batch; compute with where(mask, a, b) instead"
    )


_said: set[str] = set()


def slow(name: str) -> None:
    """Say that this is run example by example; once for each name."""
    if name not in _said:
        _said.add(name)
        warnings.warn(
            f"vmap: there is no batching rule for {name}, so it is run example by example, which may be slow",
            stacklevel=user_level(),
        )


# By their parts.


def _linear(input: Any, weight: Any, bias: Any) -> Any:
    out = matmul(input, transpose(weight, 0, 1))
    return out if bias is None else out + bias


def _dropped(input: Any, key: Any, p: float, axes: Any) -> Any:
    return input * _dropout(Tensor(np.ones(input._array.shape, input._array.dtype), dtype=input.dtype), key, p, axes)


def _channel_sums(input: Any) -> Any:
    return sum(input, tuple([i for i in range(input.ndim) if i != 1]))


def _batch_norm(input: Any, weight: Any, bias: Any, eps: float, running: Any) -> Any:
    if running is not None:
        raise RuntimeError(
            "vmap: batch_norm in training moves the running statistics, each example another way; make the layer "
            "with track_running_stats=False, or call func.replace_all_batch_norm_modules_(model)"
        )
    return batch_norm.op.composition(input, weight, bias, eps, None)


def _batch_norm_eval(input: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: float) -> Any:
    def channels(v: Any) -> Any:
        return reshape(v, (-1, *(1,) * (input.ndim - 2)))

    out = (input - channels(mean)) * channels((var + eps) ** -0.5)
    out = out if weight is None else out * channels(weight)
    return out if bias is None else out + channels(bias)


PARTS: dict[str, Callable] = {
    "linear": _linear,
    "_dropout": _dropped,
    "channel_sums": _channel_sums,
    "_batch_norm": _batch_norm,
    "_batch_norm_eval": _batch_norm_eval,
}


def _all(names: str, rule: Any) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


# What does not follow from an op's declaration.
OTHERS: dict[str, Rule] = {
    **_all("argmax argmin prod roll", in_a_row),
    **_all("squeeze", squeezed),
    **_all("flatten", flattened),
    **_all("permute", permuted),
    **_all("sum_to", summed_to),
    **_all("repeat expand_to", repeated),
    **_all("matmul", multiplied),
    **_all("conv2d conv2d_input conv2d_weight", convolved),
    **_all("pick_class place_class", folded),
    **_all("unfold fold avg_pool2d avg_pool2d_spread max_pool2d max_pool2d_pick max_pool2d_place", pooled),
    **_all("place", at_places),
    **_all("_embedding", looked_up),
    **_all("weigh", as_it_is),
    **_all("_euclidean", of_matrices),
    **_all("_cat", joined),
    **_all("_einsum", summed),
    **_all("tril triu clone cast by_cases constant_pad_nd _length", along_axes),
    **_all(
        "sin cos tan asin acos atan sinh cosh asinh acosh atanh exp2 log2 log10 sinc relu relu_mask nought signbit "
        "isnan isinf isfinite isposinf isneginf isclose nan_to_num logical_not logical_and logical_or logical_xor "
        "bitwise_not _mantissa _exponent",
        elementwise,
    ),
    **_all(  # functions of matrices, whose axes in front broadcast
        "inv solve_matrices _substituted det _slogdet _cholesky _qr _eliminated _svd _svdvals _eigh _eigvalsh _pinv "
        "matrix_exp _singular _matrix_rank _cofactors",
        elementwise,
    ),
    **_all("unique", lambda op, *_: refuse_shape(op.name)),
    **_all("_as_strided", in_memory),
    **_all("bincount histc _whole_median place_factors _embedding_weight", by_example),
}


def rule_of(op: Op) -> Rule:
    """The rule of an op; that which takes it example by example where nothing is known."""
    found = OTHERS.get(op.name)
    if found is not None:
        return found
    if op.parameters[0] == "A":
        return of_matrices
    if op.parameters in (["input", "index"], ["input", "value", "index"]):
        return taken if op.view else at_places
    if "reduction" in op.parameters:
        return in_one_loss
    if op.pointwise:
        return elementwise
    named = not AXES.isdisjoint(op.parameters) or not SHAPES.isdisjoint(op.parameters)
    return along_axes if op.own and named and not op.variadic else by_example
