"""Volumes: what convolution and pooling do to pictures, with one axis more.

A window of a volume is a few windows of pictures, one behind the other. So a convolution of volumes is one of pictures
whose channels are also the depths of the window; and a maximum or a mean over a window is one over each of its
pictures, and then over those. All rules come from there.

N batch, C channels, O output channels, D H W volume, P Q R output, d h w window, G groups, s stride.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..arrays.kept import kept
from ..arrays.types import Array, Window
from ..arrays.windows import fitting
from ..engine.broadcast import in_float32
from .conv import _check_operands, _geometry, _transposed_geometry, conv2d, conv_transpose2d
from .declared import appears
from .gather import gather
from .join import stack
from .pool import INDICES, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, lp_pooled, max_pool2d
from .rearrange import pad
from .shape import flatten, permute, reshape, squeeze, unsqueeze
from .window import batched, numbers


def _of_batches(name: str, input: Any) -> tuple[Any, bool]:
    """With a batch axis, and whether there was one."""
    batch = batched(name, input, 3)
    return (input if batch else unsqueeze(input, 0)), batch


@appears("function functional")
def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    dilation: Window = 1,
    groups: int = 1,
) -> Array:
    """Σ input[n,c,ps+k,qs+i,rs+j]·weight[o,c,k,i,j] + bias[o]        (N,C,D,H,W) (O,C/G,d,h,w) (O,) -> (N,O,P,Q,R)

    The arguments are those of conv2d with three numbers each; without N too. RuntimeError where shapes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, weight = tg.arange(8.0).reshape(1, 1, 2, 2, 2), tg.ones(1, 1, 2, 1, 1, requires_grad=True)
    >>> out = tg.conv3d(x, weight)
    >>> out.flatten().tolist()
    [4.0, 6.0, 8.0, 10.0]
    >>> out.sum().backward()
    >>> weight.grad.flatten().tolist()
    [6.0, 22.0]
    """
    x, batch = _of_batches("conv3d", input)
    _check_operands("conv3d", input, weight, bias, 3)
    sizes = stride, padding, dilation, groups
    (s, p, steps, groups), extra = _geometry("conv3d", input.shape, weight.shape, *sizes)
    down, right, behind = (extra or (0, 0, 0))[::-1]
    x = pad(x, (0, down, 0, right, p[0], p[0] + behind))
    O, _, d, h, w = weight.shape
    P = fitting(x.shape[2], d, s[0], 0, steps[0])
    seen = [x[:, :, k * steps[0] :][:, :, : s[0] * (P - 1) + 1 : s[0]] for k in range(d)]
    depths = permute(stack(seen, 2), (0, 3, 1, 2, 4, 5))  # (N,P,C,d,H,W)
    N, C, _, H, W = x.shape
    pictures = reshape(depths, (N * P, C * d, H, W))
    out = conv2d(pictures, reshape(weight, (O, -1, h, w)), bias, s[1:], p[1:], steps[1:], groups)
    out = _in_order(permute(reshape(out, (N, P, *out.shape[1:])), (0, 2, 1, 3, 4)))
    return out if batch else squeeze(out, 0)


@appears("function functional")
@in_float32
def conv_transpose3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Window = 1,
    padding: Window | str = 0,
    output_padding: Window = 0,
    groups: int = 1,
    dilation: Window = 1,
) -> Array:
    """Σ input[n,c,p,q,r]·weight[c,o,k,i,j] at [n,o,ps+k,qs+i,rs+j]    (N,C,P,Q,R) (C,O/G,d,h,w) (O,) -> (N,O,D,H,W)

    What conv3d does to a gradient; the arguments are those of conv_transpose2d with three numbers each.

    >>> import tinygrad_cnn as tg
    >>> tg.conv_transpose3d(tg.ones(1, 1, 2, 1, 1), tg.ones(1, 1, 2, 1, 1)).flatten().tolist()
    [1.0, 2.0, 1.0]
    """
    x, batch = _of_batches("conv_transpose3d", input)
    _check_operands("conv_transpose3d", input, weight, None, 3)
    sizes = stride, padding, output_padding, groups, dilation
    geometry, (*_, O, D, H, W) = _transposed_geometry("conv_transpose3d", input.shape, weight.shape, *sizes)
    if bias is not None and bias.shape != (O,):
        raise RuntimeError(
            f"conv_transpose3d: bias must have one number for each of the {O} output channels, got {tuple(bias.shape)}"
        )
    s, p, steps, groups = geometry
    more = numbers("conv_transpose3d", "output_padding", output_padding, 3, 0)
    C, _, d, h, w = weight.shape
    N, P = x.shape[0], x.shape[2]
    pictures = reshape(permute(x, (0, 2, 1, 3, 4)), (N * P, C, *x.shape[3:]))
    planes = conv_transpose2d(pictures, reshape(weight, (C, -1, h, w)), None, s[1:], p[1:], more[1:], groups, steps[1:])
    planes = permute(reshape(planes, (N, P, O, d, H, W)), (0, 2, 4, 5, 3, 1))
    columns = reshape(planes, (N * O * H * W, d, P, 1))
    depth = (s[0], 1), (p[0], 0), (more[0], 0), 1, (steps[0], 1)
    volumes = conv_transpose2d(columns, _each(d, x.dtype), None, *depth)  # each of d planes goes to a depth of its own
    out = _in_order(permute(reshape(volumes, (N, O, H, W, D)), (0, 1, 4, 2, 3)))
    out = out if bias is None else out + reshape(bias, (O, 1, 1, 1))
    return out if batch else squeeze(out, 0)


def _in_order(x: Any) -> Any:
    """The same in the order of its elements, so that .view takes it."""
    return reshape(flatten(x, 2), x.shape)


@kept
def _each(d: int, dtype: Any) -> np.ndarray:
    """(d,1,d,1): channel k at place k"""
    return np.eye(d, dtype=dtype).reshape(d, 1, d, 1)


def _planes(x: Any) -> Any:
    """(N,C,D,H,W) -> (N,C·D,H,W): each picture by itself"""
    return flatten(x, 1, 2)


def _in_depth(planes: Any, x: Any) -> Any:
    """(N,C·D,Q,R) -> (N,C,D,Q·R): the depths of the volume as rows"""
    return reshape(planes, (*x.shape[:3], math.prod(planes.shape[2:])))


def _volume(rows: Any, like: Any, batch: bool) -> Any:
    """(N,C,P,Q·R) -> (N,C,P,Q,R), with Q and R those of the planes"""
    out = reshape(rows, (*rows.shape[:3], *like.shape[2:]))
    return out if batch else squeeze(out, 0)


def _three(name: str, what: str, value: Any, least: int) -> tuple[int, ...]:
    return numbers(name, what, value, 3, least)


@appears("function functional", flags=INDICES)
def max_pool3d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array:
    """max of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)

    As max_pool2d; return_indices: places z·H·W + y·W + x in the volume.

    >>> import tinygrad_cnn as tg
    >>> out, indices = tg.nn.functional.max_pool3d(tg.arange(8.0).reshape(1, 1, 2, 2, 2), 2, return_indices=True)
    >>> out.item(), indices.item()
    (7.0, 7)
    """
    name = "max_pool3d"
    x, batch = _of_batches(name, input)
    k = _three(name, "kernel_size", kernel_size, 1)
    s = k if stride is None or stride == [] else _three(name, "stride", stride, 1)
    p, d = _three(name, "padding", padding, 0), _three(name, "dilation", dilation, 1)
    inside = k[1:], s[1:], p[1:], d[1:], ceil_mode, return_indices
    depth = (k[0], 1), (s[0], 1), (p[0], 0), (d[0], 1), ceil_mode, return_indices
    return _of_both(x, batch, lambda planes: max_pool2d(planes, *inside), lambda rows: max_pool2d(rows, *depth))


def _of_both(x: Any, batch: bool, of_pictures: Callable, of_depths: Callable) -> Any:
    """The largest numbers of each picture, and then of those in depth; with their places in the volume, if asked."""
    planes = of_pictures(_planes(x))
    if not isinstance(planes, tuple):
        return _volume(of_depths(_in_depth(planes, x)), planes, batch)
    planes, inside = planes
    out, rows = of_depths(_in_depth(planes, x))
    at = gather(flatten(_in_depth(inside, x), 2), 2, flatten(rows, 2))
    depth = flatten(rows, 2) // math.prod(planes.shape[2:])
    places = reshape(depth * math.prod(x.shape[3:]) + at, rows.shape)
    return _volume(out, planes, batch), _volume(places, planes, batch)


@appears("functional out exact")
@in_float32
def avg_pool3d(
    input: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """mean of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)

    As avg_pool2d.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.avg_pool3d(tg.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    3.5
    """
    name = "avg_pool3d"
    x, batch = _of_batches(name, input)
    if x.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {x.dtype}, it must be floating; convert it with .float()")
    k = _three(name, "kernel_size", kernel_size, 1)
    s = k if stride is None or stride == [] else _three(name, "stride", stride, 1)
    p = _three(name, "padding", padding, 0)
    if any(n < width for n, width in zip(x.shape[2:], k)):
        raise RuntimeError(f"{name}: the window {k} is larger than the volume {tuple(x.shape[2:])}; use a smaller one")
    one = None if divisor_override is None else 1
    planes = avg_pool2d(_planes(x), k[1:], s[1:], p[1:], ceil_mode, count_include_pad, one)
    depth = (k[0], 1), (s[0], 1), (p[0], 0), ceil_mode, count_include_pad, divisor_override
    return _volume(avg_pool2d(_in_depth(planes, x), *depth), planes, batch)


def _adaptive(name: str, input: Any, output_size: Any) -> tuple:
    if isinstance(output_size, tuple | list) and input.ndim <= len(output_size):
        raise ValueError(f"{name}: expected input (N, C, D, H, W) or (C, D, H, W), got shape {tuple(input.shape)}")
    given = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * 3
    if len(given) != 3:
        raise RuntimeError(f"{name}: output_size must be an int or three of them, got {output_size!r}")
    return given


@appears("functional")
@in_float32
def adaptive_avg_pool3d(input: Array, output_size: Any) -> Array:
    """mean over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)

    The windows are those of adaptive_avg_pool2d, along three axes.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.adaptive_avg_pool3d(tg.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1)).flatten().tolist()
    [1.5, 5.5]
    """
    P, Q, R = _adaptive("adaptive_avg_pool3d", input, output_size)
    x, batch = _of_batches("adaptive_avg_pool3d", input)
    planes = adaptive_avg_pool2d(_planes(x), (Q, R))
    return _volume(adaptive_avg_pool2d(_in_depth(planes, x), (P, None)), planes, batch)


@appears("functional", flags=INDICES)
def adaptive_max_pool3d(input: Array, output_size: Any, return_indices: bool = False) -> Array:
    """max over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)

    The windows are those of adaptive_avg_pool3d; return_indices as in max_pool3d.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.adaptive_max_pool3d(tg.arange(8.0).reshape(1, 2, 2, 2), (1, 2, 1)).flatten().tolist()
    [5.0, 7.0]
    """
    P, Q, R = _adaptive("adaptive_max_pool3d", input, output_size)
    x, batch = _of_batches("adaptive_max_pool3d", input)
    pool = partial(adaptive_max_pool2d, return_indices=return_indices)
    return _of_both(x, batch, lambda planes: pool(planes, (Q, R)), lambda rows: pool(rows, (P, None)))


@appears("functional")
@in_float32
def lp_pool3d(
    input: Array, norm_type: float, kernel_size: Window, stride: Window | None = None, ceil_mode: bool = False
) -> Array:
    """(Σ input[n,c,ps+k,qs+i,rs+j]^norm_type)^(1/norm_type) over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)

    As `lp_pool2d`.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.lp_pool3d(tg.ones(1, 1, 2, 2, 2), 1, 2).item()
    8.0
    """
    return lp_pooled("lp_pool3d", max_pool3d, avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)
