"""Convolution and both its gradients around one micro-kernel, without im2col.

Images are channels-last in memory, so one place of the window is a run of C contiguous floats, and one row of
the window is often a run of w·C. The micro-kernel (machinery/micro.py) multiplies ROWS pixels by LANES channels
straight from there; tables of offsets (machinery/tables.py) tell it where pixels and runs lie, which covers every
stride, padding, dilation and group. Only an input with padding, or in another memory order, is first copied into a
frame of zeros, a band at a time, which stays in the cache. The weight is packed as (G, O/LANES, taps·C, LANES).
Where every channel is a group of its own (depthwise), all of them are taken together as if they were one group's
outputs of one channel, and each lane multiplies numbers of its own: that is `each` below.
Where the weight is larger than the pictures, columns.py leaves it as it lies; where few channels are made, lanes
are better pixels, in planes.py.

The weight gradient turns the roles: rows are the taps·C places of the window, a run is a row of pixels, and
each part of the images has a sum of its own.

winograd.py decides in its loops whether it does a convolution, so what runs here instead is told when it runs: of the
functions that take `done` and where the result belongs, the loops do nothing where that bit is set.

N batch, C input channels, O output channels, G groups, H W input, P Q output, h w window;
c o are the channels of one group, A is what is read, B the packed right side, as in micro.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ...arrays.windows import fitting
from .. import faster, threads
from . import columns, planes
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.filters import ITEMS, NEVER, carry, pack, unpack
from .machinery.micro import ADD, BIAS, FEW, LANES, ROWS, WIDTH, ZERO, clear, copy, each_tile, short_tile, tile
from .machinery.tables import Plan, forward_plan, input_plan, weight_plan
from .machinery.transpose import colours_to_pixels, planes_to_pixels

Pair = tuple[int, int]
PER_FLOP = 1 / 80  # nanoseconds
BLOCK = 48_000  # floats of packed weight used at a time: they stay in the second-level cache


def as_made(*arrays: np.ndarray | None) -> bool:
    """Whether weight and bias lie in memory number by number, as loops read them."""
    for a in arrays:  # noqa: SIM110, every call pays for this
        if a is not None and not a.flags.c_contiguous:
            return False
    return True


def _takes_forward(input, weight, bias, stride, padding, dilation, groups):
    return readable(input, weight, bias) and as_made(weight, bias) and input.size > 0 and weight.size > 0


@faster(when=_takes_forward, pure=True)
def conv2d(input, weight, bias, stride, padding, dilation, groups):
    return forward(input, weight, bias, stride, padding, dilation, groups, relu=0)


@faster(when=_takes_forward, pure=True)
def conv2d_relu(input, weight, bias, stride, padding, dilation, groups):
    return forward(input, weight, bias, stride, padding, dilation, groups, relu=1)


def forward(input, weight, bias, stride, padding, dilation, groups, relu, out=None, done=NEVER):
    """(N,C,H,W) (O,c,h,w) -> (N,O,P,Q); with `relu`, its positive part."""
    a = input.transpose(0, 2, 3, 1)
    size = tuple(map(fitting, input.shape[2:], weight.shape[2:], stride, padding, dilation))
    if columns.pays(len(a), size, weight.shape, groups):
        return columns.convolve(a, weight, bias, size, stride, padding, dilation, relu).transpose(0, 3, 1, 2)
    team = threads.get_num_threads()
    plan = forward_plan(input.shape, weight.shape, size, stride, padding, dilation, team)
    each = _is_depthwise(input.shape, weight.shape, groups)
    filters = weight.reshape(1 if each else groups, -1, *weight.shape[1:])
    return _convolve(plan, a, filters, bias, each, relu, team, out, done).transpose(0, 3, 1, 2)


def _takes_input(grad, weight, input_shape, stride, padding, dilation, groups):
    return readable(grad, weight) and as_made(weight) and grad.size > 0 and min(input_shape) > 0


@faster(when=_takes_input, pure=True)
def conv2d_input(grad, weight, input_shape, stride, padding, dilation, groups):
    return backward(grad, weight, input_shape, stride, padding, dilation, groups)


def backward(grad, weight, input_shape, stride, padding, dilation, groups, out=None, done=NEVER):
    """(N,O,P,Q) (O,c,h,w) -> (N,C,H,W)"""
    a = grad.transpose(0, 2, 3, 1)
    if columns.pays(len(a), grad.shape[2:], weight.shape, groups):
        return columns.convolve_back(a, weight, input_shape[2:], stride, padding, dilation).transpose(0, 3, 1, 2)
    team = threads.get_num_threads()
    plan = input_plan(tuple(input_shape), weight.shape, grad.shape[2:], stride, padding, dilation, groups, team)
    O, c, h, w = weight.shape
    each = _is_depthwise(input_shape, weight.shape, groups)
    filters = weight.reshape(1, O, c, h, w) if each else weight.reshape(groups, O // groups, c, h, w).swapaxes(1, 2)
    return _convolve(plan, a, filters, None, each, 0, team, out, done).transpose(0, 3, 1, 2)


def _is_depthwise(input_shape, weight_shape, groups) -> bool:
    """Whether each channel of the input makes one of the output, by itself."""
    return groups == input_shape[1] == weight_shape[0] > 1


def _convolve(plan: Plan, a, filters, bias, each, relu, team, out, done) -> np.ndarray:
    """C[pixel] = Σ_taps A[pixel + tap] · filters[tap]        (N,H,W,G·c) (G,o,c,h,w) -> (N,P,Q,G·o)"""
    G, o, c, _, _ = filters.shape
    bias = _NOTHING if bias is None else bias
    if not each and planes.pays(plan, o):
        return planes.convolve(plan, a, filters, bias, relu, team)
    out = memory.empty(plan.c_shape) if out is None else out
    packed = memory.empty((len(plan.tap_i) * c * G * -(-o // LANES) * LANES,))
    pack(filters, plan.phases, plan.tap_i, plan.tap_j, packed, done)
    frames, staged = _frames(plan, a, each and o % LANES != 0, team)
    work = 2 * out.size * c * len(plan.tap_i) / len(plan.phases) * PER_FLOP + out.size / 2
    sizes = (*plan.sizes, G, c, o, out.size // len(out), staged, each, relu)
    tables = plan.phases, plan.pixel_a, plan.pixel_c, plan.run_a
    _gather(work, a, packed, bias, frames, *tables, sizes, out.reshape(-1), done, team=team)
    return out


_NOTHING, _NO_FRAMES, _NO_TOTALS = np.empty(0, np.float32), np.empty((0, 0), np.float32), np.empty((0, 0))


def _frames(plan: Plan, a, overrun: bool, team: int) -> tuple[np.ndarray, bool]:
    """Room for a frame in each thread, if one is needed; with `overrun`, vectors may reach beyond the last number."""
    if plan.frame.is_a and a.flags.c_contiguous and not overrun:
        return _NO_FRAMES, False
    return memory.empty((team, plan.items.size + LANES)), True


@register_jitable
def _into_frame(x, image, first, rows, top, left, width, frame):
    """Copy rows `first`... of an image's frame, with the zeros around it."""
    _, H, W, C = x.shape
    left = min(left, width)
    used = min(W, width - left)
    by_pixel = C == 1 or x.strides[3] == 4
    by_row = by_pixel and x.strides[2] == 4 * C
    for row in range(rows):
        y, at = first + row - top, frame + row * width * C * 4
        if y < 0 or y >= H:
            clear(at, width * C)
            continue
        clear(at, left * C)
        clear(at + (left + used) * C * 4, (width - left - used) * C)
        at += left * C * 4
        source = x.ctypes.data + image * x.strides[0] + y * x.strides[1]
        if by_row:
            copy(at, source, used * C)
        elif by_pixel:
            for j in range(used):
                copy(at + j * C * 4, source + j * x.strides[2], C)
        elif x.strides[2] == 4:
            whole = used // WIDTH * WIDTH if C == 3 else 0
            for j in range(0, whole, WIDTH):
                colours_to_pixels(source + j * 4, x.strides[3], at + j * C * 4)
            for k in range(0, C, FEW):
                for j in range(whole, used, WIDTH):
                    plane, to = source + j * 4 + k * x.strides[3], at + (j * C + k) * 4
                    planes_to_pixels(plane, x.strides[3], to, C * 4, min(FEW, C - k), used - j)
        else:
            for k in range(C):
                for j in range(used):
                    copy(at + (j * C + k) * 4, source + j * x.strides[2] + k * x.strides[3], 1)


