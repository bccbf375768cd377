"""Operators that move numbers, and those that compute with shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.tensor import wrap
from ...ops import cumulative, extreme, gather, index, join, magnitude, rearrange, reduce, resize, shape, sort, unary
from ...ops.elementwise import mul
from .table import given_ints, ints, number, reads, room


@reads("Reshape")
def _(n, x, target):
    sizes = ints(target)
    if not n.get("allowzero", 0):
        if any(size == 0 and i >= x.ndim for i, size in enumerate(sizes)):
            raise ValueError(f"the shape {sizes} copies an axis that {tuple(x.shape)} has not")
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return shape.reshape(x, tuple(sizes))


@reads("Flatten")
def _(n, x):
    axis = n.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    if axis == 1 and x.ndim > 1:
        return shape.flatten(x, 1)
    return shape.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@reads("Transpose")
def _(n, x):
    perm = n.get("perm")
    return shape.permute(x, tuple(range(x.ndim))[::-1] if perm is None else tuple(perm))


@reads("Squeeze")
def _(n, x, axes=None):
    axes = given_ints(n, "axes", axes)
    wrong = [a for a in axes or () if x.shape[a] != 1]
    if wrong:
        raise ValueError(f"the axes {wrong} of {tuple(x.shape)} are not of size 1")
    return shape.squeeze(x) if axes is None else shape.squeeze(x, tuple(axes))


@reads("Unsqueeze")
def _(n, x, axes=None):
    axes = given_ints(n, "axes", axes)
    rank = x.ndim + len(axes)
    for a in sorted(a % rank for a in axes):
        x = shape.unsqueeze(x, a)
    return x


@reads("Expand")
def _(n, x, target):
    size = np.broadcast_shapes(tuple(x.shape), tuple(ints(target)))
    room(size, x.dtype)
    return shape.expand(x, size)


@reads("Tile")
def _(n, x, repeats):
    repeats = ints(repeats)
    room([a * b for a, b in zip(x.shape, repeats)], x.dtype)
    return rearrange.repeat(x, tuple(repeats))


@reads("Concat")
def _(n, *xs):
    return join.cat(xs, n.need("axis", int))


@reads("Split")
def _(n, x, sizes=None):
    axis = n.get("axis", 0)
    sizes = given_ints(n, "split", sizes)
    if sizes is None:
        each = -(-x.shape[axis] // n.outputs)
        sizes = [each] * (n.outputs - 1)
        sizes.append(x.shape[axis] - sum(sizes))
    return tuple(join.split_with_sizes(x, tuple(sizes), axis))


@reads("Slice")
def _(n, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = given_ints(n, "starts", starts), given_ints(n, "ends", ends)
    axes = given_ints(n, "axes", axes) or list(range(len(starts)))
    steps = [1] * len(starts) if steps is None else ints(steps)
    where: list[Any] = [slice(None)] * x.ndim
    turned = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis % x.ndim
        if step < 0:
            size = x.shape[axis]
            end = None if end < -size else end  # before the first
            places = range(size)[slice(start, end, step)]
            turned.append(axis)
            where[axis] = slice(places[-1], places[0] + 1, -step) if len(places) else slice(0, 0)
        else:
            where[axis] = slice(start, end, step)
    x = index.getitem(x, tuple(where))
    return rearrange.flip(x, tuple(turned)) if turned else x


@reads("Gather")
def _(n, x, indices):
    axis = n.get("axis", 0) % x.ndim
    if not indices.ndim and not hasattr(indices, "grad_fn"):
        return shape.squeeze(join.narrow(x, axis, number(indices) % x.shape[axis], 1), axis)
    return index.getitem(x, (slice(None),) * axis + (indices,))


@reads("GatherElements")
def _(n, x, indices):
    return gather.gather(x, n.get("axis", 0), indices)


@reads("ScatterElements")
def _(n, x, indices, updates):
    if n.get("reduction", "none") != "none":
        raise ValueError("a reduction is not read")
    return gather.scatter(x, n.get("axis", 0), indices, updates)


@reads("Trilu")
def _(n, x, k=None):
    return (rearrange.triu if n.get("upper", 1) else rearrange.tril)(x, 0 if k is None else number(k))


@reads("DepthToSpace")
def _(n, x):
    b = n.need("blocksize", int)
    if n.get("mode", "DCR") == "CRD":
        return resize.pixel_shuffle(x, b)
    N, C, H, W = x.shape
    split = shape.reshape(x, (N, b, b, C // (b * b), H, W))
    return shape.reshape(shape.permute(split, (0, 3, 4, 1, 5, 2)), (N, C // (b * b), H * b, W * b))


@reads("SpaceToDepth")
def _(n, x):
    b = n.need("blocksize", int)
    N, C, H, W = x.shape
    split = shape.reshape(x, (N, C, H // b, b, W // b, b))
    return shape.reshape(shape.permute(split, (0, 3, 5, 1, 2, 4)), (N, C * b * b, H // b, W // b))


@reads("Pad")
def _(n, x, pads=None, value=None, axes=None):
    widths = given_ints(n, "pads", pads)
    axes = list(range(x.ndim)) if axes is None else [a % x.ndim for a in ints(axes)]
    if widths is None or len(widths) != 2 * len(axes):
        raise ValueError(f"pads is {widths} for {len(axes)} axes")
    each = {a: (widths[i], widths[i + len(axes)]) for i, a in enumerate(axes)}
    flat = [w for a in reversed(range(x.ndim)) for w in each.get(a, (0, 0))]
    while flat[-2:] == [0, 0]:
        del flat[-2:]
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}[
        n.get("mode", "constant")
    ]
    room([size + sum(each.get(a, (0, 0))) for a, size in enumerate(x.shape)], x.dtype)
    if mode != "constant":
        return rearrange.pad(x, tuple(flat), mode)
    return rearrange.constant_pad_nd(x, tuple(flat), n.get("value", 0.0) if value is None else number(value))


# Pictures of another size.


@reads("Resize", "Upsample")
def _(n, x, *more):
    _roi, scales, sizes = (*more, None, None, None)[:3] if n.op == "Resize" else (None, *more, None, None)[:3]
    if n.op == "Resize" and n.opset < 11:
        scales, sizes = more[0], None
    sizes = None if sizes is None or not sizes.size else ints(sizes)
    scales = n.get("scales") if scales is None else _decimals(_array(scales))
    axes = n.get("axes") or list(range(x.ndim))
    if len(axes) == x.ndim and (sizes or scales)[:2] not in ([1.0, 1.0], list(x.shape[:2])):
        raise ValueError("only pictures are made larger or smaller, not batches or channels")
    keep = [i for i, a in enumerate(axes) if a % x.ndim >= 2]
    if len(keep) != x.ndim - 2 or (n.get("keep_aspect_ratio_policy", "stretch") != "stretch"):
        raise ValueError("each axis of a picture has to have a size")
    spatial = [int(size) for size in x.shape[2:]]
    new = [sizes[i] for i in keep] if sizes else [math.floor(s * scales[i]) for s, i in zip(spatial, keep)]
    room([*x.shape[:2], *new], x.dtype)
    mode, corners = _mode(n, x.ndim, spatial, new)
    if sizes:
        return resize.interpolate(x, tuple(new), None, mode, corners)
    return resize.interpolate(x, None, tuple(scales[i] for i in keep), mode, corners)


def _decimals(scales: np.ndarray) -> list[float]:
    """The numbers that were meant: 1.7, and not 1.7000000476837158."""
    return [float(str(s)) for s in np.asarray(scales, np.float32)]


def _array(x: Any) -> Any:
    return getattr(x, "_array", x)


def _mode(n: Any, rank: int, old: list[int], new: list[int]) -> tuple[str, bool | None]:
    """PyTorch's name of what is asked for."""
    kind = n.get("mode", "nearest")
    place = n.get("coordinate_transformation_mode", "half_pixel" if n.op == "Resize" and n.opset > 10 else "asymmetric")
    if n.get("antialias", 0) or n.get("exclude_outside", 0):
        raise ValueError("antialias and exclude_outside are not read")
    if kind == "nearest":
        rounds = n.get("nearest_mode", "round_prefer_floor" if n.op == "Resize" and n.opset > 10 else "floor")
        whole = all(b % a == 0 for a, b in zip(old, new))
        if (place == "asymmetric" and rounds == "floor") or (place == "half_pixel" and whole):
            return "nearest", None
        if place == "half_pixel" and rounds == "round_prefer_ceil":
            return "nearest-exact", None
        raise ValueError(f"the mode nearest with {place} and {rounds} is not read")
    if place not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise ValueError(f"the mode {kind} with {place} is not read")
    if place == "pytorch_half_pixel" and 1 in new:
        raise ValueError("pytorch_half_pixel with a size of 1 is not read")
    names = {("linear", 3): "linear", ("linear", 4): "bilinear", ("cubic", 4): "bicubic"}
    if (kind, rank) not in names or (kind == "cubic" and n.get("cubic_coeff_a", -0.75) != -0.75):
        raise ValueError(f"the mode {kind} for an input of {rank} axes is not read")
    return names[kind, rank], place == "align_corners"


