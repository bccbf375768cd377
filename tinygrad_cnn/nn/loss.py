"""Losses as layers: the arguments of a loss function, kept in a Module."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..arrays.lines import user_level
from ..engine.tensor import Tensor
from ..ops.loss import reduction_of
from . import functional as F
from .module import Module


class _Loss(Module):
    """size_average and reduce are PyTorch's old way to choose the reduction."""

    reduction: str

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"):
        super().__init__()
        old = size_average is not None or reduce is not None
        self.reduction = reduction_of(reduction, size_average, reduce) if old else reduction


class _WeightedLoss(_Loss):
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class _MarginLoss(_Loss):
    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class CrossEntropyLoss(_WeightedLoss):
    """cross_entropy: -log softmax(input)[target]        (N,C) (N,) -> ()

    weight: a factor for each class. ignore_index: a class that does not count. label_smoothing: the share of the truth
    that is spread over all classes (Szegedy et al., 2016).

    >>> import tinygrad_cnn as tg
    >>> loss = tg.nn.CrossEntropyLoss()(tg.zeros(8, 10), tg.zeros(8, dtype=tg.long))
    >>> round(loss.item(), 4)  # log 10
    2.3026
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """nll_loss: -input[n, target[n]], input being log-probabilities        (N,C) (N,) -> ()

    >>> import tinygrad_cnn as tg
    >>> tg.nn.NLLLoss()(tg.tensor([[-1.0, -2.0]]), tg.tensor([1])).item()
    2.0
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    """NLLLoss under the name that it had for pictures: (N,C,H,W) (N,H,W) -> (); a FutureWarning says so.

    >>> import tinygrad_cnn as tg, warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     loss = tg.nn.NLLLoss2d()
    >>> loss(tg.zeros(1, 2, 1, 1) - 1, tg.zeros(1, 1, 1).long()).item()
    1.0
    """

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn("NLLLoss2d has been deprecated; NLLLoss does the same", FutureWarning, stacklevel=user_level())
        super().__init__(*args, **kwargs)


