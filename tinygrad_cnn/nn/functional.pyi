"""Layers as functions.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

import builtins
from typing import Any
from typing import Literal
from typing import overload
from collections.abc import Callable
from collections.abc import Sequence
from tinygrad_cnn.arrays.types import Number
from tinygrad_cnn.arrays.types import Shape
from tinygrad_cnn.arrays.types import Window
from tinygrad_cnn.engine.tensor import Tensor

def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """mean over P windows that cover the row        (N,C,L) -> (N,C,P)"""

def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """mean over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)"""

def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """mean over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)"""

@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: builtins.bool = False) -> Any:
    """max over P windows that cover the row        (N,C,L) -> (N,C,P)"""

@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor:
    """max over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)"""
@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)"""
@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: builtins.bool = False) -> Any:
    """max over P·Q windows that cover the picture        (N,C,H,W) -> (N,C,P,Q)"""

@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor:
    """max over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)"""
@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> builtins.tuple[Tensor, Tensor]:
    """max over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)"""
@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: builtins.bool = False) -> Any:
    """max over P·Q·R windows that cover the volume        (N,C,D,H,W) -> (N,C,P,Q,R)"""

def affine_grid(theta: Tensor, size: Sequence[builtins.int], align_corners: builtins.bool | None = None) -> Tensor:
    """The places (x, y) = theta @ (x_0, y_0, 1), where (x_0, y_0) are a picture's pixels        (N,2,3) -> (N,H,W,2)"""

def alpha_dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False, inplace: builtins.bool = False) -> Tensor:
    """Dropout for SELU networks, which keeps mean 0 and variance 1        any shape -> the same"""

def avg_pool1d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True) -> Tensor:
    """mean of input[n,c,ps+i] over i        (N,C,L) -> (N,C,P)"""

def avg_pool2d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True, divisor_override: builtins.int | None = None, *, out: Tensor | None = None) -> Tensor:
    """mean of input[n,c,ps+i,qs+j] over i and j        (N,C,H,W) -> (N,C,P,Q)"""

def avg_pool3d(input: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True, divisor_override: builtins.int | None = None, *, out: Tensor | None = None) -> Tensor:
    """mean of input[n,c,ps+k,qs+i,rs+j] over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)"""

def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None, training: builtins.bool = False, momentum: builtins.float = 0.1, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)"""

def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """out[..., o] = Σᵢⱼ input1[..., i] · weight[o, i, j] · input2[..., j] + bias[o]."""

def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of -target·log(input) - (1-target)·log(1-input)        any shape twice -> ()"""

def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', pos_weight: Tensor | None = None) -> Tensor:
    """mean of -target·log σ(input) - (1-target)·log(1-σ(input)), σ the sigmoid        any shape twice -> ()"""

