"""Vision Transformer (Dosovitskiy et al. 2021, An Image is Worth 16x16 Words): patches of an image as a sentence.

N batch, P patches a side, S = P·P + 1 places, the first of which is the class's, E = hidden_dim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ... import nn
from ...ops.join import cat
from ...surface.creation import empty, zeros
from ..ops.misc import MLP
from .trained import takes_weights

Norm = Callable[..., nn.Module]
_NORM = partial(nn.LayerNorm, eps=1e-6)


class MLPBlock(MLP):
    """Linear, GELU, dropout, Linear, dropout."""

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float):
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                nn.init.normal_(m.bias, std=1e-6)


class EncoderBlock(nn.Module):
    """x + attention of norm(x); then x + mlp(norm(x))    (N,S,E) -> (N,S,E)

    >>> import tinygrad_cnn as tg
    >>> EncoderBlock(2, 8, 16, 0.0, 0.0)(tg.zeros(1, 5, 8)).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Norm = _NORM,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Any) -> Any:
        assert input.ndim == 3, f"EncoderBlock: expected (N, S, E), got {tuple(input.shape)}"
        x = self.ln_1(input)
        x = input + self.dropout(self.self_attention(x, x, x, need_weights=False)[0])
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """A place's own vector added to each, the blocks, a norm    (N,S,E) -> (N,S,E)"""

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Norm = _NORM,
    ):
        super().__init__()
        self.pos_embedding = nn.Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential()
        for i in range(num_layers):
            block = EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer)
            self.layers.add_module(f"encoder_layer_{i}", block)
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Any) -> Any:
        assert input.ndim == 3, f"Encoder: expected (N, S, E), got {tuple(input.shape)}"
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """Patches projected to vectors, a class token before them, the encoder, a linear classifier of the token.

    representation_size: of a hidden layer before the classifier. AssertionError for images of another size.

    >>> import tinygrad_cnn as tg
    >>> VisionTransformer(16, 8, 1, 2, 8, 16, num_classes=5)(tg.zeros(1, 3, 16, 16)).shape
    (1, 5)
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Norm = _NORM,
    ):
        super().__init__()
        assert image_size % patch_size == 0, f"VisionTransformer: {image_size} is no multiple of {patch_size}"
        self.image_size, self.patch_size, self.hidden_dim = image_size, patch_size, hidden_dim
        self.mlp_dim, self.num_classes, self.representation_size = mlp_dim, num_classes, representation_size
        self.dropout, self.attention_dropout, self.norm_layer = dropout, attention_dropout, norm_layer
        self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        sizes = num_layers, num_heads, hidden_dim, mlp_dim
        self.encoder = Encoder(self.seq_length, *sizes, dropout, attention_dropout, norm_layer)
        self.heads = nn.Sequential()
        if representation_size is not None:
            self.heads.add_module("pre_logits", _drawn(nn.Linear(hidden_dim, representation_size), hidden_dim))
            self.heads.add_module("act", nn.Tanh())
        self.heads.add_module("head", nn.Linear(representation_size or hidden_dim, num_classes))
        _drawn(self.conv_proj, 3 * patch_size * patch_size)
        nn.init.zeros_(self.heads.head.weight)  # type: ignore[attr-defined]
        nn.init.zeros_(self.heads.head.bias)  # type: ignore[attr-defined]

    def forward(self, x: Any) -> Any:
        n, side = len(x), self.image_size
        assert x.shape[-2:] == (side, side), f"VisionTransformer: images are {side} high and wide, got {x.shape[-2:]}"
        x = self.conv_proj(x).flatten(2).permute(0, 2, 1)  # (N, 3, H, W) -> (N, E, P, P) -> (N, P·P, E)
        x = self.encoder(cat([self.class_token.expand(n, -1, -1), x], 1))  # (N, S, E)
        return self.heads(x[:, 0])


def _drawn(layer: Any, fan_in: int) -> Any:
    nn.init.trunc_normal_(layer.weight, std=math.sqrt(1 / fan_in))
    nn.init.zeros_(layer.bias)
    return layer


def _network(patch: int, layers: int, heads: int, hidden: int, mlp: int, kwargs: dict) -> VisionTransformer:
    return VisionTransformer(kwargs.pop("image_size", 224), patch, layers, heads, hidden, mlp, **kwargs)


@takes_weights
def vit_b_16(**kwargs: Any) -> VisionTransformer:
    """ViT-B with patches of 16: 86.6 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vit_b_16
    >>> net = vit_b_16(num_classes=10)  # doctest: +SKIP
    """
    return _network(16, 12, 12, 768, 3072, kwargs)


@takes_weights
def vit_b_32(**kwargs: Any) -> VisionTransformer:
    """ViT-B with patches of 32: 88.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vit_b_32
    >>> net = vit_b_32(num_classes=10)  # doctest: +SKIP
    """
    return _network(32, 12, 12, 768, 3072, kwargs)


@takes_weights
def vit_l_16(**kwargs: Any) -> VisionTransformer:
    """ViT-L with patches of 16: 304 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vit_l_16
    >>> net = vit_l_16(num_classes=10)  # doctest: +SKIP
    """
    return _network(16, 24, 16, 1024, 4096, kwargs)


@takes_weights
def vit_l_32(**kwargs: Any) -> VisionTransformer:
    """ViT-L with patches of 32: 307 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vit_l_32
    >>> net = vit_l_32(num_classes=10)  # doctest: +SKIP
    """
    return _network(32, 24, 16, 1024, 4096, kwargs)


@takes_weights
def vit_h_14(**kwargs: Any) -> VisionTransformer:
    """ViT-H with patches of 14: 632 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vit_h_14
    >>> net = vit_h_14(num_classes=10)  # doctest: +SKIP
    """
    return _network(14, 32, 16, 1280, 5120, kwargs)
