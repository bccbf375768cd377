"""Branches of a residual network that are left out at random while it learns."""

from __future__ import annotations

from ... import nn
from ...engine.tensor import Tensor
from ...surface.creation import empty


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """input / (1 - p), or zero with probability p: as a whole ("batch"), or each of its rows by itself ("row")

    Of a residual branch: Huang et al., "Deep Networks with Stochastic Depth", 2016. ValueError for other modes, and
    where p is not a probability.

    >>> import tinygrad_cnn as tg
    >>> stochastic_depth(tg.ones(2, 3), 0.0, "row").tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"stochastic_depth: drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"stochastic_depth: mode has to be either 'batch' or 'row', but got {mode!r}")
    if not training or p == 0:
        return input
    kept = empty((input.shape[0] if mode == "row" else 1, *[1] * (input.ndim - 1)), dtype=input.dtype)
    kept.bernoulli_(1 - p)
    return input * (kept.div_(1 - p) if p < 1 else kept)


class StochasticDepth(nn.Module):
    """stochastic_depth as a module: it does nothing in eval mode.

    >>> StochasticDepth(0.2, "row")
    StochasticDepth(p=0.2, mode=row)
    """

    def __init__(self, p: float, mode: str):
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
