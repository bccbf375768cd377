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
from collections.abc import Callable, Sequence
from typing import Any

from ..arrays.types import Array
from ..engine.call import op, renamed
from ..engine.modes import mode
from ..engine.tensor import as_array
from ..kernels import kernel
from .activation import sigmoid, tanh
from .declared import appears
from .dropout import dropout as drop
from .join import cat, chunk, split_with_sizes, unbind
from .linalg import linear
from .rectifier import relu
from .shape import reshape, squeeze, transpose, unsqueeze

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
    return (
        _shaped(kernel.matmul(d_x, weight_ih), input.shape) if needs_input else None,
        kernel.matmul(_rows(input).T, d_x).T if needs_ih else None,  # turned, for the wider one is read along its rows
        kernel.matmul(before.T, d_q).T if needs_hh else None,
        *[kernel.sum(d, (0,), False) if needed else None for d, needed in zip((d_x, d_q), needs_biases, strict=True)],
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
    x = kernel.linear(_rows(input), weight_ih, _together(bias_ih, bias_hh))
    out, last, before, slope = kernel.rnn(x, _rows(hidden), weight_hh, sizes, reverse, rectify)
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
    x = kernel.linear(_rows(input), weight_ih, _together(bias_ih, bias_hh))
    out, h, c, *kept = kernel.lstm(x, _rows(hidden), _rows(cell), weight_hh, weight_hr, sizes, reverse)
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
    x = kernel.linear(_rows(input), weight_ih, bias_ih)
    out, last, before, gates = kernel.gru(x, _rows(hidden), weight_hh, bias_hh, sizes, reverse)
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


# Layers over layers, in both directions.


def _layers(
    name: str,
    rows: Any,
    sizes: Sizes,
    states: Sequence,
    params: Sequence,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple:
    """The last layer's output, and all states at the end        (N,I) or (T,B,I), (L,B,H) -> the same"""
    layer, _, *told = KINDS[name]
    projected = name == "lstm" and states[0].shape[2] != states[1].shape[2]
    per, directions = (4 if has_biases else 2) + projected, 1 + bool(bidirectional)
    layers = num_layers * directions
    _check(name, rows, sizes, states, params, per, layers)
    each = [(s,) if layers == 1 else split_with_sizes(s, [1] * layers, 0) for s in states]
    lasts: list[list] = [[] for _ in states]
    for k in range(num_layers):
        outs = []
        for which in range(k * directions, (k + 1) * directions):
            weights = [*params[which * per : (which + 1) * per]]
            if not has_biases:
                weights[2:2] = None, None
            if name == "lstm" and not projected:
                weights.append(None)
            out, *last = _one(layer, rows, *[s[which] for s in each], *weights, sizes, which % directions == 1, *told)
            outs.append(out)
            for all_of_them, one in zip(lasts, last, strict=True):
                all_of_them.append(one)
        rows = outs[0] if directions == 1 else cat(outs, -1)
        if dropout and train and k < num_layers - 1:
            rows = drop(rows, dropout, True)
    return rows, *[found[0] if layers == 1 else cat(found) for found in lasts]


def _check(name: str, rows: Any, sizes: Sizes, states: Sequence, params: Sequence, per: int, layers: int) -> None:
    """Raise a RuntimeError where shapes or dtypes do not fit."""
    if len(params) != per * layers:
        raise RuntimeError(f"{name}: expected {per} parameters for each of {layers} layers, got {len(params)} in all")
    if len(sizes) == 0:
        raise RuntimeError(f"{name}: expected sequences of at least one step, got none")
    B, gates = sizes[0], KINDS[name][1]
    H = states[-1].shape[-1]
    for state in states:
        if state.ndim != 3 or tuple(state.shape[:2]) != (layers, B):
            raise RuntimeError(f"{name}: expected hidden states ({layers}, {B}, ...), got {tuple(state.shape)}")
    for t in (*states, *params):
        if t.dtype != rows.dtype:
            raise RuntimeError(
                f"{name}: input is {rows.dtype}, but a state or a parameter is {t.dtype}; all must share one dtype"
            )
    I = rows.shape[-1]
    for k in range(0, len(params), per):
        w_ih, w_hh = params[k], params[k + 1]
        expected = (gates * H, I if k == 0 and layers else None), (gates * H, states[0].shape[-1])
        if w_ih.shape[0] != gates * H or tuple(w_hh.shape) != expected[1] or (k == 0 and w_ih.shape[1] != I):
            raise RuntimeError(
                f"{name}: of input (..., {I}) and hidden states of {H}, weights must have shapes {expected}, "
                f"got {tuple(w_ih.shape)} and {tuple(w_hh.shape)}"
            )


def _takes_packed(f: Callable) -> Callable:
    """Let a function that takes (input, hx, params, ..., batch_first) take a packed sequence as well.

    Its arguments are (data, batch_sizes, hx, params, ...), as PyTorch has them.
    """
    names = "input hx params has_biases num_layers dropout train bidirectional batch_first".split()
    packed_names = ["data", "batch_sizes", *names[1:-1]]

    @functools.wraps(f)
    def either(*args: Any, **kwargs: Any) -> Any:
        packed = "batch_sizes" in kwargs or (len(args) > 3 and isinstance(args[3], (tuple, list)))
        takes = packed_names if packed else names
        given = {**dict(zip(takes, args)), **kwargs}
        if len(args) > len(takes) or given.keys() != set(takes) or len(given) < len(args) + len(kwargs):
            raise TypeError(
                f"{f.__name__}: expected ({', '.join(names)}), or of a packed sequence ({', '.join(packed_names)}); "
                f"got {len(args)} values and the names {', '.join(kwargs) or 'of none'}"
            )
        if not packed:
            return f(**given)
        data, batch_sizes = given.pop("data"), given.pop("batch_sizes")
        return _of_packed(f.__name__, data, batch_sizes, **given)

    return either


def _of_packed(name: str, data: Any, batch_sizes: Any, hx: Any, params: Sequence, *args: Any, **kwargs: Any) -> tuple:
    sizes = tuple(as_array(batch_sizes).tolist())
    if sum(sizes) != len(data) or list(sizes) != sorted(sizes, reverse=True) or min(sizes, default=1) < 1:
        raise RuntimeError(
            f"{name}: batch_sizes must be positive, not grow, and sum up to the {len(data)} rows of data; got "
            f"{list(sizes)}"
        )
    return _layers(name, data, sizes, hx if name == "lstm" else (hx,), params, *args, **kwargs)


def _of_padded(name: str, input: Any, hx: Any, params: Sequence, *args: Any) -> tuple:
    *args, batch_first = args  # type: ignore[assignment]
    if input.ndim != 3:
        raise RuntimeError(f"{name}: expected an input of three axes, got shape {tuple(input.shape)}")
    steps = transpose(input, 0, 1) if batch_first else input
    T, B, _ = steps.shape
    out, *lasts = _layers(name, steps, (B,) * T, hx if name == "lstm" else (hx,), params, *args)
    return transpose(out, 0, 1) if batch_first else out, *lasts


@appears("function")
@_takes_packed
def rnn_tanh(
    input: Array,
    hx: Array,
    params: Sequence,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, Array]:
    """h = tanh(weight_ih @ input + bias_ih + weight_hh @ h + bias_hh)        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)

    What `nn.RNN` computes with: layers over layers, in one direction or both, whose outputs stand side by side. params
    has the weights and biases of each, in the order of nn.RNN; dropout is what is dropped between layers in training.
    batch_first: input and output are (B,T,...). Of a packed sequence it takes (data, batch_sizes, hx, params, ...,
    bidirectional). RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, h, one = tg.ones(3, 1, 1), tg.zeros(1, 1, 1), tg.ones(1, 1)
    >>> out, last = tg.rnn_tanh(x, h, (one, one), False, 1, 0.0, False, False, False)
    >>> [round(v, 3) for v in out.flatten().tolist()]
    [0.762, 0.943, 0.96]
    """
    return _of_padded("rnn_tanh", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


@appears("function")
@_takes_packed
def rnn_relu(
    input: Array,
    hx: Array,
    params: Sequence,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, Array]:
    """h = relu(weight_ih @ input + bias_ih + weight_hh @ h + bias_hh)        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)

    Its arguments are those of `rnn_tanh`.

    >>> import tinygrad_cnn as tg
    >>> x, h, one = tg.ones(3, 1, 1), tg.zeros(1, 1, 1), tg.ones(1, 1)
    >>> tg.rnn_relu(x, h, (one, one), False, 1, 0.0, False, False, False)[0].flatten().tolist()
    [1.0, 2.0, 3.0]
    """
    return _of_padded("rnn_relu", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


@appears("function")
@_takes_packed
def lstm(
    input: Array,
    hx: Sequence,
    params: Sequence,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, Array, Array]:
    """c = f·c + i·g,  h = o·tanh(c)        (T,B,I) ((L,B,P), (L,B,H)) -> (T,B,P), (L,B,P), (L,B,H)

    What `nn.LSTM` computes with; hx is (h, c), the other arguments are those of `rnn_tanh`. Where h has another size
    than c, each layer has a fifth parameter, the projection weight_hr (P,H).

    >>> import tinygrad_cnn as tg
    >>> x, h, weight = tg.ones(2, 1, 1), tg.zeros(1, 1, 1), tg.full((4, 1), 9.0)
    >>> out, last, cell = tg.lstm(x, (h, h), (weight, weight), False, 1, 0.0, False, False, False)
    >>> [round(v, 3) for v in out.flatten().tolist()], round(cell.item(), 3)
    ([0.761, 0.964], 2.0)
    """
    return _of_padded("lstm", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


@appears("function")
@_takes_packed
def gru(
    input: Array,
    hx: Array,
    params: Sequence,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, Array]:
    """h = (1 - z)·n + z·h        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)

    What `nn.GRU` computes with; its arguments are those of `rnn_tanh`.

    >>> import tinygrad_cnn as tg
    >>> x, h, weight = tg.ones(2, 1, 1), tg.zeros(1, 1, 1), tg.zeros(3, 1)
    >>> weight[2] = 50.0  # of n; r and z are a half
    >>> out, last = tg.gru(x, h, (weight, weight), False, 1, 0.0, False, False, False)
    >>> out.flatten().tolist()
    [0.5, 0.75]
    """
    return _of_padded("gru", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


# By name: the op, how many parts its weights have, and what it is told besides.
KINDS: dict[str, tuple] = {
    "rnn_tanh": (_rnn, 1, False),
    "rnn_relu": (_rnn, 1, True),
    "lstm": (_lstm, 4),
    "gru": (_gru, 3),
}


# One step.


def _cell(name: str, step: Callable, input: Any, states: tuple, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple:
    """The new states; the step by itself for whoever wants to see it, else the kernel of a layer of one step."""
    layer, gates, *told = KINDS[name]
    for what, t in (("input", input), *[("hx", s) for s in states]):
        if t.ndim != 2:
            raise RuntimeError(f"{name}_cell: {what} must have two axes, got shape {tuple(t.shape)}")
        if t.shape[0] != input.shape[0]:
            raise RuntimeError(f"{name}_cell: input has {input.shape[0]} rows, but hx has {t.shape[0]}")
    H = states[-1].shape[1]
    if tuple(w_ih.shape) != (gates * H, input.shape[1]) or tuple(w_hh.shape) != (gates * H, states[0].shape[1]):
        raise RuntimeError(
            f"{name}_cell: of input {tuple(input.shape)} and hx {tuple(states[0].shape)}, weights must have shapes "
            f"{(gates * H, input.shape[1])} and {(gates * H, H)}, got {tuple(w_ih.shape)} and {tuple(w_hh.shape)}"
        )
    for t in (*states, w_ih, w_hh, b_ih, b_hh):
        if t is not None and t.dtype != input.dtype:
            raise RuntimeError(f"{name}_cell: input is {input.dtype}, but hx or a parameter is {t.dtype}")
    if mode.tracer is not None and not mode.tracer.plain:
        return step(linear(input, w_ih, b_ih), *states, w_hh, b_hh, *told)
    more = (None,) if name == "lstm" else ()
    return layer(input, *states, w_ih, w_hh, b_ih, b_hh, *more, (len(input),), False, *told)[1:]


@appears("function")
def rnn_tanh_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """tanh(w_ih @ input + b_ih + w_hh @ hx + b_hh)        (B,I) (B,H) (H,I) (H,H) (H,) (H,) -> (B,H)

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> one = tg.ones(1, 1)
    >>> round(tg.rnn_tanh_cell(one, one, one, one).item(), 3)
    0.964
    """
    return _cell("rnn_tanh", _rnn_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@appears("function")
def rnn_relu_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """relu(w_ih @ input + b_ih + w_hh @ hx + b_hh)        (B,I) (B,H) (H,I) (H,H) (H,) (H,) -> (B,H)

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> one = tg.ones(1, 1)
    >>> tg.rnn_relu_cell(one, one, one, one).item()
    2.0
    """
    return _cell("rnn_relu", _rnn_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@appears("function")
def lstm_cell(
    input: Array, hx: Sequence, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> tuple[Array, Array]:
    """c = f·c + i·g,  h = o·tanh(c)        (B,I) ((B,H), (B,H)) (4H,I) (4H,H) (4H,) (4H,) -> (B,H), (B,H)

    hx is (h, c). RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, weight = tg.ones(1, 1), tg.full((4, 1), 9.0)
    >>> h, c = tg.lstm_cell(x, (x, x), weight, weight)
    >>> round(h.item(), 3), round(c.item(), 3)
    (0.964, 2.0)
    """
    hidden, cell = hx
    return _cell("lstm", _lstm_step, input, (hidden, cell), w_ih, w_hh, b_ih, b_hh)


@appears("function")
def gru_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """h = (1 - z)·n + z·h        (B,I) (B,H) (3H,I) (3H,H) (3H,) (3H,) -> (B,H)

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, weight = tg.ones(1, 1), tg.zeros(3, 1)
    >>> tg.gru_cell(x, x, weight, weight).item()  # z = 1/2, n = 0
    0.5
    """
    return _cell("gru", _gru_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
