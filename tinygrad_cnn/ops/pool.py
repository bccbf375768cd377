"""Pooling: of every window, the largest number or the mean.

A maximum lets its gradient through at the place that it chose. So max-pool's derivative is *place* (put g
there), and the derivative of that is *pick* (read there): two maps of g that are each other's adjoint. A
mean is linear; its adjoint *spreads* g over the window.

N batch, C channels, H W input, P Q output, h w window, s stride.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.kept import kept
from ..arrays.types import Array, Window
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..engine.tensor import as_array, wrap
from ..kernels import kernel
from .choice import where
from .compare import eq
from .declared import appears
from .gather import gather
from .linalg import weigh
from .reduce import mean
from .shape import flatten, reshape, squeeze, unsqueeze
from .unary import abs as absolute
from .window import batched, fit, numbers, remembered

# What rules take in one word.
INDICES = "return_indices -> tuple[Array, Array]"
MAX_GEOMETRY = "kernel_size stride padding dilation ceil_mode"
AVG_GEOMETRY = "kernel_size stride padding ceil_mode count_include_pad divisor_override"


def _back_to_winners(input_shape: tuple = (1,) * 4) -> str:
    n = "n, " * (len(input_shape) == 4)
    window = "(y + py − sy · p) / dy, (x + px − sx · q) / dx"
    return f"[{n}c, y, x] = Σ_{{p,q}} g[{n}c, p, q] · won[{n}c, p, q, {window}]"


def _from_winners(input_shape: tuple = (1,) * 4) -> str:
    n = "n, " * (len(input_shape) == 4)
    pixel = "sy · p + dy · i − py, sx · q + dx · j − px"
    return f"[{n}c, p, q] = Σ_{{i,j}} g[{n}c, {pixel}] · won[{n}c, p, q, i, j]"


def _shares(mine: str, theirs: str) -> Any:
    def formula(
        input_shape: tuple = (1,) * 4,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> str:
        element = mine if len(input_shape) == 4 else mine.removeprefix("n, ")
        size = "ky · kx" if count_include_pad and not ceil_mode else "size[p, q]"
        inside = "[0 ≤ y + py − sy · p < ky] · [0 ≤ x + px − sx · q < kx]"
        summed = f"Σ_{{{theirs.replace(' ', '')}}} g[{element[: -len(theirs)]}{theirs}] · {inside}"
        return f"[{element}] = {summed} / ({'divisor_override' if divisor_override else size})"

    return formula


def _numbers(k: int, axis: str) -> dict[str, Any]:
    """The numbers of a geometry along one of the two axes."""
    return {
        f"k{axis}": lambda kernel_size: numbers("pool", "kernel_size", kernel_size, 2, 1)[k],
        f"s{axis}": lambda kernel_size, stride: numbers("pool", "stride", stride or kernel_size, 2, 1)[k],
        f"p{axis}": lambda padding: numbers("pool", "padding", padding, 2, 0)[k],
        f"d{axis}": lambda dilation: numbers("pool", "dilation", dilation, 2, 1)[k],
    }


NUMBERS = _numbers(0, "y") | _numbers(1, "x")


@appears("function functional", flags=INDICES)
@op(keeps="choice", geometry=MAX_GEOMETRY)
def max_pool2d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array:
    """max of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)

    The first of equal numbers is chosen and gets the whole gradient; NaN counts as the largest.
    kernel_size, stride, padding, dilation: an int, or one for (rows, columns); stride is kernel_size if left out.
    padding: at most half a window; it is never chosen. ceil_mode: windows may end outside.
    return_indices: also where the maxima were, as places y·W + x in the picture (int64).

    RuntimeError for a padding beyond half a window, and for a window that is larger than the picture.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 2.0]]]], requires_grad=True)
    >>> out, indices = tg.nn.functional.max_pool2d(x, 2, return_indices=True)
    >>> out.tolist(), indices.tolist()
    ([[[[5.0, 2.0]]]], [[[[1, 2]]]])
    >>> out.sum().backward()
    >>> x.grad.tolist()
    [[[[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    """
    batch = batched("max_pool2d", input, 2)
    geometry, size = _geometry("max_pool2d", input.shape, kernel_size, stride, padding, dilation, ceil_mode)
    pictures = input if batch else input[None]
    if pictures.dtype.kind == "f":
        out, choice = kernel.max_pool2d(pictures, *geometry, size)
    else:
        _, choice = kernel.max_pool2d(pictures.astype(np.float64), *geometry, size)
        out = kernel.max_pool2d_pick(pictures, choice, *geometry)
    if return_indices:
        out = out, _places_in_picture(choice, input.shape[-1], *geometry)
    if batch:
        return out, choice
    return (out[0][0], out[1][0]) if return_indices else out[0], choice[0]


max_pool2d.grad(
    input=lambda g, choice, input_shape, geometry, return_indices: max_pool2d_place(
        g[0] if return_indices else g, choice, input_shape, *geometry
    )
)
max_pool2d.explain(
    "The gradient of an output pixel goes to the one element of its window that was the largest; the others get zero. "
    "In the formula, won is 1 for that element of a window, else 0.",
    zero="not chosen by the max of any window",
    input=_back_to_winners,
    numbers=NUMBERS,
)


@op(geometry=MAX_GEOMETRY)
def max_pool2d_place(
    grad: Array,
    choice: Array,
    input_shape: tuple,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
) -> Array:
    """Each grad[n,c,p,q] added at the place its window chose        (N,C,P,Q) (N,C,P,Q) -> (N,C,H,W)"""
    geometry, _ = _geometry("max_pool2d", input_shape, kernel_size, stride, padding, dilation, ceil_mode)
    if len(input_shape) == 4:
        return kernel.max_pool2d_place(grad, choice, input_shape, *geometry)
    return kernel.max_pool2d_place(grad[None], choice[None], (1, *input_shape), *geometry)[0]


max_pool2d_place.grad(grad=lambda g, choice, geometry: max_pool2d_pick(g, choice, *geometry), choice=None)
max_pool2d_place.explain("The gradient is picked at the places that were chosen.", grad=_from_winners, numbers=NUMBERS)


@op(geometry=MAX_GEOMETRY)
def max_pool2d_pick(
    input: Array,
    choice: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
) -> Array:
    """input[n,c,y,x] at the place each window chose        (N,C,H,W) (N,C,P,Q) -> (N,C,P,Q)"""
    geometry, _ = _geometry("max_pool2d", input.shape, kernel_size, stride, padding, dilation, ceil_mode)
    if input.ndim == 4:
        return kernel.max_pool2d_pick(input, choice, *geometry)
    return kernel.max_pool2d_pick(input[None], choice[None], *geometry)[0]


max_pool2d_pick.grad(
    input=lambda g, choice, input_shape, geometry: max_pool2d_place(g, choice, input_shape, *geometry),
    choice=None,
)
max_pool2d_pick.explain(
    "The gradient is placed where the values were picked.",
    zero="not chosen by any window",
    input=_back_to_winners,
    numbers=NUMBERS,
)


@appears("functional out exact")
@op(geometry=AVG_GEOMETRY)
def avg_pool2d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """mean of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)

    kernel_size, stride, padding, ceil_mode: as in max_pool2d.
    count_include_pad: zeros of the padding count as elements of the mean. divisor_override: divide by this instead.

    int64 is cut to whole numbers; NotImplementedError for other ones, RuntimeError for a padding beyond half a window.

    >>> import tinygrad_cnn as tg
    >>> x = tg.arange(8.0).reshape(1, 1, 2, 4).requires_grad_()
    >>> out = tg.nn.functional.avg_pool2d(x, 2)
    >>> out.tolist()
    [[[[2.5, 4.5]]]]
    >>> out.sum().backward()
    >>> x.grad.tolist()
    [[[[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]]]]
    """
    batch = batched("avg_pool2d", input, 2)
    geometry, size, share = _avg_geometry(
        "avg_pool2d", input.shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    if input.dtype.kind != "f" and input.dtype != np.int64:
        raise NotImplementedError(f"avg_pool2d: input is {input.dtype}, not floating or int64; use .float()")
    given = np.asarray(input, np.float64) if input.dtype.kind == "i" else input
    out = kernel.sum_pool2d(given if batch else given[None], *geometry, size)
    if given is not input:
        return np.trunc((out if batch else out[0]) / np.rint(1 / share)).astype(np.int64)
    out *= _as(share, out.dtype)
    return out if batch else out[0]


avg_pool2d.grad(input=lambda g, input_shape, geometry: avg_pool2d_spread(g, input_shape, *geometry))
avg_pool2d.explain(
    "Every element of a window gets an equal share of the output pixel's gradient.",
    zero="in no window",
    input=_shares("n, c, y, x", "p, q"),
    numbers=NUMBERS,
)


@op(geometry=AVG_GEOMETRY)
def avg_pool2d_spread(
    grad: Array,
    input_shape: tuple,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The share of each grad[n,c,p,q] added at every place of its window        (N,C,P,Q) -> (N,C,H,W)"""
    geometry, _, share = _avg_geometry(
        "avg_pool2d", input_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    grad = grad * _as(share, grad.dtype)
    if len(input_shape) == 4:
        return kernel.sum_pool2d_spread(grad, input_shape, *geometry)
    return kernel.sum_pool2d_spread(grad[None], (1, *input_shape), *geometry)[0]


avg_pool2d_spread.grad(grad=lambda g, geometry: avg_pool2d(g, *geometry))
avg_pool2d_spread.explain(
    "The mean of the gradients in each window.", grad=_shares("n, c, p, q", "y, x"), numbers=NUMBERS
)


@appears("function functional", flags=INDICES)
def max_pool1d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array:
    """max of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)

    A max_pool2d over pictures of one row; the arguments are the same, with one number each.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[1.0, 5.0, 2.0, 2.0, 9.0]]], requires_grad=True)
    >>> out, indices = tg.nn.functional.max_pool1d(x, 2, return_indices=True)
    >>> out.sum().backward()
    >>> out.tolist(), indices.tolist(), x.grad.tolist()
    ([[[5.0, 2.0]]], [[[1, 2]]], [[[0.0, 1.0, 1.0, 0.0, 0.0]]])
    """
    batched("max_pool1d", input, 1)
    geometry, _ = _geometry("max_pool1d", input.shape, kernel_size, stride, padding, dilation, ceil_mode)
    window, steps, pads, holes = geometry
    row = (1, *window), (1, *steps), (0, *pads), (1, *holes), ceil_mode, return_indices
    return _as_row(max_pool2d(unsqueeze(input, -2), *row))


@appears("function functional")
def avg_pool1d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """mean of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)

    An avg_pool2d over pictures of one row; the arguments are the same, with one number each.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[1.0, 5.0, 2.0, 4.0]]])
    >>> tg.avg_pool1d(x, 2).tolist(), tg.avg_pool1d(x, 3, stride=1, padding=1).shape
    ([[[3.0, 3.0]]], (1, 1, 4))
    """
    batched("avg_pool1d", input, 1)
    (window, steps, pads, _), _ = _geometry("avg_pool1d", input.shape, kernel_size, stride, padding, 1, ceil_mode)
    row = (1, *window), (1, *steps), (0, *pads), ceil_mode, count_include_pad
    return squeeze(avg_pool2d(unsqueeze(input, -2), *row), -2)


@appears("functional")
@in_float32
def lp_pool2d(
    input: Array, norm_type: float, kernel_size: Window, stride: Window | None = None, ceil_mode: bool = False
) -> Array:
    """(Σ input[n,c,ps+i,qs+j]^norm_type)^(1/norm_type) over i and j        (N,C,H,W) -> (N,C,P,Q)

    An infinite norm is the largest of |input|. The gradient is 0 where all of a window is 0.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[[3.0, 0.0], [0.0, 4.0]]]])
    >>> tg.nn.functional.lp_pool2d(x, 2, 2).tolist(), tg.nn.functional.lp_pool2d(x, 1, 2).tolist()
    ([[[[5.0]]]], [[[[7.0]]]])
    """
    return lp_pooled("lp_pool2d", max_pool2d, avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


@appears("functional")
@in_float32
def lp_pool1d(
    input: Array, norm_type: float, kernel_size: Window, stride: Window | None = None, ceil_mode: bool = False
) -> Array:
    """(Σ input[n,c,ps+i]^norm_type)^(1/norm_type) over i        (N,C,L) -> (N,C,P)

    As `lp_pool2d`.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.lp_pool1d(tg.tensor([[[3.0, 4.0, 0.0, 0.0]]]), 2, 2).tolist()
    [[[5.0, 0.0]]]
    """
    return lp_pooled("lp_pool1d", max_pool1d, avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pooled(name, largest, average, spatial, input, norm_type, kernel_size, stride, ceil_mode):
    """The norm over each window, of any number of axes: by its largest number, or by its mean."""
    if math.isinf(norm_type):
        sign = math.copysign(1, norm_type)
        return largest(absolute(input) * sign, kernel_size, stride, ceil_mode=ceil_mode) * sign
    window = numbers(name, "kernel_size", kernel_size, spatial, least=1)
    return _root(average(input**norm_type, window, stride, 0, ceil_mode) * math.prod(window), norm_type)


def _root(sums: Any, norm_type: float) -> Any:
    """sums^(1/norm_type), with a gradient of 0 where a sum is 0: there the power's own is infinite."""
    none = eq(sums, 0)
    return where(none, 0 if norm_type > 0 else math.inf, where(none, 1, sums) ** (1.0 / norm_type))


# Adaptive: the number of windows is given, and they share out the picture as evenly as they can.


@appears("functional")
@in_float32
def adaptive_avg_pool2d(input: Array, output_size: Any) -> Array:
    """mean over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)

    Window p has the rows from ⌊pH/P⌋ to ⌈(p+1)H/P⌉. None in output_size keeps that axis as it is.

    NotImplementedError for integers, RuntimeError for other numbers of axes.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.adaptive_avg_pool2d(tg.arange(6.0).reshape(1, 2, 3), (1, 2)).tolist()
    [[[2.0, 3.0]]]
    """
    batched("adaptive_avg_pool2d", input, 2, ValueError)
    if input.dtype.kind != "f":
        raise NotImplementedError(
            f"adaptive_avg_pool2d: input is {input.dtype}, a mean needs floating numbers; convert it with .float()"
        )
    (P, Q), even = _adaptive_geometry("adaptive_avg_pool2d", input.shape, output_size)
    if (P, Q) == (1, 1):
        return mean(input, (-2, -1), True)
    if even is not None:
        return avg_pool2d(input, even)
    # A window is a product of rows and columns, so its mean is that of the columns' means: two matrices.
    H, W = input.shape[-2:]
    return weigh(weigh(input, _means(H, P), -2), _means(W, Q), -1)


@appears("functional", flags=INDICES)
def adaptive_max_pool2d(input: Array, output_size: Any, return_indices: bool = False) -> Array:
    """max over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)

    The windows are those of adaptive_avg_pool2d; return_indices as in max_pool2d.

    >>> import tinygrad_cnn as tg
    >>> x = tg.arange(6.0).reshape(1, 2, 3)
    >>> out, indices = tg.nn.functional.adaptive_max_pool2d(x, (1, 2), return_indices=True)
    >>> out.tolist(), indices.tolist()
    ([[[4.0, 5.0]]], [[[4, 5]]])
    """
    batched("adaptive_max_pool2d", input, 2, ValueError)
    (P, Q), even = _adaptive_geometry("adaptive_max_pool2d", input.shape, output_size)
    if even is not None:
        return max_pool2d(input, even, None, 0, 1, False, return_indices)
    *lead, H, W = input.shape
    members = _members(H, W, P, Q)  # (P·Q, size of the largest window)
    seen = as_array(input).reshape(*lead, H * W)[..., members]
    indices = np.take_along_axis(np.broadcast_to(members, seen.shape), seen.argmax(-1)[..., None], -1)[..., 0]
    out = reshape(gather(flatten(input, -2), -1, indices), (*lead, P, Q))
    if not return_indices:
        return out
    indices = indices.reshape(*lead, P, Q)
    return out, indices if isinstance(input, np.ndarray) else wrap(indices)


@appears("function functional")
def adaptive_avg_pool1d(input: Array, output_size: Any) -> Array:
    """mean over P windows that cover the row        (N,C,L) -> (N,C,P)

    Window p has the places from ⌊pL/P⌋ to ⌈(p+1)L/P⌉.

    >>> import tinygrad_cnn as tg
    >>> tg.adaptive_avg_pool1d(tg.tensor([[[0.0, 1.0, 2.0, 7.0, 9.0]]]), 2).tolist()
    [[[1.0, 6.0]]]
    """
    batched("adaptive_avg_pool1d", input, 1)
    (P,) = numbers("adaptive_avg_pool1d", "output_size", output_size, 1, least=0)
    return squeeze(adaptive_avg_pool2d(unsqueeze(input, -2), (1, P)), -2)


@appears("function functional", flags=INDICES)
def adaptive_max_pool1d(input: Array, output_size: Any, return_indices: bool = False) -> Array:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)

    The windows are those of adaptive_avg_pool1d; return_indices: also where the maxima were.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.adaptive_max_pool1d(tg.tensor([[[0.0, 7.0, 2.0, 6.0, 8.0]]]), 2).tolist()
    [[[7.0, 8.0]]]
    """
    batched("adaptive_max_pool1d", input, 1)
    (P,) = numbers("adaptive_max_pool1d", "output_size", output_size, 1, least=0)
    return _as_row(adaptive_max_pool2d(unsqueeze(input, -2), (1, P), return_indices))


@remembered
def _geometry(name, input_shape, kernel_size, stride, padding, dilation, ceil_mode):
    """Window, stride, padding and dilation, in tuples, and how many windows there are on each axis."""
    spatial = 1 if name.endswith("1d") else 2
    window = numbers(name, "kernel_size", kernel_size, spatial, least=1)
    stride = window if stride is None or not np.size(stride) else numbers(name, "stride", stride, spatial, least=1)
    padding = numbers(name, "padding", padding, spatial, least=0)
    dilation = numbers(name, "dilation", dilation, spatial, least=1)
    if any(pad > ((k - 1) * d + 1) // 2 for k, pad, d in zip(window, padding, dilation)):
        raise RuntimeError(
            f"{name}: padding should be at most half of the window, got padding={padding} for kernel_size={window}"
            f" with dilation={dilation}"
        )
    if 0 in input_shape[-spatial - 1 :]:
        raise RuntimeError(f"{name}: input {tuple(input_shape)} is empty; only the batch may have size 0")
    size = fit(name, "input", input_shape[-spatial:], window, stride, padding, dilation, ceil_mode)
    return (window, stride, padding, dilation), size


def _avg_geometry(name, input_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    """Window, stride and padding, how many windows there are, and 1 / number of elements: for all, or of each one."""
    (*geometry, _), size = _geometry(name, input_shape, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override is None:
        share = _share(tuple(input_shape[-len(size) :]), *geometry, size, bool(count_include_pad))
    elif divisor_override:
        share = 1.0 / divisor_override
    else:
        raise RuntimeError(f"{name}: divisor_override must not be 0")
    return geometry, size, share


@kept
def _share(input_size, window, stride, padding, output_size, count_include_pad):
    """1 / number of elements: for all, or of each window."""
    counts = np.ones(())
    for n, k, s, pad, count in zip(input_size, window, stride, padding, output_size):
        start = np.arange(count) * s - pad
        end = np.minimum(start + k, n + pad)  # beyond the padding nothing counts, not even zeros
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        counts = counts[..., None] * (end - start)
    first = counts.flat[0] if counts.size else 1
    return 1 / float(first) if (counts == first).all() else 1 / counts


def _places_in_picture(choice, W, window, stride, padding, dilation):
    """From the place i·w+j in each window to the place y·W+x in the picture        (N,C,P,Q)"""
    i, j = np.divmod(choice.astype(np.int64), window[1])
    P, Q = choice.shape[-2:]
    y = np.arange(P)[:, None] * stride[0] - padding[0] + i * dilation[0]
    x = np.arange(Q) * stride[1] - padding[1] + j * dilation[1]
    return y * W + x


@remembered
def _adaptive_geometry(name, input_shape, output_size):
    """The output size (P, Q), and the window of the ordinary pooling that does it if H, W are multiples of P, Q."""
    *_, H, W = input_shape
    given = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(given) != 2:
        raise RuntimeError(f"{name}: output_size must be an int or two of them (rows, columns), got {output_size!r}")
    given = (H if given[0] is None else given[0], W if given[1] is None else given[1])
    P, Q = numbers(name, "output_size", given, 2, least=0)
    if 0 in input_shape[-3:]:
        raise RuntimeError(f"{name}: input {tuple(input_shape)} is empty; only the batch may have size 0")
    even = P and Q and H % P == 0 and W % Q == 0
    return (P, Q), (H // P, W // Q) if even else None


@kept
def _means(size: int, count: int) -> np.ndarray:
    """One row for each window: 1/length on its members        (count, size)"""
    start, end = _bounds(size, count)
    member = (np.arange(size) >= start[:, None]) & (np.arange(size) < end[:, None])
    return member / (end - start)[:, None]


def _bounds(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `count` windows over an axis begins and ends."""
    p = np.arange(count)
    return p * size // max(count, 1), -(-(p + 1) * size // max(count, 1))


def _members(H: int, W: int, P: int, Q: int) -> np.ndarray:
    """The places y·W+x that each window sees, the last one repeated where it is smaller        (P·Q, places)"""
    (top, bottom), (left, right) = _bounds(H, P), _bounds(W, Q)
    y = np.minimum(top[:, None] + np.arange((bottom - top).max(initial=0)), bottom[:, None] - 1)
    x = np.minimum(left[:, None] + np.arange((right - left).max(initial=0)), right[:, None] - 1)
    return (y[:, None, :, None] * W + x[None, :, None, :]).reshape(P * Q, -1)


def _as(share: float | np.ndarray, dtype: np.dtype) -> float | np.ndarray:
    return share if isinstance(share, float) else share.astype(dtype)


def _as_row(out: Any) -> Any:
    """The one row of pooled pictures, and of the indices that may come with them."""
    return tuple(map(_as_row, out)) if isinstance(out, tuple) else squeeze(out, -2)
