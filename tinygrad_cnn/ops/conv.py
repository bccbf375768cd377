"""Convolution: a small picture, the filter, is laid over every place of a large one.

With T = Σ input[n,c,ps+i,qs+j]·weight[o,c,i,j]·grad[n,o,p,q], a number that is linear in each of its three
letters, `conv2d`, `conv2d_input` and `conv2d_weight` are its three partial derivatives. So they are each
other's rules, and derivatives of every order are there.

N batch, C input channels, O output channels, H W input, P Q output, h w window, G groups, s stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.types import Array, Window
from ..arrays.windows import covered
from ..engine.broadcast import expand_to, in_float32
from ..engine.call import op
from ..kernels import kernel
from .declared import appears
from .shape import squeeze, unsqueeze
from .window import batched, fit, numbers, remembered

GEOMETRY = "stride padding dilation groups"  # rules take the four in one word


def _formula(kind: str, a: str, b: str) -> Any:
    """The formula of a derivative of a convolution: a function of what decides which indices there are."""

    def formula(input_shape: tuple = (1,) * 4, groups: int = 1) -> str:
        n = "n, " * (len(input_shape) == 4)
        first = " {} C · floor(o / O)" if groups > 1 else ""  # channel of the group of o
        row, column = "sy · p + dy · i − py", "sx · q + dx · j − px"
        if kind == "sums":
            return f"[o] = Σ_{{{n[:1]}{',' * bool(n)}p,q}} {a}[{n}o, p, q]"
        if kind == "patches":
            over, seen = f"{n[:1]}{',' * bool(n)}p,q", f"{b}[{n}c{first.format('+')}, {row}, {column}]"
            return f"[o, c, i, j] = Σ_{{{over}}} {a}[{n}o, p, q] · {seen}"
        if kind == "forward":
            return f"[{n}o, p, q] = Σ_{{c,i,j}} {a}[{n}c{first.format('+')}, {row}, {column}] · {b}[o, c, i, j]"
        pixel = "(y + py − dy · i) / sy, (x + px − dx · j) / sx"
        return f"[{n}c, y, x] = Σ_{{o,i,j}} {a}[{n}o, {pixel}] · {b}[o, c{first.format('−')}, i, j]"

    return formula


def _pair(name: str, k: int) -> Any:
    """One of the two numbers of a part of the geometry."""
    places: dict[str, Any] = {
        "stride": lambda stride: numbers("conv2d", "stride", stride, 2, 1)[k],
        "padding": lambda padding, weight_shape, dilation: _sides(padding, weight_shape, dilation)[k],
        "dilation": lambda dilation: numbers("conv2d", "dilation", dilation, 2, 1)[k],
    }
    return places[name]


def _sides(padding: Any, weight_shape: tuple, dilation: Any) -> Sequence[int]:
    """What is added above and on the left."""
    if padding == "valid":
        return (0, 0)
    if padding == "same":
        return [d * (n - 1) // 2 for d, n in zip(numbers("conv2d", "dilation", dilation, 2, 1), weight_shape[-2:])]
    return numbers("conv2d", "padding", padding, 2, 0)


NUMBERS = {
    f"{name[0]}{axis}": _pair(name, k) for name in ("stride", "padding", "dilation") for k, axis in enumerate("yx")
} | {
    "C": lambda weight_shape: weight_shape[1],
    "O": lambda weight_shape, groups: weight_shape[0] // groups,
}


@appears("function functional")
@op(geometry=GEOMETRY)
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    dilation: Window = 1,
    groups: int = 1,
) -> Array:
    """Σ input[n,c,ps+i,qs+j]·weight[o,c,i,j] + bias[o]        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)

    Over c, i and j; P = (H + 2·padding - dilation·(h-1) - 1) // stride + 1, and Q likewise. (It is a
    cross-correlation: the filter is not turned, as everywhere in deep learning.)

    input: one picture without N is taken too. stride, padding, dilation: an int, or one for (rows, columns).
    padding: zeros on all sides, "valid" for none, "same" for an output of the input's size (stride 1 only).
    groups: output channel o sees only the C/G input channels of its own group; groups=C is "depthwise".

    Raises a RuntimeError where shapes or dtypes do not fit. (LeCun et al., 1989; Dumoulin and Visin, 2016.)

    >>> import tinygrad_cnn as tg
    >>> image = tg.arange(9.0).reshape(1, 1, 3, 3)
    >>> weight = tg.ones(1, 1, 2, 2, requires_grad=True)
    >>> out = tg.conv2d(image, weight)
    >>> out.tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    >>> out.sum().backward()
    >>> weight.grad.tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    batch, geometry, extra = checked_conv2d(input, weight, bias, stride, padding, dilation, groups)
    out = kernel.conv2d(_whole(input, extra), weight, bias, *geometry)
    return out if batch else out[0]


