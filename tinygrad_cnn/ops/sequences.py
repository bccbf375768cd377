"""Layers over layers of recurrent ops, in both directions, and one step by itself: PyTorch's functions.

The ops, and the letters of shapes, are those of `recurrent.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..arrays.types import Array
from ..engine.modes import mode
from ..engine.tensor import as_array
from .declared import appears
from .dropout import dropout as drop
from .join import cat, split_with_sizes
from .linalg import linear
from .recurrent import Sizes, _gru, _gru_step, _lstm, _lstm_step, _one, _rnn, _rnn_step
from .shape import transpose

# Layers.


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
