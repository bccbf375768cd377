"""Recurrent layers: the law reads each sequence by itself, from its first step to its last, or backwards."""

from __future__ import annotations

import numpy as np

from . import Case, Unit


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def each_sequence(step, input, states, sizes, reverse):
    """`step(row, *states)` gives the new ones of one sequence."""
    starts = np.cumsum([0, *sizes])
    outs, lasts = [None] * len(input), [[] for _ in states]
    for b in range(sizes[0]):
        rows = [starts[t] + b for t, n in enumerate(sizes) if b < n]
        now = [s[b] for s in states]
        for row in rows[::-1] if reverse else rows:
            now = step(input[row], *now)
            outs[row] = now[0]
        for last, state in zip(lasts, now, strict=True):
            last.append(state)
    return np.stack(outs), *map(np.stack, lasts)


def rnn(input, hidden, w_ih, w_hh, b_ih, b_hh, sizes, reverse, rectify):
    b_ih, b_hh = (0 if b is None else b for b in (b_ih, b_hh))
    f = (lambda x: x * (x > 0)) if rectify else np.tanh
    return each_sequence(lambda x, h: [f(w_ih @ x + b_ih + w_hh @ h + b_hh)], input, [hidden], sizes, reverse)


def lstm(input, hidden, cell, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
    b_ih, b_hh = (0 if b is None else b for b in (b_ih, b_hh))

    def step(x, h, c):
        i, f, g, o = (w_ih @ x + b_ih + w_hh @ h + b_hh).reshape(4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return [h if w_hr is None else w_hr @ h, c]

    return each_sequence(step, input, [hidden, cell], sizes, reverse)


def gru(input, hidden, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
    b_ih, b_hh = (0 if b is None else b for b in (b_ih, b_hh))

    def step(x, h):
        x, q = (w_ih @ x + b_ih).reshape(3, -1), (w_hh @ h + b_hh).reshape(3, -1)
        r, z = sigmoid(x[0] + q[0]), sigmoid(x[1] + q[1])
        return [(1 - z) * np.tanh(x[2] + r * q[2]) + z * h]

    return each_sequence(step, input, [hidden], sizes, reverse)


EVEN, UNEVEN = dict(sizes=(2, 2), reverse=False), dict(sizes=(2, 1), reverse=True)

CASES = [
    Case("_rnn", [(4, 2), (2, 3), Unit(3, 2), Unit(3, 3), (3,), (3,)], {**EVEN, "rectify": False}, rnn),
    Case("_rnn", [(3, 2), (2, 3), Unit(3, 2), Unit(3, 3), None, None], {**UNEVEN, "rectify": True}, rnn, note="relu"),
    Case("_lstm", [(4, 2), (2, 2), (2, 2), Unit(8, 2), Unit(8, 2), (8,), (8,), None], EVEN, lstm),
    Case(
        "_lstm",
        [(2, 2, 2), (1, 2, 2), (1, 2, 2), Unit(8, 2), Unit(8, 2), (8,), (8,), None],
        EVEN,
        lambda x, h, c, *rest, **more: (
            *(
                a.reshape(2, 2, 2) if k == 0 else a[None]
                for k, a in enumerate(lstm(x.reshape(4, 2), h[0], c[0], *rest, **more))
            ),
        ),
        note="steps",
    ),
    Case("_lstm", [(3, 2), (2, 1), (2, 2), Unit(8, 2), Unit(8, 1), None, None, Unit(1, 2)], UNEVEN, lstm),
    Case("_gru", [(4, 2), (2, 2), Unit(6, 2), Unit(6, 2), (6,), (6,)], EVEN, gru),
    Case("_gru", [(3, 2), (2, 2), Unit(6, 2), Unit(6, 2), None, None], UNEVEN, gru),
]