conv2d.grad(
    input=lambda g, weight, input_shape, geometry: conv2d_input(g, weight, input_shape, *geometry),
    weight=lambda g, input, weight_shape, geometry: conv2d_weight(g, input, weight_shape, *geometry),
    bias=lambda g: channel_sums(g),
)
conv2d.explain(
    "Every output pixel sends its gradient back to the patch that it looked at, weighted by the "
    "filter; the filter gets the patches, weighted by the gradients; the bias gets their sum. Outside an array, and "
    "between two places of it, there is 0.",
    input=_formula("back", "g", "weight"),
    weight=_formula("patches", "g", "input"),
    bias=_formula("sums", "g", ""),
    numbers=NUMBERS,
)


@op(geometry=GEOMETRY)
def conv2d_input(
    grad: Array,
    weight: Array,
    input_shape: tuple,
    stride: Window = 1,
    padding: Window | str = 0,
    dilation: Window = 1,
    groups: int = 1,
) -> Array:
    """Σ grad[n,o,p,q]·weight[o,c,i,j] at [n,c,ps+i,qs+j]        (N,O,P,Q) (O,C/G,h,w) -> (N,C,H,W)

    The derivative of ⟨conv2d(input, weight), grad⟩ in input; conv_transpose2d computes the same.
    """
    geometry, extra = _geometry("conv2d", input_shape, weight.shape, stride, padding, dilation, groups)
    batch = len(input_shape) == 4
    N, C, H, W = input_shape if batch else (1, *input_shape)
    down, right = extra or (0, 0)
    out = kernel.conv2d_input(grad if batch else grad[None], weight, (N, C, H + down, W + right), *geometry)
    if extra:
        out = out[:, :, :H, :W]
    return out if batch else out[0]


conv2d_input.grad(
    grad=lambda g, weight, grad_shape, geometry: _first(conv2d(g, weight, None, *geometry), grad_shape),
    weight=lambda g, grad, weight_shape, geometry: conv2d_weight(grad, g, weight_shape, *geometry),
)
conv2d_input.explain(
    "It is linear in both: its derivatives are the convolution itself and the gradient of a filter.",
    grad=_formula("forward", "g", "weight"),
    weight=_formula("patches", "grad", "g"),
    numbers=NUMBERS,
)


@op(geometry=GEOMETRY)
def conv2d_weight(
    grad: Array,
    input: Array,
    weight_shape: tuple,
    stride: Window = 1,
    padding: Window | str = 0,
    dilation: Window = 1,
    groups: int = 1,
) -> Array:
    """Σ grad[n,o,p,q]·input[n,c,ps+i,qs+j]        (N,O,P,Q) (N,C,H,W) -> (O,C/G,h,w)

    The derivative of ⟨conv2d(input, weight), grad⟩ in weight.
    """
    geometry, extra = _geometry("conv2d", input.shape, weight_shape, stride, padding, dilation, groups)
    grad = grad if input.ndim == 4 else grad[None]
    return kernel.conv2d_weight(grad, _whole(input, extra), weight_shape, *geometry)


conv2d_weight.grad(
    grad=lambda g, input, grad_shape, geometry: _first(conv2d(input, g, None, *geometry), grad_shape),
    input=lambda g, grad, input_shape, geometry: conv2d_input(grad, g, input_shape, *geometry),
)
conv2d_weight.explain(
    "It is linear in both: its derivatives are the convolution with g as the filter, and that one's way back.",
    grad=_formula("forward", "input", "g"),
    input=_formula("back", "grad", "g"),
    numbers=NUMBERS,
)


@op
def channel_sums(input: Array) -> Array:
    """Σ input[n,c,y,x] over all but c: what a bias is told        (N,C,H,W) or (C,H,W) -> (C,)"""
    return kernel.channel_sums(input if input.ndim == 4 else input[None])


channel_sums.grad(input=lambda g, input_shape: expand_to(g.reshape((-1, 1, 1)), input_shape))
channel_sums.explain(
    "A sum's gradient goes to every element that was added.",
    input=lambda input_shape=(1,) * 4: f"[{'n, ' * (len(input_shape) == 4)}c, y, x] = g[c]",
)


