"""Activation functions as layers: for Sequential, and to be seen in a repr."""

from __future__ import annotations

import warnings
from typing import Any

from ..arrays.lines import user_level
from ..arrays.types import DType
from ..engine.tensor import Tensor
from ..surface.creation import full
from . import functional as F
from .module import Module
from .parameter import Parameter


class Sigmoid(Module):
    """1 / (1 + e^-input)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Sigmoid()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5   , 0.7311], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """(e^input - e^-input) / (e^input + e^-input)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Tanh()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.    ,  0.7616], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(Module):
    """log sigmoid(input) = -log(1 + e^-input)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LogSigmoid()(tg.tensor([-100.0, 0.0]))
    tensor([-100.    ,   -0.6931], shape=(2,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """input / (1 + |input|)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softsign()(tg.tensor([-3.0, 1.0])).tolist()
    [-0.75, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """input - tanh(input)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Tanhshrink()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2384,  0.    ,  0.2384], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class _InPlace(Module):
    """A function whose only argument is `inplace`: whether the input itself is changed."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """max(input, 0) (Nair and Hinton, 2010)

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1.0, 2.0], requires_grad=True)
    >>> out = tg.nn.ReLU()(x)
    >>> out.sum().backward()
    >>> out.tolist(), x.grad.tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class SELU(_InPlace):
    """scale · elu(input, alpha), with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017)

    scale = 1.0507..., alpha = 1.6732...; weights begin best with `init.kaiming_normal_(weight, nonlinearity="linear")`.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.SELU()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.1113,  0.    ,  1.0507], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class SiLU(_InPlace):
    """input · sigmoid(input) (Elfwing et al., 2018)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.SiLU()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.    ,  0.7311], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(_InPlace):
    """input · tanh(softplus(input)) (Misra, 2019)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Mish()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.3034,  0.    ,  0.8651], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Hardsigmoid(_InPlace):
    """min(max(input / 6 + 1/2, 0), 1): a sigmoid of straight lines

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Hardsigmoid()(tg.tensor([-4.0, 0.0, 1.5])).tolist()
    [0.0, 0.5, 0.75]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardswish(_InPlace):
    """input · hardsigmoid(input) (Howard et al., 2019)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Hardswish()(tg.tensor([-1.5, 1.5, 4.0])).tolist()
    [-0.375, 1.125, 4.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class LeakyReLU(Module):
    """input where it is positive, negative_slope · input elsewhere (Maas et al., 2013)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LeakyReLU(0.25)(tg.tensor([-2.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class RReLU(Module):
    """leaky_relu with a random slope between lower and upper in training, their mean otherwise (Xu et al., 2015)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.RReLU(0.25, 0.75)
    >>> layer.eval()(tg.tensor([-2.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """input where it is positive, weight · input elsewhere; weight is learned, one for all or one for each channel

    num_parameters: 1, or the size of axis 1 of the input. weight starts at `init` (He et al., 2015).

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.PReLU(init=0.5)
    >>> layer(tg.tensor([-2.0, 2.0])).sum().backward()
    >>> layer.weight.grad.tolist()
    [-2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: DType | None = None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Hardtanh(Module):
    """min(max(input, min_val), max_val); ValueError unless min_val < max_val

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Hardtanh(-1, 2)(tg.tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 2.0]
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ):
        super().__init__()
        if min_value is not None:
            warnings.warn("Hardtanh: min_value is deprecated, use min_val", FutureWarning, stacklevel=user_level())
            min_val = min_value
        if max_value is not None:
            warnings.warn("Hardtanh: max_value is deprecated, use max_val", FutureWarning, stacklevel=user_level())
            max_val = max_value
        if min_val >= max_val:
            raise ValueError(f"{type(self).__name__}: max_val must be larger than min_val, got {min_val} and {max_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """min(max(input, 0), 6)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReLU6()(tg.tensor([-3.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(Module):
    """input where it is larger than threshold, value elsewhere

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Threshold(1.0, -5.0)(tg.tensor([0.5, 1.0, 1.5])).tolist()
    [-5.0, -5.0, 1.5]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """input where it is positive, alpha · (e^input - 1) elsewhere (Clevert et al., 2016)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ELU()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.6321,  0.    ,  1.    ], shape=(3,), dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(ELU):
    """input where it is positive, alpha · (e^(input/alpha) - 1) elsewhere, whose slope is 1 at 0 (Barron, 2017)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.CELU(2.0)(tg.tensor([-2.0, 0.0, 1.0]))
    tensor([-1.2642,  0.    ,  1.    ], shape=(3,), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class GELU(Module):
    """input · Φ(input), Φ the normal distribution (Hendrycks and Gimpel, 2016)

    approximate="tanh" is the quicker formula input · (1 + tanh(√(2/π)·(input + 0.044715·input³))) / 2.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.GELU()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.    ,  0.8413], shape=(3,), dtype=float32)
    """

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + e^(beta·input)) / beta, and the input itself where beta·input is above threshold

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softplus()(tg.tensor([-1.0, 0.0, 100.0]))
    tensor([  0.3133,   0.6931, 100.    ], shape=(3,), dtype=float32)
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(Module):
    """input moved towards 0 by lambd: input - lambd above it, input + lambd below -lambd, 0 between

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softshrink(0.5)(tg.tensor([-2.0, 0.25, 2.0])).tolist()
    [-1.5, 0.0, 1.5]
    """

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Softshrink):
    """input, 0 where it is between -lambd and lambd

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Hardshrink(0.5)(tg.tensor([-2.0, 0.25, 2.0])).tolist()
    [-2.0, 0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)


class GLU(Module):
    """The first half of axis dim times the sigmoid of the second (Dauphin et al., 2017)        (..., 2n) -> (..., n)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.GLU()(tg.tensor([2.0, 4.0, 0.0, 100.0])).tolist()
    [1.0, 4.0]
    """

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class _AlongDim(Module):
    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """exp(input) / Σ exp(input) along dim

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softmax(dim=1)(tg.tensor([[-1.0, 0.0, 1.0]]))
    tensor([[0.09  , 0.2447, 0.6652]], shape=(1, 3), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_AlongDim):
    """exp(-input) / Σ exp(-input) along dim

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softmin(dim=1)(tg.tensor([[-1.0, 0.0, 1.0]]))
    tensor([[0.6652, 0.2447, 0.09  ]], shape=(1, 3), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """input - log Σ exp(input) along dim

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LogSoftmax(dim=1)(tg.tensor([[1000.0, 1000.0]]))
    tensor([[-0.6931, -0.6931]], shape=(1, 2), dtype=float32)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """softmax over the channels of each pixel        (N,C,H,W) or (C,H,W) -> the same

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Softmax2d()(tg.zeros(1, 4, 1, 2)).flatten().tolist()
    [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
        return F.softmax(input, -3)
