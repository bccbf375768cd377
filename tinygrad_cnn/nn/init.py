"""Initial values of weights. Every function fills a tensor in place, outside of the graph, and returns it.

fan_in and fan_out are the numbers of inputs of one output and of outputs of one input; a weight has shape
(out, in, *window), so fan_in = in·|window| and fan_out = out·|window|. Numbers are drawn in float64 and
rounded, so that one seed gives the same network in every dtype.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..arrays.arguments import forgiving
from ..arrays.lines import user_level
from ..arrays.older import older
from ..arrays.quiet import quietly
from ..engine.tensor import Tensor
from ..random import Generator, rng
from ..surface.sampling import between


def _fill(name: str, tensor: Tensor, values: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
    np.copyto(tensor._array, values, casting="unsafe")
    tensor.version().bump(name)
    return tensor


@forgiving
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance of a signal through a nonlinearity.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2/(1+param²)) for leaky_relu, 3/4 for selu.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    gains = {
        **dict.fromkeys(["linear", "conv1d", "conv2d", "conv3d", "sigmoid"], 1.0),
        **dict.fromkeys(["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"], 1.0),
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "selu": 3.0 / 4,
    }
    if nonlinearity in gains:
        return gains[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(
            f"calculate_gain: unsupported nonlinearity {nonlinearity!r}; known are {', '.join([*gains, 'leaky_relu'])}"
        )
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, int | float):
        raise ValueError(f"calculate_gain: negative_slope {param!r} is not a valid number")
    return math.sqrt(2.0 / (1 + slope**2))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ValueError(
            "fan in and fan out can not be computed for a tensor with fewer than 2 dimensions, this one has shape "
            f"{tuple(tensor.shape)}; initialise it with uniform_, normal_ or zeros_"
        )
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"mode {mode!r} is not supported; use one of {', '.join(modes)}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


@forgiving
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """U(a, b): a ≤ x < b. RuntimeError where a > b.

    >>> import tinygrad_cnn as tg
    >>> w = uniform_(tg.empty(1000), -1, 1)
    >>> bool(w.min() >= -1 and w.max() < 1)
    True
    """
    if a > b:
        raise RuntimeError(f"uniform_: expects a <= b, got {a} and {b}")
    values = np.asarray(a + (b - a) * rng(generator).random(tensor._array.shape))
    return _fill("uniform_", tensor, between(values, a, b, tensor.dtype))


@forgiving
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(mean, std²). RuntimeError where std < 0.

    >>> import tinygrad_cnn as tg
    >>> w = normal_(tg.empty(10_000), mean=5.0)
    >>> abs(w.mean().item() - 5) < 0.1, abs(w.std().item() - 1) < 0.1
    (True, True)
    """
    if std < 0:
        raise RuntimeError(f"normal_: expected std >= 0, got {std}")
    return _fill("normal_", tensor, mean + std * rng(generator).standard_normal(tensor._array.shape))


@forgiving
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """N(mean, std²) among the values between a and b.

    Values are proposed and accepted or thrown away (von Neumann, 1951): proposals of the normal
    distribution are accepted inside of the bounds; where they rarely hit, uniform ones are accepted in
    proportion to the density.

    >>> import tinygrad_cnn as tg
    >>> w = trunc_normal_(tg.empty(1000), std=0.02, a=-0.02, b=0.02)
    >>> bool(abs(w).max() <= 0.02)
    True
    """
    if not (std > 0 and a < b):
        raise ValueError(f"trunc_normal_: expected std > 0 and a < b, got std={std}, a={a}, b={b}")
    low, high = (a - mean) / std, (b - mean) / std
    nearest = min(max(low, 0.0), high)  # where the density is highest
    far = abs(nearest) + min(10.0, 40 / max(abs(nearest), 1.0))  # what lies beyond never happens
    low, high = max(low, -far), min(high, far)
    inside = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    draw = rng(generator)
    found = np.empty(0)
    while len(found) < tensor._array.size:
        n = 2 * (tensor._array.size - len(found)) + 16
        if inside > 0.25:
            proposed = draw.standard_normal(n)
            accepted = (low <= proposed) & (proposed <= high)
        else:
            proposed = low + (high - low) * draw.random(n)
            accepted = draw.random(n) <= np.exp((nearest**2 - proposed**2) / 2)
        found = np.concatenate([found, proposed[accepted]])
    values = np.clip(mean + std * found[: tensor._array.size], a, b)
    return _fill("trunc_normal_", tensor, values.reshape(tensor.shape))


@forgiving
def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere.

    >>> import tinygrad_cnn as tg
    >>> constant_(tg.empty(3), 0.5).tolist()
    [0.5, 0.5, 0.5]
    """
    return _fill("constant_", tensor, val)


@forgiving
def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    >>> import tinygrad_cnn as tg
    >>> ones_(tg.empty(3)).tolist()
    [1.0, 1.0, 1.0]
    """
    return _fill("ones_", tensor, 1.0)


