"""Patches: every window of a picture as a column, and columns added back into a picture.

`unfold` reads the windows, `fold` adds to them; each is the other's adjoint, so each is the other's derivative.
Both go through the h·w places of a window: what one place sees, over all windows, is a slice of the picture.

N batch, C channels, H W picture, P Q windows, h w window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays.types import Array, Window
from ..engine.call import op
from .declared import appears
from .window import batched, fit, numbers

GEOMETRY = "kernel_size dilation padding stride"  # rules take the four in one word


@appears("functional")
@op(exact=True, geometry=GEOMETRY)
def unfold(input: Array, kernel_size: Window, dilation: Window = 1, padding: Window = 0, stride: Window = 1) -> Array:
    """input[n,c,ps+i,qs+j] at [n, (c,i,j), (p,q)]        (N,C,H,W) -> (N, C·h·w, P·Q)

    The "im2col" of convolution: a convolution is weight.reshape(O, -1) @ unfold(input).
    kernel_size, dilation, padding, stride: an int, or one for (rows, columns). Without N: (C,H,W) -> (C·h·w, P·Q).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.unfold(tg.arange(6.0).reshape(1, 1, 2, 3), 2).tolist()
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """
    batch = batched("unfold", input, 2)
    _refuse_ints("unfold", input)
    *lead, C, H, W = input.shape
    geometry = _geometry("unfold", (H, W), kernel_size, dilation, padding, stride)
    (h, w), (P, Q) = geometry[0], geometry[-1]
    rows, columns = geometry[2]
    padded = np.pad(input, ((0, 0),) * (1 + batch) + ((rows, rows), (columns, columns)))
    out = np.empty((*lead, C, h, w, P, Q), input.dtype)
    for i, j, seen in _each_place(*geometry):
        out[..., i, j, :, :] = padded[seen]
    return out.reshape(*lead, C * h * w, P * Q)


unfold.grad(input=lambda g, input_shape, geometry: fold(g, input_shape[-2:], *geometry))  # type: ignore[has-type]
unfold.explain(
    "Every pixel gets the sum over the windows that saw it.",
    zero="in no window",
    input="fold(g, kernel_size, dilation, padding, stride)",
)


@appears("functional")
@op(geometry=GEOMETRY)
def fold(
    input: Array,
    output_size: Window,
    kernel_size: Window,
    dilation: Window = 1,
    padding: Window = 0,
    stride: Window = 1,
) -> Array:
    """Σ input[n, (c,i,j), (p,q)] at [n,c,ps+i,qs+j]        (N, C·h·w, P·Q) -> (N,C,H,W)

    Windows that overlap add up: it is the adjoint of unfold. output_size: (H, W).

    RuntimeError where the columns are not those of this picture.

    >>> import tinygrad_cnn as tg
    >>> F = tg.nn.functional
    >>> columns = F.unfold(tg.ones(1, 1, 2, 3), 2)
    >>> F.fold(columns, (2, 3), 2).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    _refuse_ints("fold", input)
    H, W = numbers("fold", "output_size", output_size, 2, least=1)
    geometry = _geometry("fold", (H, W), kernel_size, dilation, padding, stride)
    (h, w), (P, Q) = geometry[0], geometry[-1]
    if input.ndim not in (2, 3) or input.shape[-2] % (h * w) or input.shape[-1] != P * Q:
        raise RuntimeError(
            f"fold: a picture {(H, W)} has {P}·{Q} windows of {h}·{w} places, input must be (N, C·{h * w}, {P * Q}), "
            f"got {tuple(input.shape)}"
        )
    *lead, rest, _ = input.shape
    taken = input.reshape(*lead, rest // (h * w), h, w, P, Q)
    rows, columns = geometry[2]
    padded = np.zeros((*lead, rest // (h * w), H + 2 * rows, W + 2 * columns), input.dtype)
    for i, j, seen in _each_place(*geometry):
        padded[seen] += taken[..., i, j, :, :]
    return np.ascontiguousarray(padded[..., rows : rows + H, columns : columns + W])


fold.grad(input=lambda g, geometry: unfold(g, *geometry))
fold.explain(
    "Every place of a window gets the gradient of the pixel that it was added to.",
    input="unfold(g, kernel_size, dilation, padding, stride)",
)


def _geometry(name: str, size: tuple, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple:
    """Window, dilation, padding, stride and how many windows there are, as pairs."""
    window = numbers(name, "kernel_size", kernel_size, 2, least=1)
    dilation = numbers(name, "dilation", dilation, 2, least=1)
    padding = numbers(name, "padding", padding, 2, least=0)
    stride = numbers(name, "stride", stride, 2, least=1)
    return window, dilation, padding, stride, fit(name, "picture", size, window, stride, padding, dilation)


def _each_place(window: tuple, dilation: tuple, _: tuple, stride: tuple, count: tuple) -> Iterator[tuple]:
    """For each place i, j of the window: what it sees of the padded picture, the windows one after another."""
    for i, j in np.ndindex(*window):
        first = i * dilation[0], j * dilation[1]
        yield i, j, (..., *(slice(at, at + s * (n - 1) + 1, s) for at, s, n in zip(first, stride, count)))


def _refuse_ints(name: str, input: Any) -> None:
    if input.dtype.kind not in "fcb":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
