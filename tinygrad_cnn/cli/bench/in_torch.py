"""Networks in PyTorch's words, which are those of tinygrad_cnn too: modules, an optimizer, a step of one's own.

A library is tinygrad_cnn, tinygrad_cnn-compile, tinygrad_cnn-numpy, torch, torch-channels-last or torch-compile.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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
    drawn_by_default,
    drawn_wide,
    walk,
)
from .networks import Workload

ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU"}


def load(library: str, threads: int) -> Any:
    """The library itself, held to so many threads."""
    name = library.partition("-")[0]
    lib = importlib.import_module(name)
    for room in ("nn.functional", "optim"):
        importlib.import_module(f"{name}.{room}")
    lib.set_num_threads(threads)
    return lib


def modules(nn: Any, layers: Sequence[Layer], shape: Shape) -> list[Any]:
    """The layers as modules of this library."""
    return [module for layer, start, _ in walk(layers, shape) for module in _modules(nn, layer, start)]


def _modules(nn: Any, layer: Layer, shape: Shape) -> list[Any]:
    C = shape[0]
    match layer:
        case Conv(channels, window, stride, padding, bias):
            return [nn.Conv2d(C, channels, window, stride, padding, bias=bias)]
        case Depthwise(window, stride):
            return [nn.Conv2d(C, C, window, stride, window // 2, groups=C, bias=False)]
        case BatchNorm():
            return [nn.BatchNorm2d(C)]
        case MaxPool(window, stride, padding):
            return [nn.MaxPool2d(window, stride, padding)]
        case Mean():
            return [nn.AdaptiveAvgPool2d(1)]
        case Linear(features):
            return [nn.Flatten(), nn.Linear(math.prod(shape), features)][len(shape) == 1 :]
        case Dropout(p):
            return [nn.Dropout(p)]
        case Activation(name):
            return [getattr(nn, ACTIVATIONS[name])()]
        case GPT():
            return [_gpt(nn, layer, C)]
        case Reader():
            return [_reader(nn, layer)]
        case Residual(body, shortcut):
            return [_residual(nn, modules(nn, body, shape), modules(nn, shortcut, shape))]


def _residual(nn: Any, body: list, shortcut: list) -> Any:
    class Block(nn.Module):
        """A module with a forward of its own, as a user writes it."""

        def __init__(self) -> None:
            super().__init__()
            self.body, self.relu = nn.ModuleList(body), nn.ReLU()
            self.shortcut = nn.Sequential(*shortcut) if shortcut else None

        def forward(self, x: Any) -> Any:
            out = x
            for layer in self.body:
                out = layer(out)
            return self.relu(out + (x if self.shortcut is None else self.shortcut(x)))

    return Block()


def _gpt(nn: Any, layer: GPT, T: int) -> Any:
    C, heads, F = layer.features, layer.heads, nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)

        def forward(self, x: Any) -> Any:
            q, k, v = (t.view(-1, T, heads, C // heads).transpose(1, 2) for t in self.qkv(x).split(C, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(-1, T, C))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.attention = nn.LayerNorm(C), Attention()
            self.norm2, self.mlp = nn.LayerNorm(C), nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(layer.tokens, C), nn.Embedding(T, C)
            self.blocks = nn.Sequential(*[Block() for _ in range(layer.depth)])
            self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, layer.tokens, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.blocks(self.token(tokens) + self.place.weight)
            return self.head(self.norm(x)).view(-1, layer.tokens)

    return Decoder()


def _reader(nn: Any, layer: Reader) -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(layer.tokens, layer.features)
            self.layer = getattr(nn, layer.kind)(layer.features, layer.features, batch_first=True)
            self.head = nn.Linear(layer.features, layer.tokens)

        def forward(self, tokens: Any) -> Any:
            out, _ = self.layer(self.token(tokens))
            return self.head(out).view(-1, layer.tokens)

    return Model()


def build(lib: Any, w: Workload, weights: Sequence[np.ndarray]) -> Any:
    """The network of a workload, with these weights."""
    net = lib.nn.Sequential(*modules(lib.nn, w.layers(), w.image))
    with lib.no_grad():
        for p, values in zip(net.parameters(), weights, strict=True):
            p.copy_(lib.tensor(values))
    return net


class Network:
    """A network in training mode, its images and labels."""

    def __init__(self, library: str, workload: dict, threads: int):
        w = Workload(**workload)
        lib = self.lib = load(library, threads)
        rng = np.random.default_rng(0)
        self.x, self.y = map(lib.tensor, w.images(rng))
        net = self.net = build(lib, w, w.weights(drawn_wide, rng))
        if library == "torch-channels-last":
            self.x = self.x.contiguous(memory_format=lib.channels_last)
            net.to(memory_format=lib.channels_last)
        compiled = library.endswith("-compile")
        call = lib.compile(net) if compiled and library != "tinygrad_cnn-compile" else net
        optimizer = lib.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = lib.nn.functional.cross_entropy(call(x), y)
            loss.backward()
            optimizer.step()
            return loss

        self._step = lib.compile(step) if library == "tinygrad_cnn-compile" else step
        self._outputs = lib.compile(net) if compiled else net

    def step(self) -> Any:
        """A training step: zero_grad, forward, loss, backward, update. Its loss."""
        return self._step(self.x, self.y)

    def inference(self) -> Callable[[], Any]:
        """The network in eval mode: a function that gives its outputs."""
        self.net.eval()

        def outputs() -> Any:
            with self.lib.no_grad():
                return self._outputs(self.x)

        return outputs

    def losses(self, steps: int) -> list[float]:
        """The losses of the next steps, without dropout, which no two libraries draw alike."""
        dropouts = [m for m in self.net.modules() if type(m).__name__ == "Dropout"]
        for m in dropouts:
            m.eval()
        losses = [self.step().item() for _ in range(steps)]
        for m in dropouts:
            m.train()
        return losses

    def loss(self, outputs: Any) -> float:
        return self.lib.nn.functional.cross_entropy(outputs, self.y).item()


def gradients(library: str, workload: dict, threads: int, seed: int, dtype: str, path: str) -> tuple[Callable, dict]:
    """The gradient of every parameter, in this dtype and written to a file; dropout is off."""
    w = Workload(**workload)
    lib = load(library, threads)
    rng = np.random.default_rng(seed)
    net = build(lib, w, w.weights(drawn_by_default, rng)).to(getattr(lib, dtype))
    for m in net.modules():
        if type(m).__name__ == "Dropout":
            m.eval()
    images, labels = w.images(rng)
    loss = lib.nn.functional.cross_entropy(net(lib.tensor(images.astype(dtype))), lib.tensor(labels))
    loss.backward()
    np.savez(path, **{name: p.grad.numpy() for name, p in net.named_parameters()})
    return lambda: None, {"loss": loss.item()}


def chain(library: str, ops: int, what: str, threads: int) -> tuple[Callable, dict]:
    """So many ops on four numbers, each on the other's result, and their sum: all cost is overhead."""
    lib = load(library, threads)
    x = lib.tensor(np.linspace(-1, 1, 4, dtype=np.float32), requires_grad=True)

    def forward() -> Any:
        y = x
        for _ in range(ops // 4):
            y = ((y * 1.01 + x) * 0.5).tanh()
        return y.sum()

    calls = {"forward, no_grad": lib.no_grad()(forward), "forward": forward}
    calls["forward and backward"] = lambda: forward().backward()
    return calls[what], {"losses": [forward().item()]}
