"""Recurrent layers, a step at a time for all sequences that have it.

The states h and c of the sequences lie in one array each, and every step changes its first rows. N rows, B sequences,
I numbers that are read, H of a state, P of one that is projected.
"""

from __future__ import annotations

import numpy as np

from .. import in_numpy
from . import silent
from .linear import linear

Sizes = tuple[int, ...]


@in_numpy
@silent
def rnn(
    input: np.ndarray,
    weight_ih: np.ndarray,
    bias: np.ndarray | None,
    hidden: np.ndarray,
    weight_hh: np.ndarray,
    sizes: Sizes,
    reverse: bool,
    rectify: bool,
) -> tuple[np.ndarray, ...]:
    """h = tanh(weight_ih @ input + bias + weight_hh @ h), or relu

    (N,I) (H,I) (H,) (B,H) (H,H) -> (N,H), (B,H), (N,H), (N,H)
    """
    h, weight = _fresh(hidden), weight_hh.T
    out = linear(input, weight_ih, bias)
    before, slope = (np.empty(out.shape, out.dtype) for _ in range(2))
    for rows, n in _steps(sizes, reverse):
        before[rows] = h[:n]
        value = out[rows]
        value += before[rows] @ weight
        h[:n] = np.maximum(value, 0, out=value) if rectify else np.tanh(value, out=value)
    if rectify:
        slope[...] = out > 0
    else:
        np.subtract(1, np.multiply(out, out, out=slope), out=slope)
    return out, h, before, slope