def celu(input: Tensor, alpha: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor:
    """input where it is positive, else alpha · (e^(input / alpha) - 1)."""

def celu_(input: Tensor, alpha: builtins.float = 1.0) -> Tensor:
    """input where it is positive, else alpha · (e^(input / alpha) - 1)."""

def channel_shuffle(input: Tensor, groups: builtins.int) -> Tensor:
    """Channels (group, k) in the order (k, group)        (N,C,...) -> (N,C,...)"""

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

def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: builtins.float = 0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of 1 - cos where target is 1, max(0, cos - margin) where it is -1        (N,D) (N,D) (N,) -> ()"""

def cosine_similarity(x1: Tensor, x2: Tensor, dim: builtins.int = 1, eps: builtins.float = 1e-08) -> Tensor:
    """x1·x2 / (max(|x1|, eps)·max(|x2|, eps)) along dim        two shapes that broadcast -> without dim"""

def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, ignore_index: builtins.int = -100, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', label_smoothing: builtins.float = 0.0) -> Tensor:
    """-log softmax(input)[target]: the surprise of the true class        (N,C) (N,) -> ()"""

def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[builtins.int], target_lengths: Tensor | Sequence[builtins.int], blank: builtins.int = 0, reduction: builtins.str = 'mean', zero_infinity: builtins.bool = False) -> Tensor:
    """-log Σ over all paths that say the text of Π over t of P[t, path[t]]        (T,N,C) (N,S) (N,) (N,) -> ()"""

def dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """input · mask / (1-p), each element kept with probability 1-p        any shape -> the same"""

def dropout1d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Dropout of whole channels        (N,C,L) -> (N,C,L), or (C,L) -> (C,L)"""

def dropout2d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Dropout of whole channels        (N,C,H,W) -> (N,C,H,W)"""

def dropout3d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Dropout of whole channels        (N,C,D,H,W) -> (N,C,D,H,W)"""

def elu(input: Tensor, alpha: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor:
    """input where it is positive, else alpha · (e^input - 1)."""

def elu_(input: Tensor, alpha: builtins.float = 1.0) -> Tensor:
    """input where it is positive, else alpha · (e^input - 1)."""

def embedding(input: Tensor, weight: Tensor, padding_idx: builtins.int | None = None, max_norm: builtins.float | None = None, norm_type: builtins.float = 2.0, scale_grad_by_freq: builtins.bool = False, sparse: builtins.bool = False) -> Tensor:
    """weight[input]: one row of the table for each number        (...) int, (V,D) -> (...,D)"""

def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: builtins.float | None = None, norm_type: builtins.float = 2, scale_grad_by_freq: builtins.bool = False, mode: builtins.str = 'mean', sparse: builtins.bool = False, per_sample_weights: Tensor | None = None, include_last_offset: builtins.bool = False, padding_idx: builtins.int | None = None) -> Tensor:
    """The sum, mean or max over each bag of the rows that it names        (B,n) int, (V,D) -> (B,D)"""

def feature_alpha_dropout(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = False, inplace: builtins.bool = False) -> Tensor:
    """alpha_dropout of whole channels        (N,C,...) -> (N,C,...)"""

def fold(input: Tensor, output_size: Window, kernel_size: Window, dilation: Window = 1, padding: Window = 0, stride: Window = 1) -> Tensor:
    """Σ input[n, (c,i,j), (p,q)] at [n,c,ps+i,qs+j]        (N, C·h·w, P·Q) -> (N,C,H,W)"""

def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | Number, full: builtins.bool = False, eps: builtins.float = 1e-06, reduction: builtins.str = 'mean') -> Tensor:
    """mean of (log var + (input - target)² / var) / 2: numbers with a normal distribution        any shape twice -> ()"""

def gelu(input: Tensor, approximate: builtins.str = 'none', *, out: Tensor | None = None) -> Tensor:
    """input · Φ(input), Φ the normal distribution function (Hendrycks and Gimpel 2016)."""

def glu(input: Tensor, dim: builtins.int = -1) -> Tensor:
    """a · sigmoid(b), where a and b are the two halves of input along dim        (..., 2n, ...) -> (..., n, ...)"""

def grid_sample(input: Tensor, grid: Tensor, mode: builtins.str = 'bilinear', padding_mode: builtins.str = 'zeros', align_corners: builtins.bool | None = None) -> Tensor:
    """out[n, c, p, q] = input[n, c] at grid[n, p, q] = (x, y)        (N,C,H,W) (N,P,Q,2) -> (N,C,P,Q)"""

