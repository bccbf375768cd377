"""The ops that are timed alone, through the public functions, on pictures as a layer hands them on.

Convolutions and products count the multiplications and additions of their direct sums, whatever algorithm runs.
Ops whose limit is the memory count the bytes that must be read and written at least: each array once, and twice
where all of it is needed before the first result (batch norm).

N batch, C input channels, O output channels, k window; pictures are square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .million import BYTES, MILLION, SHAPE


@dataclass(frozen=True)
class Op:
    name: str
    make: Callable[[Any], Callable[[], Any]]  # of the library
    flop: float = 0
    bytes: float = 0
    short: bool = False  # also in the short table
    million: bool = False  # of a million numbers


def picture(tg: Any, shape: tuple[int, ...]) -> Any:
    """(N,C,H,W) random numbers, channels last in memory where there are several."""
    rng = np.random.default_rng(0)
    N, C, H, W = shape
    return tg.from_numpy(rng.standard_normal((N, H, W, C), dtype=np.float32).transpose(0, 3, 1, 2))


def numbers(tg: Any, *shape: int) -> Any:
    return tg.from_numpy(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


def forward(tg: Any, f: Callable, *inputs: Any) -> Callable:
    def call() -> Any:
        with tg.no_grad():
            return f(*inputs)

    return call


def backward(tg: Any, f: Callable, *inputs: Any, to: Any) -> Callable:
    """The gradient in `to`, one of the inputs, alone."""
    to.requires_grad_()
    out = f(*inputs)
    seed = picture(tg, tuple(out.shape)) if out.ndim == 4 else tg.ones_like(out)
    return lambda: tg.autograd.grad(out, to, seed, retain_graph=True)


def convolution(N: int, C: int, O: int, size: int, k: int = 3, stride: int = 1, short: bool = False) -> list[Op]:
    """Forward and both gradients, with zeros around that keep the size."""
    pixels = ((size - 1) // stride + 1) ** 2
    step = f" stride {stride}" if stride > 1 else ""
    name = f"conv {k}×{k}{step} {C}→{O}, {N}×{size}²"
    flop = 2 * N * pixels * O * C * k * k
    return [Op(f"{name} {what}", make, flop=flop, short=short) for what, make in directions(N, C, O, size, k, stride)]


def depthwise(N: int, C: int, size: int) -> list[Op]:
    """A 3×3 filter for each channel: so little to multiply that the memory is the limit."""
    byte = 4 * 2 * N * C * size * size
    made = directions(N, C, C, size, 3, 1, groups=C)
    return [Op(f"depthwise 3×3 {C}, {N}×{size}² {what}", make, bytes=byte) for what, make in made]


def directions(N: int, C: int, O: int, size: int, k: int, stride: int, groups: int = 1) -> list[tuple[str, Callable]]:
    def inputs(tg: Any) -> tuple:
        def conv2d(x: Any, w: Any) -> Any:
            return tg.nn.functional.conv2d(x, w, None, stride, k // 2, 1, groups)

        return conv2d, picture(tg, (N, C, size, size)), numbers(tg, O, C // groups, k, k)

    def to_input(tg: Any) -> Callable:
        f, x, w = inputs(tg)
        return backward(tg, f, x, w, to=x)

    def to_weight(tg: Any) -> Callable:
        f, x, w = inputs(tg)
        return backward(tg, f, x, w, to=w)

    return [("forward", lambda tg: forward(tg, *inputs(tg))), ("to input", to_input), ("to weight", to_weight)]


def both(name: str, f: Callable, ahead: float, back: float, inputs: Callable, **marks: bool) -> list[Op]:
    """Forward and the gradient in the first input; `ahead` and `back` are the bytes of each, 0 if there is no work."""
    marks = {"short": True, **marks}

    def to_input(tg: Any) -> Callable:
        args = inputs(tg)
        return backward(tg, lambda *a: f(tg, *a), *args, to=args[0])

    ahead_of = Op(f"{name} forward", lambda tg: forward(tg, lambda *a: f(tg, *a), *inputs(tg)), bytes=ahead, **marks)
    return [ahead_of, Op(f"{name} to input", to_input, bytes=back, **marks)][: 2 if back else 1]


def memory_bound() -> list[Op]:
    shape = (32, 64, 64, 64)
    big = 4 * 32 * 64 * 64 * 64  # bytes of such a picture
    logits = 4 * 4096 * 1000

    def pictures(tg: Any) -> tuple:
        return (picture(tg, shape),)

    def normed(tg: Any, x: Any, weight: Any, bias: Any) -> Any:
        return tg.nn.functional.batch_norm(x, None, None, weight, bias, training=True)

    def with_scale(tg: Any) -> tuple:
        return picture(tg, shape), numbers(tg, 64), numbers(tg, 64)

    def classified(tg: Any) -> tuple:
        return numbers(tg, 4096, 1000), tg.from_numpy(np.arange(4096) % 1000)

    return [
        *both("relu, 32×64×64²", lambda tg, x: tg.relu(x), 2 * big, 3 * big, pictures),
        *both("batch_norm, 32×64×64²", normed, 3 * big, 5 * big, with_scale),
        *both(
            "max_pool2d 2, 32×64×64²", lambda tg, x: tg.nn.functional.max_pool2d(x, 2), 1.25 * big, 2.25 * big, pictures
        ),
        *both(
            "avg_pool2d 2, 32×64×64²",
            lambda tg, x: tg.nn.functional.avg_pool2d(x, 2),
            1.25 * big,
            1.25 * big,
            pictures,
            short=False,
        ),
        *both(
            "cross_entropy, 4096×1000",
            lambda tg, x, y: tg.nn.functional.cross_entropy(x, y),
            logits,
            2 * logits,
            classified,
        ),
        Op("add, 32×64×64²", lambda tg: forward(tg, lambda x: x + x, picture(tg, shape)), bytes=2 * big),
        Op("sum, 32×64×64²", lambda tg: forward(tg, lambda x: x.sum(), picture(tg, shape)), bytes=big),
        Op("SGD with momentum, 10 million", lambda tg: update(tg, "SGD", momentum=0.9), bytes=4e7 * 5, short=True),
        Op("Adam, 10 million", lambda tg: update(tg, "Adam"), bytes=4e7 * 7, short=True),
    ]


def million() -> list[Op]:
    def inputs(tg: Any) -> tuple:
        rng = np.random.default_rng(0)
        return tuple(tg.from_numpy(rng.random(SHAPE, dtype=np.float32) * np.float32(2)) for _ in range(2))

    found = []
    for name, (f, ahead, back) in MILLION.items():
        found += both(f"{name}, 1 M", f, ahead * BYTES, back * BYTES, inputs, short=False, million=True)
    return found


def update(tg: Any, name: str, **options: float) -> Callable:
    """The step of an optimizer over ten parameters of a million numbers."""
    parameters = [tg.nn.Parameter(numbers(tg, 1000, 1000)) for _ in range(10)]
    for p in parameters:
        p.grad = numbers(tg, 1000, 1000)
    return getattr(tg.optim, name)(parameters, lr=1e-6, **options).step


def linear(N: int, I: int, O: int) -> list[Op]:
    def inputs(tg: Any) -> tuple:
        return numbers(tg, N, I), numbers(tg, O, I)

    def to(which: int) -> Callable:
        def make(tg: Any) -> Callable:
            args = inputs(tg)
            return backward(tg, tg.nn.functional.linear, *args, to=args[which])

        return make

    def ahead(tg: Any) -> Callable:
        return forward(tg, tg.nn.functional.linear, *inputs(tg))

    made = (("forward", ahead), ("to input", to(0)), ("to weight", to(1)))
    return [Op(f"linear {I}→{O}, {N} {what}", make, flop=2 * N * I * O, short=True) for what, make in made]


OPS = {
    op.name: op
    for op in (
        *(op for N in (32, 128) for C, size in ((32, 32), (64, 32), (128, 16), (256, 8))
          for op in convolution(N, C, C, size, short=N == 32)),
        *convolution(32, 3, 64, 32),
        *convolution(32, 64, 64, 32, k=1),
        *convolution(32, 32, 64, 16, k=5),
        *convolution(32, 64, 128, 32, stride=2),
        *depthwise(32, 128, 32),
        *linear(128, 9216, 128),
        *memory_bound(),
        *million(),
    )
}  # fmt: skip

_answers: list[bool] = []  # the last of winograd.pays, since the op was made
_watched = False


def make(name: str, threads: int, direct: bool) -> tuple[Callable, dict]:
    """The op of this name, and by what algorithm it is done; `direct` forbids the transformed convolution.

    A process either always forbids it or never.
    """
    import tinygrad_cnn as tg

    tg.set_num_threads(threads)
    watch(direct)
    call = OPS[name].make(tg)
    _answers.clear()
    call()
    return call, {"algorithm": "winograd" if _answers and _answers[-1] else "direct"}


def watch(direct: bool) -> None:
    """Note what is decided about each convolution, and with `direct` decide against the transformed one."""
    global _watched
    from tinygrad_cnn import kernels

    if _watched or kernels.status()["kernels"] != "fast":
        return
    from tinygrad_cnn.kernels.fast import winograd

    pays = winograd.pays

    def noted(*args: Any) -> bool:
        _answers[:] = [pays(*args) and not direct]
        return _answers[-1]

    winograd.pays, _watched = noted, True  # type: ignore[assignment]
