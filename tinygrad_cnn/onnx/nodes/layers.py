"""How the ops of layers are written: convolutions, poolings, normalizations, tables, dropout, patches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.windows import fitting
from ...compiler.program import Value
from ...ops import bags, conv, dropout, embedding, norm, pool, unpool
from ...ops.window import numbers
from ..sizes import Size, Varies
from ..writing import Writer, writes
from .reduce import reduced
from .shape import reshaped

# Convolutions.


def _with_batch(w: Writer, x: Any, batch: bool, write: Any) -> Any:
    """write(x), of a picture without a batch as a batch of one."""
    if batch:
        return write(x)
    made = write(w.node("Unsqueeze", x, np.array([0])))
    many = [w.node("Squeeze", m, np.array([0])) for m in (made if isinstance(made, list) else [made])]
    return many if isinstance(made, list) else many[0]


def _pads(padding: Any, window: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Zeros at the begin of each axis, then at the end of each."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for k, d in zip(window, dilation)]
        return [n // 2 for n in total] + [n - n // 2 for n in total]
    given = numbers("conv", "padding", padding, len(window), least=0)
    return [*given, *given]


def _conv(name: str | Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, weight, bias, stride, padding, dilation, groups):
        window = weight.shape[2:]
        stride, dilation = (numbers("conv", "stride", v, spatial, least=1) for v in (stride, dilation))
        more = dict(kernel_shape=window, strides=stride, dilations=dilation, group=groups,
                    pads=_pads(padding, window, dilation))  # fmt: skip
        batch = len(w.shape(input)) == spatial + 2
        return _with_batch(w, input, batch, lambda x: w.node("Conv", x, weight, bias, **more))


def _transposed(name: Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, weight, bias, stride, padding, output_padding, groups, dilation):
        window = weight.shape[2:]
        given = (numbers("conv", "stride", v, spatial, least=0) for v in (stride, dilation, output_padding))
        stride, dilation, more_at_the_end = given
        more = dict(kernel_shape=window, strides=stride, dilations=dilation, group=groups,
                    pads=_pads(padding, window, dilation), output_padding=more_at_the_end)  # fmt: skip
        batch = len(w.shape(input)) == spatial + 2
        return _with_batch(w, input, batch, lambda x: w.node("ConvTranspose", x, weight, bias, **more))


_conv("conv2d", 2)
_conv(conv.conv1d, 1)
_transposed(conv.conv_transpose2d, 2)
_transposed(conv.conv_transpose1d, 1)


# Poolings.


def _window(kernel_size: Any, stride: Any, padding: Any, spatial: int, **more: Any) -> dict[str, Any]:
    window = numbers("pool", "kernel_size", kernel_size, spatial, least=1)
    stride = window if stride is None or stride == () else numbers("pool", "stride", stride, spatial, least=1)
    padding = numbers("pool", "padding", padding, spatial, least=0)
    return {"kernel_shape": window, "strides": stride, "pads": [*padding, *padding], **more}


def _fixed(*sizes: Any) -> None:
    if any(isinstance(n, Size) for n in sizes):
        raise Varies("its window depends on the size of a dynamic axis")


def _rounded_up(w: Writer, x: Value, window: dict[str, Any], counted: bool = False) -> dict[str, Any]:
    """The window with ceil_mode where it makes a difference.

    A last window that begins in the padding behind counts in ONNX and is left out here. Then the padding behind is
    made such that just our windows fit.
    """
    sizes = w.shape(x)[-len(window["kernel_shape"]) :]
    if any(isinstance(n, Size) for n in sizes):
        return {**window, "ceil_mode": 1}
    dilations = window.get("dilations", (1,) * len(sizes))
    axes = [*zip(sizes, window["kernel_shape"], window["strides"], window["pads"], dilations)]
    ours = [fitting(*axis, True) for axis in axes]
    if ours == [fitting(*axis) for axis in axes]:
        return window
    if ours == [-(-(n + 2 * p - d * (k - 1) - 1) // s) + 1 for n, k, s, p, d in axes]:
        return {**window, "ceil_mode": 1}
    if counted:
        raise Varies("its last windows begin in the padding, and others end behind it; pad by F.pad, without ceil_mode")
    ends = [(count - 1) * s + d * (k - 1) + 1 - n - p for count, (n, k, s, p, d) in zip(ours, axes)]
    return {**window, "pads": [*window["pads"][: len(sizes)], *(max(e, 0) for e in ends)]}


def _max_pool(name: Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
        dilation = numbers("pool", "dilation", dilation, spatial, least=1)
        more = _window(kernel_size, stride, padding, spatial, dilations=dilation)
        more = _rounded_up(w, input, more) if ceil_mode else more
        shape = w.shape(input)
        count = 2 if len(w.out) > 1 else 1

        def write(x: Any) -> Any:
            made = w.node("MaxPool", x, outputs=count, **more)
            if count == 1:
                return made
            # ONNX counts places from the first picture on, we from the first of each.
            pixels = w.ints([math.prod(shape[-spatial:]) if spatial == 1 else shape[-2] * shape[-1]])
            return [made[0], w.node("Mod", made[1], pixels)]

        return _with_batch(w, input, len(shape) == spatial + 2, write)


def _avg_pool(name: Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override=None):
        more = _window(kernel_size, stride, padding, spatial)
        window = math.prod(more["kernel_shape"])
        counted = any(more["pads"]) and (bool(count_include_pad) or divisor_override is not None)
        more = _rounded_up(w, input, more, counted) if ceil_mode else more
        if "ceil_mode" in more and divisor_override is not None:
            raise Varies("divisor_override with ceil_mode is not known in ONNX")

        def write(x: Any) -> Any:
            out = w.node("AveragePool", x, count_include_pad=counted, **more)
            if divisor_override is None:
                return out
            return w.node("Mul", out, w.like(input, window / divisor_override))

        return _with_batch(w, input, len(w.shape(input)) == spatial + 2, write)


_max_pool("max_pool2d", 2)
_max_pool(pool.max_pool1d, 1)
_avg_pool("avg_pool2d", 2)
_avg_pool(pool.avg_pool1d, 1)


def _adaptive(name: Any, spatial: int, kind: str) -> None:
    @writes(name)
    def _(w, input, output_size, return_indices=False):
        shape = w.shape(input)
        given = output_size if isinstance(output_size, tuple | list) else (output_size,) * spatial
        if len(w.out) > 1 or len(shape) != spatial + 2:
            return None
        if all(n == 1 for n in given):
            return w.node(f"Global{kind}Pool", input)
        old, new = shape[2:], [n if m is None else m for n, m in zip(shape[2:], given)]
        if old == tuple(new):
            return w.node("Identity", input)
        _fixed(*old, *new)
        if not any(n % m for n, m in zip(old, new)):
            window = [n // m for n, m in zip(old, new)]
            return w.node(f"{kind}Pool", input, kernel_shape=window, strides=window)
        if kind == "Average":
            return None  # products with two matrices
        (P, Q), (H, W) = ((1, *new), (1, *old)) if spatial == 1 else (new, old)
        rows = reshaped(w, input, shape, (*shape[:2], H * W))
        seen = w.node("Gather", rows, pool._members(H, W, P, Q), axis=2)
        largest = reduced(w, "ReduceMax", seen, [3], False)
        return reshaped(w, largest, (*shape[:2], P * Q), (*shape[:2], *new))


_adaptive(pool.adaptive_avg_pool2d, 2, "Average")
_adaptive(pool.adaptive_avg_pool1d, 1, "Average")
_adaptive(pool.adaptive_max_pool2d, 2, "Max")
_adaptive(pool.adaptive_max_pool1d, 1, "Max")


def _max_unpool(name: Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, indices, kernel_size, stride, padding, output_size):
        lead, small, large = (*w.shape(input)[:-spatial],), w.shape(input)[-spatial:], w.shape(w.out[0])[-spatial:]
        flat = (*lead, math.prod(small))
        places, numbers = (reshaped(w, x, w.shape(input), flat) for x in (indices, input))
        zeros = w.node("Expand", w.like(input, 0), w.ints((*lead, math.prod(large))))
        filled = w.node("ScatterElements", zeros, places, numbers, axis=len(lead))
        return reshaped(w, filled, (*lead, math.prod(large)), (*lead, *large))


for _spatial, _name in enumerate((unpool.max_unpool1d, unpool.max_unpool2d, unpool.max_unpool3d), 1):
    _max_unpool(_name, _spatial)


def _lp_pool(name: Any, spatial: int) -> None:
    @writes(name)
    def _(w, input, norm_type, kernel_size, stride, ceil_mode):
        even = isinstance(norm_type, int | float) and norm_type % 2 == 0  # ONNX takes absolute values
        if not even or ceil_mode or len(w.shape(input)) != spatial + 2:
            return None
        return w.node("LpPool", input, p=int(norm_type), **_window(kernel_size, stride, 0, spatial))


_lp_pool(pool.lp_pool2d, 2)
_lp_pool(pool.lp_pool1d, 1)


# Normalizations.


def _vector(w: Writer, v: Any, number: float, like: Value, length: int) -> Any:
    return np.full(length, number, like.dtype) if v is None else v


@writes("_batch_norm_eval")
def _(w, input, weight, bias, mean, var, eps):
    C = w.shape(input)[1]
    weight, bias = _vector(w, weight, 1, input, C), _vector(w, bias, 0, input, C)
    return w.node("BatchNormalization", input, weight, bias, mean, var, epsilon=float(eps))


@writes("_batch_norm")
def _(w, input, weight, bias, eps, running):
    rank, C = len(w.shape(input)), w.shape(input)[1]
    if running is not None:
        if w.opset < 14:
            return None
        mean, var, momentum = running
        weight, bias = _vector(w, weight, 1, input, C), _vector(w, bias, 0, input, C)
        made = w.node("BatchNormalization", input, weight, bias, mean, var, outputs=3, epsilon=float(eps),
                      momentum=1 - float(momentum), training_mode=1)  # fmt: skip
        return made[:1]
    axes = [0, *range(2, rank)]
    distance = w.node("Sub", input, reduced(w, "ReduceMean", input, axes))
    variance = reduced(w, "ReduceMean", w.node("Mul", distance, distance), axes)
    out = w.node("Div", distance, w.node("Sqrt", w.node("Add", variance, w.like(input, eps))))
    return _affine(w, out, weight, bias, rank)


def _affine(w: Writer, out: str, weight: Any, bias: Any, rank: int) -> str:
    """out · weight + bias, (N,C,...) (C,) (C,)"""
    for kind, v in (("Mul", weight), ("Add", bias)):
        if v is not None:
            out = w.node(kind, out, w.node("Reshape", v, np.array([v.shape[0], *(1,) * (rank - 2)])) if rank > 2 else v)
    return out


@writes("_group_norm")
def _(w, input, weight, bias, groups, eps, centered):
    shape = w.shape(input)
    C = shape[1]
    if not centered or isinstance(C, Size):
        return None
    if groups == C and len(shape) > 2:
        weight, bias = _vector(w, weight, 1, input, C), _vector(w, bias, 0, input, C)
        return w.node("InstanceNormalization", input, weight, bias, epsilon=float(eps))
    if w.opset >= 21 and len(shape) > 2:
        weight, bias = _vector(w, weight, 1, input, C), _vector(w, bias, 0, input, C)
        return w.node("GroupNormalization", input, weight, bias, num_groups=groups, epsilon=float(eps))
    rows = reshaped(w, input, shape, (shape[0], groups, math.prod((C // groups, *shape[2:]))))
    one, none = np.ones(groups, input.dtype), np.zeros(groups, input.dtype)
    out = w.node("InstanceNormalization", rows, one, none, epsilon=float(eps))
    back = reshaped(w, out, shape[:1], shape)
    return _affine(w, back, weight, bias, len(shape))


def last_axes(w: Writer, x: Value, k: int) -> list[int]:
    rank = len(w.shape(x))
    return list(range(rank - k, rank))


@writes(norm.layer_norm)
def _(w, input, normalized_shape, weight, bias, eps):
    k = len(normalized_shape)
    if w.opset >= 17:
        scale = np.ones(normalized_shape, input.dtype) if weight is None else weight
        return w.node("LayerNormalization", input, scale, bias, axis=-k, epsilon=float(eps))
    axes = last_axes(w, input, k)
    distance = w.node("Sub", input, reduced(w, "ReduceMean", input, axes))
    variance = reduced(w, "ReduceMean", w.node("Mul", distance, distance), axes)
    out = w.node("Div", distance, w.node("Sqrt", w.node("Add", variance, w.like(input, eps))))
    out = out if weight is None else w.node("Mul", out, weight)
    return out if bias is None else w.node("Add", out, bias)


@writes(norm.rms_norm)
def _(w, input, normalized_shape, weight, eps):
    k = len(normalized_shape)
    eps = float(np.finfo(np.result_type(input.dtype, np.float32)).eps) if eps is None else eps
    if w.opset >= 23:
        scale = np.ones(normalized_shape, input.dtype) if weight is None else weight
        return w.node("RMSNormalization", input, scale, axis=-k, epsilon=float(eps))
    mean = reduced(w, "ReduceMean", w.node("Mul", input, input), last_axes(w, input, k))
    out = w.node("Div", input, w.node("Sqrt", w.node("Add", mean, w.like(input, eps))))
    return out if weight is None else w.node("Mul", out, weight)


@writes(norm.local_response_norm)
def _(w, input, size, alpha, beta, k):
    if size % 2 == 0 or len(w.shape(input)) != 4:  # ONNX has the odd channel on the other side, onnxruntime pictures
        return None
    return w.node("LRN", input, size=size, alpha=float(alpha), beta=float(beta), bias=float(k))


# Attention.


@writes("_attention")
def _(w, query, key, value, mask, factors, scale, causal):
    order = [*range(len(w.shape(key)) - 2), len(w.shape(key)) - 1, len(w.shape(key)) - 2]
    turned = w.node("Transpose", key, perm=order)
    scores = w.node("MatMul", w.node("Mul", query, w.like(query, scale)), turned)
    unseen, seen = w.like(query, -np.inf), w.like(query, 0)
    if causal:
        before = w.node("LessOrEqual", _count(w, w.shape(key)[-2], 0), _count(w, w.shape(query)[-2], 1))
        scores = w.node("Add", scores, w.node("Where", before, seen, unseen))
    if mask is not None:
        scores = w.node("Add", scores, w.node("Where", mask, seen, unseen) if mask.dtype == bool else mask)
    weights = w.node("Softmax", scores, axis=len(w.out[0].shape) - 1)
    if mask is not None:  # a row that sees nothing
        highest = reduced(w, "ReduceMax", scores, [-1])
        weights = w.node("Where", w.node("Equal", highest, unseen), seen, weights)
    return w.node("MatMul", weights if factors is None else w.node("Mul", weights, factors), value)


def _count(w: Writer, n: Any, axis: int) -> Any:
    """0 to n - 1, which stand in a row, or with axis 1 in a column."""
    numbers = w.node("Range", np.int64(0), w.size(n, scalar=True) if isinstance(n, Size) else np.int64(n), np.int64(1))
    return w.node("Unsqueeze", numbers, np.array([axis]))


# Tables, dropout, patches.


@writes(embedding.embedding)
def _(w, input, weight, max_norm, **_):
    if max_norm is not None:
        raise Varies("max_norm changes the table when it is read, and a model in ONNX changes nothing; leave it out")
    return w.node("Gather", weight, input, axis=0)


@writes(bags.embedding_bag)
def _(w, input, weight, mode, max_norm, per_sample_weights, padding_idx, **_):
    if len(w.shape(input)) != 2 or max_norm is not None or padding_idx is not None:
        raise Varies(
            "which rows a bag has depends on numbers; ONNX says bags of one length, without padding or max_norm"
        )
    found = w.node("Gather", weight, input, axis=0)
    if per_sample_weights is not None:
        found = w.node("Mul", found, w.node("Unsqueeze", per_sample_weights, np.array([-1])))
    return reduced(w, f"Reduce{mode.capitalize()}", found, [1], keepdim=False)


@writes(dropout.dropout)
def _(w, input, p, training):
    if len(w.shape(input)) == 0:
        return None
    return w.node("Dropout", input, np.asarray(p, np.float32), np.asarray(True))


@writes(dropout._drop_channels)
def _(w, name, input, p, training, lead):
    """Of whole channels: elements of a mask of ones are dropped."""
    shape = w.shape(input)
    ones = w.node("Expand", w.like(input, 1), w.ints((*shape[:lead], *(1,) * (len(shape) - lead))))
    return w.node("Mul", input, w.node("Dropout", ones, np.asarray(p, np.float32), np.asarray(True)))


@writes("fold")
def _(w, input, output_size, kernel_size, dilation, padding, stride):
    size, window, dilation, padding, stride = (
        numbers("fold", "stride", v, 2, least=0) for v in (output_size, kernel_size, dilation, padding, stride)
    )
    if w.opset < 18:
        raise Varies("ONNX has it since version 18; ask for opset_version=18")
    more = dict(dilations=dilation, pads=[*padding, *padding], strides=stride)
    write = lambda x: w.node("Col2Im", x, w.ints(size), w.ints(window), **more)
    return _with_batch(w, input, len(w.shape(input)) == 3, write)


@writes("unfold")
def _(w, input, kernel_size, dilation, padding, stride):
    before, after = w.shape(input), w.shape(w.out[0])
    window, dilation, padding, stride = (
        numbers("unfold", "stride", v, 2, least=0) for v in (kernel_size, dilation, padding, stride)
    )
    rank = len(before)
    pads = [*(0,) * (rank - 2), *padding] * 2
    padded = w.node("Pad", input, w.ints(pads), w.like(input, 0), mode="constant") if any(pads) else input
    count = [(n + 2 * p - d * (k - 1) - 1) // s + 1
             for n, p, d, k, s in zip(before[-2:], padding, dilation, window, stride)]  # fmt: skip
    places = []
    for at in np.ndindex(*window):
        first = [i * d for i, d in zip(at, dilation)]
        last = [i + s * (n - 1) + 1 for i, s, n in zip(first, stride, count)]
        seen = w.node("Slice", padded, w.ints(first), w.ints(last), w.ints([rank - 2, rank - 1]), w.ints(stride))
        places.append(w.node("Unsqueeze", seen, np.array([rank - 2])))
    columns = w.node("Concat", *places, axis=rank - 2) if len(places) > 1 else places[0]
    return reshaped(w, columns, (*before[:-2], len(places), *count), after)
