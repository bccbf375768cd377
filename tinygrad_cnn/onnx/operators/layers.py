"""Operators that are layers: convolutions, poolings, normalizations, products of matrices, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.broadcast import cast
from ...ops import conv, dropout, elementwise, linalg, loss, norm, patches, pool, reduce
from ...ops.einsum import einsum
from ...ops.rearrange import constant_pad_nd
from ...ops.shape import reshape, transpose, unsqueeze
from .table import ints, number, reads, room


class Window:
    """The window of a convolution or a pooling over pictures of one or two axes, as its attributes say it."""

    def __init__(self, n: Any, x: Any, kernel: Sequence[int] | None):
        spatial = x.ndim - 2
        if spatial not in (1, 2):
            raise ValueError(f"its input has {x.ndim} axes; pictures (N, C, H, W) and rows (N, C, L) are read")
        self.spatial = spatial
        self.kernel = self._each(n, "kernel_shape", kernel)
        self.strides = self._each(n, "strides", [1] * spatial)
        self.dilations = self._each(n, "dilations", [1] * spatial)
        pads = n.get("pads")
        if pads is not None and len(pads) != 2 * spatial:
            raise ValueError(f"pads is {pads} for {spatial} axes")
        begins, ends = (pads[:spatial], pads[spatial:]) if pads else ([0] * spatial, [0] * spatial)
        auto = n.get("auto_pad", "NOTSET")
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            geometry = zip(x.shape[2:], self.kernel, self.strides, self.dilations)
            total = [max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size) for size, k, s, d in geometry]
            less, more = [t // 2 for t in total], [t - t // 2 for t in total]
            begins, ends = (less, more) if auto == "SAME_UPPER" else (more, less)
        elif auto not in ("NOTSET", "VALID"):
            raise ValueError(f"auto_pad is {auto!r:.60}")
        for size, k, d, *pads in zip(x.shape[2:], self.kernel, self.dilations, begins, ends):
            if max(pads) > size + d * k:
                raise ValueError(f"pads is {n.get('pads')}, more than the picture and the window together")
        self.begins, self.ends = begins, ends

    def _each(self, n: Any, name: str, default: Sequence[int] | None) -> list[int]:
        given = n.get(name)
        given = default if given is None else given
        if given is None or len(given) != self.spatial:
            raise ValueError(f"{name} is {given} for {self.spatial} axes")
        return list(given)

    def padded(self, x: Any, value: float = 0.0) -> tuple[Any, list[int]]:
        """The picture, and the padding that is left to do; uneven ones are done here."""
        room([*x.shape[:2], *(n + b + e for n, b, e in zip(x.shape[2:], self.begins, self.ends))], x.dtype)
        if self.begins == self.ends:
            return x, self.begins
        widths = [w for pair in reversed([*zip(self.begins, self.ends)]) for w in pair]
        return constant_pad_nd(x, tuple(widths), value), [0] * self.spatial


# Convolutions.


@reads("Conv")
def _(n, x, weight, bias=None):
    window = Window(n, x, weight.shape[2:])
    x, padding = window.padded(x)
    f = conv.conv2d if window.spatial == 2 else conv.conv1d
    return f(x, weight, bias, tuple(window.strides), tuple(padding), tuple(window.dilations), n.get("group", 1))


@reads("ConvTranspose")
def _(n, x, weight, bias=None):
    if n.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or n.get("output_shape") is not None:
        raise ValueError("auto_pad and output_shape are not read")
    window = Window(n, x, weight.shape[2:])
    more = n.get("output_padding") or [0] * window.spatial
    uneven = [e - b for b, e in zip(window.begins, window.ends)]
    geometry = zip(x.shape[2:], window.strides, window.dilations, window.kernel)
    larger = [(size - 1) * s + d * k for size, s, d, k in geometry]
    if any(s > d * k + 64 for s, d, k in zip(window.strides, window.dilations, window.kernel)):
        raise ValueError(f"strides is {window.strides}, much more than the window")
    room([x.shape[0], weight.shape[1], *larger], x.dtype)
    f = conv.conv_transpose2d if window.spatial == 2 else conv.conv_transpose1d
    group, dilations = n.get("group", 1), tuple(window.dilations)
    out = f(x, weight, bias, tuple(window.strides), tuple(window.begins), tuple(more), group, dilations)
    if not any(uneven):
        return out
    return constant_pad_nd(out, tuple(w for e in reversed(uneven) for w in (0, -e)))


# Poolings.


@reads("MaxPool")
def _(n, x):
    if n.get("storage_order", 0):
        raise ValueError("storage_order=1 is not read")
    window = Window(n, x, None)
    x, padding = window.padded(x, -math.inf)
    f = pool.max_pool2d if window.spatial == 2 else pool.max_pool1d
    more = tuple(window.dilations), bool(n.get("ceil_mode", 0)), n.outputs > 1
    out = f(x, tuple(window.kernel), tuple(window.strides), tuple(padding), *more)
    if n.outputs == 1:
        return out
    out, places = out
    if window.begins != window.ends:
        raise ValueError("places of uneven paddings are not read")
    N, C = x.shape[:2]
    first = np.arange(N * C).reshape(N, C, *(1,) * window.spatial) * math.prod(x.shape[2:])
    return out, elementwise.add(places, first)


@reads("AveragePool")
def _(n, x):
    window, counted = Window(n, x, None), bool(n.get("count_include_pad", 0))
    if set(window.dilations) != {1}:
        raise ValueError("dilations are not read")
    f = pool.avg_pool2d if window.spatial == 2 else pool.avg_pool1d
    geometry = tuple(window.kernel), tuple(window.strides)
    ceil = bool(n.get("ceil_mode", 0))
    if window.begins == window.ends:
        return f(x, *geometry, tuple(window.begins), ceil, counted)
    padded, _ = window.padded(x)
    out = f(padded, *geometry, 0, ceil, True)
    if counted:
        return out
    inside, _ = window.padded(np.ones((1, 1, *x.shape[2:]), x.dtype))
    return elementwise.div(out, f(inside, *geometry, 0, ceil, True))


@reads("LpPool")
def _(n, x):
    window = Window(n, x, None)
    x, padding = window.padded(x)
    if any(padding) or set(window.dilations) != {1} or n.get("p", 2) % 2:
        raise ValueError("only even powers without padding and dilations are read")
    f = pool.lp_pool2d if window.spatial == 2 else pool.lp_pool1d
    return f(x, n.get("p", 2), tuple(window.kernel), tuple(window.strides), bool(n.get("ceil_mode", 0)))


@reads("GlobalAveragePool")
def _(n, x):
    if x.ndim == 4:
        return pool.adaptive_avg_pool2d(x, 1)
    return pool.adaptive_avg_pool1d(x, 1) if x.ndim == 3 else reduce.mean(x, tuple(range(2, x.ndim)), True)


@reads("GlobalMaxPool")
def _(n, x):
    if x.ndim == 4:
        return pool.adaptive_max_pool2d(x, 1)
    if x.ndim != 3:
        raise ValueError(f"its input has {x.ndim} axes; pictures (N, C, H, W) and rows (N, C, L) are read")
    return pool.adaptive_max_pool1d(x, 1)


# Normalizations.


@reads("BatchNormalization")
def _(n, x, weight, bias, mean, var):
    part = 1 - n.get("momentum", 0.9)
    out = norm.batch_norm(x, mean, var, weight, bias, n.training, part, n.get("epsilon", 1e-5))
    return (out, mean, var)[: n.outputs] if n.outputs > 1 else out


@reads("InstanceNormalization")
def _(n, x, weight, bias):
    return norm.instance_norm(x, None, None, weight, bias, True, 0.1, n.get("epsilon", 1e-5))


@reads("LayerNormalization")
def _(n, x, weight, bias=None):
    axis = n.get("axis", -1)
    shape = tuple(x.shape[axis:])
    weight, bias = (v if v is None or tuple(v.shape) == shape else v + np.zeros(shape, x.dtype) for v in (weight, bias))
    return norm.layer_norm(x, shape, weight, bias, n.get("epsilon", 1e-5))


@reads("RMSNormalization")
def _(n, x, weight):
    return norm.rms_norm(x, tuple(x.shape[n.get("axis", -1) :]), weight, n.get("epsilon", 1e-5))


@reads("GroupNormalization")
def _(n, x, weight, bias):
    groups = n.need("num_groups", int)
    if n.opset < 21:  # one weight for each group
        each = x.shape[1] // max(groups, 1)
        weight, bias = (reshape(unsqueeze(v, 1) + np.zeros((1, each), x.dtype), (-1,)) for v in (weight, bias))
    return norm.group_norm(x, groups, weight, bias, n.get("epsilon", 1e-5))


@reads("LRN")
def _(n, x):
    size = n.need("size", int)
    if size % 2 == 0:
        raise ValueError("an even size is not read")
    room([x.shape[0], x.shape[1] + size, *x.shape[2:]], x.dtype)
    return norm.local_response_norm(x, size, n.get("alpha", 1e-4), n.get("beta", 0.75), n.get("bias", 1.0))


@reads("Dropout")
def _(n, x, ratio=None, training_mode=None):
    p = n.get("ratio", 0.5) if ratio is None else number(ratio)
    out = dropout.dropout(x, p, n.training)
    return (out, np.ones(x.shape, bool)) if n.outputs > 1 else out


# Products.


@reads("Gemm")
def _(n, a, b, c=None):
    alpha, beta = n.get("alpha", 1.0), n.get("beta", 1.0)
    a = transpose(a, 0, 1) if n.get("transA", 0) else a
    c = c if c is None or beta == 1 else elementwise.mul(c, beta)
    plain = c is None or c.shape == b.shape[:1]
    if alpha == 1 and n.get("transB", 0) and plain:
        return linalg.linear(a, b, c)
    b = transpose(b, 0, 1) if n.get("transB", 0) else b
    out = linalg.matmul(a, b)
    out = out if alpha == 1 else elementwise.mul(out, alpha)
    return out if c is None else elementwise.add(out, c)


@reads("MatMul")
def _(n, a, b):
    return linalg.matmul(a, b)


@reads("Einsum")
def _(n, *xs):
    return einsum(n.need("equation", str), *xs)


# Losses.


@reads("SoftmaxCrossEntropyLoss")
def _(n, scores, labels, weight=None):
    more = dict(ignore_index=n.get("ignore_index", -100), reduction=n.get("reduction", "mean"))
    return loss.cross_entropy(scores, _int64(labels), weight, **more)


@reads("NegativeLogLikelihoodLoss")
def _(n, logs, labels, weight=None):
    more = dict(ignore_index=n.get("ignore_index", -100), reduction=n.get("reduction", "mean"))
    return loss.nll_loss(logs, _int64(labels), weight, **more)


def _int64(labels: Any) -> Any:
    return labels if labels.dtype == np.int64 else cast(labels, np.dtype(np.int64))


@reads("Col2Im")
def _(n, x, size, window):
    pads = n.get("pads") or [0, 0, 0, 0]
    if len(pads) != 4 or pads[:2] != pads[2:]:
        raise ValueError(f"pads is {pads}; the same on both sides are read")
    more = (tuple(n.get(name) or [1, 1]) for name in ("dilations", "strides"))
    dilation, stride = more
    return patches.fold(x, tuple(ints(size)), tuple(ints(window)), dilation, tuple(pads[:2]), stride)
