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
    """dropout of single elements; what stays grows by 1/(1-p) (Srivastava et al., 2014)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Dropout(0.5)
    >>> set(layer(tg.ones(1000)).tolist()) == {0.0, 2.0}
    True
    >>> layer.eval()(tg.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """dropout of whole channels of (N,C,L) or (C,L)

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.Dropout1d(0.5)(tg.ones(1, 100, 4))
    >>> set(out.sum(2).flatten().tolist()) == {0.0, 8.0}
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """dropout of whole channels of (N,C,H,W), whose pixels know too much of each other (Tompson et al., 2015)

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.Dropout2d(0.5)(tg.ones(1, 100, 2, 2))
    >>> set(out.sum((2, 3)).flatten().tolist()) == {0.0, 8.0}
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """dropout of whole channels of (N,C,D,H,W)

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.Dropout3d(0.5)(tg.ones(1, 100, 2, 2, 2))
    >>> set(out.sum((2, 3, 4)).flatten().tolist()) == {0.0, 16.0}
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """dropout that keeps mean 0 and variance 1 of what comes out of SELU (Klambauer et al., 2017)

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.AlphaDropout(0.2)(tg.randn(100_000))
    >>> abs(out.mean().item()) < 0.05, abs(out.std().item() - 1) < 0.05
    (True, True)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N,C,...)

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.FeatureAlphaDropout(0.5)(tg.ones(1, 100, 4))
    >>> len(out.flatten().unique()), tg.equal(out[..., 0], out[..., 3])
    (2, True)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