@appears("function functional")
def conv1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    dilation: Window = 1,
    groups: int = 1,
) -> Array:
    """Σ input[n,c,ps+i]·weight[o,c,i] + bias[o]        (N,C,L) (O,C/G,w) (O,) -> (N,O,P)

    A conv2d over pictures of one row; the arguments are those of conv2d with one number each.

    >>> import tinygrad_cnn as tg
    >>> tg.conv1d(tg.tensor([[[1.0, 2.0, 4.0, 8.0]]]), tg.tensor([[[-1.0, 1.0]]])).tolist()
    [[[1.0, 2.0, 4.0]]]
    """
    batched("conv1d", input, 1)
    _check_operands("conv1d", input, weight, bias, 1)
    geometry, _ = _geometry("conv1d", input.shape, weight.shape, stride, padding, dilation, groups)
    stride, pads, dilation, groups = _of_rows(*geometry)
    pads = padding if isinstance(padding, str) else pads
    return squeeze(conv2d(unsqueeze(input, -2), unsqueeze(weight, -2), bias, stride, pads, dilation, groups), -2)


@appears("function functional")
def conv_transpose2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    output_padding: Window = 0,
    groups: int = 1,
    dilation: Window = 1,
) -> Array:
    """Σ input[n,c,p,q]·weight[c,o,i,j] at [n,o,ps+i,qs+j], + bias[o]        (N,C,P,Q) (C,O/G,h,w) (O,) -> (N,O,H,W)

    What conv2d does to a gradient, used as a layer that makes pictures larger:
    H = (P - 1)·stride - 2·padding + dilation·(h - 1) + output_padding + 1.
    output_padding: rows and columns more at the bottom and the right, fewer than the stride or the dilation.

    >>> import tinygrad_cnn as tg
    >>> tg.conv_transpose2d(tg.tensor([[[[1.0, 2.0]]]]), tg.ones(1, 1, 2, 2), stride=2).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@appears("function functional")
def conv_transpose1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    output_padding: Window = 0,
    groups: int = 1,
    dilation: Window = 1,
) -> Array:
    """Σ input[n,c,p]·weight[c,o,i] at [n,o,ps+i], + bias[o]        (N,C,P) (C,O/G,w) (O,) -> (N,O,L)

    A conv_transpose2d over pictures of one row; the arguments are the same, with one number each.

    L = (P - 1)·stride - 2·padding + dilation·(w - 1) + output_padding + 1.
    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, weight = tg.tensor([[[1.0, 2.0, 3.0]]]), tg.tensor([[[1.0, 10.0]]])
    >>> tg.conv_transpose1d(x, weight).tolist(), tg.conv_transpose1d(x, weight, stride=2).tolist()
    ([[[1.0, 12.0, 23.0, 30.0]]], [[[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]]])
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@in_float32
def _transposed(name, spatial, input, weight, bias, *sizes):
    batched(name, input, spatial)
    _check_operands(name, input, weight, None, spatial)
    geometry, shape = _transposed_geometry(name, input.shape, weight.shape, *sizes)
    channels = shape[-1 - spatial]
    if bias is not None and bias.shape != (channels,):
        raise RuntimeError(
            f"{name}: bias must have one number for each of the {channels} output channels, got {tuple(bias.shape)}"
        )
    if spatial == 2:
        out = conv2d_input(input, weight, shape, *geometry)
    else:
        shape = (*shape[:-1], 1, shape[-1])
        out = conv2d_input(unsqueeze(input, -2), unsqueeze(weight, -2), shape, *_of_rows(*geometry))
        out = squeeze(out, -2)
    return out if bias is None else out + bias.reshape(channels, *(1,) * spatial)


def _of_rows(stride, padding, dilation, groups):
    """The geometry along one axis, for pictures of one row."""
    return (1, *stride), (0, *padding), (1, *dilation), groups


def checked_conv2d(input, weight, bias, *geometry):
    """Whether there is a batch, then what `_geometry` says; an error where the arguments do not fit."""
    batch = batched("conv2d", input, 2)
    _check_operands("conv2d", input, weight, bias, 2)
    return batch, *_geometry("conv2d", input.shape, weight.shape, *geometry)


def _check_operands(name, input, weight, bias, spatial):
    try:
        fits = weight.ndim == spatial + 2 and input.dtype == weight.dtype and input.dtype.kind in "fiu"
        if fits and (bias is None or (bias.shape == weight.shape[:1] and bias.dtype == input.dtype)):
            return
    except AttributeError:
        pass
    for what, value in (("weight", weight), ("bias", bias)):
        if not hasattr(value, "dtype") and not (value is None and what == "bias"):
            raise TypeError(f"{name}: {what} must be a Tensor, got {type(value).__name__}")
    if input.dtype.kind not in "fiu":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be of numbers; convert it with .float()")
    for what, value in (("weight", weight), ("bias", bias)):
        if value is not None and value.dtype != input.dtype:
            raise RuntimeError(
                f"{name}: input is {input.dtype} but {what} is {value.dtype}; they must be equal, "
                f"convert one with .to({input.dtype})"
            )
    if weight.ndim != spatial + 2:
        letters = {1: "w", 2: "h, w", 3: "d, h, w"}[spatial]
        raise RuntimeError(
            f"{name}: weight must be (out_channels, in_channels/groups, {letters}), got {tuple(weight.shape)}"
        )
    raise RuntimeError(
        f"{name}: bias must have one number for each of the {weight.shape[0]} filters of weight "
        f"{tuple(weight.shape)}, got {tuple(bias.shape)}"
    )


