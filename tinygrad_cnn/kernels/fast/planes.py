"""Convolution that makes few channels: lanes are pixels, for there are not channels enough to fill a vector.

What an item reads is copied into planes, one for each channel, with zeros around. There, a row of the window lies one
pixel beside the next, so that a vector of outputs is a sum of vectors, each from its own place of the planes, times
single weights, which are read where they are. Rows of the planes follow each other, and vectors run on from one to
the next; what they make beyond the width of the output is left behind when the planes that were made are
turned into pixels.

The weight gradient multiplies planes with planes: a vector of pixels of the gradient, in one filter, with what they see
through one place of the window in one channel. Its sums are added up lane by lane, and the lanes at the end.

The plan is that of the other convolutions (machinery/tables.py), letters are those of direct.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .machinery import memory
from .machinery.compiled import compiled
from .machinery.filters import ITEMS, carry
from .machinery.micro import ADD, BIAS, DEPTH, FEW, ROWS, WIDTH, ZERO, clear, copy, pairs_tile_of, planes_tile_of
from .machinery.tables import Plan
from .machinery.transpose import pixels_to_planes, planes_to_pixels

PER_FLOP = 1 / 80  # nanoseconds
LEAST_TAPS, LEAST_PLACES = 4, 16  # fewer are not worth copying for
_LEVELS = FEW // 2, 3 * FEW // 4, FEW
_few, _more, _most = (planes_tile_of(2 * ROWS // max(1, rows), max(1, rows)) for rows in _LEVELS)
_FEW, _MORE, _MOST = (2 * ROWS // max(1, rows) * WIDTH for rows in _LEVELS)
SLACK = _FEW  # what the last vectors reach beyond a plane
_few_pairs, _more_pairs, _most_pairs = (pairs_tile_of(max(1, v), 2 * ROWS // max(1, v)) for v in _LEVELS)


def pays(plan: Plan, o: int) -> bool:
    """Whether o channels for each group are made faster this way: more of them fill a good part of a vector."""
    return o <= FEW and plan.dense and len(plan.tap_i) >= LEAST_TAPS


def convolve(plan: Plan, a, filters, bias, relu: int, team: int) -> np.ndarray:
    """C[pixel] = Σ_taps A[pixel + tap] · filters[tap]        (N,H,W,G·c) (G,o,c,h,w) -> (N,P,Q,G·o)"""
    _, _, c, _, _ = filters.shape
    out = memory.empty(plan.c_shape)
    items, frame = plan.items, plan.frame
    plane, made = (items.rows - 1 + plan.span) * frame.width, items.rows * frame.width
    rooms = memory.empty((team, a.shape[3] * plane + SLACK + FEW * (made + SLACK)))
    work = 2 * out.size * c * len(plan.tap_i) / len(plan.phases) * PER_FLOP + out.size / 2
    tables = plan.phases, plan.pixel_c, plan.tap_at, plan.tap_i, plan.tap_j
    _gather(work, a, filters, bias, rooms, *tables, (*plan.sizes, relu), out.reshape(len(out), -1), team=team)
    return out


@register_jitable
def _into_planes(x, image, first, rows, left, width, plane, frame):
    """Copy rows `first`... of an image, as far as there are any, with zeros around: one plane for each channel."""
    _, H, W, C = x.shape
    _, down, right, deep = x.strides
    used = max(0, min(W, width - left))
    clear(frame, C * plane + SLACK)
    for row in range(max(0, -first), min(rows, H - first)):
        at, source = frame + (row * width + left) * 4, x.ctypes.data + image * x.strides[0] + (first + row) * down
        if right == 4:
            for k in range(C):
                copy(at + k * plane * 4, source + k * deep, used)
        elif deep == 4:
            for k in range(0, C, FEW):
                for j in range(0, used, WIDTH):
                    to = at + (k * plane + j) * 4
                    pixels_to_planes(source + j * right + k * 4, right, to, plane * 4, min(FEW, C - k), used - j)
        else:
            for k in range(C):
                for j in range(used):
                    copy(at + (k * plane + j) * 4, source + j * right + k * deep, 1)


@compiled(
    "Array(f4, 4, 'A', readonly=True), Array(f4, 5, 'A', readonly=True), Array(f4, 1, 'C', readonly=True), f4[:,::1],"
    "i8[:,::1], i8[::1], i8[::1], i8[::1], i8[::1], UniTuple(i8, 11), f4[:,::1]"
)
def _gather(thread, part, parts, a, filters, bias, rooms, phases, pixel_c, tap_at, tap_i, tap_j, sizes, out):
    """The convolution of a part of the items, image by image."""
    items, images, bands, rows, _, span, top, left, width, _, relu = sizes
    N, _, _, channels = a.shape
    G, o, c, _, _ = filters.shape
    plane, made = (rows - 1 + span) * width, rows * width + SLACK
    frame = rooms.ctypes.data + thread * rooms.shape[1] * 4
    makes = frame + (channels * plane + SLACK) * 4
    row_a, row_c, shift = np.empty(FEW, np.int64), np.empty(FEW, np.int64), np.empty(FEW, np.float32)
    run_a, place_b = np.empty(c * len(tap_at), np.int64), np.empty(c * len(tap_at), np.int64)
    at = 0
    for phase in range(len(phases)):
        first_tap, taps = phases[phase, 6], phases[phase, 7]
        for k in range(c):
            for tap in range(first_tap, first_tap + taps):
                run_a[at] = (k * filters.strides[2] + tap_i[tap] * filters.strides[3]) // 4 + tap_j[tap]
                place_b[at] = k * plane + tap_at[tap]
                at += 1
    for r in range(FEW):  # rows that are missing are the last channel again
        row_a[r], row_c[r] = min(r, o - 1) * filters.strides[1] // 4, min(r, o - 1) * made
    for item in range(part * items // parts, (part + 1) * items // parts):
        top_row = item % bands * rows
        for image in range(item // bands * images, min(item // bands * images + images, N)):
            _into_planes(a, image, top_row - top, rows - 1 + span, left, width, plane, frame)
            for phase in range(len(phases)):
                first_pixel, pixels, columns, _, _, _, first_tap, taps = phases[phase]
                lines = min(rows, pixels // columns - top_row)
                right = pixel_c[first_pixel + 1] - pixel_c[first_pixel] if columns > 1 else o
                for g in range(G if lines > 0 else 0):
                    for r in range(FEW if len(bias) else 0):
                        shift[r] = bias[g * o + min(r, o - 1)]
                    pixel = 0
                    while pixel < (lines - 1) * width + columns:
                        pixel += _tile(
                            o,
                            filters.ctypes.data + g * filters.strides[0],
                            frame + (g * c * plane + pixel) * 4,
                            makes + pixel * 4,
                            shift.ctypes.data,
                            row_a.ctypes.data,
                            row_c.ctypes.data,
                            run_a.ctypes.data + c * first_tap * 8,
                            place_b.ctypes.data + c * first_tap * 8,
                            c * taps,
                            BIAS if len(bias) else ZERO,
                            relu,
                        )
                    for line in range(lines):
                        pixel = first_pixel + (top_row + line) * columns
                        to = out[image].ctypes.data + (pixel_c[pixel] + g * o) * 4
                        _out_of_planes(o, makes + line * width * 4, made, to, right, columns)


@register_jitable
def _tile(o, a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu):
    """All o channels of some pixels; gives how many pixels."""
    if o <= _LEVELS[0]:
        _few(a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu)
        return _FEW
    if o <= _LEVELS[1]:
        _more(a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu)
        return _MORE
    _most(a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu)
    return _MOST


@register_jitable
def _out_of_planes(o, source, plane, to, right, count):
    """Of `count` pixels of a row, the o channels side by side; pixels are `right` floats apart."""
    if o == right == 1:
        copy(to, source, count)
        return
    for j in range(0, count, WIDTH):
        planes_to_pixels(source + j * 4, plane * 4, to + j * right * 4, right * 4, o, count - j)


def pays_backward(o: int, c: int, window: tuple[int, ...], stride: tuple[int, int], Q: int) -> bool:
    """Whether the gradient of o filters of c channels is made faster this way: more lanes of a vector are in use."""
    taps, lanes = window[0] * window[1], -(-Q // WIDTH) * WIDTH
    many = taps >= LEAST_TAPS and c * taps >= LEAST_PLACES
    return o <= FEW and many and stride == (1, 1) and o / WIDTH < Q / lanes


def correlate(plan: Plan, grad, a, weight_shape, groups: int, team: int) -> np.ndarray:
    """(N,P,Q,O) (N,H,W,C) -> (O,c,h,w)"""
    O, c, h, w = weight_shape
    items, o, places = plan.items, O // groups, c * h * w
    planes = a.shape[3] * (items.rows - 1 + plan.span) * plan.frame.width + SLACK
    rooms = memory.empty((team, planes + (items.rows * -(-grad.shape[2] // WIDTH) * O + FEW) * WIDTH))
    sums = memory.empty((team, groups * places * _columns(o) * WIDTH))
    # what many stretches come to is added up in double precision
    often = max(1, ITEMS * DEPTH // (items.rows * -(-grad.shape[2] // WIDTH)))
    totals = memory.empty(sums.shape if items.count * items.images > often * team else (0, 0), np.float64)
    work = 2 * grad.size * places * PER_FLOP
    _correlate(work, a, grad, rooms, plan.tap_at, (*plan.sizes, groups, c, often), sums, totals, team=team)
    d_weight = memory.empty((groups, o, places))
    _add_up(sums.size / 4, sums.reshape(team, groups, places, -1, WIDTH), d_weight)
    return d_weight.reshape(weight_shape)


@register_jitable
def _columns(o: int) -> int:
    """The columns of a tile that has room for o filters."""
    return max(1, _LEVELS[0] if o <= _LEVELS[0] else _LEVELS[1] if o <= _LEVELS[1] else _LEVELS[2])


@register_jitable
def _into_vectors(x, image, first, rows, frame):
    """Copy rows of an image: of each WIDTH pixels of a row, a vector for each channel, with zeros where a row ends."""
    _, _, W, C = x.shape
    _, down, right, deep = x.strides
    across = -(-W // WIDTH)
    clear(frame, rows * across * C * WIDTH)
    for row in range(rows):
        source = x.ctypes.data + image * x.strides[0] + (first + row) * down
        for j in range(0, W, WIDTH):
            at, pixels = frame + (row * across * WIDTH + j) * C * 4, source + j * right
            if deep == 4:
                for k in range(0, C, FEW):
                    to = at + k * WIDTH * 4
                    pixels_to_planes(pixels + k * 4, right, to, WIDTH * 4, min(FEW, C - k), W - j)
            else:
                for k in range(C):
                    for q in range(min(WIDTH, W - j)):
                        copy(at + (k * WIDTH + q) * 4, pixels + q * right + k * deep, 1)


@compiled(
    "Array(f4, 4, 'A', readonly=True), Array(f4, 4, 'A', readonly=True), f4[:,::1],"
    "i8[::1], UniTuple(i8, 13), f4[:,::1], f8[:,::1]",
    pieces=1,
)
def _correlate(thread, part, parts, a, grad, rooms, tap_at, sizes, sums, totals):
    """The weight gradient of a part of the items        -> sums[part] (G, c·h·w, o and some, WIDTH)"""
    items, images, bands, rows, _, span, top, left, width, _, G, c, often = sizes
    N, P, Q, O = grad.shape
    o, channels, places, across = O // G, a.shape[3], c * len(tap_at), -(-Q // WIDTH)
    plane, row = (rows - 1 + span) * width, _columns(o) * WIDTH
    frame = rooms.ctypes.data + thread * rooms.shape[1] * 4
    frame_g = frame + (channels * plane + SLACK) * 4
    begin, end, mine = part * items // parts, (part + 1) * items // parts, sums.ctypes.data + part * sums.shape[1] * 4
    run_a = np.arange(rows) * width
    row_a, row_c = np.empty(places + 2 * ROWS, np.int64), np.empty(places + 2 * ROWS, np.int64)
    for k in range(len(row_a)):  # rows that are missing are the last place again
        place = min(k, places - 1)
        row_a[k] = place // len(tap_at) * plane + tap_at[place % len(tap_at)]
        row_c[k] = place * row
    if begin == end:
        clear(mine, sums.shape[1])
    if len(totals):
        totals[part, :] = 0
    for other in range(part + parts, len(sums), parts):  # there are fewer parts than expected
        clear(sums.ctypes.data + other * sums.shape[1] * 4, sums.shape[1])
    since = 0  # images whose sums are not in the totals so far
    for item in range(begin, end):
        top_row = item % bands * rows
        band = min(rows, P - top_row)
        for image in range(item // bands * images, min(item // bands * images + images, N)):
            _into_planes(a, image, top_row - top, band - 1 + span, left, width, plane, frame)
            _into_vectors(grad, image, top_row, band, frame_g)
            for g in range(G):
                place = 0
                while place < places:
                    place += _tile_of_pairs(
                        o,
                        frame + g * c * plane * 4,
                        frame_g + g * o * WIDTH * 4,
                        mine + g * places * row * 4,
                        row_a.ctypes.data + place * 8,
                        row_c.ctypes.data + place * 8,
                        run_a.ctypes.data,
                        band,
                        across,
                        O * WIDTH,
                        Q - (across - 1) * WIDTH,
                        ADD if since else ZERO,
                    )
            since += 1
            last = item + 1 == end and image + 1 == min(item // bands * images + images, N)
            if len(totals) and (since == often or last):
                carry(sums[part], totals[part], last)
                since = 0


@register_jitable
def _tile_of_pairs(o, a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start):
    """All o filters at some places; gives how many places."""
    if o <= _LEVELS[0]:
        _few_pairs(a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start)
    elif o <= _LEVELS[1]:
        _more_pairs(a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start)
    else:
        _most_pairs(a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start)
    return 2 * ROWS // _columns(o)


@compiled("f4[:,:,:,:,::1], f4[:,:,::1]")
def _add_up(thread, part, parts, sums, d_weight):
    """Σ of the parts and lanes        (parts,G,places,o and some,WIDTH) -> (G,o,places)"""
    G, o, places = d_weight.shape
    for k in range(part * G * places // parts, (part + 1) * G * places // parts):
        g, place = k // places, k % places
        for r in range(o):
            total = np.float32(0)
            for other in range(len(sums)):
                lanes = sums[other, g, place, r]
                for lane in range(WIDTH):
                    total += lanes[lane]
            d_weight[g, r, place] = total
