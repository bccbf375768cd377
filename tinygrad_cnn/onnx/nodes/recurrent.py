"""How recurrent layers are written: one node for a layer in one direction. ONNX has the gates in another order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.program import Value
from ..writing import Writer, writes

LSTM_ORDER, GRU_ORDER = (0, 3, 1, 2), (1, 0, 2)  # i, o, f, c of i, f, g, o; and z, r, h of r, z, n


def _layer(
    w: Writer,
    kind: str,
    order: tuple,
    input: Any,
    states: list,
    weights: list,
    biases: list,
    reverse: bool,
    **more: Any,
) -> list:
    """Y, Y_h and so on, as our ops have them."""
    (gates, H), whole = (len(order), states[-1].shape[-1]), len(w.shape(states[0])) == 3
    rows = np.concatenate([np.arange(k * H, (k + 1) * H) for k in order])
    sort = lambda x: x if len(order) == 1 else w.node("Gather", x, rows, axis=0)
    first = lambda x: w.node("Unsqueeze", x, np.array([0]))
    x = input if whole else first(input)
    packed = [first(sort(weight)) for weight in weights]
    bias = None
    if any(b is not None for b in biases):
        none = np.zeros(gates * H, input.dtype)
        bias = first(w.node("Concat", *[none if b is None else sort(b) for b in biases], axis=0))
    given = [None if _is_nought(s) else s if whole else first(s) for s in states]
    direction = "reverse" if reverse else "forward"
    made = w.node(kind, x, *packed, bias, None, *given, outputs=1 + len(states), hidden_size=H, direction=direction,
                  **more)  # fmt: skip
    out, *last = made
    squeezed = lambda x, axis: w.node("Squeeze", x, np.array([axis]))
    out = squeezed(out, 1)
    return [out, *last] if whole else [squeezed(out, 0), *(squeezed(s, 0) for s in last)]


def _is_nought(state: Any) -> bool:
    """Whether a state is zeros that no op made: what a node takes where it is given none."""
    return isinstance(state, Value) and state.kind == "constant" and not state.tensor._array.any()


def _check_steps(input: Any, sizes: tuple) -> None:
    if len(set(sizes)) > 1 or (len(input.shape) == 2 and len(sizes) > 1):
        raise NotImplementedError(
            "onnx.export: a packed sequence has no counterpart in ONNX; export the model for padded sequences"
        )


@writes("_rnn")
def _(w, input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, sizes, reverse, rectify):
    _check_steps(input, sizes)
    activations = ["Relu" if rectify else "Tanh"]
    return _layer(w, "RNN", (0,), input, [hidden], [weight_ih, weight_hh], [bias_ih, bias_hh], reverse,
                  activations=activations)  # fmt: skip


@writes("_lstm")
def _(w, input, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, sizes, reverse):
    _check_steps(input, sizes)
    if weight_hr is not None:
        raise NotImplementedError("onnx.export: an LSTM with proj_size has no counterpart in ONNX")
    return _layer(w, "LSTM", LSTM_ORDER, input, [hidden, cell], [weight_ih, weight_hh], [bias_ih, bias_hh], reverse)


@writes("_gru")
def _(w, input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, sizes, reverse):
    _check_steps(input, sizes)
    return _layer(w, "GRU", GRU_ORDER, input, [hidden], [weight_ih, weight_hh], [bias_ih, bias_hh], reverse,
                  linear_before_reset=1)  # fmt: skip
