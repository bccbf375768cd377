"""Operators that are recurrent layers. ONNX has the gates in another order, and both directions in one node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import recurrent
from ...ops.gather import index_select
from ...ops.join import cat, stack
from ...surface.creation import zeros
from .table import Node, reads, room

# The places of our gates among those of ONNX, and the activations that there are.
KINDS = {
    "RNN": ((0,), None),
    "LSTM": ((0, 2, 3, 1), ["Sigmoid", "Tanh", "Tanh"]),
    "GRU": ((1, 0, 2), ["Sigmoid", "Tanh"]),
}


@reads("RNN", "GRU")
def _(n, x, w, r, b=None, lengths=None, h=None):
    return _layer(n, x, w, r, b, lengths, [h])


@reads("LSTM")
def _(n, x, w, r, b=None, lengths=None, h=None, c=None, peepholes=None):
    if peepholes is not None:
        raise ValueError("peepholes are not read")
    return _layer(n, x, w, r, b, lengths, [h, c])


def _layer(n: Node, x: Any, w: Any, r: Any, b: Any, lengths: Any, states: list) -> tuple:
    order, usual = KINDS[n.op]
    directions = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(
        n.get("direction", "forward")
    )
    activations = n.attributes.get("activations", ["Tanh"] if usual is None else usual)
    each = len(activations) // max(1, len(directions or ())) or 1
    kinds = [activations[i : i + each] for i in range(0, len(activations), each)]
    rectify = usual is None and kinds[0] == ["Relu"]
    if directions is None or any(k != (usual or (["Relu"] if rectify else ["Tanh"])) for k in kinds):
        raise ValueError(f"direction is {n.get('direction', 'forward')!r:.40} and activations are {activations!r:.80}")
    told = {
        name: n.attributes[name] for name in ("clip", "activation_alpha", "activation_beta") if name in n.attributes
    }
    if (
        told
        or n.get("input_forget", 0)
        or n.get("layout", 0)
        or (n.op == "GRU" and not n.get("linear_before_reset", 0))
    ):
        raise ValueError(
            f"clip, layout, input_forget, and a GRU without linear_before_reset are not read; {told}"[:200]
        )
    if x.ndim != 3 or w.ndim != 3 or r.ndim != 3 or len(w) != len(directions) or len(w) != len(r):
        raise ValueError(f"X, W and R have shapes {x.shape}, {w.shape} and {r.shape}")
    T, B, _ = x.shape
    if lengths is not None and (np.asarray(lengths) != T).any():
        raise ValueError("sequences of different lengths are not read")
    H = r.shape[2]
    room((len(directions), T, B, w.shape[1] + H), np.float32)
    rows = np.concatenate([np.arange(k * H, (k + 1) * H) for k in order])
    sort = lambda a: a if len(order) == 1 else index_select(a, 0, rows)
    states = [zeros(len(directions), B, H, dtype=x.dtype) if s is None else s for s in states]
    found = []
    for d, reverse in enumerate(directions):
        biases = (None, None) if b is None else (sort(b[d, : len(rows)]), sort(b[d, len(rows) :]))
        given = [x, *(s[d : d + 1] for s in states), sort(w[d]), sort(r[d]), *biases]
        found.append(_run(n.op, given, (B,) * T, reverse, rectify))
    outs, *lasts = zip(*found)
    return stack(outs, 1), *map(cat, lasts)


def _run(kind: str, given: Sequence, sizes: tuple, reverse: bool, rectify: bool) -> tuple:
    if kind == "RNN":
        return recurrent._rnn(*given, sizes, reverse, rectify)
    return recurrent._gru(*given, sizes, reverse) if kind == "GRU" else recurrent._lstm(*given, None, sizes, reverse)
