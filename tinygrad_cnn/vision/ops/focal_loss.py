"""A loss that looks away from what is told apart already."""

from __future__ import annotations

from ...engine.tensor import Tensor
from ...nn import functional as F


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """α_t (1 - p_t)^γ · cross entropy of σ(inputs), where p_t is the probability of the target; each weighs α or 1 - α

    Lin et al., "Focal Loss for Dense Object Detection", 2017. alpha: below 0 for no weights. reduction: "none", "mean"
    or "sum"; ValueError for others.

    >>> import tinygrad_cnn as tg
    >>> round(sigmoid_focal_loss(tg.zeros(1), tg.ones(1)).item(), 4)
    0.0433
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"sigmoid_focal_loss: expected reduction 'none', 'mean' or 'sum', got {reduction!r}")
    p = inputs.sigmoid()
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = loss * (1 - (p * targets + (1 - p) * (1 - targets))) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return loss if reduction == "none" else getattr(loss, reduction)()