@forgiving
def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    >>> import tinygrad_cnn as tg
    >>> zeros_(tg.empty(3)).tolist()
    [0.0, 0.0, 0.0]
    """
    return _fill("zeros_", tensor, 0.0)


@forgiving
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix: 1 on the diagonal, 0 elsewhere. ValueError where the tensor is no matrix.

    >>> import tinygrad_cnn as tg
    >>> eye_(tg.empty(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_: only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}")
    return _fill("eye_", tensor, np.eye(*tensor.shape))


@forgiving
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight (out, in, *window) that passes its input on: 1 in the middle of channel i -> i.

    groups: the same in each group. ValueError for another number of dimensions than 3 to 5, or where groups do not
    divide out.

    >>> import tinygrad_cnn as tg
    >>> dirac_(tg.empty(2, 2, 3)).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: only tensors with 3 to 5 dimensions are supported, got shape {tuple(tensor.shape)}")
    out, channels, *window = tensor.shape
    if out % groups:
        raise ValueError(f"dirac_: {out} output channels cannot be divided by groups={groups}")
    values = np.zeros(tensor.shape)
    middle = tuple(n // 2 for n in window)
    for group in range(groups):
        for i in range(min(out // groups, channels)):
            values[group * (out // groups) + i, i][middle] = 1
    return _fill("dirac_", tensor, values)


@forgiving
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """U(-a, a), a = gain·√(6 / (fan_in + fan_out)): keeps variance both ways (Glorot and Bengio, 2010).

    gain: see `calculate_gain`. ValueError for fewer than 2 dimensions.

    >>> import tinygrad_cnn as tg
    >>> w = xavier_uniform_(tg.empty(2, 4))  # a = √(6/6)
    >>> bool(abs(w).max() <= 1)
    True
    """
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


@forgiving
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std²), std = gain·√(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    ValueError for fewer than 2 dimensions.

    >>> import tinygrad_cnn as tg
    >>> w = xavier_normal_(tg.empty(100, 100))
    >>> abs(w.std().item() - 0.1) < 0.01
    True
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    if 0 in tensor._array.shape:
        warnings.warn("initializing zero-element tensors is a no-op", stacklevel=user_level())
        return None
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


@forgiving
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """U(-b, b), b = gain·√(3 / fan): keeps variance through rectifiers (He et al., 2015).

    a: the negative slope of leaky_relu. mode: "fan_in" for the signal, "fan_out" for the gradient. nonlinearity: which
    gain, see `calculate_gain`. ValueError for fewer than 2 dimensions, or another mode.

    >>> import tinygrad_cnn as tg
    >>> w = kaiming_uniform_(tg.empty(5, 6), nonlinearity="relu")  # b = √2·√(3/6)
    >>> bool(abs(w).max() <= 1)
    True
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


@forgiving
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, std²), std = gain / √fan (He et al., 2015); the arguments are those of `kaiming_uniform_`.

    >>> import tinygrad_cnn as tg
    >>> w = kaiming_normal_(tg.empty(100, 200), nonlinearity="relu")  # std = √(2/200)
    >>> abs(w.std().item() - 0.1) < 0.01
    True
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


@forgiving
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain·Q with orthonormal rows or columns of the matrix (out, the rest) (Saxe et al., 2014).

    ValueError for fewer than 2 dimensions.

    >>> import tinygrad_cnn as tg
    >>> q = orthogonal_(tg.empty(2, 5))
    >>> tg.allclose(q @ q.T, tg.eye(2), atol=1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"orthogonal_: only tensors with 2 or more dimensions are supported, got shape {tuple(tensor.shape)}"
        )
    if tensor._array.size == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor._array.size // rows
    flat = rng(generator).standard_normal((rows, columns))
    q, r = quietly(np.linalg.qr, flat.T if rows < columns else flat)
    q *= np.sign(np.diag(r))  # makes Q uniformly distributed (Mezzadri, 2007)
    return _fill("orthogonal_", tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


@forgiving
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """N(0, std²) with the given share of every column set to 0 (Martens, 2010).

    ValueError where the tensor is no matrix.

    >>> import tinygrad_cnn as tg
    >>> (sparse_(tg.empty(10, 3), sparsity=0.7) == 0).sum(0).tolist()
    [7, 7, 7]
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    draw = rng(generator)
    values = std * draw.standard_normal((rows, columns))
    for column in range(columns):
        values[draw.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _fill("sparse_", tensor, values)


# The names of before PyTorch 0.4.

constant = older(constant_)
dirac = older(dirac_)
eye = older(eye_)
kaiming_normal = older(kaiming_normal_)
kaiming_uniform = older(kaiming_uniform_)
normal = older(normal_)
orthogonal = older(orthogonal_)
sparse = older(sparse_)
uniform = older(uniform_)
xavier_normal = older(xavier_normal_)
xavier_uniform = older(xavier_uniform_)
