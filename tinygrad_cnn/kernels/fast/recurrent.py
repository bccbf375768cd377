"""Recurrent layers: all steps in one loop, the sequences shared out to the threads.

A sequence knows nothing of the others, so each thread takes its own through all steps, and none waits for another.
The weight is packed once (machinery/products.py), and at every step the states pass by it, a few sequences at a time,
on the micro-kernel of convolution. What is done to the gates of a sequence is a formula (machinery/pieces.py).

N rows, B sequences, H numbers of a state, G parts of a weight: 1, 4 for an LSTM, 3 for a GRU.
"""

from __future__ import annotations

import functools

import numpy as np
from numba.extending import register_jitable

from ...arrays.formulas import trace
from .. import faster
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.micro import ADD, LANES, ROWS, WIDTH, ZERO, copy, wide_tile
from .machinery.pieces import piece
from .machinery.products import PER_FLOP, pack

PER_GATE = 4  # nanoseconds
FEW = 8  # sequences up to which one thread is as fast as several


def _takes_rnn(x, hidden, weight, sizes, reverse, rectify):
    return _takes(x, hidden, weight)


@faster(when=_takes_rnn)
def rnn(x, hidden, weight, sizes, reverse, rectify):
    h, out, before, slope = _state(hidden), *(memory.empty(x.shape) for _ in range(3))
    _run(_rnn, x, weight.T, sizes, reverse, x, h, out, before, slope, int(rectify))
    return out, h, before, slope


def _takes_rnn_back(grad, grad_last, slope, weight, sizes, reverse):
    return _takes(slope, weight, grad, grad_last)


@faster(when=_takes_rnn_back)
def rnn_backward(grad, grad_last, slope, weight, sizes, reverse):
    d_h, d_x = _state(grad_last, sizes[0], slope), memory.empty(slope.shape)
    _run(_rnn_back, slope, weight, sizes, not reverse, _rows(grad, slope), slope, d_h, d_x)
    return d_x, d_h


def _takes_lstm(x, hidden, cell, weight, projection, sizes, reverse):
    return projection is None and _takes(x, hidden, cell, weight)


@faster(when=_takes_lstm)
def lstm(x, hidden, cell, weight, projection, sizes, reverse):
    h, c, shape = _state(hidden), _state(cell), (len(x), cell.shape[1])
    out, before, before_cell, gates = *(memory.empty(shape) for _ in range(3)), memory.empty(x.shape)
    _run(_lstm, x, weight.T, sizes, reverse, x, h, c, out, before, before_cell, gates)
    return out, h, c, before, before_cell, gates


def _takes_lstm_back(grad, grad_last, grad_cell, before_cell, gates, weight, projection, sizes, reverse):
    return projection is None and _takes(gates, before_cell, weight, grad, grad_last, grad_cell)


@faster(when=_takes_lstm_back)
def lstm_backward(grad, grad_last, grad_cell, before_cell, gates, weight, projection, sizes, reverse):
    d_h, d_c = (_state(g, sizes[0], before_cell) for g in (grad_last, grad_cell))
    grad, before_cell, d_x = _rows(grad, before_cell), np.ascontiguousarray(before_cell), memory.empty(gates.shape)
    _run(_lstm_back, gates, weight, sizes, not reverse, grad, before_cell, gates, d_h, d_c, d_x)
    return d_x, d_h, d_c, None


def _takes_gru(x, hidden, weight, bias, sizes, reverse):
    return _takes(x, hidden, weight, bias)


@faster(when=_takes_gru)
def gru(x, hidden, weight, bias, sizes, reverse):
    h, shape = _state(hidden), (len(x), hidden.shape[1])
    bias = np.zeros(3 * shape[1], np.float32) if bias is None else np.ascontiguousarray(bias)
    q, out, before = np.empty((len(h), 3 * shape[1]), np.float32), memory.empty(shape), memory.empty(shape)
    gates = memory.empty((len(x), 4 * shape[1]))
    _run(_gru, x, weight.T, sizes, reverse, x, bias, h, q, out, before, gates)
    return out, h, before, gates


def _takes_gru_back(grad, grad_last, before, gates, weight, sizes, reverse):
    return _takes(gates, before, weight, grad, grad_last)


@faster(when=_takes_gru_back)
def gru_backward(grad, grad_last, before, gates, weight, sizes, reverse):
    d_h = _state(grad_last, sizes[0], before)
    d_x, d_q = (memory.empty((len(before), 3 * before.shape[1])) for _ in range(2))
    before = np.ascontiguousarray(before)
    _run(_gru_back, gates, weight, sizes, not reverse, _rows(grad, before), before, gates, d_h, d_x, d_q)
    return d_x, d_q, d_h


def _takes(rows, *others):
    return rows.size > 0 and readable(rows, *others) and rows.flags.c_contiguous


def _state(given, B=0, like=None):
    """A copy that may be changed, in rows; zeros (B, ...) for None."""
    return np.zeros((B, like.shape[1]), np.float32) if given is None else np.array(given, order="C")


