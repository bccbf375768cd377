"""The networks that are timed, built by one code for both libraries: PyTorch's names are all that it uses.

A workload is a network, the shape of its images, and a batch. Weights and images are the same numbers in both
libraries, so losses must be equal, and that is looked at before a time is believed.

A library is tinygrad_cnn, tinygrad_cnn-numpy, torch, torch-channels-last or torch-compile.
"""

from __future__ import annotations

import importlib
import math
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import numpy as np

CHECKED = 3  # training steps whose losses are compared


@dataclass(frozen=True)
class Workload:
    network: str
    batch: int
    image: tuple[int, int, int]  # (C, H, W)
    classes: int = 10
    sizes: dict[str, Any] = field(default_factory=dict)  # for a network that comes in several

    def described(self) -> dict:
        """As plain data, for the way to a worker."""
        return asdict(self)


def cs231n(nn: Any, c: int, h: int, w: int, classes: int) -> Any:
    """The three-layer network of Stanford's course, with its filters of 7x7."""
    features = 32 * (h // 2) * (w // 2)
    body = [nn.Conv2d(c, 32, 7, padding=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(features, 500), nn.ReLU(), nn.Linear(500, classes))


def hermosayhl(nn: Any, c: int, h: int, w: int, classes: int) -> Any:
    """Four strided convolutions with batch norm, and one matrix."""

    def block(i: int, o: int) -> list:
        return [nn.Conv2d(i, o, 3, stride=2), nn.BatchNorm2d(o), nn.ReLU()]

    body = [*block(c, 16), nn.MaxPool2d(2), *block(16, 32), *block(32, 64), *block(64, 128), nn.Flatten()]
    for halved in (2, 1, 1, 1):
        h, w = (h - 1) // 2 // halved, (w - 1) // 2 // halved
    return nn.Sequential(*body, nn.Linear(128 * h * w, classes))


def vgg(nn: Any, c: int, h: int, w: int, classes: int, deep: bool = False) -> Any:
    """Three layers of VGG's kind, with batch norm, or six."""

    def block(i: int, o: int) -> list:
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]

    body = [*block(c, 64), *block(64, 64), nn.MaxPool2d(2), *block(64, 128)]
    features = 128 * (h // 4) * (w // 4)
    if deep:
        body += [*block(128, 128), nn.MaxPool2d(2), *block(128, 256), *block(256, 256)]
        features = 256 * (h // 8) * (w // 8)
    return nn.Sequential(*body, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, classes))


def blocks(nn: Any, c: int, h: int, w: int, classes: int, channels: int, depth: int) -> Any:
    """So many times convolution, batch norm and ReLU at full size, then the mean of each channel."""
    layers = []
    for k in range(depth):
        i = c if k == 0 else channels
        layers += [nn.Conv2d(i, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


BUILDERS: dict[str, Callable] = {f.__name__: f for f in (cs231n, hermosayhl, vgg, blocks)}
MODELS = Path(__file__).parents[2] / "vision" / "models.py"


def build(lib: Any, w: Workload) -> Any:
    """The network of a workload: one of those above, or of `vision.models`."""
    if w.network in BUILDERS:
        return BUILDERS[w.network](lib.nn, *w.image, w.classes, **w.sizes)
    return models(lib).get_model(w.network, input_shape=w.image, num_classes=w.classes)


def models(lib: Any) -> Any:
    """`vision.models` with the layers of this library: the same file, where `from .. import nn` finds this one's."""
    loader = SourceFileLoader(f"{lib.__name__}.vision.models", str(MODELS))
    module = types.ModuleType(loader.name)
    module.__package__ = f"{lib.__name__}.vision"
    loader.exec_module(module)
    return module


WORKLOADS = {
    f"{w.network}_b{w.batch}": w
    for w in (
        Workload("victorzhou", 1, (1, 28, 28)),
        Workload("victorzhou", 64, (1, 28, 28)),
        Workload("mlp", 64, (1, 28, 28)),
        Workload("lenet", 64, (1, 28, 28)),
        Workload("keras_mnist", 128, (1, 28, 28)),
        Workload("cs231n", 50, (3, 32, 32)),
        Workload("hermosayhl", 16, (3, 224, 224), classes=3),
        Workload("vgg", 32, (3, 32, 32)),
        Workload("resnet18", 8, (3, 64, 64)),
    )
}
ACCURACY = {  # whose gradients are looked at, with fewer images
    w.network: w
    for w in (
        Workload("lenet", 16, (1, 28, 28)),
        Workload("keras_mnist", 16, (1, 28, 28)),
        Workload("cs231n", 16, (3, 32, 32)),
        Workload("hermosayhl", 4, (3, 224, 224), classes=3),
        Workload("vgg", 8, (3, 32, 32), sizes={"deep": True}),
        Workload("resnet18", 8, (3, 64, 64)),
    )
}
BASE = Workload("blocks", 32, (3, 32, 32), sizes={"channels": 32, "depth": 3})  # what `growth` starts from


def load(library: str, threads: int) -> Any:
    """The library itself, held to so many threads."""
    name = "tinygrad_cnn" if library.startswith("tinygrad_cnn") else "torch"
    lib = importlib.import_module(name)
    for room in ("nn.functional", "optim"):
        importlib.import_module(f"{name}.{room}")
    lib.set_num_threads(threads)
    return lib


class Network:
    """A network in training mode, its images and labels."""

    def __init__(self, library: str, workload: dict, threads: int):
        w = Workload(**workload)
        lib = self.lib = load(library, threads)
        rng = np.random.default_rng(0)
        self.x = lib.tensor(rng.standard_normal((w.batch, *w.image), dtype=np.float32))
        self.y = lib.tensor(rng.integers(0, w.classes, w.batch))
        net = self.net = build(lib, w)
        with lib.no_grad():
            for name, p in net.named_parameters():
                p.copy_(lib.tensor(weights(name, tuple(p.shape), rng)))
        if library == "torch-channels-last":
            self.x = self.x.contiguous(memory_format=lib.channels_last)
            net.to(memory_format=lib.channels_last)
        self.call = lib.compile(net) if library == "torch-compile" else net  # what is timed
        self.optimizer = lib.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def loss(self, call: Callable) -> Any:
        return self.lib.nn.functional.cross_entropy(call(self.x), self.y)

    def step(self, call: Callable) -> Any:
        self.optimizer.zero_grad()
        loss = self.loss(call)
        loss.backward()
        self.optimizer.step()
        return loss

    def checked_losses(self, call: Callable, steps: int) -> list[float]:
        """The losses of the next steps, without dropout, which no two libraries draw alike."""
        dropouts = [m for m in self.net.modules() if type(m).__name__ == "Dropout"]
        for m in dropouts:
            m.eval()
        losses = [self.step(call).item() for _ in range(steps)]
        for m in dropouts:
            m.train()
        return losses


def weights(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Matrices and filters as He et al. draw them, biases 0, scales of batch norm 1."""
    if len(shape) == 1:
        return np.full(shape, 0 if name.endswith("bias") else 1, np.float32)
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / math.prod(shape[1:])))


def default_weights(named: Iterable[tuple[str, Any]], rng: np.random.Generator) -> Iterator[tuple[Any, np.ndarray]]:
    """Each parameter with numbers for it, drawn as PyTorch does by default: of a layer all within ±1/√inputs."""
    bound, layer = 1.0, ""
    for name, p in named:
        shape = tuple(p.shape)
        if len(shape) > 1:
            bound, layer = 1 / math.sqrt(math.prod(shape[1:])), name.rpartition(".")[0]
        if name.rpartition(".")[0] == layer:
            yield p, rng.uniform(-bound, bound, shape).astype(np.float32)
        else:  # batch norm
            yield p, weights(name, shape, rng)


def gradients(library: str, workload: dict, threads: int, seed: int, dtype: str, path: str) -> tuple[Callable, dict]:
    """The gradient of every parameter, in this dtype and written to a file; dropout is off."""
    w = Workload(**workload)
    lib = load(library, threads)
    rng = np.random.default_rng(seed)
    net = build(lib, w).to(getattr(lib, dtype))
    with lib.no_grad():
        for p, values in default_weights(net.named_parameters(), rng):
            p.copy_(lib.tensor(values.astype(dtype)))
    for m in net.modules():
        if type(m).__name__ == "Dropout":
            m.eval()
    x = rng.standard_normal((w.batch, *w.image), dtype=np.float32).astype(dtype)
    loss = lib.nn.functional.cross_entropy(net(lib.tensor(x)), lib.tensor(rng.integers(0, w.classes, w.batch)))
    loss.backward()
    np.savez(path, **{name: p.grad.numpy() for name, p in net.named_parameters()})
    return lambda: None, {"loss": loss.item()}


class PeakMemory:
    """By how many MB this process has grown at most since it was here; None where the system does not tell.

    Linux does: the resident memory now and its highest value since that was reset.
    """

    def __init__(self) -> None:
        try:
            with open("/proc/self/clear_refs", "w") as f:
                f.write("5")
            self.start: float | None = self._kilobytes("VmRSS")
        except OSError:
            self.start = None

    def grown(self) -> float | None:
        return None if self.start is None else (self._kilobytes("VmHWM") - self.start) / 1024

    @staticmethod
    def _kilobytes(what: str) -> float:
        with open("/proc/self/status") as f:
            return next(float(line.split()[1]) for line in f if line.startswith(what))


def warm_up(lib: Any) -> None:
    """Load every compiled kernel now: what that takes is not the network's."""
    if lib.__name__ == "tinygrad_cnn":
        from tinygrad_cnn import kernels

        if kernels.status()["kernels"] == "fast":
            kernels.warmup()


def train(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """A step of SGD with momentum: zero_grad, forward, loss, backward, update.

    Its memory is what the process grows by over imports, kernels, network and data, at the highest: activations,
    gradients, the momentum, what kernels need on the way. torch-compile has none, for its compiler's would count.
    """
    net = Network(library, workload, threads)
    warm_up(net.lib)
    memory = PeakMemory()
    losses = net.checked_losses(net.net, CHECKED)
    net.step(net.net)
    peak = None if library == "torch-compile" else memory.grown()
    net.step(net.call)
    return lambda: net.step(net.call), {"losses": losses, "step_mb": peak}


def infer(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """The network's outputs in eval mode under no_grad."""
    net = Network(library, workload, threads)
    net.net.eval()

    def forward() -> Any:
        with net.lib.no_grad():
            return net.call(net.x)

    with net.lib.no_grad():
        loss = net.loss(net.net).item()
    forward()
    return forward, {"losses": [loss]}


def first(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """One training step, done in the making: who asks for it looks at the clock."""
    net = Network(library, workload, threads)
    return lambda: None, {"losses": net.checked_losses(net.call, 1)}