# Reductions.


def _over(n: Any, x: Any, axes: Any) -> tuple | None:
    """The axes that are reduced; None for all, () for none."""
    axes = given_ints(n, "axes", axes)
    if axes:
        return tuple(axes)
    return () if n.get("noop_with_empty_axes", 0) else None


def _reduction(name: str, f: Any) -> None:
    @reads(name)
    def _(n: Any, x: Any, axes: Any = None) -> Any:
        over = _over(n, x, axes)
        if over == () or not x.ndim:
            return x
        return f(x, over, bool(n.get("keepdims", 1)))


_reduction("ReduceSum", reduce.sum)
_reduction("ReduceMean", reduce.mean)
_reduction("ReduceMax", extreme.amax)
_reduction("ReduceMin", extreme.amin)
_reduction("ReduceProd", lambda x, over, keep: _each(reduce.prod, x, over, keep))
_reduction("ReduceLogSumExp", lambda x, over, keep: reduce.logsumexp(x, _all(x) if over is None else over, keep))
_reduction("ReduceL1", lambda x, over, keep: magnitude.vector_norm(x, 1, over, keep))
_reduction("ReduceL2", lambda x, over, keep: magnitude.vector_norm(x, 2, over, keep))
_reduction("ReduceSumSquare", lambda x, over, keep: reduce.sum(mul(x, x), over, keep))
_reduction("ReduceLogSum", lambda x, over, keep: unary.log(reduce.sum(x, over, keep)))


