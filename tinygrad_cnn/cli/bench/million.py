"""Ops on a million numbers, forward and backward: elementwise ones, reductions, softmax, layer norm, losses.

Their limit is the memory's bandwidth: each array is read or written once. Even erf, a polynomial and an exponential,
takes some ten operations for each byte, and a core that multiplies matrices does more in that time. Arrays of this
size may stay in a cache, so an op can come out above the bandwidth of the memory.
"""

from __future__ import annotations

from collections.abc import Callable

SHAPE = (1000, 1000)
BYTES = 4e6  # of an array

# name: the op of the library, on x and y between 0 and 2; arrays read and written forward, and in the gradient of x
ELEMENTWISE: dict[str, tuple[Callable, float, float]] = {
    "add": (lambda tg, x, y: x + y, 3, 0),
    "multiply": (lambda tg, x, y: x * y, 3, 3),
    "divide": (lambda tg, x, y: x / y, 3, 3),
    "add a row": (lambda tg, x, y: x + y[0], 2, 0),
    "greater": (lambda tg, x, y: x > y, 2.25, 0),
    "where": (lambda tg, x, y: tg.where(x > 1, x, y), 3.5, 2.25),
    "relu": (lambda tg, x, y: tg.relu(x), 2, 3),
    "clamp": (lambda tg, x, y: x.clamp(0.5, 1.5), 2, 3),
    "sqrt": (lambda tg, x, y: x.sqrt(), 2, 3),
    "exp": (lambda tg, x, y: x.exp(), 2, 3),
    "log": (lambda tg, x, y: x.log(), 2, 3),
    "tanh": (lambda tg, x, y: x.tanh(), 2, 3),
    "sigmoid": (lambda tg, x, y: x.sigmoid(), 2, 3),
    "erf": (lambda tg, x, y: x.erf(), 2, 3),
    "gelu": (lambda tg, x, y: tg.nn.functional.gelu(x), 2, 3),
    "silu": (lambda tg, x, y: tg.nn.functional.silu(x), 2, 3),
    "softplus": (lambda tg, x, y: tg.nn.functional.softplus(x), 2, 3),
    "dropout": (lambda tg, x, y: tg.nn.functional.dropout(x, 0.5), 2, 3),
}
ROWS: dict[str, tuple[Callable, float, float]] = {
    "softmax": (lambda tg, x, y: x.softmax(1), 2, 3),
    "log_softmax": (lambda tg, x, y: x.log_softmax(1), 2, 3),
    "layer_norm": (lambda tg, x, y: tg.nn.functional.layer_norm(x, SHAPE[1:], y[0], y[1]), 2, 3),
    "sum": (lambda tg, x, y: x.sum(), 1, 0),
    "sum of columns": (lambda tg, x, y: x.sum(0), 1, 0),
    "mean of rows": (lambda tg, x, y: x.mean(1), 1, 0),
    "var of rows": (lambda tg, x, y: x.var(1), 1, 2),
    "amax of rows": (lambda tg, x, y: x.amax(1), 1, 2),
}
LOSSES: dict[str, tuple[Callable, float, float]] = {
    "cross_entropy": (lambda tg, x, y: tg.nn.functional.cross_entropy(x, tg.arange(SHAPE[0])), 1, 2),
    "mse_loss": (lambda tg, x, y: tg.nn.functional.mse_loss(x, y), 2, 3),
    "l1_loss": (lambda tg, x, y: tg.nn.functional.l1_loss(x, y), 2, 3),
    "smooth_l1_loss": (lambda tg, x, y: tg.nn.functional.smooth_l1_loss(x, y), 2, 3),
    "bce_with_logits": (lambda tg, x, y: tg.nn.functional.binary_cross_entropy_with_logits(x, y), 2, 3),
}
MILLION = ELEMENTWISE | ROWS | LOSSES