def group_norm(input: Tensor, num_groups: builtins.int, weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...)"""

def gumbel_softmax(logits: Tensor, tau: builtins.float = 1, hard: builtins.bool = False, eps: builtins.float = 1e-10, dim: builtins.int = -1) -> Tensor:
    """softmax((logits + noise) / tau) with Gumbel noise: a random class, differentiable in the logits."""

def hardshrink(input: Tensor, lambd: builtins.float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """input, and 0 where -lambd <= input <= lambd."""

def hardsigmoid(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """min(max(input / 6 + 1/2, 0), 1)."""

def hardswish(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """input · hardsigmoid(input) (Howard et al. 2019)."""

def hardtanh(input: Tensor, min_val: builtins.float = -1.0, max_val: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor:
    """input held between min_val and max_val; the gradient passes strictly between them."""

def hardtanh_(input: Tensor, min_val: builtins.float = -1.0, max_val: builtins.float = 1.0) -> Tensor:
    """input held between min_val and max_val; the gradient passes strictly between them."""

def hinge_embedding_loss(input: Tensor, target: Tensor, margin: builtins.float = 1.0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of input where target is 1, max(0, margin - input) where it is -1        any shape twice -> ()"""

def huber_loss(input: Tensor, target: Tensor, reduction: builtins.str = 'mean', delta: builtins.float = 1.0, weight: Tensor | None = None) -> Tensor:
    """mean of e²/2 where |e| < delta, else delta·(|e| - delta/2), with e = input - target        any shape twice -> ()"""

def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: builtins.bool = True, momentum: builtins.float = 0.1, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)"""

def interpolate(input: Tensor, size: Shape | None = None, scale_factor: Any = None, mode: builtins.str = 'nearest', align_corners: builtins.bool | None = None, recompute_scale_factor: builtins.bool | None = None, antialias: builtins.bool = False) -> Tensor:
    """The picture in another size        (N,C,H,W) -> (N,C,P,Q), or (N,C,L) -> (N,C,P), or of volumes (N,C,D,H,W)"""

def kl_div(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', log_target: builtins.bool = False) -> Tensor:
    """mean of target·(log target - input): the Kullback-Leibler divergence        any shape twice -> ()"""

def l1_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', weight: Tensor | None = None) -> Tensor:
    """mean of |input - target|        any shape twice -> ()"""

def layer_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor:
    """(input - mean) / √(var + eps) · weight + bias        (..., *normalized_shape) -> the same"""

def leaky_relu(input: Tensor, negative_slope: builtins.float = 0.01, inplace: builtins.bool = False) -> Tensor:
    """input where it is positive, else negative_slope · input."""

def leaky_relu_(input: Tensor, negative_slope: builtins.float = 0.01) -> Tensor:
    """input where it is positive, else negative_slope · input."""

def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O); of a vector weight (I,) -> (...)"""

def local_response_norm(input: Tensor, size: builtins.int, alpha: builtins.float = 0.0001, beta: builtins.float = 0.75, k: builtins.float = 1.0) -> Tensor:
    """input / (k + alpha · mean of input² over `size` channels around)^beta        (N,C,...) -> (N,C,...)"""

def log_softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: Any = None) -> Tensor:
    """input - log Σ exp(input) along dim"""

def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln sigmoid(input)."""

def lp_pool1d(input: Tensor, norm_type: builtins.float, kernel_size: Window, stride: Window | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """(Σ input[n,c,ps+i]^norm_type)^(1/norm_type) over i        (N,C,L) -> (N,C,P)"""

def lp_pool2d(input: Tensor, norm_type: builtins.float, kernel_size: Window, stride: Window | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """(Σ input[n,c,ps+i,qs+j]^norm_type)^(1/norm_type) over i and j        (N,C,H,W) -> (N,C,P,Q)"""

def lp_pool3d(input: Tensor, norm_type: builtins.float, kernel_size: Window, stride: Window | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """(Σ input[n,c,ps+k,qs+i,rs+j]^norm_type)^(1/norm_type) over k, i and j        (N,C,D,H,W) -> (N,C,P,Q,R)"""

def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: builtins.float = 0, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of max(0, margin - target·(input1 - input2)): input1 should be larger where target is 1, smaller where -1"""

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

def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, output_size: Any = None) -> Tensor:
    """input[n,c,p] at the place indices[n,c,p] of a row of zeros        (N,C,P) (N,C,P) -> (N,C,L)"""