@remembered
def _geometry(name, input_shape, weight_shape, stride, padding, dilation, groups):
    """The geometry, in tuples, and the zeros that "same" needs at the end only (None for none)."""
    spatial = len(weight_shape) - 2
    channels, sizes, kernel_size = input_shape[-1 - spatial], input_shape[-spatial:], weight_shape[2:]
    stride = numbers(name, "stride", stride, spatial, least=1)
    dilation = numbers(name, "dilation", dilation, spatial, least=1)
    (groups,) = numbers(name, "groups", groups, 1, least=1)
    if channels != weight_shape[1] * groups:
        relation = (
            "with groups=1 they must be equal"
            if groups == 1
            else f"with groups={groups} weight must take 1/{groups} of them"
        )
        raise RuntimeError(
            f"{name}: input has {channels} channels {tuple(input_shape)} but weight takes {weight_shape[1]} "
            f"{tuple(weight_shape)}; {relation}"
        )
    if weight_shape[0] % groups or weight_shape[0] < groups:
        raise RuntimeError(
            f"{name}: weight has {weight_shape[0]} filters {tuple(weight_shape)}, which cannot be shared out "
            f"among groups={groups}"
        )
    if 0 in kernel_size:
        raise RuntimeError(f"{name}: weight must have a window of at least one place, got {tuple(weight_shape)}")
    extra = None
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"{name}: padding must be an int, a tuple of ints, 'valid' or 'same', got {padding!r}")
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel_size)]
        if padding == "same" and max(stride) > 1:
            raise RuntimeError(
                f"{name}: padding='same' is for stride 1 only, got stride={stride}; give the padding as numbers"
            )
        padding = tuple(t // 2 for t in total)
        if any(t % 2 for t in total):
            extra = tuple(t % 2 for t in total)
    else:
        padding = numbers(name, "padding", padding, spatial, least=0)
    if extra is None or 0 in sizes:  # with the zeros of "same" a window fits on every pixel
        fit(name, "input", sizes, kernel_size, stride, padding, dilation)
    return (stride, padding, dilation, groups), extra


@remembered
def _transposed_geometry(name, input_shape, weight_shape, stride, padding, output_padding, groups, dilation):
    """The geometry, in tuples, and the shape of the output."""
    spatial = len(weight_shape) - 2
    *batch, channels = input_shape[:-spatial]
    stride = numbers(name, "stride", stride, spatial, least=1)
    dilation = numbers(name, "dilation", dilation, spatial, least=1)
    padding = numbers(name, "padding", padding, spatial, least=0)
    output_padding = numbers(name, "output_padding", output_padding, spatial, least=0)
    (groups,) = numbers(name, "groups", groups, 1, least=1)
    if channels != weight_shape[0]:
        raise RuntimeError(
            f"{name}: input has {channels} channels {tuple(input_shape)} but weight takes {weight_shape[0]} "
            f"{tuple(weight_shape)}; its first axis is the input's channels"
        )
    if channels % groups:
        raise RuntimeError(f"{name}: {channels} input channels cannot be shared out among groups={groups}")
    if any(more >= max(s, d) for more, s, d in zip(output_padding, stride, dilation)):
        raise RuntimeError(
            f"{name}: output_padding must be smaller than either stride or dilation, got "
            f"output_padding={output_padding}, stride={stride}, dilation={dilation}"
        )
    least = map(covered, input_shape[-spatial:], weight_shape[2:], stride, padding, dilation)
    sizes = [n + more for n, more in zip(least, output_padding)]
    if min(sizes) < 1:
        raise RuntimeError(
            f"{name}: input {tuple(input_shape)} with window {tuple(weight_shape[2:])} and padding {padding} would "
            f"give an output of size {tuple(sizes)}; pad less"
        )
    return (stride, padding, dilation, groups), (*batch, weight_shape[1] * groups, *sizes)


def _first(pictures: Any, shape: tuple) -> Any:
    """Their first rows and columns: an output_padding beyond the stride lets windows fit in that had not been there."""
    return pictures if pictures.shape == shape else pictures[..., : shape[-2], : shape[-1]]


def _whole(input: np.ndarray, extra: tuple | None) -> np.ndarray:
    """With a batch axis, and with the zeros that "same" needs at the bottom and the right."""
    if input.ndim == 3:
        input = input[None]
    return np.pad(input, ((0, 0), (0, 0), (0, extra[0]), (0, extra[1]))) if extra else input
