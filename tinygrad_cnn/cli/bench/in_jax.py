"""Networks in JAX as its documentation writes them: pure functions, and one jitted function for a whole step.

The step takes the gradient with value_and_grad and updates by hand; what it updates is donated, so that it is
changed in place. Arrays are (N,H,W,C).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .layers import (
    GPT,
    Activation,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    Layer,
    Linear,
    MaxPool,
    Mean,
    Reader,
    Residual,
    Shape,
    drawn_wide,
    walk,
)
from .networks import Workload

ACTIVATIONS: dict[str, Callable] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": partial(jax.nn.gelu, approximate=False),
}


def initial(layers: Sequence[Layer], shape: Shape, weights: Iterator[np.ndarray]) -> tuple[list, list]:
    """For each layer its parameters, and what it knows beside them: batch norm's running mean and variance."""
    made = [_initial(layer, start, weights) for layer, start, _ in walk(layers, shape)]
    return [params for params, _ in made], [known for _, known in made]


def _initial(layer: Layer, shape: Shape, weights: Iterator[np.ndarray]) -> tuple[list, list]:
    match layer:
        case Conv(bias=bias):
            return [next(weights).transpose(2, 3, 1, 0), *([next(weights)] if bias else [])], []
        case Depthwise():
            return [next(weights).transpose(2, 3, 1, 0)], []
        case BatchNorm():
            return [next(weights), next(weights)], [jnp.zeros(shape[0]), jnp.ones(shape[0])]
        case Linear(features):
            weight = next(weights).reshape(features, *shape)  # from (C,H,W) to (H,W,C)
            return [np.moveaxis(weight, 1, -1).reshape(features, -1).T, next(weights)], []
        case Residual(body, shortcut):
            params, known = zip(initial(body, shape, weights), initial(shortcut, shape, weights), strict=True)
            return list(params), list(known)
    return [], []


def forward(layers: Sequence[Layer], params: list, known: list, x: Any, key: Any, training: bool) -> tuple[Any, list]:
    """The outputs, and what the layers know after them; without a key nothing is dropped."""
    learned = []
    for layer, p, k in zip(layers, params, known, strict=True):
        if key is not None:
            key, _ = jax.random.split(key)
        x, k = _forward(layer, p, k, x, key, training)
        learned.append(k)
    return x, learned


def _forward(layer: Layer, params: list, known: list, x: Any, key: Any, training: bool) -> tuple[Any, list]:
    match layer:
        case Conv(_, _, stride, padding):
            return _conv(x, *params, stride=stride, padding=padding), known
        case Depthwise(window, stride):
            return _conv(x, *params, stride=stride, padding=window // 2, groups=x.shape[-1]), known
        case BatchNorm():
            return _batch_norm(x, params, known, training)
        case MaxPool(window, stride, padding):
            around = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
            sizes = (1, window, window, 1), (1, stride, stride, 1)
            return lax.reduce_window(x, -jnp.inf, lax.max, *sizes, around), known
        case Mean():
            return x.mean((1, 2), keepdims=True), known
        case Linear():
            weight, bias = params
            return x.reshape(len(x), -1) @ weight + bias, known
        case Dropout(p):
            return (x if key is None else jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)), known
        case Activation(name):
            return ACTIVATIONS[name](x), known
        case GPT() | Reader():
            raise NotImplementedError(f"{type(layer).__name__} is written here for PyTorch alone")
        case Residual(body, shortcut):
            inner, first = forward(body, params[0], known[0], x, key, training)
            outer, second = forward(shortcut, params[1], known[1], x, key, training)
            return jax.nn.relu(inner + outer), [first, second]


def _conv(x: Any, weight: Any, bias: Any = 0.0, *, stride: int, padding: int, groups: int = 1) -> Any:
    kinds = ("NHWC", "HWIO", "NHWC")
    around = [(padding, padding)] * 2
    return lax.conv_general_dilated(x, weight, (stride, stride), around, None, None, kinds, groups) + bias


def _batch_norm(x: Any, params: list, known: list, training: bool) -> tuple[Any, list]:
    (scale, shift), (mean, var) = params, known
    if not training:
        return (x - mean) * lax.rsqrt(var + 1e-5) * scale + shift, known
    now, spread = x.mean((0, 1, 2)), x.var((0, 1, 2))
    n = x.size // x.shape[-1]
    learned = [0.9 * mean + 0.1 * now, 0.9 * var + 0.1 * spread * n / (n - 1)]
    return (x - now) * lax.rsqrt(spread + 1e-5) * scale + shift, learned


class Network:
    """Parameters and their momentum, what the layers know, images and labels."""

    def __init__(self, library: str, workload: dict, threads: int):
        w = Workload(**workload)
        layers = w.layers()
        rng = np.random.default_rng(0)
        images, labels = w.images(rng)
        self.x, self.y = jnp.asarray(images.transpose(0, 2, 3, 1)), jnp.asarray(labels)
        params, known = jax.tree.map(jnp.array, initial(layers, w.image, iter(w.weights(drawn_wide, rng))))
        self.state = params, jax.tree.map(jnp.zeros_like, params), known, jax.random.key(0)
        drops = any(isinstance(layer, Dropout) for layer in layers)

        def loss_of(params: list, known: list, x: Any, y: Any, key: Any) -> tuple[Any, list]:
            outputs, learned = forward(layers, params, known, x, key, training=True)
            return cross_entropy(outputs, y), learned

        @partial(jax.jit, donate_argnums=0, static_argnums=3)
        def step(state: tuple, x: Any, y: Any, drop: bool) -> tuple[tuple, Any]:
            params, momentum, known, key = state
            key, mine = jax.random.split(key) if drop else (key, None)
            (loss, known), gradients = jax.value_and_grad(loss_of, has_aux=True)(params, known, x, y, mine)
            momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradients)
            params = jax.tree.map(lambda p, m: p - 0.001 * m, params, momentum)
            return (params, momentum, known, key), loss

        self._step, self._drops = step, drops
        self._outputs = jax.jit(lambda params, known, x: forward(layers, params, known, x, None, False)[0])

    def step(self, drop: bool = True) -> Any:
        """A training step; its loss."""
        self.state, loss = self._step(self.state, self.x, self.y, drop and self._drops)
        return loss

    def inference(self) -> Callable[[], Any]:
        params, _, known, _ = self.state
        return lambda: self._outputs(params, known, self.x)

    def losses(self, steps: int) -> list[float]:
        """The losses of the next steps, without dropout."""
        return [float(self.step(drop=False)) for _ in range(steps)]

    def loss(self, outputs: Any) -> float:
        return float(cross_entropy(outputs, self.y))


def cross_entropy(outputs: Any, labels: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs), labels[:, None], 1).mean()
