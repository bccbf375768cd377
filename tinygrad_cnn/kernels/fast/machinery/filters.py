"""Weights as the micro-kernel reads and writes them: the filters of LANES outputs side by side.

In memory a weight is one row of c·h·w numbers for each filter. To have filters as lanes is to transpose that matrix,
which is done block by block in registers (transpose.py), through a buffer of WIDTH rows of LANES numbers; row by row
the buffer goes where the taps belong. The gradient of a weight comes back the other way.

G groups, o filters and c channels of a group, h w window, a tap is a place of the window. `done` is a bit in memory:
where it is set when the loops run, there is nothing left to do.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .compiled import compiled
from .lanes import first_lanes, load, plus, store
from .micro import LANES, WIDTH, copy
from .transpose import transpose_block

PER_NUMBER = 1  # nanosecond
NEVER = np.zeros(1, np.bool_)  # as `done`: there is no other way that may have done the work
ITEMS = 64  # of a gradient: their sums are added one after the other, those of more in double precision


@compiled("Array(f4, 5, 'A', readonly=True), i8[:,::1], i8[::1], i8[::1], f4[::1], b1[::1]")
def _pack(thread, part, parts, filters, phases, tap_i, tap_j, packed, done):
    if done[0]:
        return
    G, o, c, h, w = filters.shape
    blocks, taps = (o + LANES - 1) // LANES, h * w
    long = filters.strides[2] == taps * 4  # the taps of all channels are one row
    count, length = (1, c * taps) if long else (c, taps)
    down = filters.strides[1]
    buffer, place = np.zeros(WIDTH * LANES, np.float32), np.empty(taps, np.int64)
    for share in range(part * G * blocks // parts, (part + 1) * G * blocks // parts):
        g, first = share // blocks, share % blocks * LANES
        lanes = min(LANES, o - first)
        place[:] = -1  # not every tap is seen by a phase
        for phase in range(len(phases)):
            first_tap, seen = phases[phase, 6], phases[phase, 7]
            for tap in range(seen):
                at = first_tap * G * blocks + share * seen + tap
                place[tap_i[first_tap + tap] * w + tap_j[first_tap + tap]] = at * c * LANES * 4
        if lanes < LANES:
            buffer[:] = 0
        for row in range(count):
            source = filters.ctypes.data + g * filters.strides[0] + first * down + row * filters.strides[2]
            k, tap = row, 0
            for q in range(0, length, WIDTH):
                columns = min(WIDTH, length - q)
                for lane in range(0, lanes, WIDTH):
                    transpose_block(
                        source + lane * down + q * 4,
                        down,
                        buffer.ctypes.data + lane * 4,
                        LANES * 4,
                        first_lanes(lanes - lane),
                        first_lanes(columns),
                    )
                for r in range(columns):
                    if place[tap] >= 0:
                        copy(packed.ctypes.data + place[tap] + k * LANES * 4, buffer.ctypes.data + r * LANES * 4, LANES)
                    tap += 1
                    if tap == taps:
                        k, tap = k + 1, 0


def pack(filters: np.ndarray, phases: np.ndarray, tap_i, tap_j, packed: np.ndarray, done=NEVER) -> None:
    """(G,o,c,h,w) -> for each phase (G, o/LANES, taps, c, LANES); the taps of a window lie side by side in memory."""
    _pack(packed.size * PER_NUMBER, filters, phases, tap_i, tap_j, packed, done)


@compiled("f4[:,::1], f4[:,:,:,::1], b1[::1]")
def _unpack(thread, part, parts, sums, weight, done):
    if done[0]:
        return
    G, o, c, taps = weight.shape
    blocks, length = (o + LANES - 1) // LANES, c * taps
    buffer = np.empty(WIDTH * LANES, np.float32)
    for share in range(part * G * blocks // parts, (part + 1) * G * blocks // parts):
        g, first = share // blocks, share % blocks * LANES
        lanes = min(LANES, o - first)
        k, tap = 0, 0
        for q in range(0, length, WIDTH):
            columns = min(WIDTH, length - q)
            for r in range(columns):
                at = sums.ctypes.data + (((g * taps + tap) * c + k) * o + first) * 4
                for lane in range(0, lanes, WIDTH):
                    exist = first_lanes(lanes - lane)
                    total = load(at + lane * 4, exist)
                    for other in range(1, len(sums)):
                        total = plus(total, load(at + lane * 4 + other * sums.strides[0], exist))
                    store(total, buffer.ctypes.data + (r * LANES + lane) * 4, exist)
                tap += 1
                if tap == taps:
                    k, tap = k + 1, 0
            for lane in range(0, lanes, WIDTH):
                transpose_block(
                    buffer.ctypes.data + lane * 4,
                    LANES * 4,
                    weight.ctypes.data + (((g * o + first + lane) * length) + q) * 4,
                    length * 4,
                    first_lanes(columns),
                    first_lanes(lanes - lane),
                )


def unpack(sums: np.ndarray, weight: np.ndarray, groups: int, done=NEVER) -> None:
    """Σ of the parts        (parts, G·h·w·c·o) -> (G·o,c,h,w)"""
    O, c, h, w = weight.shape
    _unpack(sums.size * PER_NUMBER, sums, weight.reshape(groups, O // groups, c, h * w), done)


@register_jitable
def carry(sums, totals, last):
    """Add the sums to the totals; at last, the totals are the sums."""
    for k in range(len(sums)):
        totals[k] += sums[k]
        if last:
            sums[k] = totals[k]
