"""Recurrent layers: at each step, for each sequence, a new state is made of the old one and of what is read.

What is read lies in rows, step after step: first one row for each of the sizes[0] sequences, then one for each of the
sizes[1] that have a second step, and so on. Sequences stand in order of length, the longest first, so those that go on
are always the first ones. In reverse the last step comes first, and a sequence begins where its last row is.

What a layer makes of its input alone is one product for all steps: x = weight_ih @ input + bias. `before` is, for each
row, the state that its step began with: gradients need it.

N rows, B sequences, I numbers that are read, H of a state, P of one that is projected; · is a product of numbers, @ one
of matrices.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def rnn(input, weight_ih, bias, hidden, weight_hh, sizes, reverse, rectify):
    """h = tanh(x + weight_hh @ h), or relu        (N,I) (H,I) (H,) (B,H) (H,H) -> (N,H), (B,H), (N,H), (N,H)

    The bias may be None. Returns h after each row, h at the end, h before each row, and the slope of tanh, or relu, at
    each.

    >>> x, one = np.ones((2, 1)), np.ones((1, 1))
    >>> out, last, before, slope = rnn(x, one, None, np.zeros((1, 1)), one, (1, 1), False, True)
    >>> out.ravel(), last.ravel(), before.ravel(), slope.ravel()
    (array([1., 2.]), array([2.]), array([0., 1.]), array([1., 1.]))
    """
    x, h = read(input, weight_ih, bias), hidden.copy()
    out, before, slope = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for row, b in turns(sizes, reverse):
        before[row] = h[b]
        value = x[row] + weight_hh @ h[b]
        h[b] = np.maximum(value, 0) if rectify else np.tanh(value)
        slope[row] = h[b] > 0 if rectify else 1 - h[b] ** 2
        out[row] = h[b]
    return out, h, before, slope


@law
def rnn_backward(grad, grad_last, slope, weight, sizes, reverse):
    """The gradients of x and of the first state        (N,H) (B,H) (N,H) (H,H) -> (N,H), (B,H)

    grad and grad_last are those of h after each row and at the end; either may be None, for zeros.

    >>> d_x, d_hidden = rnn_backward(None, np.ones((1, 1)), np.ones((2, 1)), np.full((1, 1), 3.0), (1, 1), False)
    >>> d_x.ravel(), d_hidden.ravel()
    (array([3., 1.]), array([9.]))
    """
    H = slope.shape[1]
    d_x, d_h = np.zeros_like(slope), given(grad_last, (sizes[0], H), slope.dtype)
    for row, b in turns(sizes, not reverse):
        d_x[row] = (d_h[b] + (0 if grad is None else grad[row])) * slope[row]
        d_h[b] = d_x[row] @ weight
    return d_x, d_h


@law
def lstm(input, weight_ih, bias, hidden, cell, weight_hh, projection, sizes, reverse):
    """c = f·c + i·g,  h = o·tanh(c)

    (N,I) (4H,I) (4H,) (B,P) (B,H) (4H,P) (P,H) -> (N,P), (B,P), (B,H), (N,P), (N,H), (N,4H)

    The gates are i, f, o = σ(...), g = tanh(...) of the parts of x + weight_hh @ h, in the order i, f, g, o. The bias
    may be None. With a projection, h = projection @ (o·tanh(c)); without, it is None and P is H.
    Returns h after each row, h and c at the end, h and c before each row, and the gates. (Hochreiter, Schmidhuber 1997;
    Gers et al. 2000.)

    >>> weights, state = np.full((4, 1), 100.0), np.ones((1, 1))  # all gates are open
    >>> out, last, last_cell, *_ = lstm(state, weights, None, state, state, np.zeros((4, 1)), None, (1,), False)
    >>> last_cell.ravel(), (out == np.tanh(2)).ravel()
    (array([2.]), array([ True]))
    """
    x, h, c = read(input, weight_ih, bias), hidden.copy(), cell.copy()
    N, H, P = len(x), cell.shape[1], hidden.shape[1]
    out, before, before_cell = np.zeros((N, P), x.dtype), np.zeros((N, P), x.dtype), np.zeros((N, H), x.dtype)
    gates = np.zeros_like(x)
    for row, b in turns(sizes, reverse):
        before[row], before_cell[row] = h[b], c[b]
        i, f, g, o = np.split(x[row] + weight_hh @ h[b], 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c[b] = f * c[b] + i * g
        h[b] = o * np.tanh(c[b]) if projection is None else projection @ (o * np.tanh(c[b]))
        out[row], gates[row] = h[b], np.concatenate((i, f, g, o))
    return out, h, c, before, before_cell, gates


@law
def lstm_backward(grad, grad_last, grad_cell, before_cell, gates, weight, projection, sizes, reverse):
    """The gradients of x, of the first h and c, and of the projection

    (N,P) (B,P) (B,H) (N,H) (N,4H) (4H,P) (P,H) -> (N,4H), (B,P), (B,H), (P,H)

    grad, grad_last and grad_cell are those of h after each row and of h and c at the end; each may be None, for zeros.

    >>> gates = np.array([[1.0, 0.25, 0.5, 1.0]])
    >>> *_, d_cell, _ = lstm_backward(
    ...     None, None, np.ones((1, 1)), np.zeros((1, 1)), gates, np.zeros((4, 1)), None, (1,), False)
    >>> d_cell.ravel()  # what is forgotten
    array([0.25])
    """
    H, P, dtype = before_cell.shape[1], weight.shape[1], gates.dtype
    d_x, d_projection = np.zeros_like(gates), None if projection is None else np.zeros_like(projection)
    d_h, d_c = given(grad_last, (sizes[0], P), dtype), given(grad_cell, (sizes[0], H), dtype)
    for row, b in turns(sizes, not reverse):
        i, f, g, o = np.split(gates[row], 4)
        c = f * before_cell[row] + i * g
        d_out = d_h[b] + (0 if grad is None else grad[row])
        if projection is not None:
            d_projection += np.outer(d_out, o * np.tanh(c))
            d_out = d_out @ projection
        d = d_c[b] + d_out * o * (1 - np.tanh(c) ** 2)
        d_i, d_f, d_g, d_o = d * g, d * before_cell[row], d * i, d_out * np.tanh(c)
        slopes = d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)
        d_x[row] = np.concatenate(slopes)
        d_h[b], d_c[b] = d_x[row] @ weight, d * f
    return d_x, d_h, d_c, d_projection


@law
def gru(input, weight_ih, bias, hidden, weight_hh, bias_hh, sizes, reverse):
    """h = (1 - z)·n + z·h        (N,I) (3H,I) (3H,) (B,H) (3H,H) (3H,) -> (N,H), (B,H), (N,H), (N,4H)

    r, z = σ(...) of the parts of x + q, and n = tanh(x + r·q) of the third, where q = weight_hh @ h + bias_hh; either
    bias may be None. Returns h after each row, h at the end, h before each row, and r, z, n with the third part of q.
    (Cho et al. 2014; r is applied behind the product.)

    >>> weights, zero = np.array([[0.0], [-100.0], [100.0]]), np.zeros((1, 1))
    >>> gru(np.ones((1, 1)), weights, None, zero, np.zeros((3, 1)), None, (1,), False)[0].ravel()
    array([1.])
    """
    x, h = read(input, weight_ih, bias), hidden.copy()
    N, H = len(x), hidden.shape[1]
    out, before, gates = np.zeros((N, H), x.dtype), np.zeros((N, H), x.dtype), np.zeros((N, 4 * H), x.dtype)
    for row, b in turns(sizes, reverse):
        before[row] = h[b]
        x_r, x_z, x_n = np.split(x[row], 3)
        q_r, q_z, q_n = np.split(weight_hh @ h[b] + (0 if bias_hh is None else bias_hh), 3)
        r, z = sigmoid(x_r + q_r), sigmoid(x_z + q_z)
        n = np.tanh(x_n + r * q_n)
        h[b] = (1 - z) * n + z * h[b]
        out[row], gates[row] = h[b], np.concatenate((r, z, n, q_n))
    return out, h, before, gates


@law
def gru_backward(grad, grad_last, before, gates, weight, sizes, reverse):
    """The gradients of x, q, and the first state        (N,H) (B,H) (N,H) (N,4H) (3H,H) -> (N,3H), (N,3H), (B,H)

    grad and grad_last are those of h after each row and at the end; either may be None, for zeros.

    >>> gates = np.array([[1.0, 0.25, 0.0, 0.0]])
    >>> *_, d_hidden = gru_backward(None, np.ones((1, 1)), np.zeros((1, 1)), gates, np.zeros((3, 1)), (1,), False)
    >>> d_hidden.ravel()  # what is kept
    array([0.25])
    """
    (N, H), dtype = before.shape, gates.dtype
    d_x, d_q, d_h = np.zeros((N, 3 * H), dtype), np.zeros((N, 3 * H), dtype), given(grad_last, (sizes[0], H), dtype)
    for row, b in turns(sizes, not reverse):
        r, z, n, q_n = np.split(gates[row], 4)
        d = d_h[b] + (0 if grad is None else grad[row])
        d_n = d * (1 - z) * (1 - n**2)
        d_r, d_z = d_n * q_n * r * (1 - r), d * (before[row] - n) * z * (1 - z)
        d_x[row], d_q[row] = np.concatenate((d_r, d_z, d_n)), np.concatenate((d_r, d_z, d_n * r))
        d_h[b] = d * z + d_q[row] @ weight
    return d_x, d_q, d_h


def read(input, weight_ih, bias):
    """x = weight_ih @ input + bias, for each row        (N,I) (G,I) (G,) -> (N,G)"""
    return input @ weight_ih.T + (0 if bias is None else bias)


def turns(sizes, reverse):
    """(row, sequence), in the order in which they are read

    >>> list(turns((2, 1), False)), list(turns((2, 1), True))
    ([(0, 0), (1, 1), (2, 0)], [(2, 0), (0, 0), (1, 1)])
    """
    steps = [(sum(sizes[:t]), n) for t, n in enumerate(sizes)]
    return [(start + b, b) for start, n in (steps[::-1] if reverse else steps) for b in range(n)]


def given(grad, shape, dtype):
    """A gradient that is to be added to: a copy of what is given, zeros where that is nothing."""
    return np.zeros(shape, dtype) if grad is None else grad.copy()


def sigmoid(x):
    """σ(x) = 1 / (1 + exp(-x))"""
    return 1 / (1 + np.exp(-x))