def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, output_size: Any = None) -> Tensor:
    """input[n,c,p,q] at the place indices[n,c,p,q] of a picture of zeros        (N,C,P,Q) (N,C,P,Q) -> (N,C,H,W)"""

def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Window, stride: Window | None = None, padding: Window = 0, output_size: Any = None) -> Tensor:
    """input[n,c,p,q,r] at the place indices[n,c,p,q,r] of a volume of zeros        (N,C,P,Q,R) -> (N,C,D,H,W)"""

def mish(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """input · tanh(softplus(input)) (Misra 2019)."""

def mse_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', weight: Tensor | None = None) -> Tensor:
    """mean of (input - target)²        any shape twice -> ()"""

def multi_head_attention_forward(query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: builtins.int, num_heads: builtins.int, in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: builtins.bool, dropout_p: builtins.float, out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: builtins.bool = True, key_padding_mask: Tensor | None = None, need_weights: builtins.bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: builtins.bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: builtins.bool = True, is_causal: builtins.bool = False) -> builtins.tuple[Tensor, Tensor | None]:
    """What nn.MultiheadAttention does, with its weights as arguments    (L,N,E) (S,N,E) (S,N,E) -> (L,N,E), weights"""

def multi_margin_loss(input: Tensor, target: Tensor, p: builtins.int = 1, margin: builtins.float = 1.0, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """Σ over j ≠ target of max(0, margin - input[target] + input[j])^p / C        (N,C) (N,) -> ()"""

def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """Σ over labels j, Σ over i that are none of max(0, 1 - input[j] + input[i]) / C        (N,C) (N,C) -> ()"""

def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """binary_cross_entropy_with_logits, its mean over the classes C        (N,C) (N,C) -> ()"""

def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, ignore_index: builtins.int = -100, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """-input[n, target[n]], the negative log-likelihood        (N,C) (N,) -> ()"""

def normalize(input: Tensor, p: builtins.float = 2.0, dim: Any = 1, eps: builtins.float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input / max(|input|, eps), the p-norm along dim; written to `out` if that is given"""

def one_hot(tensor: Tensor, num_classes: builtins.int = -1) -> Tensor:
    """1 at the class, 0 elsewhere: (...) ints -> (..., num_classes) int64; by default the largest class + 1."""

def pad(input: Tensor, pad: Sequence[builtins.int], mode: builtins.str = 'constant', value: Number | None = None) -> Tensor:
    """More elements around: pad = (left, right, top, bottom, ...), beginning with the last axis."""

def pairwise_distance(x1: Tensor, x2: Tensor, p: builtins.float = 2.0, eps: builtins.float = 1e-06, keepdim: builtins.bool = False) -> Tensor:
    """|x1 - x2 + eps|, the p-norm along the last axis        two shapes that broadcast -> without the last axis"""

def pdist(input: Tensor, p: builtins.float = 2.0) -> Tensor:
    """|input[i] - input[j]|, the p-norm, of all pairs i < j        (N, M) -> (N·(N - 1)/2,)"""

def pixel_shuffle(input: Tensor, upscale_factor: builtins.int) -> Tensor:
    """input[n, (c,i,j), y, x] at [n, c, y·r+i, x·r+j]        (..., C·r², H, W) -> (..., C, H·r, W·r)"""

def pixel_unshuffle(input: Tensor, downscale_factor: builtins.int) -> Tensor:
    """The way back from pixel_shuffle        (..., C, H·r, W·r) -> (..., C·r², H, W)"""

def poisson_nll_loss(input: Tensor, target: Tensor, log_input: builtins.bool = True, full: builtins.bool = False, size_average: builtins.bool | None = None, eps: builtins.float = 1e-08, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of e^input - target·input: counts with a Poisson distribution        any shape twice -> ()"""

def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where it is positive, else weight · input        (N, C, ...), (C,) or (1,) -> (N, C, ...)"""

def relu(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """max(input, 0)."""

def relu6(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """min(max(input, 0), 6)."""

def relu_(input: Tensor) -> Tensor:
    """max(input, 0)."""

def rms_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, eps: builtins.float | None = None) -> Tensor:
    """input / √(mean of input² + eps) · weight        (..., *normalized_shape) -> the same"""

def rrelu(input: Tensor, lower: builtins.float = 0.125, upper: builtins.float = 0.3333333333333333, training: builtins.bool = False, inplace: builtins.bool = False) -> Tensor:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training."""

def rrelu_(input: Tensor, lower: builtins.float = 0.125, upper: builtins.float = 0.3333333333333333, training: builtins.bool = False) -> Tensor:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training."""

def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: builtins.float = 0.0, is_causal: builtins.bool = False, *, scale: builtins.float | None = None, enable_gqa: builtins.bool = False) -> Tensor:
    """softmax(query @ key.T · scale + attn_mask) @ value        (..., L, E) (..., S, E) (..., S, V) -> (..., L, V)"""

def selu(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """1.0507 · elu(input, 1.67326): keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017)."""

def selu_(input: Tensor) -> Tensor:
    """1.0507 · elu(input, 1.67326): keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017)."""

def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + e^-input)."""

def silu(input: Tensor, inplace: builtins.bool = False) -> Tensor:
    """input · sigmoid(input)."""

def smooth_l1_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean', beta: builtins.float = 1.0) -> Tensor:
    """mean of e²/(2·beta) where |e| < beta, else |e| - beta/2, with e = input - target        any shape twice -> ()"""

def soft_margin_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of log(1 + e^(-target·input)), target -1 or 1        any shape twice -> ()"""

def softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: Any = None) -> Tensor:
    """exp(input) / Σ exp(input) along dim"""

def softmin(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: Any = None) -> Tensor:
    """exp(-input) / Σ exp(-input) along dim"""

def softplus(input: Tensor, beta: builtins.float = 1.0, threshold: builtins.float = 20.0, *, out: Tensor | None = None) -> Tensor:
    """ln(1 + e^(beta · input)) / beta; the input itself where beta · input > threshold, as they differ no more."""

def softshrink(input: Tensor, lambd: builtins.float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """input brought nearer to 0 by lambd, and 0 where it is nearer already."""

def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""

def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sinh(input) / cosh(input)."""

def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""

def threshold(input: Tensor, threshold: Number, value: Number, inplace: builtins.bool = False) -> Tensor:
    """input where it is greater than threshold, else value, in the dtype of input."""

def threshold_(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """input where it is greater than threshold, else value, in the dtype of input."""

def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: builtins.float = 1.0, p: builtins.float = 2, eps: builtins.float = 1e-06, swap: builtins.bool = False, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: builtins.str = 'mean') -> Tensor:
    """mean of max(0, |anchor - positive| - |anchor - negative| + margin)        (N,D) three times -> ()"""

def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: builtins.float = 1.0, swap: builtins.bool = False, reduction: builtins.str = 'mean') -> Tensor:
    """mean of max(0, distance(anchor, positive) - distance(anchor, negative) + margin)        three (N,D) -> ()"""

def unfold(input: Tensor, kernel_size: Window, dilation: Window = 1, padding: Window = 0, stride: Window = 1) -> Tensor:
    """input[n,c,ps+i,qs+j] at [n, (c,i,j), (p,q)]        (N,C,H,W) -> (N, C·h·w, P·Q)"""

def upsample(input: Tensor, size: Shape | None = None, scale_factor: Any = None, mode: builtins.str = 'nearest', align_corners: builtins.bool | None = None) -> Tensor:
    """interpolate, under its old name."""

def upsample_bilinear(input: Tensor, size: Shape | None = None, scale_factor: Any = None) -> Tensor:
    """interpolate by straight lines, corner on corner, under its old name. It warns that it is old."""

def upsample_nearest(input: Tensor, size: Shape | None = None, scale_factor: Any = None) -> Tensor:
    """interpolate by the nearest pixel, under its old name. It warns that it is old."""
