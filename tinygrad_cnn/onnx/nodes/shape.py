"""How ops are written that move numbers: shapes, parts, joins, paddings, pictures of another size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.program import Value
from ...ops import gather, rearrange, resize
from ..sizes import Size
from ..writing import Writer, writes

FIRST, LAST = -(2**63) + 1, 2**63 - 1  # beyond either end of any axis


def reshaped(w: Writer, x: Any, before: tuple, after: tuple) -> str:
    """x, whose shape is `before`, in the shape `after`.

    An axis of a dynamic size is said to be that of the same place before (0), or what is left (-1).
    """
    said = [0 if isinstance(n, Size) and before[i : i + 1] == (n,) else n for i, n in enumerate(after)]
    left = [i for i, n in enumerate(said) if isinstance(n, Size)]
    if len(left) == 1:
        said[left[0]] = -1
    empty = 0 in after and w.opset >= 14  # a 0 that is meant
    return w.node("Reshape", x, w.ints(after if empty else said), allowzero=1 if empty else None)


@writes("reshape", "view", "unflatten")
def _(w, input, **how):
    return reshaped(w, input, w.shape(input), w.shape(w.out[0]))


@writes("flatten")
def _(w, input, start_dim, end_dim):
    before, after = w.shape(input), w.shape(w.out[0])
    if len(after) == 2 and start_dim % len(before) == 1:
        return w.node("Flatten", input, axis=1)
    return reshaped(w, input, before, after)


@writes("squeeze")
def _(w, input, dim):
    shape = w.shape(input)
    given = range(len(shape)) if dim is None else (dim if isinstance(dim, tuple | list) else [dim])
    axes = [d % len(shape) for d in given if shape and shape[d] == 1]
    return w.node("Squeeze", input, np.array(axes)) if axes else w.node("Identity", input)


@writes("unsqueeze")
def _(w, input, dim):
    return w.node("Unsqueeze", input, np.array([dim % len(w.shape(w.out[0]))]))


@writes("permute")
def _(w, input, dims):
    return w.node("Transpose", input, perm=[d % len(dims) for d in dims])


@writes("transpose")
def _(w, input, dim0, dim1):
    perm = list(range(len(w.shape(input))))
    if perm:
        perm[dim0], perm[dim1] = perm[dim1], perm[dim0]
    return w.node("Transpose", input, perm=perm)


@writes("expand_to")
def _(w, input, shape):
    before, after = w.shape(input), w.shape(w.out[0])
    before = (1,) * (len(after) - len(before)) + before
    return w.node("Expand", input, w.ints([1 if n == m else n for n, m in zip(after, before)]))


@writes("repeat")
def _(w, input, repeats):
    repeats = list(repeats) if isinstance(repeats, tuple | list) else [repeats]
    missing = len(repeats) - len(w.shape(input))
    x = w.node("Unsqueeze", input, np.arange(missing)) if missing else input
    return w.node("Tile", x, w.ints(repeats))


@writes("_cat")
def _(w, tensors, dim, lengths):
    dtype = w.out[0].dtype
    return w.node("Concat", *[w.cast(t, dtype, t.dtype) for t in tensors], axis=dim % len(w.shape(w.out[0])))


@writes("split_with_sizes")
def _(w, input, split_sizes, dim):
    made = w.node("Split", input, w.ints(split_sizes), outputs=len(w.out), axis=dim % len(w.shape(input)))
    return made if isinstance(made, list) else [made]


@writes("unbind")
def _(w, input, dim):
    return [w.node("Gather", input, np.asarray(i), axis=dim % len(w.shape(input))) for i in range(len(w.out))]


def sliced(w: Writer, x: Any, axis: int, start: Any, stop: Any, step: int = 1) -> str:
    return w.node("Slice", x, w.ints([start]), w.ints([stop]), w.ints([axis]), w.ints([step]))


@writes("flip")
def _(w, input, dims):
    rank = len(w.shape(input))
    axes = [d % rank for d in (dims if isinstance(dims, tuple | list) else [dims])]
    if not axes:
        return w.node("Identity", input)
    ends = [np.full(len(axes), n) for n in (LAST, FIRST)]
    return w.node("Slice", input, *ends, np.array(axes), np.full(len(axes), -1))


@writes("roll")
def _(w, input, shifts, dims):
    shape = w.shape(input)
    x: Any = input
    shifts, dims = ([v] if isinstance(v, int) else v for v in (shifts, dims))
    if dims is None or dims == ():
        x, dims = w.node("Reshape", x, np.array([-1])), [0]
    for shift, dim in zip(shifts, dims):
        x = w.node("Concat", sliced(w, x, dim, -shift, LAST), sliced(w, x, dim, 0, -shift), axis=dim)
        if not shift:
            return None
    return x if x is input or len(shape) == 1 or dims != [0] else reshaped(w, x, (), shape)


@writes("getitem", "_take", "_masked_select")
def _(w, input, index):
    shape, x = w.shape(input), input
    index = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(i, Value) and i.dtype == bool for i in index):
        return None
    tensors = [i for i in index if isinstance(i, Value | list)]
    if Ellipsis in [i for i in index if not isinstance(i, Value | list)]:
        k = next(k for k, i in enumerate(index) if i is Ellipsis)
        named = sum(i is not None for i in index) - 1
        index[k : k + 1] = [slice(None)] * (len(shape) - named)
    if len(tensors) > 1 or (tensors and any(isinstance(i, int | Size) for i in index)):
        return None
    axis, starts, stops, axes, steps = 0, [], [], [], []
    gathers, new = [], []  # (axis, index) of those that take the place of an axis, and new axes
    for i in index:
        if i is None:
            new.append(axis - sum(1 for _, k in gathers if isinstance(k, int | Size)) + len(new))
            continue
        if isinstance(i, slice):
            step = 1 if i.step is None else i.step
            if (i.start, i.stop, step) != (None, None, 1):
                starts.append((0 if step > 0 else LAST) if i.start is None else i.start)
                stops.append((LAST if step > 0 else FIRST) if i.stop is None else i.stop)
                axes.append(axis)
                steps.append(step)
        else:
            gathers.append((axis, i))
        axis += 1
    if axes:
        x = w.node("Slice", x, w.ints(starts), w.ints(stops), w.ints(axes), w.ints(steps))
    for axis, i in reversed(gathers):
        where = w.size(i, scalar=True) if isinstance(i, Size) else i if isinstance(i, Value) else np.array(i, np.int64)
        x = w.node("Gather", x, where, axis=axis)
    if new:
        if tensors:
            return None
        x = w.node("Unsqueeze", x, np.array(new))
    return w.node("Identity", x) if x is input else x


@writes(gather.gather)
def _(w, input, dim, index):
    return w.node("GatherElements", input, index, axis=dim % len(w.shape(input)))


@writes(gather.scatter)
def _(w, input, dim, index, src, reduce, **_):
    if reduce is not None or not isinstance(src, Value) or src.shape != index.shape:
        return None
    return w.node("ScatterElements", input, index, src, axis=dim % len(w.shape(input)))


@writes(gather.index_select)
def _(w, input, dim, index):
    return w.node("Gather", input, index, axis=dim % len(w.shape(input))) if index.shape else None


@writes("write")
def _(w, **args):
    """x[index] = value: a mask says where, and the value is laid under it."""
    x, index, value = args["0"], args["2"], args["3"]
    shape = w.shape(x)
    index = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(i, Value | list | Size | None) for i in index):
        return None
    if Ellipsis in index:
        k = index.index(Ellipsis)
        index[k : k + 1] = [slice(None)] * (len(shape) - len(index) + 1)
    parts = {axis: i for axis, i in enumerate(index) if i != slice(None)}
    if any(isinstance(shape[axis], Size) for axis in parts):
        return None
    value = w.cast(value, x.dtype, value.dtype) if isinstance(value, Value) else w.like(x, value)
    if not parts:
        return w.node("Expand", value, w.ints(shape))
    mask = np.zeros([shape[axis] if axis in parts else 1 for axis in range(len(shape))], bool)
    mask[tuple(index)] = True
    if isinstance(args["3"], Value) and w.shape(args["3"]):
        value = _laid(w, value, w.shape(args["3"]), shape, parts)
    return None if value is None else w.node("Where", mask, value, x)


def _laid(w: Writer, value: Any, given: tuple, shape: tuple, parts: dict[int, Any]) -> Any:
    """A value where it stands in a tensor of this shape, with anything around it; None where it has gaps."""
    left = [axis for axis in range(len(shape)) if not isinstance(parts.get(axis), int)]
    first = left[-len(given)]
    new = [axis - first for axis in parts if axis > first and axis not in left]
    value = w.node("Unsqueeze", value, np.array(new)) if new else value
    before, after = [0] * (len(shape) - first), [0] * (len(shape) - first)
    for n, axis in zip(given, left[-len(given) :]):
        if axis in parts and n != 1:
            start, stop, step = parts[axis].indices(shape[axis])
            if step != 1:
                return None
            before[axis - first], after[axis - first] = start, shape[axis] - stop
    return w.node("Pad", value, w.ints(before + after)) if any(before + after) else value


@writes("argsort")
def _(w, input, dim, descending, stable):
    rank = len(w.shape(input))
    if not rank:
        return None
    count = w.ints([w.shape(input)[dim]])
    return w.node("TopK", input, count, outputs=2, axis=dim % rank, largest=bool(descending))[1]


@writes("_ranks")
def _(w, input, first, k, dim, descending):
    if not w.shape(input):
        return None
    found = w.node("TopK", input, w.ints([first + k]), outputs=2, axis=dim, largest=bool(descending))[1]
    return sliced(w, found, dim, first, LAST) if first else found


@writes("_max", "_min", "_sort", "_topk", "_kthvalue", "_median", "_cummax", "_cummin")
def _(w, input, indices, dim, keepdim):
    rank = len(w.shape(input))
    if not rank:
        return None
    found = w.node("GatherElements", input, indices, axis=dim % rank)
    return found if keepdim else w.node("Squeeze", found, np.array([dim % rank]))


def _triangle(name: str, upper: int) -> None:
    @writes(name)
    def _(w: Writer, input: Value, diagonal: int) -> str | None:
        return w.node("Trilu", input, np.array(diagonal), upper=upper) if w.opset >= 14 else None


_triangle("tril", 0)
_triangle("triu", 1)


# Paddings: ONNX lists the begins of all axes, then the ends.


def widths(pad: Any, rank: int) -> list | None:
    """(left, right, top, bottom, ...), the last axis first, as ONNX has it."""
    before, after = [0] * rank, [0] * rank
    for k in range(len(pad) // 2):
        before[-1 - k], after[-1 - k] = pad[2 * k : 2 * k + 2]
    return before + after


@writes("constant_pad_nd")
def _(w, input, pad, value):
    return w.node("Pad", input, w.ints(widths(pad, len(w.shape(input)))), w.like(input, value), mode="constant")


@writes(rearrange.pad)
def _(w, input, pad, mode, value):
    kind = {"reflect": "reflect", "replicate": "edge", "circular": "wrap" if w.opset >= 19 else None}.get(mode)
    if kind is None or any(isinstance(n, Size) for n in pad) or min(pad, default=0) < 0:
        return None
    return w.node("Pad", input, w.ints(widths(pad, len(w.shape(input)))), mode=kind)


# Pictures of another size.


@writes(resize.interpolate)
def _(w, input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias):
    kind = {"nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "bilinear": "linear",
            "bicubic": "cubic"}.get(mode)  # fmt: skip
    if kind is None:
        return None
    after = w.shape(w.out[0])
    more: dict[str, Any] = {"mode": kind, "coordinate_transformation_mode": "half_pixel"}
    if align_corners:
        more["coordinate_transformation_mode"] = "align_corners"
    if mode == "nearest":
        more |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    elif mode == "nearest-exact":
        more["nearest_mode"] = "round_prefer_ceil"
    elif mode == "bicubic":
        more["cubic_coeff_a"] = -0.75
    if size is None and not recompute_scale_factor and not align_corners:
        factors = scale_factor if isinstance(scale_factor, tuple | list) else [scale_factor] * (len(after) - 2)
        scales = np.array([1, 1, *factors], np.float32)
        return w.node("Resize", input, None, scales, **more)
    return w.node("Resize", input, None, None, w.ints(after), **more)


@writes(resize.pixel_shuffle)
def _(w, input, upscale_factor):
    if len(w.shape(input)) != 4:
        return None
    return w.node("DepthToSpace", input, blocksize=upscale_factor, mode="CRD")


# New tensors, whose shape depends on the inputs; the others are constants.


def filled_with(w: Writer, number: Any) -> str:
    out = w.out[0]
    return w.node("Expand", np.asarray(number, out.dtype), w.ints(w.shape(out)))


@writes("zeros", "zeros_like")
def _(w, *_, **more):
    return filled_with(w, 0)


@writes("ones", "ones_like")
def _(w, *_, **more):
    return filled_with(w, 1)


@writes("full", "full_like")
def _(w, **args):
    number = args.get("fill_value", args.get("1"))
    return None if isinstance(number, Size | Value | None) else filled_with(w, number)


@writes("arange")
def _(w, **args):
    first, last, step = args["0"], args.get("1"), args.get("2", 1)
    first, last = (0, first) if last is None else (first, last)
    if not all(isinstance(n, int | Size) for n in (first, last, step)):
        return None
    ends = [w.size(n, scalar=True) if isinstance(n, Size) else np.asarray(n, np.int64) for n in (first, last, step)]
    return w.cast(w.node("Range", *ends), w.out[0].dtype, np.dtype(np.int64))