@compiled(
    "Array(f4, 4, 'A', readonly=True), f4[::1], Array(f4, 1, 'C', readonly=True), f4[:,::1],"
    "i8[:,::1], i8[::1], i8[::1], i8[::1], UniTuple(i8, 17), f4[::1], b1[::1]"
)
def _gather(thread, part, parts, a, packed, bias, frames, phases, pixel_a, pixel_c, run_a, sizes, out, done):
    """The convolution of a part of the items: for each band, group, block of lanes and stretch of runs, the tiles."""
    if done[0]:
        return
    items, images, bands, rows, step, span, top, left, width, height, G, c, o, image_c, staged, each, relu = sizes
    blocks = (o + LANES - 1) // LANES
    N, _, _, channels = a.shape
    tail_a, tail_c = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)
    for item in range(part * items // parts, (part + 1) * items // parts):
        image, top_row = item // bands * images, item % bands * rows
        count = min(images, N - image)
        if staged:
            seen = height if images > 1 else (min(rows, phases[0, 1] // phases[0, 2] - top_row) - 1) * step + span
            frame = frames.ctypes.data + thread * frames.shape[1] * 4
            for k in range(count):
                at = frame + k * height * width * channels * 4
                _into_frame(a, image + k, top_row * step, seen, top, left, width, at)
            base_a = frame - top_row * step * width * channels * 4
        else:
            base_a = a.ctypes.data + image * a.strides[0]
        for phase in range(len(phases)):
            first_pixel, pixels, columns, first_run, runs, n, first_tap, taps = phases[phase]
            if images > 1:
                begin, end = first_pixel, first_pixel + count * pixels
            else:
                begin = first_pixel + min(top_row * columns, pixels)
                end = first_pixel + min((top_row + rows) * columns, pixels)
            stretch = max(1, BLOCK // (n * LANES))
            for share in range(G * blocks):
                g, first = share // blocks, share % blocks * LANES
                at_c = out.ctypes.data + (image * image_c + g * o + first) * 4
                at_bias = bias.ctypes.data + (g * o + first) * 4
                for run in range(0, max(runs, 1), stretch):
                    start = ADD if run else BIAS if len(bias) else ZERO
                    last = run + stretch >= runs
                    b = packed.ctypes.data + ((first_tap * G * blocks + share * taps) * c + run * n) * LANES * 4
                    for pixel in range(begin, end, ROWS):
                        row_a, row_c = pixel_a.ctypes.data + pixel * 8, pixel_c.ctypes.data + pixel * 8
                        if pixel + ROWS > end:
                            for r in range(ROWS):
                                tail_a[r] = pixel_a[min(pixel + r, end - 1)]
                                tail_c[r] = pixel_c[min(pixel + r, end - 1)]
                            row_a, row_c = tail_a.ctypes.data, tail_c.ctypes.data
                        args = (
                            base_a + (first if each else g * c) * 4,
                            b,
                            at_c,
                            at_bias,
                            row_a,
                            row_c,
                            run_a.ctypes.data + (first_run + run) * 8,
                            min(stretch, runs - run),
                            n,
                            1,
                            LANES,
                            min(LANES, o - first),
                            start,
                            relu if last else 0,
                        )
                        if each:
                            each_tile(*args)
                        else:
                            tile(*args)


def _takes_weight(grad, input, weight_shape, stride, padding, dilation, groups):
    return readable(grad, input) and grad.size > 0 and input.size > 0


@faster(when=_takes_weight, pure=True)
def conv2d_weight(grad, input, weight_shape, stride, padding, dilation, groups):
    return correlate(grad, input, weight_shape, stride, padding, dilation, groups)


def correlate(grad, input, weight_shape, stride, padding, dilation, groups, d_weight=None, done=NEVER):
    """(N,O,P,Q) (N,C,H,W) -> (O,c,h,w)"""
    a, g = input.transpose(0, 2, 3, 1), grad.transpose(0, 2, 3, 1)
    if columns.pays(len(a), grad.shape[2:], weight_shape, groups):
        return columns.correlate(g, a, weight_shape, stride, padding, dilation)
    team = threads.get_num_threads()
    each = _is_depthwise(input.shape, weight_shape, groups)
    groups = 1 if each else groups
    O, c, h, w = weight_shape
    o, (P, Q) = O // groups, grad.shape[2:]
    by_planes = not each and planes.pays_backward(o, c, (h, w), stride, Q)
    geometry = grad.shape[2:], stride, padding, dilation, groups, team, by_planes
    plan = weight_plan(input.shape, tuple(weight_shape), *geometry)
    if by_planes and not plan.by_filters:
        return planes.correlate(plan, g, a, weight_shape, groups, team)
    uneven = o % LANES != 0  # the last vectors of a pixel reach into the next
    frames, staged = _frames(plan, a, each and uneven, team)
    staged_g = uneven or not g.flags.c_contiguous
    frames_g = memory.empty((team, plan.items.images * plan.items.rows * Q * O + LANES)) if staged_g else _NO_FRAMES
    sums = memory.empty((1 if plan.by_filters else team, h * w * c * O))
    # what many items come to is added up in double precision
    long = plan.items.count > ITEMS * len(sums) and not plan.by_filters
    totals = memory.empty(sums.shape, np.float64) if long else _NO_TOTALS
    work = 2 * grad.size * c * h * w * PER_FLOP
    sizes = (*plan.sizes, groups, c, o, P, staged, staged_g, each, plan.by_filters)
    tables = plan.pixel_a, plan.pixel_c, plan.run_a
    _correlate(work, a, g, frames, frames_g, *tables, stride[1] * a.shape[3], sizes, sums, totals, done, team=team)
    d_weight = memory.empty(weight_shape) if d_weight is None else d_weight
    unpack(sums, d_weight, groups, done)
    return d_weight


@compiled(
    "Array(f4, 4, 'A', readonly=True), Array(f4, 4, 'A', readonly=True), f4[:,::1], f4[:,::1],"
    "i8[::1], i8[::1], i8[::1], i8, UniTuple(i8, 18), f4[:,::1], f8[:,::1], b1[::1]",
    pieces=1,
)
def _correlate(thread, part, parts, a, grad, frames, frames_g, row_a, row_c, run_a, step_a, sizes, sums, totals, done):
    """The weight gradient of a part of the items, or of some filters        -> sums[part] (G, taps·c, o)"""
    if done[0]:
        return
    items, images, bands, rows, step, span, top, left, width, height, G, c, o, P, staged, staged_g, each, by_filters = (
        sizes
    )
    blocks = (o + LANES - 1) // LANES
    N, _, _, channels = a.shape
    Q, places = grad.shape[2], sums.shape[1] // (G * o)
    begin, end, share_begin, share_end = part * items // parts, (part + 1) * items // parts, 0, G * blocks
    mine = sums.ctypes.data + part * sums.shape[1] * 4
    if by_filters:
        begin, end, share_begin, share_end = 0, items, part * share_end // parts, (part + 1) * share_end // parts
        mine = sums.ctypes.data
    elif begin == end:
        clear(mine, sums.shape[1])
    if len(totals):
        totals[part, :] = 0
    for row in range(part + parts, len(sums), parts):  # there are fewer parts than expected
        clear(sums.ctypes.data + row * sums.shape[1] * 4, sums.shape[1])
    since = 0  # items whose sums are not in the totals so far
    for item in range(begin, end):
        image, top_row = item // bands * images, item % bands * rows
        count, band = min(images, N - image), min(rows, P - top_row)
        if staged:
            seen = height if images > 1 else (band - 1) * step + span
            base_a = frames.ctypes.data + thread * frames.shape[1] * 4
            for k in range(count):
                at = base_a + k * height * width * channels * 4
                _into_frame(a, image + k, top_row * step, seen, top, left, width, at)
        else:
            base_a = a.ctypes.data + image * a.strides[0] + top_row * step * width * channels * 4
        if staged_g:
            base_g = frames_g.ctypes.data + thread * frames_g.shape[1] * 4
            for k in range(count):
                _into_frame(grad, image + k, top_row, band, 0, 0, Q, base_g + k * P * Q * G * o * 4)
        else:
            base_g = grad.ctypes.data + image * grad.strides[0] + top_row * grad.strides[1]
        for share in range(share_begin, share_end):
            g, first = share // blocks, share % blocks * LANES
            for place in range(0, places, ROWS):
                args = (
                    base_a + (first if each else g * c) * 4,
                    base_g + (g * o + first) * 4,
                    mine + (g * places * o + first) * 4,
                    0,
                    row_a.ctypes.data + place * 8,
                    row_c.ctypes.data + place * 8,
                    run_a.ctypes.data,
                    count * band,
                    Q,
                    step_a,
                    G * o,
                    min(LANES, o - first),
                    ADD if since else ZERO,
                    0,
                )
                if each:
                    each_tile(*args)
                else:
                    short_tile(places - place, *args)
        since += 1
        if len(totals) and (since == ITEMS or item + 1 == end):
            carry(sums[part], totals[part], item + 1 == end)
            since = 0
