"""The package's face.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

import builtins
from typing import Any
from typing import Literal
from typing import overload
from collections.abc import Sequence
import numpy as np
from tinygrad_cnn.arrays.types import Axis
from tinygrad_cnn.arrays.types import DType
from tinygrad_cnn.arrays.types import Number
from tinygrad_cnn.arrays.types import Shape
from tinygrad_cnn.arrays.types import Window
from tinygrad_cnn.ops.extreme import Chosen
from tinygrad_cnn.ops.extreme import MinMax
from tinygrad_cnn.ops.factors import LU
from tinygrad_cnn.ops.factors import QR
from tinygrad_cnn.ops.former import SVDWithV
from tinygrad_cnn.ops.former import TriangularSolution
from tinygrad_cnn.ops.histogram import Histogram
from tinygrad_cnn.ops.numbers import Frexp
from tinygrad_cnn.ops.solve import SLogDet

from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from . import autograd as autograd
from .arrays.device import device as device
from .arrays.device import get_default_device as get_default_device
from .arrays.device import layout as layout
from .arrays.device import set_default_device as set_default_device
from .arrays.device import strided as strided
from .arrays.dtypes import bool as bool
from .arrays.dtypes import can_cast as can_cast
from .arrays.dtypes import double as double
from .arrays.dtypes import dtype as dtype
from .arrays.dtypes import finfo as finfo
from .arrays.dtypes import float as float
from .arrays.dtypes import float16 as float16
from .arrays.dtypes import float32 as float32
from .arrays.dtypes import float64 as float64
from .arrays.dtypes import get_default_dtype as get_default_dtype
from .arrays.dtypes import half as half
from .arrays.dtypes import iinfo as iinfo
from .arrays.dtypes import int as int
from .arrays.dtypes import int8 as int8
from .arrays.dtypes import int16 as int16
from .arrays.dtypes import int32 as int32
from .arrays.dtypes import int64 as int64
from .arrays.dtypes import is_floating_point as is_floating_point
from .arrays.dtypes import long as long
from .arrays.dtypes import promote_types as promote_types
from .arrays.dtypes import set_default_dtype as set_default_dtype
from .arrays.dtypes import short as short
from .arrays.dtypes import uint8 as uint8
from .arrays.size import Size as Size
from .autograd import enable_grad as enable_grad
from .autograd import inference_mode as inference_mode
from .autograd import no_grad as no_grad
from .autograd import set_grad_enabled as set_grad_enabled
from .autograd.grad_mode import is_grad_enabled as is_grad_enabled
from .autograd.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from .compiler import compile as compile
from .engine.call import op as op
from .engine.tensor import Tensor as Tensor
from .kernels.deterministic import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from .kernels.deterministic import get_deterministic_debug_mode as get_deterministic_debug_mode
from .kernels.deterministic import is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled
from .kernels.deterministic import set_deterministic_debug_mode as set_deterministic_debug_mode
from .kernels.deterministic import use_deterministic_algorithms as use_deterministic_algorithms
from .kernels.threads import get_num_threads as get_num_threads
from .kernels.threads import set_num_threads as set_num_threads
from .ops.declared import appears as appears
from .ops.shape import channels_last as channels_last
from .ops.shape import contiguous_format as contiguous_format
from .ops.shape import memory_format as memory_format
from .ops.shape import preserve_format as preserve_format
from .random import Generator as Generator
from .random import default_generator as default_generator
from .random import get_rng_state as get_rng_state
from .random import initial_seed as initial_seed
from .random import manual_seed as manual_seed
from .random import seed as seed
from .random import set_rng_state as set_rng_state
from .surface.typed import BoolTensor as BoolTensor
from .surface.typed import ByteTensor as ByteTensor
from .surface.typed import CharTensor as CharTensor
from .surface.typed import DoubleTensor as DoubleTensor
from .surface.typed import FloatTensor as FloatTensor
from .surface.typed import HalfTensor as HalfTensor
from .surface.typed import IntTensor as IntTensor
from .surface.typed import LongTensor as LongTensor
from .surface.typed import ShortTensor as ShortTensor
from . import accelerator as accelerator
from . import amp as amp
from . import backends as backends
from . import checkpoint as checkpoint
from . import cuda as cuda
from . import data as data
from . import distributed as distributed
from . import distributions as distributions
from . import func as func
from . import kernels as kernels
from . import linalg as linalg
from . import metrics as metrics
from . import multiprocessing as multiprocessing
from . import nn as nn
from . import onnx as onnx
from . import optim as optim
from . import profiler as profiler
from . import serialization as serialization
from . import testing as testing
from . import training as training
from . import utils as utils
from . import vision as vision
from . import viz as viz
from .serialization import load as load
from .serialization import save as save
from .func import vmap as vmap
from .autograd import is_anomaly_enabled as is_anomaly_enabled
from .amp import GradScaler as GradScaler
from .amp import autocast as autocast
from .amp import is_autocast_enabled as is_autocast_enabled
from .backends import get_float32_matmul_precision as get_float32_matmul_precision
from .backends import get_num_interop_threads as get_num_interop_threads
from .backends import set_float32_matmul_precision as set_float32_matmul_precision
from .backends import set_flush_denormal as set_flush_denormal
from .backends import set_num_interop_threads as set_num_interop_threads

__version__: builtins.str
newaxis: None

def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """|input|; the gradient at 0 is 0."""

def abs_(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0."""