def _all(x: Any) -> tuple:
    return tuple(range(x.ndim))


def _each(f: Any, x: Any, over: tuple | None, keep: bool) -> Any:
    for axis in sorted(range(x.ndim) if over is None else {a % x.ndim for a in over}, reverse=True):
        x = f(x, axis, keep)
    return x


def _extreme(name: str, f: Any) -> None:
    @reads(name)
    def _(n: Any, x: Any) -> Any:
        if n.get("select_last_index", 0):
            raise ValueError("select_last_index=1 is not read")
        return f(x, n.get("axis", 0), bool(n.get("keepdims", 1)))


_extreme("ArgMax", extreme.argmax)
_extreme("ArgMin", extreme.argmin)


@reads("TopK")
def _(n, x, count=None):
    k = n.get("k", 0) if count is None else number(count)
    found = sort.topk(x, k, n.get("axis", -1), bool(n.get("largest", 1)))
    return tuple(found)[: n.outputs]


@reads("CumSum")
def _(n, x, axis):
    if n.get("exclusive", 0) or n.get("reverse", 0):
        raise ValueError("exclusive and reverse are not read")
    return cumulative.cumsum(x, number(axis))


# Shapes, and what is made of them.


@reads("Shape")
def _(n, x):
    return wrap(np.array(x.shape[n.get("start", 0) : n.attributes.get("end")], np.int64))


@reads("Size")
def _(n, x):
    return wrap(np.array(math.prod(x.shape), np.int64))


@reads("Constant")
def _(n):
    found = [v for v in n.attributes.values() if v is not None]
    if len(found) != 1 or isinstance(found[0], str):
        raise ValueError(f"it has the attributes {list(n.attributes)}")
    (value,) = found
    real = any(isinstance(v, float) for v in (value if isinstance(value, list) else [value]))
    return wrap(value if isinstance(value, np.ndarray) else np.array(value, np.float32 if real else np.int64))


@reads("ConstantOfShape")
def _(n, sizes):
    value = n.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise ValueError("value is no number")
    room(ints(sizes), value.dtype)
    return wrap(np.full(tuple(ints(sizes)), value.reshape(()), value.dtype))


@reads("Range")
def _(n, start, end, step):
    first, last, by = (number(v) for v in (start, end, step))
    if not by:
        raise ValueError("its step is 0")
    room([max(0, math.ceil((last - first) / by))], start.dtype)
    return wrap(np.arange(first, last, by, start.dtype))
