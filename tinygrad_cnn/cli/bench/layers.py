"""What networks are made of, as plain data: layers with their numbers, which every library translates.

Shapes are those of one image: (C, H, W), and (features,) behind a Linear layer, which flattens what it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

Shape: TypeAlias = tuple[int, ...]


class Conv(NamedTuple):
    channels: int
    window: int
    stride: int = 1
    padding: int = 0
    bias: bool = True


class Depthwise(NamedTuple):
    """A filter of its own for each channel, with zeros around that keep the size, and no bias."""

    window: int
    stride: int = 1


class BatchNorm(NamedTuple):
    pass


class MaxPool(NamedTuple):
    window: int
    stride: int
    padding: int = 0


class Mean(NamedTuple):
    """The mean of each channel."""


class Linear(NamedTuple):
    features: int


class Dropout(NamedTuple):
    p: float


class Activation(NamedTuple):
    name: str  # relu, tanh, sigmoid or gelu


class Residual(NamedTuple):
    """relu(body(x) + shortcut(x)); no shortcut is x itself."""

    body: Sequence[Layer]
    shortcut: Sequence[Layer] = ()


class GPT(NamedTuple):
    """A decoder of text: blocks of causal attention and of two matrices, norms first; (T,) -> a logit of each token.

    A text of T tokens is T examples.
    """

    features: int
    heads: int
    depth: int
    tokens: int


class Reader(NamedTuple):
    """A recurrent layer that guesses, token by token, how a text goes on; (T,) -> a logit of each token.

    A text of T tokens is T examples.
    """

    kind: str  # LSTM or GRU
    features: int
    tokens: int


Layer: TypeAlias = (
    Conv | Depthwise | BatchNorm | MaxPool | Mean | Linear | Dropout | Activation | Residual | GPT | Reader
)


def after(layer: Layer, shape: Shape) -> Shape:
    """The shape that a layer makes of this one.

    >>> after(Conv(8, 3, stride=2), (1, 28, 28)), after(Mean(), (8, 13, 13)), after(Linear(10), (8, 1, 1))
    ((8, 13, 13), (8, 1, 1), (10,))
    """
    match layer:
        case Conv(channels, k, stride, padding):
            return channels, *((n + 2 * padding - k) // stride + 1 for n in shape[1:])
        case Depthwise(_, stride):
            return shape[0], *((n - 1) // stride + 1 for n in shape[1:])
        case MaxPool(k, stride, padding):
            return shape[0], *((n + 2 * padding - k) // stride + 1 for n in shape[1:])
        case Mean():
            return shape[0], 1, 1
        case Linear(features):
            return (features,)
        case GPT(tokens=tokens) | Reader(tokens=tokens):
            return (tokens,)
        case Residual(body):
            return [shape, *(end for _, _, end in walk(body, shape))][-1]
    return shape


def walk(layers: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer with the shape that it is given, and the shape that it makes."""
    for layer in layers:
        end = after(layer, shape)
        yield layer, shape, end
        shape = end


def parameters(layers: Sequence[Layer], shape: Shape) -> Iterator[list[Shape]]:
    """The shapes of the parameters of each layer that has some, in PyTorch's order and layout.

    >>> list(parameters([Conv(8, 3), Activation("relu"), Mean(), Linear(10)], (1, 28, 28)))
    [[(8, 1, 3, 3), (8,)], [(10, 8), (10,)]]
    """
    for layer, (C, *size), _ in walk(layers, shape):
        match layer:
            case Conv(channels, k, bias=bias):
                yield [(channels, C, k, k), (channels,)][: 1 + bias]
            case Depthwise(k):
                yield [(C, 1, k, k)]
            case BatchNorm():
                yield [(C,), (C,)]
            case Linear(features):
                yield [(features, C * math.prod(size)), (features,)]
            case GPT(F, _, depth, tokens):
                norms = [(F,), (F,)]
                yield [(tokens, F)]
                yield [(C, F)]
                for _ in range(depth):
                    for half in (((3, 1), (1, 1)), ((4, 1), (1, 4))):
                        yield [*norms]
                        for out, into in half:
                            yield [(out * F, into * F), (out * F,)]
                yield [*norms]
                yield [(tokens, F)]
            case Reader(kind, F, tokens):
                gates = {"LSTM": 4, "GRU": 3}[kind] * F
                yield [(tokens, F)]
                yield [(gates, F)]
                yield [(gates, F), (gates,), (gates,)]
                yield [(tokens, F), (tokens,)]
            case Residual(body, shortcut):
                yield from parameters(body, (C, *size))
                yield from parameters(shortcut, (C, *size))


def drawn_wide(shapes: list[Shape], rng: np.random.Generator) -> list[np.ndarray]:
    """Matrices and filters as He et al. draw them, biases 0, scales of batch norm 1."""
    first, *bias = shapes
    wide = np.float32(math.sqrt(2 / math.prod(first[1:])))
    weight = rng.standard_normal(first, dtype=np.float32) * wide if len(first) > 1 else np.ones(first, np.float32)
    return [weight, *(np.zeros(shape, np.float32) for shape in bias)]


def drawn_by_default(shapes: list[Shape], rng: np.random.Generator) -> list[np.ndarray]:
    """As PyTorch draws them by default: all numbers of a layer within ±1/√inputs; batch norm as above."""
    if len(shapes[0]) == 1:
        return drawn_wide(shapes, rng)
    bound = 1 / math.sqrt(math.prod(shapes[0][1:]))
    return [rng.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes]