def _rows(grad, like):
    return np.zeros(like.shape, np.float32) if grad is None else np.ascontiguousarray(grad)


def _run(loop, rows, b, sizes, reverse, *args):
    """Run a loop over the steps, in which states are multiplied by the matrix b (K, N)."""
    K, N = b.shape
    panels = memory.empty((-(-N // LANES), -(-K // WIDTH) * WIDTH, LANES))
    _pack(K * N / 4, b, panels)
    work, team = 2 * len(rows) * K * N * PER_FLOP + rows.size * PER_GATE, 1 if sizes[0] < FEW else 0
    loop(work, panels, _array(sizes), int(reverse), *args, team=team)


@functools.lru_cache
def _array(sizes):
    return np.array(sizes, np.int64)


@compiled("Array(f4, 2, 'A', readonly=True), f4[:,:,::1]")
def _pack(thread, part, parts, b, panels):
    """The columns of b, LANES in a panel, as the micro-kernel reads them        (K,N) -> (⌈N / LANES⌉, ⌈K⌉, LANES)"""
    (K, N), (count, depth, _) = b.shape, panels.shape
    begin, end = part * count // parts, (part + 1) * count // parts
    pack(b, 0, K, begin * LANES, min(end * LANES, N) - begin * LANES, depth, panels[begin:].ctypes.data)


@register_jitable
def _add_product(a, K, panels, out, N, rows, start):
    """out = a @ b for so many rows that lie at these addresses, K and N numbers apart; or out += a @ b, by `start`."""
    count, depth, _ = panels.shape
    row_a, row_c, run = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64), np.zeros(1, np.int64)
    for panel in range(count):
        there, column = panels.ctypes.data + panel * depth * LANES * 4, panel * LANES
        for m in range(0, rows, ROWS):
            for r in range(ROWS):
                row_a[r] = min(m + r, rows - 1) * K
                row_c[r] = min(m + r, rows - 1) * N
            wide_tile(
                min(ROWS, rows - m),
                a,
                there,
                out + column * 4,
                0,
                row_a.ctypes.data,
                row_c.ctypes.data,
                run.ctypes.data,
                1,
                K,
                1,
                LANES,
                min(LANES, N - column),
                start,
                0,
            )


@register_jitable
def _share(sizes, k, reverse, begin, end, row):
    """Of the k-th step that is read: how many of the sequences from begin to end have it, and where its rows begin."""
    T = len(sizes)
    n = sizes[T - 1 - k] if reverse else sizes[k]
    if reverse:
        row -= n
    return min(end, n) - begin, row, row if reverse else row + n


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _of_lstm(i, f, g, o, c):
    i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
    c = f * c + i * g
    return i, f, g, o, c, o * np.tanh(c)


def _of_lstm_back(grad, d_h, d_c, i, f, g, o, old):
    tanh, d_h = np.tanh(f * old + i * g), d_h + grad
    d_c = d_c + d_h * o * (1 - tanh * tanh)
    slopes = d_c * g * i * (1 - i), d_c * old * f * (1 - f), d_c * i * (1 - g * g), d_h * tanh * o * (1 - o)
    return *slopes, d_c * f


def _of_gru(x_r, x_z, x_n, q_r, q_z, q_n, h):
    r, z = _sigmoid(x_r + q_r), _sigmoid(x_z + q_z)
    n = np.tanh(x_n + r * q_n)
    return r, z, n, q_n, (1 - z) * n + z * h


def _of_gru_back(grad, d_h, r, z, n, q_n, old):
    d = d_h + grad
    d_n = d * (1 - z) * (1 - n * n)
    return d_n * q_n * r * (1 - r), d * (old - n) * z * (1 - z), d_n, d_n * r, d * z


TWICE = "store, store"
_tanh_row = piece(trace(lambda x: (h := np.tanh(x), 1 - h * h), "f"), (TWICE, "store"))
_relu_row = piece(trace(lambda x: (h := np.maximum(x, 0), np.where(h > 0, 1.0, 0.0)), "f"), (TWICE, "store"))
_rnn_back_row = piece(trace(lambda grad, d_h, slope: (d_h + grad) * slope, "fff"))
_lstm_row = piece(trace(_of_lstm, "f" * 5), ("store",) * 5 + (TWICE,))
_lstm_back_row = piece(trace(_of_lstm_back, "f" * 8), ("store",) * 5)
_gru_row = piece(trace(_of_gru, "f" * 7), ("store",) * 4 + (TWICE,))
_gru_back_row = piece(trace(_of_gru_back, "f" * 7), (TWICE, TWICE, "store", "store", "store"))

_READ = "Array(f4, 2, 'C', readonly=True)"
_STEPS = "f4[:,:,::1], Array(i8, 1, 'C', readonly=True), i8"


@compiled(f"{_STEPS}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], i8", pieces=1)
def _rnn(thread, part, parts, panels, sizes, reverse, x, h, out, before, slope, rectify):
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(x) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        state, first = h[begin:].ctypes.data, (row + begin) * H * 4
        copy(before.ctypes.data + first, state, count * H)
        copy(out.ctypes.data + first, x.ctypes.data + first, count * H)
        _add_product(state, H, panels, out.ctypes.data + first, H, count, ADD)
        here, to = out.ctypes.data + first, slope.ctypes.data + first
        if rectify:
            _relu_row(here, here, state, to, count * H)
        else:
            _tanh_row(here, here, state, to, count * H)


@compiled(f"{_STEPS}, {_READ}, {_READ}, f4[:,::1], f4[:,::1]", pieces=1)
def _rnn_back(thread, part, parts, panels, sizes, reverse, grad, slope, d_h, d_x):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(slope) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        state, first = d_h[begin:].ctypes.data, (row + begin) * H * 4
        here = d_x.ctypes.data + first
        _rnn_back_row(grad.ctypes.data + first, state, slope.ctypes.data + first, here, count * H)
        _add_product(here, H, panels, state, H, count, ZERO)


@compiled(f"{_STEPS}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1]", pieces=1)
def _lstm(thread, part, parts, panels, sizes, reverse, x, h, c, out, before, before_cell, gates):
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(x) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, cell = (row + begin) * H * 4, h[begin:].ctypes.data, c[begin:].ctypes.data
        copy(before.ctypes.data + first, state, count * H)
        copy(before_cell.ctypes.data + first, cell, count * H)
        there = gates.ctypes.data + 4 * first
        copy(there, x.ctypes.data + 4 * first, count * 4 * H)
        _add_product(state, H, panels, there, 4 * H, count, ADD)
        for b in range(count):
            i, at = there + b * H * 16, b * H * 4
            f, g, o = i + H * 4, i + H * 8, i + H * 12
            to = out.ctypes.data + first + at
            _lstm_row(i, f, g, o, cell + at, i, f, g, o, cell + at, to, state + at, H)


@compiled(f"{_STEPS}, {_READ}, {_READ}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1]", pieces=1)
def _lstm_back(thread, part, parts, panels, sizes, reverse, grad, before_cell, gates, d_h, d_c, d_x):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(gates) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, cell = (row + begin) * H * 4, d_h[begin:].ctypes.data, d_c[begin:].ctypes.data
        for b in range(count):
            at = b * H * 4
            i, d_i = gates.ctypes.data + 4 * (first + at), d_x.ctypes.data + 4 * (first + at)
            given = grad.ctypes.data + first + at, state + at, cell + at
            old, width = before_cell.ctypes.data + first + at, H * 4
            _lstm_back_row(
                *given, i, i + width, i + 2 * width, i + 3 * width, old,
                d_i, d_i + width, d_i + 2 * width, d_i + 3 * width, cell + at, H
            )  # fmt: skip
        _add_product(d_x.ctypes.data + 4 * first, 4 * H, panels, state, H, count, ZERO)


@compiled(
    f"{_STEPS}, {_READ}, Array(f4, 1, 'C', readonly=True), f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1]",
    pieces=1,
)
def _gru(thread, part, parts, panels, sizes, reverse, x, bias, h, q, out, before, gates):
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(x) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, product, width = (row + begin) * H * 4, h[begin:].ctypes.data, q[begin:].ctypes.data, H * 4
        copy(before.ctypes.data + first, state, count * H)
        for b in range(count):
            copy(product + b * 3 * width, bias.ctypes.data, 3 * H)
        _add_product(state, H, panels, product, 3 * H, count, ADD)
        for b in range(count):
            at = b * width
            read, q_r, r = x.ctypes.data + 3 * (first + at), product + 3 * at, gates.ctypes.data + 4 * (first + at)
            _gru_row(
                read, read + width, read + 2 * width, q_r, q_r + width, q_r + 2 * width, state + at,
                r, r + width, r + 2 * width, r + 3 * width, out.ctypes.data + first + at, state + at, H
            )  # fmt: skip


@compiled(f"{_STEPS}, {_READ}, {_READ}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1]", pieces=1)
def _gru_back(thread, part, parts, panels, sizes, reverse, grad, before, gates, d_h, d_x, d_q):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(gates) if reverse else 0
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, width = (row + begin) * H * 4, d_h[begin:].ctypes.data, H * 4
        for b in range(count):
            at = b * width
            r, old = gates.ctypes.data + 4 * (first + at), before.ctypes.data + first + at
            x_r, q_r = d_x.ctypes.data + 3 * (first + at), d_q.ctypes.data + 3 * (first + at)
            _gru_back_row(
                grad.ctypes.data + first + at, state + at, r, r + width, r + 2 * width, r + 3 * width, old,
                x_r, q_r, x_r + width, q_r + width, x_r + 2 * width, q_r + 2 * width, state + at, H
            )  # fmt: skip
        _add_product(d_q.ctypes.data + 3 * first, 3 * H, panels, state, H, count, ADD)