def absolute(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """|input|; the gradient at 0 is 0."""

def absolute_(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0."""

def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in [0, π] whose cosine is input."""

def acos_(input: Tensor) -> Tensor:
    """The angle in [0, π] whose cosine is input."""

def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number >= 0 whose cosh is input; NaN below 1."""

def acosh_(input: Tensor) -> Tensor:
    """The number >= 0 whose cosh is input; NaN below 1."""

def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """mean over P windows that cover the row        (N,C,L) -> (N,C,P)"""

@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: builtins.bool = False) -> Any:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""

def add(input: Tensor | Number, other: Tensor | Number, *, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input + alpha · other."""

def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """beta·input + alpha·Σ batch1[i] @ batch2[i]        (B, n, k) (B, k, m) -> (n, m)"""

def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input + value · tensor1 / tensor2, of floating tensors."""

def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input + value · tensor1 · tensor2."""

def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """beta · input + alpha · mat1 @ mat2; input broadcasts to (N, M)."""

def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """beta · input + alpha · mat @ vec."""

def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
    """beta · input + alpha · mat @ vec."""

def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """beta·input + alpha·vec1[i]·vec2[j]        input broadcasts to (n, m)"""

def adjoint(input: Tensor) -> Tensor:
    """The last two axes change places: the transposed matrices of a batch; a number has none."""

def all(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether all elements along `dim` are not zero."""

def allclose(input: Tensor, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> builtins.bool:
    """Whether all elements are close: |input - other| <= atol + rtol · |other|; a Python bool."""

def alpha_dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False) -> Tensor:
    """Dropout for SELU networks, which keeps mean 0 and variance 1        any shape -> the same"""

def alpha_dropout_(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False) -> Tensor:
    """Dropout for SELU networks, which keeps mean 0 and variance 1        any shape -> the same"""

def amax(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """The greatest element along dim; NaN if there is one."""

def amin(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """The smallest element along dim; NaN if there is one."""

def aminmax(input: Tensor, *, dim: builtins.int | None = None, keepdim: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> MinMax:
    """The smallest and the greatest element along dim, as (min, max)."""

def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle to the positive numbers: π for negative ones, 0 for the others, NaN for NaN."""

def any(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether any element along `dim` is not zero."""

def arange(start: Any = None, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """start, start + step, ... below end; arange(end) begins at 0. int64 for ints, else the default floating dtype."""

def arccos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in [0, π] whose cosine is input."""

def arccos_(input: Tensor) -> Tensor:
    """The angle in [0, π] whose cosine is input."""

def arccosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number >= 0 whose cosh is input; NaN below 1."""

def arccosh_(input: Tensor) -> Tensor:
    """The number >= 0 whose cosh is input; NaN below 1."""

def arcsin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is input."""

def arcsin_(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is input."""

def arcsinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose sinh is input."""

def arcsinh_(input: Tensor) -> Tensor:
    """The number whose sinh is input."""

def arctan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is input."""

def arctan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (other, input) to the x axis, in (-π, π]."""

def arctan_(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is input."""

def arctanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose tanh is input; NaN beyond -1 and 1."""

def arctanh_(input: Tensor) -> Tensor:
    """The number whose tanh is input; NaN beyond -1 and 1."""

def argmax(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """Where the greatest element along dim stands, the first of equal ones; without dim in the flattened tensor."""

def argmin(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """Where the smallest element along dim stands, the first of equal ones; without dim in the flattened tensor."""

def argsort(input: Tensor, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """The places that bring the elements along dim in order; equal ones keep theirs, stable or not."""

def argwhere(input: Tensor) -> Tensor:
    """The places that are not zero, a row each        -> (n, ndim) int64"""

def as_strided(input: Tensor, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
    """The memory of input with these sizes and strides, counted in elements from storage_offset on. A view."""

def as_strided_(input: Tensor, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
    """The memory of input with these sizes and strides, counted in elements from storage_offset on. A view."""

def as_strided_scatter(input: Tensor, src: Tensor, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
    """input with what `as_strided` sees of it replaced by src."""

def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The data as a tensor: itself where it is one of this dtype, an array without a copy, else a new one."""

def asarray(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The data as a tensor: itself where it is one of this dtype, an array without a copy, else a new one."""

def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is input."""

def asin_(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is input."""

def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose sinh is input."""

def asinh_(input: Tensor) -> Tensor:
    """The number whose sinh is input."""

def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is input."""

def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (other, input) to the x axis, in (-π, π]."""

def atan_(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is input."""

def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose tanh is input; NaN beyond -1 and 1."""

def atanh_(input: Tensor) -> Tensor:
    """The number whose tanh is input; NaN beyond -1 and 1."""

@overload
def atleast_1d(tensor: Tensor, /) -> Tensor:
    """Each tensor with at least one axis."""
@overload
def atleast_1d(*tensors: Tensor) -> builtins.tuple[Tensor, ...]:
    """Each tensor with at least one axis."""

@overload
def atleast_2d(tensor: Tensor, /) -> Tensor:
    """Each tensor with at least two axes; new ones come in front."""
@overload
def atleast_2d(*tensors: Tensor) -> builtins.tuple[Tensor, ...]:
    """Each tensor with at least two axes; new ones come in front."""

@overload
def atleast_3d(tensor: Tensor, /) -> Tensor:
    """Each tensor with at least three axes: (n,) -> (1, n, 1), (n, m) -> (n, m, 1)"""
@overload
def atleast_3d(*tensors: Tensor) -> builtins.tuple[Tensor, ...]:
    """Each tensor with at least three axes: (n,) -> (1, n, 1), (n, m) -> (n, m, 1)"""

def avg_pool1d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True) -> Tensor:
    """mean of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)"""

def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """beta · input + alpha · batch1 @ batch2."""

def bartlett_window(window_length: builtins.int, periodic: builtins.bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A triangle: 1 - |2k / n - 1|, k = 0 ... n - 1; for one that is not periodic n is window_length - 1."""

def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None, training: builtins.bool = False, momentum: builtins.float = 0.1, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)"""

def bernoulli(input: Tensor, p: Tensor | builtins.float | None = None, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
    """1 with the probability that stands in input (or with probability p everywhere), else 0."""

def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """out[..., o] = Σᵢⱼ input1[..., i] · weight[o, i, j] · input2[..., j] + bias[o]."""

def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', pos_weight: Tensor | None = None) -> Tensor:
    """mean of -target·log σ(input) - (1-target)·log(1-σ(input)), σ the sigmoid        any shape twice -> ()"""

def bincount(input: Tensor, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
    """How often each integer 0, 1, ... occurs, or the sum of its weights        (n,) -> (max + 1,)"""

def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of count tries succeed where each does with probability prob; the shapes broadcast."""

def bitwise_and(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input & other, bit by bit; for bool: both."""

def bitwise_left_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input << other."""

def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """~input, bit by bit; for bool: not."""

def bitwise_or(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input | other, bit by bit; for bool: one or both."""

def bitwise_right_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input >> other; the sign stays."""

def bitwise_xor(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input ^ other, bit by bit; for bool: just one."""

def blackman_window(window_length: builtins.int, periodic: builtins.bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """0.42 - 0.5·cos(2πk / n) + 0.08·cos(4πk / n), k = 0 ... n - 1; not periodic, n is window_length - 1."""

def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of one, zeros elsewhere; a vector is a row."""

def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input[b] @ mat2[b]: (B, N, K) (B, K, M) -> (B, N, M)."""

def broadcast_shapes(*shapes: Shape) -> Size:
    """The shape that these broadcast to; RuntimeError where they do not."""

def broadcast_tensors(*tensors: Tensor) -> builtins.tuple[Tensor, ...]:
    """All tensors, expanded to the one shape that they broadcast to."""

def broadcast_to(input: Tensor, size: Sequence[builtins.int]) -> Tensor:
    """`expand`, under NumPy's name."""

def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: builtins.bool = False, right: builtins.bool = False, out: Tensor | None = None) -> Tensor:
    """The number of the bucket between boundaries in ascending order that each element falls into."""

def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of an element of each vector, a row each, in the order of the first        -> (n·m···, vectors)"""

def cat(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one behind the other along axis dim: (..., n1, ...) (..., n2, ...) -> (..., n1 + n2, ...)."""

def cdist(x1: Tensor, x2: Tensor, p: builtins.float = 2.0, compute_mode: builtins.str | None = 'use_mm_for_euclid_dist_if_necessary') -> Tensor:
    """out[i, j] = |x1[i] - x2[j]|, the p-norm        (..., P, M) (..., R, M) -> (..., P, R)"""

def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest integer >= input."""

def ceil_(input: Tensor) -> Tensor:
    """The smallest integer >= input."""

def celu(input: Tensor, alpha: builtins.float = 1.0) -> Tensor:
    """input where it is positive, else alpha · (e^(input / alpha) - 1)."""

def celu_(input: Tensor, alpha: builtins.float = 1.0) -> Tensor:
    """input where it is positive, else alpha · (e^(input / alpha) - 1)."""

def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of a chain of matrices: deprecated, as in PyTorch, for `linalg.multi_dot`, which takes a list."""

def channel_shuffle(input: Tensor, groups: builtins.int) -> Tensor:
    """Channels (group, k) in the order (k, group)        (N,C,...) -> (N,C,...)"""

def cholesky(input: Tensor, upper: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """L with input = L Lᵀ, or its transpose: deprecated, as in PyTorch, for `linalg.cholesky`."""

def cholesky_inverse(input: Tensor, upper: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A, where input is its triangle of `linalg.cholesky`: (B, N, N) -> (B, N, N)."""

def cholesky_solve(input: Tensor, input2: Tensor, upper: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """X of A X = input, where input2 is A's triangle of `linalg.cholesky`: (B, N, K) (B, N, N) -> (B, N, K)."""

def chunk(input: Tensor, chunks: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """At most `chunks` parts of one length along axis dim, the last may be shorter. Views."""

def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None, *, out: Tensor | None = None) -> Tensor:
    """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

def clamp_(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """min(input, max)"""

def clamp_max_(input: Tensor, max: Tensor | Number) -> Tensor:
    """min(input, max)"""

def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """max(input, min)"""

def clamp_min_(input: Tensor, min: Tensor | Number) -> Tensor:
    """max(input, min)"""

def clip(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None, *, out: Tensor | None = None) -> Tensor:
    """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

def clip_(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

def clone(input: Tensor, memory_format: memory_format | None = None) -> Tensor:
    """A copy, in memory of its own; the gradient passes through."""

def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side along axis 1; a number or a vector is a column."""

def combinations(input: Tensor, r: builtins.int = 2, with_replacement: builtins.bool = False) -> Tensor:
    """All choices of r elements of a vector, in their order, a row each; with_replacement, also the same one again."""

def concat(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one behind the other along axis dim: (..., n1, ...) (..., n2, ...) -> (..., n1 + n2, ...)."""

def concatenate(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one behind the other along axis dim: (..., n1, ...) (..., n2, ...) -> (..., n1 + n2, ...)."""

def conj(input: Tensor) -> Tensor:
    """input itself: a real number is its own conjugate."""

def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`conj`, which elsewhere is a copy; of real numbers it is input itself."""

def conj_physical_(input: Tensor) -> Tensor:
    """`conj`, which elsewhere is a copy; of real numbers it is input itself."""

def constant_pad_nd(input: Tensor, pad: builtins.tuple, value: Number = 0.0) -> Tensor:
    """`pad` with a constant. Padding by a negative number cuts off, so it is its own way back."""

def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, dilation: Window = 1, groups: builtins.int = 1) -> Tensor:
    """Σ input[n,c,ps+i]·weight[o,c,i] + bias[o]        (N,C,L) (O,C/G,w) (O,) -> (N,O,P)"""

def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, dilation: Window = 1, groups: builtins.int = 1) -> Tensor:
    """Σ input[n,c,ps+i,qs+j]·weight[o,c,i,j] + bias[o]        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)"""

def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, dilation: Window = 1, groups: builtins.int = 1) -> Tensor:
    """Σ input[n,c,ps+k,qs+i,rs+j]·weight[o,c,k,i,j] + bias[o]        (N,C,D,H,W) (O,C/G,d,h,w) (O,) -> (N,O,P,Q,R)"""

def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, output_padding: Window = 0, groups: builtins.int = 1, dilation: Window = 1) -> Tensor:
    """Σ input[n,c,p]·weight[c,o,i] at [n,o,ps+i], + bias[o]        (N,C,P) (C,O/G,w) (O,) -> (N,O,L)"""

def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, output_padding: Window = 0, groups: builtins.int = 1, dilation: Window = 1) -> Tensor:
    """Σ input[n,c,p,q]·weight[c,o,i,j] at [n,o,ps+i,qs+j], + bias[o]        (N,C,P,Q) (C,O/G,h,w) (O,) -> (N,O,H,W)"""

def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Window = 1, padding: Window | builtins.str = 0, output_padding: Window = 0, groups: builtins.int = 1, dilation: Window = 1) -> Tensor:
    """Σ input[n,c,p,q,r]·weight[c,o,k,i,j] at [n,o,ps+k,qs+i,rs+j]    (N,C,P,Q,R) (C,O/G,d,h,w) (O,) -> (N,O,D,H,W)"""

def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """|input| with the sign of other, also of -0.0; integers become floating."""

def corrcoef(input: Tensor) -> Tensor:
    """The correlations of variables, a row each: cov(x, y) / √(var x · var y)        (V, n) -> (V, V)"""

def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """cos(input)."""

def cos_(input: Tensor) -> Tensor:
    """cos(input)."""

def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """(e^input + e^-input) / 2."""

def cosh_(input: Tensor) -> Tensor:
    """(e^input + e^-input) / 2."""

def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: builtins.float = 0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of 1 - cos where target is 1, max(0, cos - margin) where it is -1        (N,D) (N,D) (N,) -> ()"""

def cosine_similarity(x1: Tensor, x2: Tensor, dim: builtins.int = 1, eps: builtins.float = 1e-08) -> Tensor:
    """x1·x2 / (max(|x1|, eps)·max(|x2|, eps)) along dim        two shapes that broadcast -> without dim"""

def count_nonzero(input: Tensor, dim: Axis | None = None) -> Tensor:
    """How many elements along dim are not zero, int64."""

def cov(input: Tensor, *, correction: builtins.int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """The covariances of variables, a row each: Σ (x - mean x)·(y - mean y) / (n - correction)        (V, n) -> (V, V)"""

def cross(input: Tensor, other: Tensor, dim: builtins.int | None = None, *, out: Tensor | None = None) -> Tensor:
    """As `linalg.cross`, along the first axis of length 3 where dim is not given, which is deprecated."""

def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[builtins.int], target_lengths: Tensor | Sequence[builtins.int], blank: builtins.int = 0, reduction: builtins.str = 'mean', zero_infinity: builtins.bool = False) -> Tensor:
    """-log Σ over all paths that say the text of Π over t of P[t, path[t]]        (T,N,C) (N,S) (N,) (N,) -> ()"""

def cummax(input: Tensor, dim: builtins.int, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The greatest of elements 0 to i along dim, as (values, indices)."""

def cummin(input: Tensor, dim: builtins.int, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The smallest of elements 0 to i along dim, as (values, indices)."""

def cumprod(input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """out[i] = input[0] · ... · input[i] along dim. The gradient is right where elements are 0."""

def cumsum(input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """out[i] = input[0] + ... + input[i] along dim."""

def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor:
    """`trapezoid` of the first 2, 3, ... elements along dim."""

def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input · π / 180."""

def deg2rad_(input: Tensor) -> Tensor:
    """input · π / 180."""

def det(input: Tensor) -> Tensor:
    """The determinant, as `linalg.det`: (B, N, N) -> (B)."""

def detach(input: Tensor) -> Tensor:
    """`input.detach()`: a tensor on the same memory that needs no gradient."""

def detach_(self: Tensor) -> Tensor:
    """In place: without history, a leaf that needs no gradient."""

def diag(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The diagonal of a matrix, a copy; of a vector, the matrix that has it as its diagonal."""

def diag_embed(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor:
    """Matrices of zeros with the rows of input on their diagonals        (..., n) -> (..., n, n)"""

def diagflat(input: Tensor, offset: builtins.int = 0) -> Tensor:
    """A matrix of zeros with all elements of input on a diagonal, `offset` above the main one."""

def diagonal(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
    """The elements whose places along dim1 and dim2 are equal (or `offset` apart), as the last axis. A view."""

def diagonal_scatter(input: Tensor, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
    """input with its diagonal, as `diagonal` gives it, replaced by src."""

def diff(input: Tensor, n: builtins.int = 1, dim: builtins.int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """out[i] = input[i + 1] - input[i] along dim, n times; prepend and append are joined to input first."""

def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of ln Γ; -inf at 0, NaN at -1, -2, ..."""

def dist(input: Tensor, other: Tensor, p: builtins.float = 2) -> Tensor:
    """|input - other|, the p-norm of all elements; the shapes broadcast."""

def div(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: builtins.str | None = None, out: Tensor | None = None) -> Tensor:
    """input / other, in floating numbers; rounding_mode "floor" or "trunc" rounds the quotient and keeps integers."""

def divide(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: builtins.str | None = None, out: Tensor | None = None) -> Tensor:
    """input / other, in floating numbers; rounding_mode "floor" or "trunc" rounds the quotient and keeps integers."""

def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Σ input · tensor: (K,) (K,) -> ()."""

def dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True) -> Tensor:
    """input · mask / (1-p), each element kept with probability 1-p        any shape -> the same"""

def dropout_(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True) -> Tensor:
    """input · mask / (1-p), each element kept with probability 1-p        any shape -> the same"""

def dsplit(input: Tensor, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
    """So many equal parts along axis 2, or parts that begin at the given places. Views."""

def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors behind each other along axis 2; a matrix is a layer, a vector a row of one."""

def eig(*args: Any, **kwargs: Any) -> Any:
    """Refused, as in PyTorch, which has removed it: use linalg.eig."""

def einsum(equation: builtins.str, *operands: Tensor) -> Tensor:
    """Σ of the products of the operands over all letters that stand before the arrow and not behind it."""

def embedding(input: Tensor, weight: Tensor, padding_idx: builtins.int | None = None, max_norm: builtins.float | None = None, norm_type: builtins.float = 2.0, scale_grad_by_freq: builtins.bool = False, sparse: builtins.bool = False) -> Tensor:
    """weight[input]: one row of the table for each number        (...) int, (V,D) -> (...,D)"""

def empty(*sizes: Shape, size: Shape | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """A tensor whose values are not set: whatever the memory held. memory_format: how they lie there."""

def empty_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """A tensor in the shape, dtype and layout of input, whose values are not set."""

def empty_strided(size: Sequence[builtins.int], stride: Sequence[builtins.int], *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of this shape whose elements lie in memory with these strides, counted in elements."""

def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input == other."""

def equal(input: Tensor | builtins.dict, other: Tensor | builtins.dict) -> builtins.bool:
    """Whether both have one shape and the same elements; a Python bool. Also of two states of a generator."""

def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2/√π ∫₀^input e^(-t²) dt."""

def erf_(input: Tensor) -> Tensor:
    """2/√π ∫₀^input e^(-t²) dt."""

def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 - erf(input), exact to the last digits where that is small."""

def erfc_(input: Tensor) -> Tensor:
    """1 - erf(input), exact to the last digits where that is small."""

def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The y with erf(y) = input; ±inf at ±1, NaN beyond."""

def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^input."""

def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2^input."""

def exp2_(input: Tensor) -> Tensor:
    """2^input."""

def exp_(input: Tensor) -> Tensor:
    """e^input."""

def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^input - 1, exact to the last digits for small input."""

def expm1_(input: Tensor) -> Tensor:
    """e^input - 1, exact to the last digits for small input."""

def eye(n: builtins.int, m: builtins.int | None = None, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """The n × n (or n × m) matrix with ones on its main diagonal."""

def feature_alpha_dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False) -> Tensor:
    """alpha_dropout of whole channels        (N,C,...) -> (N,C,...)"""

def feature_alpha_dropout_(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False) -> Tensor:
    """alpha_dropout of whole channels        (N,C,...) -> (N,C,...)"""

def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """`value`, a number, in the shape and dtype of input."""

def fill_(self: Tensor, value: Tensor | Number) -> Tensor:
    """In place: every element becomes this number."""

def fix(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The integer part: rounded towards zero."""

def fix_(input: Tensor) -> Tensor:
    """The integer part: rounded towards zero."""

def flatten(input: Tensor, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
    """One axis in place of the axes start_dim to end_dim."""

def flip(input: Tensor, dims: Sequence[builtins.int]) -> Tensor:
    """The order of the elements turned round along each axis of dims; a copy."""

def fliplr(input: Tensor) -> Tensor:
    """Mirrored: axis 1 turned round."""

def flipud(input: Tensor) -> Tensor:
    """Upside down: axis 0 turned round."""

def float_power(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent, computed in float64."""

def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest integer <= input."""

def floor_(input: Tensor) -> Tensor:
    """The greatest integer <= input."""

def floor_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """⌊input / other⌋: rounded towards minus infinity, as `//`."""

def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greater of the two; of a number and NaN the number."""

def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of the two; of a number and NaN the number."""

def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input - other · trunc(input / other): the sign is that of input, as in C."""

def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input - trunc(input): the part behind the point, with the sign of input."""

def frac_(input: Tensor) -> Tensor:
    """input - trunc(input): the part behind the point, with the sign of input."""

def frexp(input: Tensor, *, out: builtins.tuple[Tensor, ...] | None = None) -> Frexp:
    """input as mantissa · 2^exponent with ½ <= |mantissa| < 1. RuntimeError for integers."""

def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: builtins.bool | None = None) -> Tensor:
    """A tensor on the memory of a tensor or array of another library, or of a capsule of DLPack."""

def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of the array: a change of one is a change of the other."""

def frombuffer(buffer: Any, *, dtype: DType, count: builtins.int = -1, offset: builtins.int = 0, requires_grad: builtins.bool = False) -> Tensor:
    """The bytes of a buffer from `offset` on, read as `count` elements of a dtype, or as all; on the same memory: (N,)."""

def full(size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of one value; by default of the dtype that `tensor(fill_value)` would have."""

def full_like(input: Tensor, fill_value: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """One value in the shape, dtype and layout of input."""

def gather(input: Tensor, dim: builtins.int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1; out has the shape of index."""

def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor; gcd(0, n) is |n|. NotImplementedError for all but integers."""

def gcd_(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor; gcd(0, n) is |n|. NotImplementedError for all but integers."""

def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input >= other."""

def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element with each: (N,) (M,) -> (N, M)."""

def gradient(input: Tensor, *, spacing: Any = 1, dim: builtins.int | Sequence[builtins.int] | None = None, edge_order: builtins.int = 1) -> builtins.tuple[Tensor, ...]:
    """The slope of samples along each axis (or those in dim): central differences, at the ends those of edge_order."""

def greater(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input > other."""

def greater_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input >= other."""

def group_norm(input: Tensor, num_groups: builtins.int, weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...)"""

def gru(input: Tensor, hx: Tensor, params: Sequence, has_biases: builtins.bool, num_layers: builtins.int, dropout: builtins.float, train: builtins.bool, bidirectional: builtins.bool, batch_first: builtins.bool) -> builtins.tuple[Tensor, Tensor]:
    """h = (1 - z)·n + z·h        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)"""

def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """h = (1 - z)·n + z·h        (B,I) (B,H) (3H,I) (3H,H) (3H,) (3H,) -> (B,H)"""

def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input > other."""

def hamming_window(window_length: builtins.int, periodic: builtins.bool = True, alpha: builtins.float = 0.54, beta: builtins.float = 0.46, *, dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """alpha - beta·cos(2πk / n), k = 0 ... n - 1; for one that is not periodic n is window_length - 1."""

def hann_window(window_length: builtins.int, periodic: builtins.bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """sin²(πk / n), k = 0 ... n - 1; for one that is not periodic n is window_length - 1."""

def hardshrink(input: Tensor, lambd: builtins.float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """input, and 0 where -lambd <= input <= lambd."""

def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 where input is negative (or NaN), 1 where it is positive, values where it is 0. RuntimeError for two dtypes."""

def hinge_embedding_loss(input: Tensor, target: Tensor, margin: builtins.float = 1.0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of input where target is 1, max(0, margin - input) where it is -1        any shape twice -> ()"""

def histc(input: Tensor, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements fall into each of `bins` equal parts of [min, max]; if both are equal, of the input's range."""

def histogram(input: Tensor, bins: builtins.int | Tensor = 100, *, range: Sequence[builtins.float] | None = None, weight: Tensor | None = None, density: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> Histogram:
    """How many elements fall between neighbouring edges, as (hist, bin_edges); the last part includes its end."""

def hsplit(input: Tensor, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
    """So many equal parts along axis 1 (of a vector along axis 0), or parts that begin at the given places. Views."""

def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side: along axis 1, vectors along axis 0."""

def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """√(input² + other²), without overflow."""

def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Bessel's modified function of order 0: Σ (x²/4)^k / k!² over k = 0, 1, ... (A&S 9.6.12)"""

def i0_(input: Tensor) -> Tensor:
    """Bessel's modified function of order 0: Σ (x²/4)^k / k!² over k = 0, 1, ... (A&S 9.6.12)"""

def imag(input: Tensor) -> Tensor:
    """Refused: a real number has no imaginary part, and only real ones are here."""

def index_add(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input with alpha · source[i] added to slice index[i] of axis dim; repeated slices add up."""

def index_copy(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input with slice index[i] of axis dim replaced by source[i]."""

def index_fill(input: Tensor, dim: builtins.int, index: Tensor, value: Tensor | Number) -> Tensor:
    """input with the slices of axis dim that `index` names set to one value."""

def index_put(input: Tensor, indices: builtins.tuple, values: Tensor | Number, accumulate: builtins.bool = False) -> Tensor:
    """input with input[indices] = values; with accumulate, input[indices] += values, where repeated places add up."""

def index_put_(input: Tensor, indices: builtins.tuple, values: Tensor | Number, accumulate: builtins.bool = False) -> Tensor:
    """input with input[indices] = values; with accumulate, input[indices] += values, where repeated places add up."""

def index_reduce(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True, out: Tensor | None = None) -> Tensor:
    """`scatter_reduce` of whole slices: source[i] comes to slice index[i] of axis dim; prod, mean, amax or amin."""

def index_select(input: Tensor, dim: builtins.int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of axis dim that `index`, a vector of ints, names; a copy."""

def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Σ over the last axis of both: (..., K) (___, K) -> (..., ___)."""

def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: builtins.bool = True, momentum: builtins.float = 0.1, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)"""

def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse, as `linalg.inv`: (B, N, N) -> (B, N, N)."""

def is_complex(input: Tensor) -> builtins.bool:
    """Whether the elements are complex numbers."""

def is_conj(input: Tensor) -> builtins.bool:
    """Whether input is a view of conjugated numbers, which nothing here is."""

def is_inference(input: Tensor) -> builtins.bool:
    """Whether it was made in `inference_mode`."""

def is_neg(input: Tensor) -> builtins.bool:
    """Whether input is a view of negated numbers, which nothing here is."""

def is_nonzero(input: Tensor) -> builtins.bool:
    """Whether its one number is not 0. RuntimeError for another number of elements."""

def is_same_size(input: Tensor, other: Tensor) -> builtins.bool:
    """Whether both have the same shape."""

def is_signed(input: Tensor) -> builtins.bool:
    """Whether the elements can be negative."""

def is_tensor(obj: Any) -> builtins.bool:
    """Whether this is a Tensor."""

def isclose(input: Tensor, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> Tensor:
    """|input - other| <= atol + rtol · |other|, elementwise; infinities are close to themselves alone."""

def isfinite(input: Tensor) -> Tensor:
    """It is neither infinite nor NaN."""

def isin(elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique: builtins.bool = False, invert: builtins.bool = False, out: Tensor | None = None) -> Tensor:
    """Whether each element is among test_elements, or with invert, whether it is not. RuntimeError for bool."""

def isinf(input: Tensor) -> Tensor:
    """It is infinite, of either sign."""

def isnan(input: Tensor) -> Tensor:
    """It is NaN."""

def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """It is -inf."""

def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """It is +inf."""

def isreal(input: Tensor) -> Tensor:
    """Whether each element is real: all are, but for complex numbers with an imaginary part."""

def kaiser_window(window_length: builtins.int, periodic: builtins.bool = True, beta: builtins.float = 12.0, *, dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """I0(beta·√(1 - (2k / n - 1)²)) / I0(beta), k = 0 ... n - 1; not periodic, n is window_length - 1. (Kaiser 1974.)"""

def kl_div(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', log_target: builtins.bool = False) -> Tensor:
    """mean of target·(log target - input): the Kullback-Leibler divergence        any shape twice -> ()"""

def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker's product: each element of input times all of other, (a, b) (c, d) -> (a·c, b·d)"""

def kthvalue(input: Tensor, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The k-th smallest element along dim, k counted from 1, as (values, indices)."""

def layer_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (..., *normalized_shape) -> the same"""

def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple; lcm(0, n) is 0. NotImplementedError for all but integers."""

def lcm_(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple; lcm(0, n) is 0. NotImplementedError for all but integers."""

def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input · 2^other."""

def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """input · 2^other."""

def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input <= other."""

def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input + weight · (end - input): input for weight 0, end for weight 1, exactly."""

def less(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input < other."""

def less_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input <= other."""

def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln |Γ(input)|: ln((n - 1)!) for a positive integer n; inf at 0, -1, -2, ..."""

def linspace(start: Tensor | builtins.float, end: Tensor | builtins.float, steps: builtins.int, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """start + i·(end - start) / (steps - 1) for i = 0 ... steps - 1: `steps` numbers, both ends included."""

def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln input."""

def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10."""

def log10_(input: Tensor) -> Tensor:
    """The logarithm to base 10."""

def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln(1 + input), exact to the last digits for small input."""

def log1p_(input: Tensor) -> Tensor:
    """ln(1 + input), exact to the last digits for small input."""

def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2."""

def log2_(input: Tensor) -> Tensor:
    """The logarithm to base 2."""

def log_(input: Tensor) -> Tensor:
    """ln input."""

def log_softmax(input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """input - log Σ exp(input) along dim        any shape -> the same"""

def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln(e^input + e^other), without overflow."""

def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log2(2^input + 2^other), without overflow. NotImplementedError for integers."""

def logcumsumexp(input: Tensor, dim: builtins.int, *, out: Tensor | None = None) -> Tensor:
    """out[i] = ln(e^input[0] + ... + e^input[i]) along dim, for inputs of any size."""

def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant, NaN where that is negative: (B, N, N) -> (B)."""

def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Both are not zero."""

def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """It is zero."""

def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """One or both are not zero."""

def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Just one is not zero."""

def logit(input: Tensor, eps: builtins.float | None = None, *, out: Tensor | None = None) -> Tensor:
    """ln(input / (1 - input)), the inverse of sigmoid; with eps, input is held between eps and 1 - eps first."""

def logit_(input: Tensor, eps: builtins.float | None = None) -> Tensor:
    """ln(input / (1 - input)), the inverse of sigmoid; with eps, input is held between eps and 1 - eps first."""

def logspace(start: Tensor | builtins.float, end: Tensor | builtins.float, steps: builtins.int, base: builtins.float = 10.0, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """`steps` numbers from base^start to base^end, equally far apart on a logarithmic scale."""

def logsumexp(input: Tensor, dim: Axis, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
    """ln Σ e^input along dim, for inputs of any size."""

def lstm(input: Tensor, hx: Sequence, params: Sequence, has_biases: builtins.bool, num_layers: builtins.int, dropout: builtins.float, train: builtins.bool, bidirectional: builtins.bool, batch_first: builtins.bool) -> builtins.tuple[Tensor, Tensor, Tensor]:
    """c = f·c + i·g,  h = o·tanh(c)        (T,B,I) ((L,B,P), (L,B,H)) -> (T,B,P), (L,B,P), (L,B,H)"""

def lstm_cell(input: Tensor, hx: Sequence, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> builtins.tuple[Tensor, Tensor]:
    """c = f·c + i·g,  h = o·tanh(c)        (B,I) ((B,H), (B,H)) (4H,I) (4H,H) (4H,) (4H,) -> (B,H), (B,H)"""

def lstsq(*args: Any, **kwargs: Any) -> Any:
    """Refused, as in PyTorch, which has removed it: use linalg.lstsq, whose first argument is the matrix."""

def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input < other."""

def lu(A: Tensor, pivot: builtins.bool = True, get_infos: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> builtins.tuple[Tensor, ...]:
    """L and U in one matrix, swaps of rows, and with get_infos which pivot is zero: deprecated, as in PyTorch, for"""

def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """X of A X = input with what `lu` made of A: deprecated, as in PyTorch, for `linalg.lu_solve`."""

def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: builtins.bool = True, unpack_pivots: builtins.bool = True, *, out: builtins.tuple[Tensor, ...] | None = None) -> LU:
    """P, L and U of what `linalg.lu_factor` gives; what is not unpacked is empty: (B, M, N) (B, K) -> (B, M, M), ..."""

def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: builtins.float = 0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of max(0, margin - target·(input1 - input2)): input1 should be larger where target is 1, smaller where -1"""

def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`value`, a number, where the mask is True, input elsewhere; shapes broadcast, the dtype is that of input."""

def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with the places where the mask is True filled by the elements of source, one after the other."""

def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where the mask is True, as a vector; shapes broadcast."""

def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input @ other: (..., N, K) (..., K, M) -> (..., N, M); axes in front broadcast."""

def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of matrices, as `linalg.matrix_exp`: (B, N, N) -> (B, N, N)."""

def matrix_power(input: Tensor, n: builtins.int, *, out: Tensor | None = None) -> Tensor:
    """A product of n times the same matrix, as `linalg.matrix_power`: (B, N, N) -> (B, N, N)."""

def matrix_rank(*args: Any, **kwargs: Any) -> Any:
    """Refused, as in PyTorch, which has removed it: use linalg.matrix_rank."""

@overload
def max(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""
@overload
def max(input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""
@overload
def max(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""

@overload
def max_pool1d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """max of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)"""
@overload
def max_pool1d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)"""
@overload
def max_pool1d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Any:
    """max of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)"""

@overload
def max_pool2d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """max of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)"""
@overload
def max_pool2d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)"""
@overload
def max_pool2d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Any:
    """max of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)"""

@overload
def max_pool3d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """max of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)"""
@overload
def max_pool3d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)"""
@overload
def max_pool3d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, dilation: Window = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Any:
    """max of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)"""

def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greater of the two; NaN if one is NaN. Equal operands share the gradient evenly."""

def mean(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Σ input / n along dim; NaN where n is 0. RuntimeError for integers, whose mean is none."""

@overload
def median(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The middle element in order, the lower one of two; with dim (values, indices) along it. NaN if there is one."""
@overload
def median(input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The middle element in order, the lower one of two; with dim (values, indices) along it. NaN if there is one."""

def meshgrid(*tensors: Any, indexing: builtins.str | None = None) -> builtins.tuple[Tensor, ...]:
    """The coordinates of a grid: vectors of lengths A, B, ... -> as many tensors (A, B, ...); views."""

@overload
def min(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""
@overload
def min(input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""
@overload
def min(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""

def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of the two; NaN if one is NaN. Equal operands share the gradient evenly."""

def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input @ mat2: (N, K) (K, M) -> (N, M)."""

def mode(input: Tensor, dim: builtins.int = -1, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The most frequent element along dim, the smallest of several, as (values, indices): where it stands last."""

def moveaxis(input: Tensor, source: Axis, destination: Axis) -> Tensor:
    """The axes `source` become the axes `destination`, the others keep their order."""

def movedim(input: Tensor, source: Axis, destination: Axis) -> Tensor:
    """The axes `source` become the axes `destination`, the others keep their order."""

def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The values of `sort` along the first axis."""

def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input · other."""

def multinomial(input: Tensor, num_samples: builtins.int, replacement: builtins.bool = False, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
    """Numbers of columns, drawn for each row with the weights that stand in it: (C,) or (N, C) -> (..., num_samples)."""

def multiply(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input · other."""

def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input @ vec: (N, K) (K,) -> (N,)."""

def mvlgamma(input: Tensor, p: builtins.int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the gamma function in p dimensions: p·(p - 1)/4·ln π + Σ lgamma(input - i/2) over i < p."""

def nan_to_num(input: Tensor, nan: builtins.float = 0.0, posinf: builtins.float | None = None, neginf: builtins.float | None = None, *, out: Tensor | None = None) -> Tensor:
    """NaN replaced by `nan`, the infinities by `posinf` and `neginf` (default: the largest finite numbers)."""

def nan_to_num_(input: Tensor, nan: builtins.float = 0.0, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Tensor:
    """NaN replaced by `nan`, the infinities by `posinf` and `neginf` (default: the largest finite numbers)."""

def nanmean(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """The mean along dim of what is not NaN."""

@overload
def nanmedian(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`median` of what is not NaN; NaN where nothing else is there."""
@overload
def nanmedian(input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """`median` of what is not NaN; NaN where nothing else is there."""

def nanquantile(input: Tensor, q: builtins.float | Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: builtins.str = 'linear', out: Tensor | None = None) -> Tensor:
    """`quantile` of what is not NaN; NaN where nothing else is there."""

def nansum(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """The sum along dim, NaN counted as 0."""

def narrow(input: Tensor, dim: builtins.int, start: builtins.int, length: builtins.int) -> Tensor:
    """The `length` elements from `start` on along axis dim. A view."""

def narrow_copy(input: Tensor, dim: builtins.int, start: builtins.int, length: builtins.int, *, out: Tensor | None = None) -> Tensor:
    """A copy of `narrow`."""

def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input != other."""

def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-input."""

def neg_(input: Tensor) -> Tensor:
    """-input."""

def negative(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-input."""

def negative_(input: Tensor) -> Tensor:
    """-input."""

def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next number that the dtype has after input, on the way to other."""

@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False, out: Tensor | None = None) -> Tensor:
    """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True], out: builtins.tuple[Tensor, ...] | None = None) -> builtins.tuple[Tensor, ...]:
    """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""
@overload
def nonzero(input: Tensor, *, as_tuple: builtins.bool = False, out: Tensor | None = None) -> Any:
    """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""

def nonzero_static(input: Tensor, *, size: builtins.int, fill_value: builtins.int = -1, out: Tensor | None = None) -> Tensor:
    """The first `size` rows of `nonzero`, with rows of fill_value behind them where there are fewer."""

def norm(input: Tensor, p: builtins.float | builtins.str | None = 'fro', dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """(Σ |input|^p)^(1/p) along dim, of all elements without it; "fro" is p = 2, "nuc" the sum of singular values."""

def normal(mean: Tensor | builtins.float, std: Tensor | builtins.float = 1.0, size: Shape | None = None, *, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """Normal random numbers: one for each element of mean and std, or a tensor of this size for two numbers."""

def not_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input != other."""

def numel(input: Tensor) -> builtins.int:
    """The number of elements."""

def ones(*sizes: Shape, size: Shape | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of ones."""

def ones_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """Ones in the shape, dtype and layout of input."""

def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element with each: (N,) (M,) -> (N, M)."""

def pairwise_distance(x1: Tensor, x2: Tensor, p: builtins.float = 2.0, eps: builtins.float = 1e-06, keepdim: builtins.bool = False) -> Tensor:
    """|x1 - x2 + eps|, the p-norm along the last axis        two shapes that broadcast -> without the last axis"""

def pdist(input: Tensor, p: builtins.float = 2.0) -> Tensor:
    """|input[i] - input[j]|, the p-norm, of all pairs i < j        (N, M) -> (N·(N - 1)/2,)"""

def permute(input: Tensor, dims: Sequence[builtins.int]) -> Tensor:
    """Axis i of the result is axis dims[i] of the input."""

def pinverse(input: Tensor, rcond: builtins.float = 1e-15) -> Tensor:
    """Moore and Penrose's inverse, as `linalg.pinv` with rtol=rcond: (B, M, N) -> (B, N, M)."""

def pixel_shuffle(input: Tensor, upscale_factor: builtins.int) -> Tensor:
    """input[n, (c,i,j), y, x] at [n, c, y·r+i, x·r+j]        (..., C·r², H, W) -> (..., C, H·r, W·r)"""

def pixel_unshuffle(input: Tensor, downscale_factor: builtins.int) -> Tensor:
    """The way back from pixel_shuffle        (..., C, H·r, W·r) -> (..., C·r², H, W)"""

def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How many events happen where input are expected, for each element."""

def poisson_nll_loss(input: Tensor, target: Tensor, log_input: builtins.bool = True, full: builtins.bool = False, size_average: builtins.bool | None = None, eps: builtins.float = 1e-08, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of e^input - target·input: counts with a Poisson distribution        any shape twice -> ()"""

def polygamma(n: builtins.int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma, which is n = 0; infinite at 0, -1, -2, ..."""

def positive(input: Tensor) -> Tensor:
    """input itself. RuntimeError for bool."""

def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent; 0 ** 0 is 1, and a negative number to a fraction NaN."""

def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where it is positive, else weight · input        (N, C, ...), (C,) or (1,) -> (N, C, ...)"""

def prod(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Π input along one axis, or of all elements. The gradient is right where elements are 0."""

def put(input: Tensor, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor:
    """input, seen as a vector, with source at the places that index names; with accumulate it is added there."""

def qr(input: Tensor, some: builtins.bool = True, *, out: builtins.tuple[Tensor, ...] | None = None) -> QR:
    """Q and R of input = Q R, with all columns of Q unless some: deprecated, as in PyTorch, for `linalg.qr`."""

def quantile(input: Tensor, q: builtins.float | Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: builtins.str = 'linear', out: Tensor | None = None) -> Tensor:
    """The element that a share q of all along dim is below: number q·(n - 1) in order, of all elements without dim."""

def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input · 180 / π."""

def rad2deg_(input: Tensor) -> Tensor:
    """input · 180 / π."""

def rand(*sizes: Shape, size: Shape | None = None, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """Random numbers 0 ≤ x < 1, all equally likely."""

def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """`rand` in the shape and dtype of input."""

def randint(*bounds: Any, low: builtins.int = 0, high: builtins.int | None = None, size: Shape | None = None, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """Random integers low ≤ i < high, int64: randint(low, high, size), or randint(high, size), which begins at 0."""

def randint_like(input: Tensor, *bounds: Any, low: builtins.int = 0, high: builtins.int | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """`randint` in the shape and dtype of input."""

def randn(*sizes: Shape, size: Shape | None = None, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """Normal random numbers of mean 0 and variance 1."""

def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """`randn` in the shape and dtype of input."""

def randperm(n: builtins.int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """The numbers 0 to n - 1 in random order, int64."""

def range(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """start, start + step, ... up to end and with it; range(end) begins at 0. An older `arange`, and warns of it."""

def ravel(input: Tensor) -> Tensor:
    """All elements along one axis; a view where they lie in memory in their order, else a copy."""

def real(input: Tensor) -> Tensor:
    """input itself: a real number is its own real part."""

def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / input."""

def reciprocal_(input: Tensor) -> Tensor:
    """1 / input."""

def relu(input: Tensor) -> Tensor:
    """max(input, 0)."""

def relu_(input: Tensor) -> Tensor:
    """max(input, 0)."""

def remainder(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input - other · ⌊input / other⌋: the sign is that of other, as `%`."""

def renorm(input: Tensor, p: builtins.float, dim: builtins.int, maxnorm: builtins.float, *, out: Tensor | None = None) -> Tensor:
    """input, where each slice along dim whose p-norm is greater than maxnorm is scaled down to it."""

def repeat_interleave(input: Tensor, repeats: builtins.int | Tensor, dim: builtins.int | None = None, *, output_size: builtins.int | None = None) -> Tensor:
    """Each slice of axis dim repeated, one behind the other: by one number, or by a number for each."""

def reshape(input: Tensor, shape: Sequence[builtins.int]) -> Tensor:
    """The same elements in the same order, in another shape; one -1 stands for whatever is left."""

def resolve_conj(input: Tensor) -> Tensor:
    """input itself: a real number is its own conjugate."""

def resolve_neg(input: Tensor) -> Tensor:
    """input itself: a real number is its own conjugate."""

def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> DType:
    """The dtype of what is computed from both; numbers without axes count less than tensors with some."""

def rms_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, eps: builtins.float | None = None) -> Tensor:
    """input / √(mean of input² + eps) · weight        (..., *normalized_shape) -> the same"""

def rnn_relu(input: Tensor, hx: Tensor, params: Sequence, has_biases: builtins.bool, num_layers: builtins.int, dropout: builtins.float, train: builtins.bool, bidirectional: builtins.bool, batch_first: builtins.bool) -> builtins.tuple[Tensor, Tensor]:
    """h = relu(weight_ih @ input + bias_ih + weight_hh @ h + bias_hh)        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)"""

def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """relu(w_ih @ input + b_ih + w_hh @ hx + b_hh)        (B,I) (B,H) (H,I) (H,H) (H,) (H,) -> (B,H)"""

def rnn_tanh(input: Tensor, hx: Tensor, params: Sequence, has_biases: builtins.bool, num_layers: builtins.int, dropout: builtins.float, train: builtins.bool, bidirectional: builtins.bool, batch_first: builtins.bool) -> builtins.tuple[Tensor, Tensor]:
    """h = tanh(weight_ih @ input + bias_ih + weight_hh @ h + bias_hh)        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)"""

def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """tanh(w_ih @ input + b_ih + w_hh @ hx + b_hh)        (B,I) (B,H) (H,I) (H,H) (H,) (H,) -> (B,H)"""

def roll(input: Tensor, shifts: Axis, dims: Axis | None = None) -> Tensor:
    """Shifted along axes; what leaves at the end comes in at the start. Without dims, as if it were one axis."""

def rot90(input: Tensor, k: builtins.int = 1, dims: Sequence[builtins.int] = ...) -> Tensor:
    """Turned by k · 90 degrees, from axis dims[0] towards axis dims[1]."""

def round(input: Tensor, decimals: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The nearest integer, or multiple of 10^-decimals; from the middle to the even one."""

def round_(input: Tensor, decimals: builtins.int = 0) -> Tensor:
    """The nearest integer, or multiple of 10^-decimals; from the middle to the even one."""

def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors on top of each other: along axis 0, vectors as rows."""

def rrelu(input: Tensor, lower: builtins.float = 0.125, upper: builtins.float = 0.3333333333333333, training: builtins.bool = False) -> Tensor:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training."""

def rrelu_(input: Tensor, lower: builtins.float = 0.125, upper: builtins.float = 0.3333333333333333, training: builtins.bool = False) -> Tensor:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training."""

def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / √input."""

def rsqrt_(input: Tensor) -> Tensor:
    """1 / √input."""

def rsub(input: Tensor, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor:
    """other - alpha · input."""

def scalar_tensor(s: Number, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """One number as a tensor without axes, of the default floating dtype unless there is another."""

def scatter(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor | Number | None = None, *, value: Number | None = None, reduce: builtins.str | None = None, out: Tensor | None = None) -> Tensor:
    """input with out[index[i][j]][j] = src[i][j] for dim=0, out[i][index[i][j]] = src[i][j] for dim=1."""

def scatter_add(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`scatter` that adds: what comes to one place adds up."""

def scatter_reduce(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True, out: Tensor | None = None) -> Tensor:
    """out[index[i][j]][j] is the sum (prod, mean, amax, amin) of input there and of all src[i][j] that come to it."""

def searchsorted(sorted_sequence: Tensor, input: Tensor | Number, *, out_int32: builtins.bool = False, right: builtins.bool = False, side: builtins.str | None = None, sorter: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """Where each number would stand in a sequence in ascending order: before the first that is not smaller."""

def select(input: Tensor, dim: builtins.int, index: builtins.int) -> Tensor:
    """Slice number `index` of axis dim, without that axis. A view."""

def select_scatter(input: Tensor, src: Tensor, dim: builtins.int, index: builtins.int) -> Tensor:
    """input with slice number `index` of axis dim replaced by src, which has the shape of the slice."""

def selu(input: Tensor) -> Tensor:
    """1.0507 · elu(input, 1.67326): keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017)."""

def selu_(input: Tensor) -> Tensor:
    """1.0507 · elu(input, 1.67326): keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017)."""

def set_default_tensor_type(t: Any) -> None:
    """An older `set_default_dtype`: a type, or its name, of floating numbers. TypeError for others."""

def set_printoptions(precision: builtins.int | None = None, threshold: builtins.float | None = None, edgeitems: builtins.int | None = None, linewidth: builtins.int | None = None, profile: builtins.str | None = None, sci_mode: builtins.bool | None = None) -> None:
    """How tensors show their values: digits, from how many elements on they are shortened, and how wide lines are."""

def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1; 0 for NaN."""

def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + e^-input)."""

def sigmoid_(input: Tensor) -> Tensor:
    """1 / (1 + e^-input)."""

def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1; 0 for NaN."""

def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Its sign is minus, also that of -0.0."""

def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(input)."""

def sin_(input: Tensor) -> Tensor:
    """sin(input)."""

def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(π·input) / (π·input), and 1 at 0."""

def sinc_(input: Tensor) -> Tensor:
    """sin(π·input) / (π·input), and 1 at 0."""

def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """(e^input - e^-input) / 2."""

def sinh_(input: Tensor) -> Tensor:
    """(e^input - e^-input) / 2."""

def slice_scatter(input: Tensor, src: Tensor, dim: builtins.int = 0, start: builtins.int | None = None, end: builtins.int | None = None, step: builtins.int = 1, *, out: Tensor | None = None) -> Tensor:
    """input with the slices start, start + step, ... below end of axis dim replaced by src."""

def slogdet(input: Tensor, *, out: builtins.tuple[Tensor, ...] | None = None) -> SLogDet:
    """The sign of the determinant and the logarithm of its magnitude, as `linalg.slogdet`: (B, N, N) -> (B), (B)."""

def softmax(input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """exp(input) / Σ exp(input) along dim        any shape -> the same"""

def solve(*args: Any, **kwargs: Any) -> Any:
    """Refused, as in PyTorch, which has removed it: use linalg.solve, whose first argument is the matrix."""

def sort(input: Tensor, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The elements along dim in order, as (values, indices)."""

def split(tensor: Tensor, split_size_or_sections: Shape, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """Parts of one length along axis dim, the last may be shorter; or of the lengths in a list. Views."""

def split_with_sizes(input: Tensor, split_sizes: Sequence[builtins.int], dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """Parts of these lengths along axis dim, one behind the other; views."""

def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """√input."""

def sqrt_(input: Tensor) -> Tensor:
    """√input."""

def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input²."""

def square_(input: Tensor) -> Tensor:
    """input²."""

def squeeze(input: Tensor, dim: Axis | None = None) -> Tensor:
    """Without the axes of length 1: all, or those named; a named axis of another length stays."""

def stack(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape side by side, along a new axis dim."""

def std(input: Tensor, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None, out: Tensor | None = None) -> Tensor:
    """√var: the standard deviation along dim."""

def std_mean(input: Tensor, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> builtins.tuple[Tensor, Tensor]:
    """(std, mean) along dim."""

def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input - alpha · other."""

def subtract(input: Tensor | Number, other: Tensor | Number, *, alpha: builtins.float = 1, out: Tensor | None = None) -> Tensor:
    """input - alpha · other."""

def sum(input: Tensor, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Σ input along dim."""

def svd(input: Tensor, some: builtins.bool = True, compute_uv: builtins.bool = True, *, out: builtins.tuple[Tensor, ...] | None = None) -> SVDWithV:
    """U, S and V with input = U diag(S) Vᵀ: as `linalg.svd`, but the last is not transposed, and short unless not some."""

def swapaxes(input: Tensor, axis0: builtins.int, axis1: builtins.int) -> Tensor:
    """`transpose`, under NumPy's name."""

def swapdims(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor:
    """`transpose`."""

def symeig(*args: Any, **kwargs: Any) -> Any:
    """Refused, as in PyTorch, which has removed it: use linalg.eigh."""

def t(input: Tensor) -> Tensor:
    """The transposed matrix; a vector and a number stay as they are."""

def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at these places of the flattened input, in the shape of index."""

def take_along_dim(input: Tensor, indices: Tensor, dim: builtins.int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`gather`, where the axes other than dim broadcast; without dim, of all elements in a row. -1 is the last."""

def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """tan(input)."""

def tan_(input: Tensor) -> Tensor:
    """tan(input)."""

def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sinh(input) / cosh(input)."""

def tanh_(input: Tensor) -> Tensor:
    """sinh(input) / cosh(input)."""

def tensor(data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A copy of the data: a number, nested lists, an array or a Tensor, as a leaf."""

def tensor_split(input: Tensor, indices_or_sections: Shape | Tensor, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """That many parts of lengths that differ by at most 1; or parts that begin at the given places. Views."""

def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: Tensor | None = None) -> Tensor:
    """Σ over axes dims[0] of a and dims[1] of b; a number n means the last n of a and the first n of b."""

def threshold(input: Tensor, threshold: Number, value: Number, *, out: Tensor | None = None) -> Tensor:
    """input where it is greater than threshold, else value, in the dtype of input."""

def threshold_(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """input where it is greater than threshold, else value, in the dtype of input."""

def tile(input: Tensor, dims: Sequence[builtins.int]) -> Tensor:
    """`repeat`, where missing repeats in front are 1."""

def topk(input: Tensor, k: builtins.int, dim: builtins.int = -1, largest: builtins.bool = True, sorted: builtins.bool = True, *, out: builtins.tuple[Tensor, ...] | None = None) -> Chosen:
    """The k largest (or smallest) elements along dim, in order, as (values, indices)."""

def trace(input: Tensor) -> Tensor:
    """The sum of the main diagonal of a matrix."""

def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor:
    """The axes dim0 and dim1 change places."""

def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor:
    """The integral of y by trapezoids: Σ (y[i] + y[i + 1])/2·(x[i + 1] - x[i]) along dim; without x in steps of dx."""

def trapz(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor:
    """The integral of y by trapezoids: Σ (y[i] + y[i + 1])/2·(x[i + 1] - x[i]) along dim; without x in steps of dx."""

def triangular_solve(input: Tensor, A: Tensor, upper: builtins.bool = True, transpose: builtins.bool = False, unitriangular: builtins.bool = False, *, out: builtins.tuple[Tensor, ...] | None = None) -> TriangularSolution:
    """X of A X = input for a triangular A, and a copy of A: deprecated, as in PyTorch, for `linalg.solve_triangular`."""

def tril(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of each matrix, zeros above; `diagonal` counts upwards from the main one."""

def tril_indices(row: builtins.int, col: builtins.int, offset: builtins.int = 0, *, dtype: DType | None = ..., device: Any = None) -> Tensor:
    """The places of a row × col matrix on and below a diagonal, row by row        -> (2, n)"""

def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: builtins.float = 1.0, p: builtins.float = 2, eps: builtins.float = 1e-06, swap: builtins.bool = False, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of max(0, |anchor - positive| - |anchor - negative| + margin)        (N,D) three times -> ()"""

def triu(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of each matrix, zeros below; `diagonal` counts upwards from the main one."""

def triu_indices(row: builtins.int, col: builtins.int, offset: builtins.int = 0, *, dtype: DType | None = ..., device: Any = None) -> Tensor:
    """The places of a row × col matrix on and above a diagonal, row by row        -> (2, n)"""

def true_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input / other, in floating numbers."""

def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The integer part: rounded towards zero."""

def trunc_(input: Tensor) -> Tensor:
    """The integer part: rounded towards zero."""

def typename(obj: Any) -> builtins.str:
    """The name of a tensor's type as `x.type()` has it; of anything else, the dotted name of its class."""

def unbind(input: Tensor, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """The slices along axis dim, without that axis: what iteration gives. Views."""

def unflatten(input: Tensor, dim: builtins.int, sizes: Sequence[builtins.int]) -> Tensor:
    """Several axes of these sizes in place of axis dim; one of them may be -1."""

@overload
def unique(input: Tensor, sorted: builtins.bool = True, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: builtins.int | None = None) -> Tensor:
    """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
@overload
def unique(input: Tensor, sorted: builtins.bool = True, *, return_inverse: Literal[True], return_counts: builtins.bool = False, dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
    """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
@overload
def unique(input: Tensor, sorted: builtins.bool = True, return_inverse: builtins.bool = False, *, return_counts: Literal[True], dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
    """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
@overload
def unique(input: Tensor, sorted: builtins.bool = True, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
    """The different elements in order; with return_inverse where each went, with return_counts how many there are."""

@overload
def unique_consecutive(input: Tensor, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: builtins.int | None = None) -> Tensor:
    """The elements without those that equal the one before; return_inverse: where each went."""
@overload
def unique_consecutive(input: Tensor, *, return_inverse: Literal[True], return_counts: builtins.bool = False, dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
    """The elements without those that equal the one before; return_inverse: where each went."""
@overload
def unique_consecutive(input: Tensor, return_inverse: builtins.bool = False, *, return_counts: Literal[True], dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
    """The elements without those that equal the one before; return_inverse: where each went."""
@overload
def unique_consecutive(input: Tensor, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
    """The elements without those that equal the one before; return_inverse: where each went."""

def unravel_index(indices: Tensor, shape: Shape) -> builtins.tuple[Tensor, ...]:
    """The places in a tensor of this shape that numbers of its elements in a row stand for, a tensor for each axis."""

def unsafe_chunk(input: Tensor, chunks: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """`chunk`."""

def unsafe_split(tensor: Tensor, split_size: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
    """`split`."""

def unsqueeze(input: Tensor, dim: builtins.int) -> Tensor:
    """With a new axis of length 1, which becomes axis dim."""

def vander(x: Tensor, N: builtins.int | None = None, increasing: builtins.bool = False) -> Tensor:
    """The powers of each element, N of them, the highest first        (n,) -> (n, N)"""

def var(input: Tensor, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None, out: Tensor | None = None) -> Tensor:
    """Σ (input - mean)² / (n - correction) along dim. unbiased=False is correction=0; the default is 1."""

def var_mean(input: Tensor, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> builtins.tuple[Tensor, Tensor]:
    """(var, mean) along dim."""

def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Σ input · other of two vectors, as `dot`: the numbers are real."""

def vsplit(input: Tensor, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
    """So many equal parts along axis 0, or parts that begin at the given places. Views."""

def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors on top of each other: along axis 0, vectors as rows."""

def where(condition: Tensor | builtins.bool, input: Tensor | Number | None = None, other: Tensor | Number | None = None, *, out: Tensor | None = None) -> Tensor:
    """input where condition, else other; where(condition) alone gives the places that hold, as nonzero does."""

def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input · ln(other), and 0 where input is 0 (unless other is NaN)."""

def xlogy_(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · ln(other), and 0 where input is 0 (unless other is NaN)."""

def zero_(self: Tensor) -> Tensor:
    """In place: every element becomes 0."""

def zeros(*sizes: Shape, size: Shape | None = None, out: Tensor | None = None, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of zeros."""

def zeros_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """Zeros in the shape, dtype and layout of input."""
