"""Attention, a head at a time: its scores stay in the cache from the product that makes them to the one that uses them.

The products are tiles of the micro-kernel of convolution, on a right matrix that is packed as a whole. Where a query
sees only the keys up to its own place, tiles and sums end there: nearly half of the work is not done.

B batch, H heads, L queries and S keys of E numbers, S values of V numbers.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ...arrays.formulas import trace
from .. import faster, threads
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.micro import LANES, ROWS, WIDTH, ZERO, clear, short_tile
from .machinery.pieces import piece
from .machinery.products import PER_FLOP, pack

PER_SCORE = 0.7  # nanoseconds
ALL, COLUMNS, HEADS, TAILS = range(4)  # of a product: all; no columns, no terms, only terms beyond the row's place


def _takes(query, key, value, mask, factors, scale, causal):
    return (
        factors is None
        and query.ndim in (3, 4)
        and _fit(query, key, value)
        and (mask is None or (readable(mask) and mask.ndim <= query.ndim))
    )


def _fit(*arrays):
    """Whether these have the same axes in front, numbers in them, and rows that lie in one run of memory."""
    before = arrays[0].shape[:-2]
    return readable(*arrays) and all(a.shape[:-2] == before and a.size and a.strides[-1] == 4 for a in arrays)


@faster(when=_takes, pure=True)
def attention(query, key, value, mask, factors, scale, causal):
    weights = memory.empty((*query.shape[:-1], key.shape[-2]))
    out = _room(query, (*query.shape[:-1], value.shape[-1]))
    q, k, v, w, o = map(_by_head, (query, key, value, weights, out))
    (B, H, L, E), (S, V) = q.shape, v.shape[2:]
    masked = w if mask is None else np.broadcast_to(mask, w.shape)
    team = threads.get_num_threads()
    scratch = memory.empty((team, _packed(L, E) + _packed(E, S) + _packed(S, V)))
    work = B * H * L * S * (2 * (E + V) * PER_FLOP + PER_SCORE)
    _attend(work, q, k, v, masked, mask is not None, scale, causal, scratch, w, o, team=team)
    return out, weights


def _takes_back(grad, query, key, value, factors, weights, scale, causal):
    return factors is None and query.ndim in (3, 4) and _fit(grad, query, key, value, weights)


@faster(when=_takes_back, pure=True)
def attention_backward(grad, query, key, value, factors, weights, scale, causal):
    d_query, d_key, d_value = (_room(x, x.shape) for x in (query, key, value))
    d_scores = memory.empty(weights.shape)
    g, q, k, v, w = map(_by_head, (grad, query, key, value, weights))
    (B, H, L, E), (S, V) = q.shape, v.shape[2:]
    team = threads.get_num_threads()
    scratch = memory.empty((team, _packed(V, S) + _packed(S, E) + _packed(L, E) + _packed(L, V)))
    work = B * H * L * S * (4 * (E + V) * PER_FLOP + PER_SCORE) / (2 if causal else 1)
    made = map(_by_head, (d_query, d_key, d_value, d_scores))
    _attend_back(work, g, q, k, v, w, scale, causal, scratch, *made, team=team)
    return d_query, d_key, d_value, d_scores


def _by_head(x):
    """(..., L, E) -> (B,H,L,E)"""
    return x if x.ndim == 4 else x[None]


def _room(like, shape):
    """An array in the memory order of `like`, but for the last axis."""
    order = sorted(range(like.ndim - 1), key=lambda i: -abs(like.strides[i]))
    made = memory.empty((*(shape[i] for i in order), shape[-1]))
    return made.transpose(*(order.index(i) for i in range(like.ndim - 1)), like.ndim - 1)


def _packed(rows, columns):
    """The numbers of a matrix in panels."""
    return -(-rows // WIDTH) * WIDTH * -(-columns // LANES) * LANES


_greatest = piece(trace(lambda x: x, "f"), ("max",))
_powers = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("store, sum",))
_times = piece(trace(lambda x, factor: x * factor, "ff"))
_weighted = piece(trace(lambda g, out: g * out, "ff"), ("sum",))
_competing = piece(trace(lambda g, out, mean: out * (g - mean), "fff"))
_IN, _OUT = "Array(f4, 4, 'A', readonly=True)", "Array(f4, 4, 'A')"


@register_jitable
def _pack_all(matrix, panels):
    """The whole of a matrix in panels, and the address behind them."""
    rows, columns = matrix.shape
    depth = (rows + WIDTH - 1) // WIDTH * WIDTH
    pack(matrix, 0, rows, 0, columns, depth, panels)
    return panels + depth * ((columns + LANES - 1) // LANES * LANES) * 4


@register_jitable
def _product(a, step_m, step_k, panels, to, step_to, M, N, K, part, tables):
    """M rows and N columns at `to`: what lies at a, times the K rows in the panels. Steps count floats."""
    row_a, row_to, run = tables[0], tables[1], tables[2]
    depth = (K + WIDTH - 1) // WIDTH * WIDTH
    for m in range(0, M, ROWS):
        rows = min(ROWS, M - m)
        for r in range(ROWS):
            row_a[r] = min(r, rows - 1) * step_m
            row_to[r] = min(r, rows - 1) * step_to
        first = min(m, K - 1) if part == TAILS else 0
        terms = min(K, m + rows) if part == HEADS else K - first
        for column in range(0, min(N, m + rows) if part == COLUMNS else N, LANES):
            short_tile(
                rows,
                a + (m * step_m + first * step_k) * 4,
                panels + (column * depth + first * LANES) * 4,
                to + (m * step_to + column) * 4,
                0,
                row_a.ctypes.data,
                row_to.ctypes.data,
                run.ctypes.data,
                1,
                terms,
                step_k,
                LANES,
                min(LANES, N - column),
                ZERO,
                0,
            )


@compiled(f"{_IN}, {_IN}, {_IN}, {_IN}, b1, f8, b1, f4[:,::1], f4[:,:,:,::1], {_OUT}", pieces=4)
def _attend(thread, part, parts, query, key, value, mask, masked, scale, causal, scratch, weights, out):
    (B, H, L, E), S, V = query.shape, key.shape[2], value.shape[3]
    tables, lowest = np.zeros((3, ROWS), np.int64), np.float32(-np.inf)
    scaled = scratch.ctypes.data + thread * scratch.shape[1] * 4
    for place in range(part * B * H // parts, (part + 1) * B * H // parts):
        b, h = place // H, place % H
        q, k, v, w, o = query[b, h], key[b, h], value[b, h], weights[b, h], out[b, h]
        for l in range(L):
            _times(q.ctypes.data + l * q.strides[0], np.float32(scale), scaled + l * E * 4, E)
        keys = scaled + L * E * 4
        values = _pack_all(k.T, keys)
        _pack_all(v, values)
        rows = np.intp(w.ctypes.data)
        _product(scaled, E, 1, keys, rows, S, L, S, E, COLUMNS if causal else ALL, tables)
        for l in range(L):
            row, n = rows + l * S * 4, min(S, l + 1) if causal else S
            if masked:
                for s in range(n):
                    w[l, s] += mask[b, h, l, s]
            top = _greatest(row, n)
            if top == lowest:  # it sees nothing
                n = 0
            else:
                total = _powers(row, top, row, n)
                _times(row, np.float32(1 / total), row, n)
            if n < S:
                clear(row + n * 4, S - n)
        _product(rows, S, 1, values, o.ctypes.data, o.strides[0] // 4, L, V, S, HEADS if causal else ALL, tables)


@compiled(
    f"{_IN}, {_IN}, {_IN}, {_IN}, {_IN}, f8, b1, f4[:,::1], {_OUT}, {_OUT}, {_OUT}, f4[:,:,:,::1]",
    pieces=4,
)
def _attend_back(
    thread, part, parts, grad, query, key, value, weights, scale, causal, scratch, d_q, d_k, d_v, d_scores
):  # fmt: skip
    columns, heads, tails = (COLUMNS, HEADS, TAILS) if causal else (ALL, ALL, ALL)
    (B, H, L, E), S, V = query.shape, key.shape[2], value.shape[3]
    tables = np.zeros((3, ROWS), np.int64)
    begin = scratch.ctypes.data + thread * scratch.shape[1] * 4
    for place in range(part * B * H // parts, (part + 1) * B * H // parts):
        b, h = place // H, place % H
        g, w, d = grad[b, h], weights[b, h], d_scores[b, h]
        keys = _pack_all(value[b, h].T, begin)
        queries = _pack_all(key[b, h], keys)
        grads = _pack_all(query[b, h], queries)
        _pack_all(g, grads)
        seen, slopes, step = np.intp(w.ctypes.data), np.intp(d.ctypes.data), w.strides[0] // 4
        _product(g.ctypes.data, g.strides[0] // 4, 1, begin, slopes, S, L, S, V, columns, tables)
        for l in range(L):
            row, own, n = slopes + l * S * 4, seen + l * step * 4, min(S, l + 1) if causal else S
            _competing(row, own, np.float32(_weighted(row, own, n)), row, n)
            if n < S:
                clear(row + n * 4, S - n)
        to = d_v[b, h]
        _product(seen, 1, step, grads, to.ctypes.data, to.strides[0] // 4, S, V, L, tails, tables)
        to = d_q[b, h]
        _product(slopes, S, 1, keys, to.ctypes.data, to.strides[0] // 4, L, E, S, heads, tables)
        for l in range(L):
            row = to.ctypes.data + l * to.strides[0]
            _times(row, np.float32(scale), row, E)
        to = d_k[b, h]
        _product(slopes, 1, S, queries, to.ctypes.data, to.strides[0] // 4, S, E, L, tails, tables)
        for s in range(S):
            row = to.ctypes.data + s * to.strides[0]
            _times(row, np.float32(scale), row, E)
