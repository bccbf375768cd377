"""Recurrent layers: all steps in one loop, the sequences shared out to the threads.

A sequence knows nothing of the others, so each thread takes its own through all steps, and none waits for another.
Both weights are packed once (machinery/products.py). At every step the states pass by theirs, a few sequences at a
time, on the micro-kernel of convolution. What is read passes by its own as soon before as makes whole tiles of it:
with many sequences in the same step, so that the sums are still in the cache when the states join them. What is done
to the gates of a sequence is a formula (machinery/pieces.py).

N rows, B sequences, I numbers that are read, H of a state, G parts of a weight: 1, 4 for an LSTM, 3 for a GRU.
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
from .machinery.micro import ADD, BIAS, LANES, ROWS, WIDTH, ZERO, copy, wide_tile
from .machinery.pieces import piece
from .machinery.products import PER_FLOP, pack

PER_GATE = 4  # nanoseconds
FEW = 8  # sequences up to which one thread is as fast as several
BLOCK = 4 * ROWS  # rows of input that are multiplied at once, from as many steps as it takes


def _takes_rnn(input, weight_ih, bias, hidden, weight_hh, sizes, reverse, rectify):
    return _takes(input, weight_ih, bias, hidden, weight_hh)


@faster(when=_takes_rnn)
def rnn(input, weight_ih, bias, hidden, weight_hh, sizes, reverse, rectify):
    h, shape = _state(hidden), (len(input), hidden.shape[1])
    out, before, slope = (memory.empty(shape) for _ in range(3))
    weights = _packed(weight_ih.T), _packed(weight_hh.T)
    _run(_rnn, weights, sizes, reverse, input, _bias(bias, shape[1]), h, out, before, slope, int(rectify))
    return out, h, before, slope


def _takes_rnn_back(grad, grad_last, slope, weight, sizes, reverse):
    return _takes(slope, weight, grad, grad_last)


@faster(when=_takes_rnn_back)
def rnn_backward(grad, grad_last, slope, weight, sizes, reverse):
    d_h, d_x = _state(grad_last, sizes[0], slope), memory.empty(slope.shape)
    _run(_rnn_back, (_packed(weight),), sizes, not reverse, _rows(grad, slope), slope, d_h, d_x)
    return d_x, d_h


def _takes_lstm(input, weight_ih, bias, hidden, cell, weight_hh, projection, sizes, reverse):
    return projection is None and _takes(input, weight_ih, bias, hidden, cell, weight_hh)


@faster(when=_takes_lstm)
def lstm(input, weight_ih, bias, hidden, cell, weight_hh, projection, sizes, reverse):
    h, c, (N, H) = _state(hidden), _state(cell), (len(input), cell.shape[1])
    out, before, before_cell, gates = *(memory.empty((N, H)) for _ in range(3)), memory.empty((N, 4 * H))
    weights = _packed(weight_ih.T), _packed(weight_hh.T)
    _run(_lstm, weights, sizes, reverse, input, _bias(bias, 4 * H), h, c, out, before, before_cell, gates)
    return out, h, c, before, before_cell, gates


def _takes_lstm_back(grad, grad_last, grad_cell, before_cell, gates, weight, projection, sizes, reverse):
    return projection is None and _takes(gates, before_cell, weight, grad, grad_last, grad_cell)


@faster(when=_takes_lstm_back)
def lstm_backward(grad, grad_last, grad_cell, before_cell, gates, weight, projection, sizes, reverse):
    d_h, d_c = (_state(g, sizes[0], before_cell) for g in (grad_last, grad_cell))
    grad, before_cell, d_x = _rows(grad, before_cell), np.ascontiguousarray(before_cell), memory.empty(gates.shape)
    _run(_lstm_back, (_packed(weight),), sizes, not reverse, grad, before_cell, gates, d_h, d_c, d_x)
    return d_x, d_h, d_c, None


def _takes_gru(input, weight_ih, bias, hidden, weight_hh, bias_hh, sizes, reverse):
    return _takes(input, weight_ih, bias, hidden, weight_hh, bias_hh)


@faster(when=_takes_gru)
def gru(input, weight_ih, bias, hidden, weight_hh, bias_hh, sizes, reverse):
    h, (N, H) = _state(hidden), (len(input), hidden.shape[1])
    out, before, gates = memory.empty((N, H)), memory.empty((N, H)), memory.empty((N, 4 * H))
    of_input, of_state = np.array(_bias(bias, 3 * H)), _bias(bias_hh, 3 * H)
    of_input[: 2 * H] += of_state[: 2 * H]
    weights = _packed(weight_ih.T), _packed(weight_hh[: 2 * H].T), _packed(weight_hh[2 * H :].T)
    _run(_gru, weights, sizes, reverse, input, of_input, of_state[2 * H :], h, out, before, gates)
    return out, h, before, gates


def _takes_gru_back(grad, grad_last, before, gates, weight, sizes, reverse):
    return _takes(gates, before, weight, grad, grad_last)


@faster(when=_takes_gru_back)
def gru_backward(grad, grad_last, before, gates, weight, sizes, reverse):
    d_h = _state(grad_last, sizes[0], before)
    d_x, d_q = (memory.empty((len(before), 3 * before.shape[1])) for _ in range(2))
    before = np.ascontiguousarray(before)
    _run(_gru_back, (_packed(weight),), sizes, not reverse, _rows(grad, before), before, gates, d_h, d_x, d_q)
    return d_x, d_q, d_h


def _takes(rows, weight, *others):
    return rows.size > 0 and weight.size > 0 and readable(rows, weight, *others) and rows.flags.c_contiguous


def _state(given, B=0, like=None):
    """A copy that may be changed, in rows; zeros (B, ...) for None."""
    return np.zeros((B, like.shape[1]), np.float32) if given is None else np.array(given, order="C")


def _rows(grad, like):
    return np.zeros(like.shape, np.float32) if grad is None else np.ascontiguousarray(grad)


def _bias(bias, n):
    return np.zeros(n, np.float32) if bias is None else np.ascontiguousarray(bias)


def _packed(b):
    """The columns of a matrix, LANES in a panel        (K,N) -> (⌈N / LANES⌉, ⌈K⌉, LANES)"""
    K, N = b.shape
    panels = memory.empty((-(-N // LANES), -(-K // WIDTH) * WIDTH, LANES))
    _pack(K * N / 4, b, panels)
    return panels


def _run(loop, weights, sizes, reverse, rows, *args):
    """Run a loop over the steps, in which rows of numbers are multiplied by matrices that are packed."""
    work = len(rows) * sum([2 * panels.size * PER_FLOP + panels.shape[0] * LANES * PER_GATE for panels in weights])
    loop(work, *weights, _array(sizes), int(reverse), rows, *args, team=1 if sizes[0] < FEW else 0)


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
def _share(sizes, k, reverse, begin, end, row):
    """Of the k-th step that is read: how many of the sequences from begin to end have it, and where its rows begin."""
    T = len(sizes)
    n = sizes[T - 1 - k] if reverse else sizes[k]
    if reverse:
        row -= n
    return min(end, n) - begin, row, row if reverse else row + n


@register_jitable
def _times(a, lines_a, K, panels, bias, to, lines_to, N, rows, start):
    """Rows at `to`: those at a, times what is packed. Where each begins is in the lines, in floats, the last of them
    as often as makes a whole tile; `start` says what the sums join.
    """
    depth, run = panels.shape[1], np.zeros(1, np.int64)
    for panel in range(panels.shape[0]):
        there, column = panels.ctypes.data + panel * depth * LANES * 4, panel * LANES
        for m in range(0, rows, ROWS):
            wide_tile(
                min(ROWS, rows - m),
                a,
                there,
                to + column * 4,
                bias + column * 4,
                lines_a.ctypes.data + m * 8,
                lines_to.ctypes.data + m * 8,
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
def _lines(rows, step, lines):
    """Where rows begin that lie one behind the other."""
    for r in range(rows + ROWS):
        lines[r] = min(r, rows - 1) * step


@register_jitable
def _read(sizes, k, reverse, begin, end, row, input, panels, bias, to, N, lines_in, lines_to):
    """The product of the rows that the k-th step and some behind it read; gives the step that comes next.

    N columns of the rows at `to` are written.
    """
    I, rows, steps = input.shape[1], 0, k
    while steps < len(sizes) and (steps == k or rows + end - begin <= BLOCK):
        count, here, row = _share(sizes, steps, reverse, begin, end, row)
        for b in range(count):
            lines_in[rows], lines_to[rows] = (here + begin + b) * I, (here + begin + b) * to.shape[1]
            rows += 1
        steps += 1
    if rows:
        lines_in[rows : rows + ROWS], lines_to[rows : rows + ROWS] = lines_in[rows - 1], lines_to[rows - 1]
        _times(
            input.ctypes.data, lines_in, I, panels, bias.ctypes.data, to.ctypes.data, lines_to, N, rows, BIAS
        )  # fmt: skip
    return steps


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


def _of_gru(r, z, x_n, q_n, h):
    r, z = _sigmoid(r), _sigmoid(z)
    n = np.tanh(x_n + r * q_n)
    return r, z, n, (1 - z) * n + z * h


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
_gru_row = piece(trace(_of_gru, "f" * 5), ("store",) * 3 + (TWICE,))
_gru_back_row = piece(trace(_of_gru_back, "f" * 7), (TWICE, TWICE, "store", "store", "store"))

_READ, _BIAS = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'C', readonly=True)"
_PANELS, _STEPS = "f4[:,:,::1]", "Array(i8, 1, 'C', readonly=True), i8"


@compiled(f"{_PANELS}, {_PANELS}, {_STEPS}, {_READ}, {_BIAS}, f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], i8", pieces=1)
def _rnn(thread, part, parts, of_input, of_state, sizes, reverse, input, bias, h, out, before, slope, rectify):
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(input) if reverse else 0
    room, read = max(end - begin, BLOCK) + ROWS, 0
    lines_in, lines_to, lines = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    for k in range(len(sizes)):
        if k == read:
            read = _read(
                sizes, k, reverse, begin, end, next_row, input, of_input, bias, out, H, lines_in, lines_to
            )  # fmt: skip
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        state, first = h[begin:].ctypes.data, (row + begin) * H * 4
        here, to = out.ctypes.data + first, slope.ctypes.data + first
        copy(before.ctypes.data + first, state, count * H)
        _lines(count, H, lines)
        _times(state, lines, H, of_state, 0, here, lines, H, count, ADD)
        if rectify:
            _relu_row(here, here, state, to, count * H)
        else:
            _tanh_row(here, here, state, to, count * H)


@compiled(f"{_PANELS}, {_STEPS}, {_READ}, {_READ}, f4[:,::1], f4[:,::1]", pieces=1)
def _rnn_back(thread, part, parts, panels, sizes, reverse, grad, slope, d_h, d_x):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(slope) if reverse else 0
    lines = np.empty(end - begin + ROWS, np.int64)
    for k in range(len(sizes)):
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        state, first = d_h[begin:].ctypes.data, (row + begin) * H * 4
        here = d_x.ctypes.data + first
        _rnn_back_row(grad.ctypes.data + first, state, slope.ctypes.data + first, here, count * H)
        _lines(count, H, lines)
        _times(here, lines, H, panels, 0, state, lines, H, count, ZERO)


@compiled(
    f"{_PANELS}, {_PANELS}, {_STEPS}, {_READ}, {_BIAS},"
    "f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1]",
    pieces=1,
)
def _lstm(
    thread, part, parts, of_input, of_state, sizes, reverse, input, bias, h, c, out, before, before_cell, gates
):  # fmt: skip
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(input) if reverse else 0
    room, read = max(end - begin, BLOCK) + ROWS, 0
    lines_in, lines_to = np.empty(room, np.int64), np.empty(room, np.int64)
    lines, lines_four = np.empty(room, np.int64), np.empty(room, np.int64)
    for k in range(len(sizes)):
        if k == read:
            read = _read(
                sizes, k, reverse, begin, end, next_row, input, of_input, bias, gates, 4 * H, lines_in, lines_to
            )  # fmt: skip
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, cell = (row + begin) * H * 4, h[begin:].ctypes.data, c[begin:].ctypes.data
        copy(before.ctypes.data + first, state, count * H)
        copy(before_cell.ctypes.data + first, cell, count * H)
        there = gates.ctypes.data + 4 * first
        _lines(count, H, lines)
        _lines(count, 4 * H, lines_four)
        _times(state, lines, H, of_state, 0, there, lines_four, 4 * H, count, ADD)
        for b in range(count):
            i, at = there + b * H * 16, b * H * 4
            f, g, o = i + H * 4, i + H * 8, i + H * 12
            to = out.ctypes.data + first + at
            _lstm_row(i, f, g, o, cell + at, i, f, g, o, cell + at, to, state + at, H)


@compiled(f"{_PANELS}, {_STEPS}, {_READ}, {_READ}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1]", pieces=1)
def _lstm_back(thread, part, parts, panels, sizes, reverse, grad, before_cell, gates, d_h, d_c, d_x):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(gates) if reverse else 0
    lines, lines_four = np.empty(end - begin + ROWS, np.int64), np.empty(end - begin + ROWS, np.int64)
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
        _lines(count, H, lines)
        _lines(count, 4 * H, lines_four)
        _times(d_x.ctypes.data + 4 * first, lines_four, 4 * H, panels, 0, state, lines, H, count, ZERO)


@compiled(
    f"{_PANELS}, {_PANELS}, {_PANELS}, {_STEPS}, {_READ}, {_BIAS}, {_BIAS}, f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1]",
    pieces=1,
)
def _gru(
    thread, part, parts, of_input, of_state, of_new, sizes, reverse, input, bias, bias_new, h, out, before, gates
):  # fmt: skip
    B, H = h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(input) if reverse else 0
    room, read = max(end - begin, BLOCK) + ROWS, 0
    lines_in, lines_to = np.empty(room, np.int64), np.empty(room, np.int64)
    lines, lines_four = np.empty(room, np.int64), np.empty(room, np.int64)
    for k in range(len(sizes)):
        if k == read:
            read = _read(
                sizes, k, reverse, begin, end, next_row, input, of_input, bias, gates, 3 * H, lines_in, lines_to
            )  # fmt: skip
        count, row, next_row = _share(sizes, k, reverse, begin, end, next_row)
        if count <= 0:
            continue
        first, state, width = (row + begin) * H * 4, h[begin:].ctypes.data, H * 4
        copy(before.ctypes.data + first, state, count * H)
        there = gates.ctypes.data + 4 * first
        _lines(count, H, lines)
        _lines(count, 4 * H, lines_four)
        _times(state, lines, H, of_state, 0, there, lines_four, 2 * H, count, ADD)
        _times(
            state, lines, H, of_new, bias_new.ctypes.data, there + 3 * width, lines_four, H, count, BIAS
        )  # fmt: skip
        for b in range(count):
            r, at = there + 4 * b * width, b * width
            z, n, q_n = r + width, r + 2 * width, r + 3 * width
            _gru_row(r, z, n, q_n, state + at, r, z, n, out.ctypes.data + first + at, state + at, H)


@compiled(f"{_PANELS}, {_STEPS}, {_READ}, {_READ}, {_READ}, f4[:,::1], f4[:,::1], f4[:,::1]", pieces=1)
def _gru_back(thread, part, parts, panels, sizes, reverse, grad, before, gates, d_h, d_x, d_q):
    B, H = d_h.shape
    begin, end, next_row = part * B // parts, (part + 1) * B // parts, len(gates) if reverse else 0
    lines, lines_three = np.empty(end - begin + ROWS, np.int64), np.empty(end - begin + ROWS, np.int64)
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
        _lines(count, H, lines)
        _lines(count, 3 * H, lines_three)
        _times(d_q.ctypes.data + 3 * first, lines_three, 3 * H, panels, 0, state, lines, H, count, ADD)
