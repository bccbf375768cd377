"""Dropout layers: they drop in training, and let everything through after `eval()`."""

from __future__ import annotations

from ..engine.tensor import Tensor
from . import functional as F
from .module import Module


class _Dropout(Module):
    """p: the probability of an element, or channel, to be dropped. inplace: change the input itself."""

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability, between 0 and 1, got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """dropout of single elements; what stays grows by 1/(1-p)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Dropout(0.5)
    >>> layer.eval()(tg.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """dropout of whole channels of (N,C,L) or (C,L)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """dropout of whole channels of (N,C,H,W)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """dropout of whole channels of (N,C,D,H,W)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """dropout that keeps mean 0 and variance 1 of what comes out of SELU"""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels"""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
