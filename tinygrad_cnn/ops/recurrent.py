"""Recurrent layers: a state goes from step to step, and each step makes a new one of it and of what it reads.

    rnn     h = tanh(x + weight_hh @ h + bias_hh)
    lstm    c = f·c + i·g,  h = o·tanh(c)
    gru     h = (1 - z)·n + z·h                       where x = weight_ih @ input + bias_ih

A layer in one direction is one op and one kernel, and what it means is a loop over its steps. That loop runs where
gradients are differentiated again, and where the viewer looks: there every step is in the graph, with its gates.

Sequences of a batch lie as in a packed one: rows of step 0, of step 1, ..., of which there are `sizes`, which never
grow; a batch of sequences of one length is the case in which all sizes are equal.

T steps, B sequences, I numbers that a step reads, H of a state, P of a projected one, N = Σ sizes rows, L layers times
directions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..arrays.types import Array
from ..engine.call import op, renamed
from ..engine.modes import mode
from ..kernels import kernel
from .activation import sigmoid, tanh
from .join import cat, chunk, split_with_sizes, unbind
from .linalg import linear
from .rectifier import relu
from .shape import reshape, squeeze, unsqueeze

Sizes = tuple[int, ...]

# What a layer means: the loop over its steps. Gates are sigmoids and tanhs that are called what they are.

input_gate, forget_gate, output_gate = (renamed(sigmoid, f"{name}_gate") for name in ("input", "forget", "output"))
reset_gate, update_gate = (renamed(sigmoid, f"{name}_gate") for name in ("reset", "update"))
cell_gate, new_gate = (renamed(tanh, f"{name}_gate") for name in ("cell", "new"))


def _loop(step: Callable, x: Any, states: tuple, sizes: Sizes, reverse: bool) -> tuple:
    """The first state after every row, and all states at the end; `step(rows, *states)` gives the new states.

    Of sequences that are over, or have not begun, the states stay.
    """
    even, outs = x.ndim == 3, []
    rows = unbind(x, 0) if even else split_with_sizes(x, list(sizes), 0)
    whole = states[0].ndim == 3
    states = tuple([squeeze(s, 0) for s in states]) if whole else states
    for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        n = sizes[t]
        if n == sizes[0]:
            states = step(rows[t], *states)
            outs.append(states[0])
        else:
            new = step(rows[t], *[s[:n] for s in states])
            states = tuple([cat((s, old[n:])) for s, old in zip(new, states, strict=True)])
            outs.append(new[0])
    states = tuple([unsqueeze(s, 0) for s in states]) if whole else states
    out = cat(outs[::-1] if reverse else outs)
    return reshape(out, (len(sizes), sizes[0], out.shape[1])) if even else out, *states


def _rnn_step(x: Any, h: Any, weight: Any, bias: Any, rectify: bool) -> tuple:
    return ((relu if rectify else tanh)(x + linear(h, weight, bias)),)


def _lstm_step(x: Any, h: Any, c: Any, weight: Any, bias: Any, projection: Any = None) -> tuple:
    i, f, g, o = chunk(x + linear(h, weight, bias), 4, 1)
    i, f, g, o = input_gate(i), forget_gate(f), cell_gate(g), output_gate(o)
    c = f * c + i * g
    h = o * tanh(c)
    return h if projection is None else linear(h, projection, None), c


def _gru_step(x: Any, h: Any, weight: Any, bias: Any) -> tuple:
    x_r, x_z, x_n = chunk(x, 3, 1)
    q_r, q_z, q_n = chunk(linear(h, weight, bias), 3, 1)
    r, z = reset_gate(x_r + q_r), update_gate(x_z + q_z)
    n = new_gate(x_n + r * q_n)
    return ((1 - z) * n + z * h,)


# One layer in one direction. Its input is (N,I) or (T,B,I), a state (B,H) or (1,B,H): for the kernels all are rows.


def _rows(a: Any) -> Any:
    return a if a is None or a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def _shaped(rows: Any, like: tuple[int, ...]) -> Any:
    """Rows under the axes of another array."""
    return rows.reshape(*like[:-1], rows.shape[-1])


def _together(bias_ih: Any, bias_hh: Any) -> Any:
    """Both biases as one, where nothing stands between them."""
    return bias_ih if bias_hh is None else bias_hh if bias_ih is None else bias_ih + bias_hh


def _parameters_back(needs: tuple, d_x: Any, d_q: Any, input: Any, before: Any, weight_ih: Any) -> tuple:
    """The gradients of input, both weights and both biases, for x = input @ weight_ih.T + bias_ih and
    q = before @ weight_hh.T + bias_hh; products for all steps at once.
    """
    needs_input, needs_ih, needs_hh, *needs_biases = needs
    if d_q is d_x and all(needs_biases):
        total = kernel.sum(d_x, (0,), False)
        d_biases = [total, total.copy()]
    else:
        sums = zip((d_x, d_q), needs_biases, strict=True)
        d_biases = [kernel.sum(d, (0,), False) if needed else None for d, needed in sums]
    return (
        _shaped(kernel.matmul(d_x, weight_ih), input.shape) if needs_input else None,
        kernel.matmul(_rows(input).T, d_x).T if needs_ih else None,  # turned, for the wider one is read along its rows
        kernel.matmul(before.T, d_q).T if needs_hh else None,
        *d_biases,
    )


WORDS = (
    "The steps are gone through from the last one back. A step's d_h is the gradient of what was read from its state, "
    "and what the later step sends; d_x, that of what stands in its brackets, is {}. Weights are used at every step "
    "and get the sum; before is the state that each step began with."
)
OF_PRODUCTS = {
    "input": "d_x @ weight_ih",
    "weight_ih": "d_x^{T} @ input",
    "weight_hh": "d_x^{T} @ before",
    "bias_ih": "Σ_{axis 0} d_x",
    "bias_hh": "Σ_{axis 0} d_x",
}
SENT_BACK = "d_h, where each step sends d_x @ weight_hh to the one before, and the first sends it here"


@op(keeps=("before", "slope"))
def _rnn(
    input: Array,
    hidden: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    sizes: Sizes,
    reverse: bool,
    rectify: bool,
) -> tuple:
    """h = tanh(weight_ih @ input + bias_ih + weight_hh @ h + bias_hh), or relu        (N,I) (B,H) -> (N,H), (B,H)"""
    bias = _together(bias_ih, bias_hh)
    out, last, before, slope = kernel.rnn(
        _rows(input), weight_ih, bias, _rows(hidden), weight_hh, sizes, reverse, rectify
    )
    return (_shaped(out, input.shape), _shaped(last, hidden.shape)), before, slope


def _rnn_back(g, input, hidden_shape, weight_ih, weight_hh, before, slope, sizes, reverse, needs):
    d_x, d_hidden = kernel.rnn_backward(_rows(g.get(0)), _rows(g.get(1)), slope, weight_hh, sizes, reverse)
    d_input, *parameters = _parameters_back((needs[0], *needs[2:]), d_x, d_x, input, before, weight_ih)
    return d_input, _shaped(d_hidden, hidden_shape), *parameters


_rnn.joint_grad(_rnn_back, inputs=("input", "hidden", "weight_ih", "weight_hh", "bias_ih", "bias_hh"))


@_rnn.meaning
def _(input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, sizes, reverse, rectify):
    step = functools.partial(_rnn_step, weight=weight_hh, bias=bias_hh, rectify=rectify)
    return _loop(step, linear(input, weight_ih, bias_ih), (hidden,), sizes, reverse)


_rnn.explain(WORDS.format("d_h · (1 − h²), with relu d_h · [h > 0]"), hidden=SENT_BACK, **OF_PRODUCTS)


@op(keeps=("before", "before_cell", "gates"))
def _lstm(
    input: Array,
    hidden: Array,
    cell: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    weight_hr: Array | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple:
    """c = f·c + i·g,  h = o·tanh(c), or weight_hr @ that        (N,I) (B,P) (B,H) -> (N,P), (B,P), (B,H)

    i, f, o = σ(...), g = tanh(...) of the parts of weight_ih @ input + bias_ih + weight_hh @ h + bias_hh.
    """
    bias = _together(bias_ih, bias_hh)
    out, h, c, *kept = kernel.lstm(
        _rows(input), weight_ih, bias, _rows(hidden), _rows(cell), weight_hh, weight_hr, sizes, reverse
    )
    return (_shaped(out, input.shape), _shaped(h, hidden.shape), _shaped(c, cell.shape)), *kept


def _lstm_back(
    g,
    input,
    hidden_shape,
    cell_shape,
    weight_ih,
    weight_hh,
    weight_hr,
    before,
    before_cell,
    gates,
    sizes,
    reverse,
    needs,
):
    grads = [_rows(g.get(i)) for i in range(3)]
    d_x, d_h, d_c, d_hr = kernel.lstm_backward(*grads, before_cell, gates, weight_hh, weight_hr, sizes, reverse)
    d_input, *parameters = _parameters_back((needs[0], *needs[3:7]), d_x, d_x, input, before, weight_ih)
    return d_input, _shaped(d_h, hidden_shape), _shaped(d_c, cell_shape), *parameters, d_hr


_lstm.joint_grad(
    _lstm_back, inputs=("input", "hidden", "cell", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
)


@_lstm.meaning
def _(input, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, sizes, reverse):
    step = functools.partial(_lstm_step, weight=weight_hh, bias=bias_hh, projection=weight_hr)
    return _loop(step, linear(input, weight_ih, bias_ih), (hidden, cell), sizes, reverse)


_lstm.explain(
    WORDS.format(
        "for i d_c·g·i·(1 − i), for f d_c·c·f·(1 − f) with the c before, for g d_c·i·(1 − g²) and for o "
        "d_h·tanh(c)·o·(1 − o), where d_c = d_h·o·(1 − tanh(c)²) + what the later step sends, and f·d_c is sent on"
    ),
    cell="d_c, where each step sends f · d_c to the one before it, and the first sends it here",
    hidden=SENT_BACK,
    weight_hr="d_h^{T} @ (o · tanh(c)), where d_h is that of every step",
    **OF_PRODUCTS,
)


@op(keeps=("before", "gates"))
def _gru(
    input: Array,
    hidden: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    sizes: Sizes,
    reverse: bool,
) -> tuple:
    """h = (1 - z)·n + z·h        (N,I) (B,H) -> (N,H), (B,H)

    r, z = σ(x + q) and n = tanh(x + r·q), of the parts of x = weight_ih @ input + bias_ih, q = weight_hh @ h + bias_hh.
    """
    out, last, before, gates = kernel.gru(
        _rows(input), weight_ih, bias_ih, _rows(hidden), weight_hh, bias_hh, sizes, reverse
    )
    return (_shaped(out, input.shape), _shaped(last, hidden.shape)), before, gates


def _gru_back(g, input, hidden_shape, weight_ih, weight_hh, before, gates, sizes, reverse, needs):
    d_x, d_q, d_hidden = kernel.gru_backward(_rows(g.get(0)), _rows(g.get(1)), before, gates, weight_hh, sizes, reverse)
    d_input, *parameters = _parameters_back((needs[0], *needs[2:]), d_x, d_q, input, before, weight_ih)
    return d_input, _shaped(d_hidden, hidden_shape), *parameters


_gru.joint_grad(_gru_back, inputs=("input", "hidden", "weight_ih", "weight_hh", "bias_ih", "bias_hh"))


@_gru.meaning
def _(input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, sizes, reverse):
    step = functools.partial(_gru_step, weight=weight_hh, bias=bias_hh)
    return _loop(step, linear(input, weight_ih, bias_ih), (hidden,), sizes, reverse)


_gru.explain(
    WORDS.format(
        "for n d_h·(1 − z)·(1 − n²), for z d_h·(h − n)·z·(1 − z) with the h before, and for r d_n·q·r·(1 − r); d_q is "
        "the same, but d_n·r for n"
    ),
    **{
        **OF_PRODUCTS,
        "hidden": "d_h, where each step sends z · d_h + d_q @ weight_hh to the one before, and the first sends it here",
        "weight_hh": "d_q^{T} @ before",
        "bias_hh": "Σ_{axis 0} d_q",
    },
)


def _one(layer: Callable, *args: Any) -> tuple:
    """A layer in one direction: the op, or the loop that it means, for whoever wants to see every step."""
    tracer = mode.tracer
    return layer(*args) if tracer is None or tracer.plain else layer.op.composition(*args)  # type: ignore[attr-defined]