class MultiMarginLoss(_WeightedLoss):
    """multi_margin_loss: Σ over j ≠ target of max(0, margin - input[target] + input[j])^p / C        (N,C) (N,) -> ()

    The multi-class hinge (Crammer and Singer, 2001). ValueError unless p is 1 or 2.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MultiMarginLoss()(tg.tensor([[3.0, 2.5]]), tg.tensor([0])).item()
    0.25
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {p}")
        if weight is not None and weight.ndim != 1:
            raise AssertionError(f"MultiMarginLoss: weight must be a vector or None, got shape {tuple(weight.shape)}")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MSELoss(_Loss):
    """mse_loss: mean of (input - target)²

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MSELoss()(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 2.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """l1_loss: mean of |input - target|

    >>> import tinygrad_cnn as tg
    >>> tg.nn.L1Loss()(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 2.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(_Loss):
    """huber_loss: mean of e²/2 where |e| < delta, else delta·(|e| - delta/2), with e = input - target (Huber, 1964)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.HuberLoss(reduction="none")(tg.tensor([0.5, 3.0]), tg.zeros(2)).tolist()
    [0.125, 2.5]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(_Loss):
    """smooth_l1_loss: mean of e²/(2·beta) where |e| < beta, else |e| - beta/2, with e = input - target (Girshick, 2015)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.SmoothL1Loss(reduction="none")(tg.tensor([0.5, 3.0]), tg.zeros(2)).tolist()
    [0.125, 2.5]
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class BCELoss(_WeightedLoss):
    """binary_cross_entropy: mean of -target·log(input) - (1-target)·log(1-input), of probabilities

    weight: a factor for each element. For logits, BCEWithLogitsLoss is more accurate.

    >>> import tinygrad_cnn as tg
    >>> round(tg.nn.BCELoss()(tg.tensor([0.5]), tg.tensor([1.0])).item(), 4)  # log 2
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """binary_cross_entropy_with_logits: mean of log(1 + e^input) - target·input, which is BCELoss of sigmoid(input)

    weight: a factor for each element. pos_weight: a factor for the part of target 1.

    >>> import tinygrad_cnn as tg
    >>> round(tg.nn.BCEWithLogitsLoss()(tg.tensor([0.0]), tg.tensor([1.0])).item(), 4)  # log 2
    0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """kl_div: mean of target·(log target - input), input being log-probabilities (Kullback and Leibler, 1951)

    reduction="batchmean" is the divergence itself. log_target: target is log-probabilities, too.

    >>> import tinygrad_cnn as tg
    >>> even = tg.tensor([[0.5, 0.5]])
    >>> tg.nn.KLDivLoss(reduction="batchmean")(even.log(), even).item()
    0.0
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """poisson_nll_loss: mean of e^input - target·input, for counts target with a Poisson distribution of mean e^input

    log_input=False: of mean input, input - target·log(input + eps). full: with Stirling's formula for log(target!).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.PoissonNLLLoss()(tg.tensor([0.0]), tg.tensor([3.0])).item()
    1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """gaussian_nll_loss: mean of (log var + (input - target)²/var) / 2, var being at least eps (Nix and Weigend, 1994)

    full: with log(2π)/2.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.GaussianNLLLoss()(tg.tensor([1.0]), tg.tensor([3.0]), tg.tensor([1.0])).item()
    2.0
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class SoftMarginLoss(_Loss):
    """soft_margin_loss: mean of log(1 + e^(-target·input)), target being -1 or 1

    >>> import tinygrad_cnn as tg
    >>> round(tg.nn.SoftMarginLoss()(tg.tensor([0.0]), tg.tensor([1.0])).item(), 4)  # log 2
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(_MarginLoss):
    """hinge_embedding_loss: mean of input where target is 1, max(0, margin - input) where it is -1

    >>> import tinygrad_cnn as tg
    >>> loss = tg.nn.HingeEmbeddingLoss(reduction="none")
    >>> loss(tg.tensor([0.25, 0.25]), tg.tensor([1.0, -1.0])).tolist()
    [0.25, 0.75]
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """multilabel_soft_margin_loss: BCEWithLogitsLoss, for several classes may be right        (N,C) (N,C) -> ()

    >>> import tinygrad_cnn as tg
    >>> loss = tg.nn.MultiLabelSoftMarginLoss()(tg.zeros(1, 3), tg.tensor([[1.0, 0.0, 1.0]]))
    >>> round(loss.item(), 4)  # log 2
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """cosine_embedding_loss: mean of 1 - cos where target is 1, max(0, cos - margin) where it is -1

    input1 and input2 (N,D), whose cosine is meant, target (N,) -> ().

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor([[1.0, 0.0], [1.0, 0.0]]), tg.tensor([[0.0, 1.0], [0.0, 1.0]])
    >>> tg.nn.CosineEmbeddingLoss(reduction="none")(x, y, tg.tensor([1, -1])).tolist()
    [1.0, 0.0]
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(_MarginLoss):
    """margin_ranking_loss: mean of max(0, margin - target·(input1 - input2)), target 1 or -1

    input1 should be the larger score where target is 1, the smaller one where it is -1.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MarginRankingLoss()(tg.tensor([1.0]), tg.tensor([3.0]), tg.tensor([1.0])).item()
    2.0
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """triplet_margin_loss: mean of max(0, |anchor - positive| - |anchor - negative| + margin)        three (N,D) -> ()

    Balntas et al., 2016. Distances are PairwiseDistance(p, eps); swap: the negative may be compared with the positive
    instead, if that is closer. ValueError unless margin > 0.

    >>> import tinygrad_cnn as tg
    >>> here, near, far = tg.tensor([[0.0]]), tg.tensor([[1.0]]), tg.tensor([[9.0]])
    >>> tg.nn.TripletMarginLoss()(here, near, far).item()
    0.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: margin must be greater than 0, got {margin}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """triplet_margin_with_distance_loss: TripletMarginLoss with a distance of your own        three (N,D) -> ()

    distance_function: by default PairwiseDistance(). ValueError unless margin > 0.

    >>> import tinygrad_cnn as tg
    >>> loss = tg.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: abs(x - y).sum(-1))
    >>> loss(tg.tensor([[0.0]]), tg.tensor([[9.0]]), tg.tensor([[1.0]])).item()
    9.0
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ):
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: margin must be greater than 0, got {margin}")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        how: dict[str, Any] = dict(margin=self.margin, swap=self.swap, reduction=self.reduction)
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, **how
        )


class MultiLabelMarginLoss(_Loss):
    """multilabel_margin_loss: the hinge of examples with several labels        (N,C) (N,C) -> ()

    target: int64, the labels of each example first, then -1.

    >>> import tinygrad_cnn as tg
    >>> loss = tg.nn.MultiLabelMarginLoss()(tg.tensor([[0.1, 0.2, 0.4, 0.8]]), tg.tensor([[3, 0, -1, 1]]))
    >>> round(loss.item(), 4)
    0.85
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class CTCLoss(_Loss):
    """ctc_loss: -log of the probability of all paths that say a text        (T,N,C) (N,S) (N,) (N,) -> ()

    Graves et al., 2006. blank: its class. zero_infinity: losses of texts that are too long for their times are 0.

    >>> import tinygrad_cnn as tg
    >>> log_probs = tg.zeros(2, 1, 2).log_softmax(2)
    >>> round(tg.nn.CTCLoss()(log_probs, tg.tensor([[1]]), (2,), (1,)).exp().item(), 4)  # 1 / (3/4)
    1.3333
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False):
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class CosineSimilarity(Module):
    """cosine_similarity: Σ x1·x2 / (|x1|·|x2|) along dim, lengths being at least eps

    >>> import tinygrad_cnn as tg
    >>> tg.nn.CosineSimilarity()(tg.tensor([[3.0, 4.0]]), tg.tensor([[4.0, 3.0]]))
    tensor([0.96], shape=(1,), dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """pairwise_distance: (Σ |x1 - x2 + eps|^p)^(1/p) over the last axis        (N,D) (N,D) -> (N,)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.PairwiseDistance()(tg.tensor([[3.0, 4.0]]), tg.zeros(1, 2))
    tensor([5.], shape=(1,), dtype=float32)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
