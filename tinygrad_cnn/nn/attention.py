"""Attention of several heads as a layer (Vaswani et al., 2017)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from ..arrays.types import DType
from ..engine.tensor import Tensor
from ..ops.heads import attend
from ..pytorch.absent import explains
from ..surface.creation import empty
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that PyTorch shows in a MultiheadAttention."""


class MultiheadAttention(Module):
    """num_heads attentions side by side, of E/num_heads numbers each    (L,N,E) (S,N,E) (S,N,E) -> (L,N,E), weights

    E = embed_dim. Each computes softmax(query·keyᵀ/√(E/num_heads)) @ value of its own projections of the three; what
    they find is joined and projected once more. Without N all through, too; batch_first: (N,L,E) and so on. dropout: of
    the weights, in training. add_bias_kv: a key and a value more, to learn; add_zero_attn: one of zeros. kdim, vdim:
    numbers of a key and of a value, where they are not embed_dim.

    key_padding_mask (N,S) and attn_mask (L,S) or (N·num_heads,L,S) say by True which keys are *not* looked at, or are
    added to the scores. is_causal: a hint that attn_mask is causal, which it must be. The weights are the mean over the
    heads, (N,L,S), or with average_attn_weights=False (N,num_heads,L,S); without need_weights None, and faster.

    >>> import tinygrad_cnn as tg
    >>> layer, x = tg.nn.MultiheadAttention(8, 2, batch_first=True), tg.randn(4, 5, 8)
    >>> out, weights = layer(x, x, x)
    >>> out.shape, weights.shape, tg.allclose(weights.sum(-1), tg.ones(4, 5))
    ((4, 5, 8), (4, 5, 5), True)
    """

    bias_k: Tensor | None
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: DType | None = None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"MultiheadAttention: embed_dim and num_heads must be greater than 0, got {embed_dim} and {num_heads}"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if embed_dim % num_heads:
            raise AssertionError(
                f"MultiheadAttention: embed_dim {embed_dim} must be divisible by num_heads {num_heads}"
            )

        def made(name: str, there: bool, *shape: int) -> None:
            weight = Parameter(empty(shape, device=device, dtype=dtype)) if there else None
            self.register_parameter(name, weight)

        E, one = embed_dim, self._qkv_same_embed_dim
        if one:
            made("in_proj_weight", True, 3 * E, E)
        for name, width in (("q", E), ("k", self.kdim), ("v", self.vdim)):
            made(f"{name}_proj_weight", not one, E, width)
        if not one:
            made("in_proj_weight", False)
        made("in_proj_bias", bias, 3 * E)
        self.out_proj = NonDynamicallyQuantizableLinear(E, E, bias, device, dtype)
        if add_bias_kv:
            made("bias_k", True, 1, 1, E)
            made("bias_v", True, 1, 1, E)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the projections to queries, keys and values anew; biases are 0."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        weights = self.in_proj_weight
        if weights is None:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        return attend(
            query, key, value, self.embed_dim, self.num_heads, weights, self.in_proj_bias, (self.bias_k, self.bias_v),
            self.add_zero_attn, self.dropout if self.training else 0.0, self.out_proj.weight, self.out_proj.bias,
            key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal, batch_first=self.batch_first,
        )  # fmt: skip


class SDPBackend(IntEnum):
    """The ways in which PyTorch computes scaled_dot_product_attention. There is one here, which stands for them all."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """A block in which attention is computed in one of these ways; all give the same here.

    >>> with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
    ...     pass
    """
    for backend in [backends] if isinstance(backends, SDPBackend) else backends:
        if not isinstance(backend, SDPBackend):
            raise AssertionError(f"sdpa_kernel: backends are SDPBackend, got {type(backend).__name__}")
    yield


explains(__name__)  # with which what is below this module, flex_attention, is found as well
