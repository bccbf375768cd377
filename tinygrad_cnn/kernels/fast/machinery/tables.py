"""Where everything lies: a convolution's geometry as tables of offsets, made once and kept.

Both directions are the same sum over taps (a place of the window, with all channels of a group):

    C[pixel] = Σ_taps A[pixel + tap] · weight[tap]

Forward, A is the input and pixels are those of the output. In the input gradient A is the output's gradient
and pixels are those of the input; with stride s, the pixels of each remainder (row % s, column % s) see only
some of the taps, at stride 1: they are a convolution of their own, here called a phase.

A is thought of as lying in a frame: with zeros around it where a window reaches beyond. Offsets are in floats
and relative to the frame's first pixel. A batch is cut into items for the threads: a band of rows of one image,
or several whole small images, so that what an item reads stays in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from ....arrays.kept import kept
from .micro import LANES, ROWS

Pair = tuple[int, int]
BAND = 40_000  # floats of A that an item reads: with its part of the weight, it fits the second-level cache
STRIP = 128  # pixels that an item of the weight gradient takes: LANES channels of them fit the first-level cache


@dataclass(frozen=True)
class Frame:
    """How A lies in its frame: zeros above, zeros to the left, the frame's size; or A is its own frame."""

    top: int
    left: int
    height: int
    width: int
    is_a: bool


@dataclass(frozen=True)
class Items:
    """How the batch is cut: `images` whole images an item, or, where it is 1, `bands` bands of `rows` rows."""

    images: int
    bands: int
    rows: int
    count: int
    size: int  # floats of A's frame that an item sees, at most