@in_numpy
@silent
def rnn_backward(
    grad: np.ndarray | None,
    grad_last: np.ndarray | None,
    slope: np.ndarray,
    weight: np.ndarray,
    sizes: Sizes,
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """The gradients of x and of the first state        (N,H) (B,H) (N,H) (H,H) -> (N,H), (B,H)"""
    d_x, d_h = np.empty(slope.shape, slope.dtype), _given(grad_last, sizes[0], slope)
    for rows, n in _steps(sizes, not reverse):
        d = d_h[:n] if grad is None else d_h[:n] + grad[rows]
        d_h[:n] = np.multiply(d, slope[rows], out=d_x[rows]) @ weight
    return d_x, d_h


@in_numpy
@silent
def lstm(
    input: np.ndarray,
    weight_ih: np.ndarray,
    bias: np.ndarray | None,
    hidden: np.ndarray,
    cell: np.ndarray,
    weight_hh: np.ndarray,
    projection: np.ndarray | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """c = f·c + i·g,  h = o·tanh(c)

    (N,I) (4H,I) (4H,) (B,P) (B,H) (4H,P) (P,H) -> (N,P), (B,P), (B,H), (N,P), (N,H), (N,4H)
    """
    h, c, weight = _fresh(hidden), _fresh(cell), weight_hh.T
    gates, H, P = linear(input, weight_ih, bias), cell.shape[1], hidden.shape[1]
    out, before, before_cell = (np.empty((len(input), n), gates.dtype) for n in (P, P, H))
    for rows, n in _steps(sizes, reverse):
        before[rows], before_cell[rows] = h[:n], c[:n]
        all_four = gates[rows]
        all_four += before[rows] @ weight
        i, f, g, o = (all_four[:, k * H : (k + 1) * H] for k in range(4))
        _sigmoid(all_four[:, : 2 * H])
        np.tanh(g, out=g)
        _sigmoid(o)
        c[:n] *= f
        c[:n] += i * g
        new = np.tanh(c[:n])
        new *= o
        h[:n] = out[rows] = new if projection is None else new @ projection.T
    return out, h, c, before, before_cell, gates


@in_numpy
@silent
def lstm_backward(
    grad: np.ndarray | None,
    grad_last: np.ndarray | None,
    grad_cell: np.ndarray | None,
    before_cell: np.ndarray,
    gates: np.ndarray,
    weight: np.ndarray,
    projection: np.ndarray | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[np.ndarray | None, ...]:
    """The gradients of x, of the first h and c, and of the projection

    (N,P) (B,P) (B,H) (N,H) (N,4H) (4H,P) (P,H) -> (N,4H), (B,P), (B,H), (P,H)
    """
    H, d_x = before_cell.shape[1], np.empty(gates.shape, gates.dtype)
    d_projection = None if projection is None else np.zeros(projection.shape, gates.dtype)
    d_h, d_c = _given(grad_last, sizes[0], weight), _given(grad_cell, sizes[0], before_cell)
    for rows, n in _steps(sizes, not reverse):
        i, f, g, o = (gates[rows, k * H : (k + 1) * H] for k in range(4))
        old = before_cell[rows]
        tanh = np.tanh(f * old + i * g)
        d = d_h[:n] if grad is None else d_h[:n] + grad[rows]
        if projection is not None:
            d_projection += d.T @ (o * tanh)
            d = d @ projection
        d_cell = d_c[:n]
        d_cell += d * o * (1 - tanh * tanh)
        parts = d_cell * g * i * (1 - i), d_cell * old * f * (1 - f), d_cell * i * (1 - g * g), d * tanh * o * (1 - o)
        d_h[:n] = np.concatenate(parts, 1, out=d_x[rows]) @ weight
        d_cell *= f
    return d_x, d_h, d_c, d_projection


@in_numpy
@silent
def gru(
    input: np.ndarray,
    weight_ih: np.ndarray,
    bias: np.ndarray | None,
    hidden: np.ndarray,
    weight_hh: np.ndarray,
    bias_hh: np.ndarray | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """h = (1 - z)·n + z·h        (N,I) (3H,I) (3H,) (B,H) (3H,H) (3H,) -> (N,H), (B,H), (N,H), (N,4H)"""
    h, weight = _fresh(hidden), weight_hh.T
    x, H = linear(input, weight_ih, bias), hidden.shape[1]
    out, before, gates = (np.empty((len(x), n), x.dtype) for n in (H, H, 4 * H))
    for rows, n in _steps(sizes, reverse):
        before[rows] = h[:n]
        q = before[rows] @ weight
        if bias_hh is not None:
            q += bias_hh
        r, z, new, q_n = (gates[rows, k * H : (k + 1) * H] for k in range(4))
        _sigmoid(np.add(x[rows, : 2 * H], q[:, : 2 * H], out=gates[rows, : 2 * H]))
        q_n[...] = q[:, 2 * H :]
        np.multiply(r, q_n, out=new)
        new += x[rows, 2 * H :]
        np.tanh(new, out=new)
        h[:n] = np.add((1 - z) * new, z * h[:n], out=out[rows])
    return out, h, before, gates


@in_numpy
@silent
def gru_backward(
    grad: np.ndarray | None,
    grad_last: np.ndarray | None,
    before: np.ndarray,
    gates: np.ndarray,
    weight: np.ndarray,
    sizes: Sizes,
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """The gradients of x, q, and the first state        (N,H) (B,H) (N,H) (N,4H) (3H,H) -> (N,3H), (N,3H), (B,H)"""
    N, H = before.shape
    d_x, d_q = (np.empty((N, 3 * H), gates.dtype) for _ in range(2))
    d_h = _given(grad_last, sizes[0], before)
    for rows, n in _steps(sizes, not reverse):
        r, z, new, q_n = (gates[rows, k * H : (k + 1) * H] for k in range(4))
        d = d_h[:n] if grad is None else d_h[:n] + grad[rows]
        d_new = d * (1 - z) * (1 - new * new)
        d_r, d_z = d_new * q_n * r * (1 - r), d * (before[rows] - new) * z * (1 - z)
        np.concatenate((d_r, d_z, d_new), 1, out=d_x[rows])
        d_h[:n] = d * z + np.concatenate((d_r, d_z, d_new * r), 1, out=d_q[rows]) @ weight
    return d_x, d_q, d_h


def _steps(sizes: Sizes, reverse: bool) -> list[tuple[slice, int]]:
    """(rows, how many they are) of each step, in the order in which they are read"""
    found, start = [], 0
    for n in sizes:
        found.append((slice(start, start + n), n))
        start += n
    return found[::-1] if reverse else found


def _fresh(state: np.ndarray) -> np.ndarray:
    """A copy that may be changed, in rows."""
    return np.array(state, order="C")


def _given(grad: np.ndarray | None, B: int, like: np.ndarray) -> np.ndarray:
    """A gradient (B, ...) that is to be added to: a copy of what is given, zeros where that is nothing."""
    return np.zeros((B, like.shape[1]), like.dtype) if grad is None else _fresh(grad)


def _sigmoid(x: np.ndarray) -> None:
    """1 / (1 + exp(-x)), in place"""
    np.exp(-x, out=x)  # not negated in place: NumPy 2.4 does that wrongly to every fourth float32
    x += 1
    np.reciprocal(x, out=x)