@dataclass(frozen=True)
class Plan:
    """The tables of one direction. In the weight gradient, a pixel is a place of the weight and a run is a row.

    phases: one row each (first pixel, pixels of an image, pixels of a row, first run, runs, n, first tap, taps)
    pixel_a, pixel_c: offset of each pixel in A's frame and in C, for all images of an item
    run_a: offset of each run of `n` floats; taps that touch in A make one run
    tap_i, tap_j: the place in the window of each tap, in the order of the runs
    tap_at: the offset of each tap in A's frame, in pixels
    """

    c_shape: tuple[int, ...]  # of C, in the order of memory
    frame: Frame
    step: int  # rows of A from one row of pixels to the next
    span: int  # rows of A that a row of pixels sees
    items: Items
    phases: np.ndarray
    pixel_a: np.ndarray
    pixel_c: np.ndarray
    run_a: np.ndarray
    tap_i: np.ndarray
    tap_j: np.ndarray
    tap_at: np.ndarray
    dense: bool  # one pixel beside the other in C reads one beside the other in A
    by_filters: bool = False  # of the weight gradient: a part is some of the filters, and sees all items

    @cached_property
    def nbytes(self) -> int:
        """What the tables take."""
        return sum(table.nbytes for table in vars(self).values() if isinstance(table, np.ndarray))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The numbers that the loops need."""
        items, frame = self.items, self.frame
        return (
            *(items.count, items.images, items.bands, items.rows, self.step, self.span),
            *(frame.top, frame.left, frame.width, frame.height),
        )


@kept
def forward_plan(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    team: int,
) -> Plan:
    """A is the input, C the output."""
    N, _, _, _ = input_shape
    O, c, h, w = weight_shape
    P, Q = output
    frame = _input_frame(input_shape, (h, w), output, stride, padding, dilation)
    taps = [(i * dilation[0], j * dilation[1], i, j) for i in range(h) for j in range(w)]
    place = np.arange(P)[:, None] * Q + np.arange(Q)
    phase = (np.arange(P) * stride[0], np.arange(Q) * stride[1], place * O, taps)
    return _plan(input_shape, c, frame, stride[0], [phase], (N, P, Q, O), team)


@kept
def input_plan(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    team: int,
) -> Plan:
    """A is the gradient of the output, C that of the input."""
    N, C, H, W = input_shape
    O, _, h, w = weight_shape
    reach = [_reach(*axis) for axis in zip((H, W), (h, w), stride, padding, dilation, strict=True)]
    (top, height), (left, width) = reach
    place = np.arange(H)[:, None] * W + np.arange(W)
    phases = []
    for y in range(min(stride[0], H)):
        for x in range(min(stride[1], W)):
            taps = [
                (i_at + top, j_at + left, i, j)
                for i_at, i in _seen(y, h, stride[0], padding[0], dilation[0])
                for j_at, j in _seen(x, w, stride[1], padding[1], dilation[1])
            ]
            own = place[y :: stride[0], x :: stride[1]]
            phases.append((np.arange(own.shape[0]), np.arange(own.shape[1]), own * C, taps))
    frame = _frame(top, left, height, width, *output)
    return _plan((N, O, *output), O // groups, frame, 1, phases, (N, H, W, C), team)


@kept
def weight_plan(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    team: int,
    by_planes: bool = False,
) -> Plan:
    """A is the input, C the gradient of the weight as (G, taps·c, o); for planes.py, an item has all rows it can."""
    N, C, _, _ = input_shape
    O, c, h, w = weight_shape
    P, Q = output
    frame = _input_frame(input_shape, (h, w), output, stride, padding, dilation)
    span = dilation[0] * (h - 1) + 1
    # where the weight is larger than the gradient, a sum for each thread would be most of the work
    by_filters = O * c * h * w > N * O * P * Q and groups * -(-O // groups // LANES) >= team
    strip = P if by_planes else -(-STRIP // Q)
    items = _items(N, P, P * Q, stride[0], span, frame, C, 1 if by_filters else 2 * team, strip)
    taps = (np.arange(h)[:, None] * (dilation[0] * frame.width) + np.arange(w) * dilation[1]).ravel()
    row_a = (taps[:, None] * C + np.arange(c)).ravel()
    row_c = np.arange(h * w * c) * (O // groups)
    tail = (0, -row_a.size % ROWS)  # the last place again: it is written more than once, the same each time
    images = np.arange(items.images)[:, None] * frame.height
    run_a = (images + np.arange(P) * stride[0]).ravel() * (frame.width * C)
    none = np.empty(0, np.int64)
    row_a, row_c = np.pad(row_a, tail, "edge"), np.pad(row_c, tail, "edge")
    c_shape = (groups, h * w * c, O // groups)
    tables = none.reshape(0, 8), row_a, row_c, run_a, none, none, taps
    return Plan(c_shape, frame, stride[0], span, items, *tables, False, by_filters)


def _input_frame(
    input_shape: tuple[int, ...], window: Pair, output: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Frame:
    """The input with what the windows see of its padding."""
    axes = zip(output, stride, window, dilation, strict=True)
    seen = [(outputs - 1) * s + (k - 1) * d + 1 for outputs, s, k, d in axes]
    return _frame(*padding, *seen, *input_shape[2:])


def _frame(top: int, left: int, height: int, width: int, H: int, W: int) -> Frame:
    if top == left == 0 and height <= H and width <= W:
        return Frame(0, 0, H, W, True)
    return Frame(top, left, height, width, False)


def _seen(remainder: int, window: int, stride: int, padding: int, dilation: int) -> list[Pair]:
    """Of the inputs r, r+s, r+2s ...: which places k of the window meet the first, and the output that does it."""
    outputs = ((remainder + padding - k * dilation, k) for k in range(window))
    return [(numerator // stride, k) for numerator, k in outputs if numerator % stride == 0]


def _reach(size: int, window: int, stride: int, padding: int, dilation: int) -> Pair:
    """(zeros before the gradient, length of the frame) along one axis."""
    first, last = 0, 0
    for remainder in range(min(stride, size)):
        length = -(-(size - remainder) // stride)
        for at, _ in _seen(remainder, window, stride, padding, dilation):
            first, last = min(first, at), max(last, at + length - 1)
    return -first, last + 1 - first


def _plan(
    a_shape: tuple[int, ...], c: int, frame: Frame, step: int, phases: list, c_shape: tuple[int, ...], team: int
) -> Plan:
    """The tables of phases given as (rows of A, columns of A, offsets in C, taps)."""
    N, C, _, _ = a_shape
    span = max((i_at + 1 for *_, taps in phases for i_at, *_ in taps), default=1)
    height = max(len(rows) for rows, *_ in phases)
    pixels = sum(places.size for _, _, places, _ in phases)
    items = _items(N, height, pixels, step, span, frame, C, 2 * team, height)
    image = np.arange(items.images)[:, None]
    numbers, pixel_a, pixel_c, run_a, order, tap_at = [], [], [], [], [], []
    for rows, columns, places, taps in phases:
        at = (rows[:, None] * frame.width + columns) * C
        by_place = sorted((i_at * frame.width + j_at, i, j) for i_at, j_at, i, j in taps)
        runs, n = _runs([place * C for place, _, _ in by_place], c)
        numbers.append([sum(map(len, pixel_a)), at.size, len(columns), len(run_a), len(runs), n, len(order), len(taps)])
        pixel_a.append((image * (frame.height * frame.width * C) + at.ravel()).ravel())
        pixel_c.append((image * prod(c_shape[1:]) + places.ravel()).ravel())
        run_a += runs
        order += [(i, j) for _, i, j in by_place]
        tap_at += [place for place, _, _ in by_place]
    tap_i, tap_j = np.array(order, np.int64).reshape(-1, 2).T.copy()
    tables = np.array(numbers, np.int64), np.concatenate(pixel_a), np.concatenate(pixel_c), np.array(run_a, np.int64)
    dense = step == 1 and all(np.all(np.diff(columns) == 1) for _, columns, *_ in phases)
    return Plan(c_shape, frame, step, span, items, *tables, tap_i, tap_j, np.array(tap_at, np.int64), dense)


def _runs(offsets: list[int], c: int) -> tuple[list[int], int]:
    """Join taps of c floats that touch, where all runs come out equally long: (begins, length).

    >>> _runs([0, 4, 8, 40, 44, 48], 4)
    ([0, 40], 12)
    """
    begins = [k for k, offset in enumerate(offsets) if k == 0 or offset != offsets[k - 1] + c]
    lengths = {b - a for a, b in zip(begins, [*begins[1:], len(offsets)], strict=False)}
    if len(lengths) != 1:
        return offsets, c
    return [offsets[k] for k in begins], lengths.pop() * c


def _items(
    N: int, height: int, pixels: int, step: int, span: int, frame: Frame, C: int, least: int, most_rows: int
) -> Items:
    """Bands of an image, or several images at once where one is small; `least` items, if possible."""
    row = frame.width * C
    image = frame.height * row
    images = max(1, min(BAND // image, -(-8 * ROWS // pixels), N // least))
    if images > 1:
        return Items(images, 1, height, -(-N // images), images * image)
    rows = max(1, min(height, most_rows, (BAND // row - span) // step + 1))
    if least > 2 * N:
        rows = min(rows, -(-2 * height // least))
    bands = -(-height // rows)
    rows = -(-height // bands)
    bands = -(-height // rows)
    return Items(1, bands, rows, N * bands, ((rows - 1) * step + span) * row)
