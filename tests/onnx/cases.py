"""Layers with their attributes, and what each is called with: beside those of tests/layers.py, the corners of each."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import nn

RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def positive(*shape):
    return RNG.uniform(0.05, 0.95, shape).astype(np.float32)


IMAGE, ROWS, X = normal(2, 4, 9, 8), normal(2, 4, 11), normal(4, 6)
OTHER, THIRD = normal(4, 6), normal(4, 6)
LABELS, SIGNS = np.array([0, 2, 1, 5]), np.array([1, -1, 1, -1], np.float32)
PLACES = RNG.integers(0, 3, (2, 4, 5))
CLASSES = tg.linspace(0.5, 2, 6)
SIZES = [
    {"size": (5, 16)}, {"size": 13}, {"scale_factor": 2}, {"scale_factor": 0.5}, {"scale_factor": (1.7, 0.6)},
    {"scale_factor": 1.3, "recompute_scale_factor": True},
]  # fmt: skip


class Unpooled(nn.Module):
    def __init__(self, pool=nn.MaxPool2d, unpool=nn.MaxUnpool2d):
        super().__init__()
        self.pool, self.unpool = pool(2, return_indices=True), unpool(2)

    def forward(self, x):
        return self.unpool(*self.pool(x))


CONVOLUTIONS = [
    *[
        (nn.Conv2d(4, 3, k, padding=p, dilation=4 - k), [IMAGE])
        for k in (2, 3)
        for p in (0, 1, "same", "valid", (2, 0))
    ],
    *[(nn.Conv1d(4, 4, 3, padding=p, groups=4), [ROWS]) for p in (0, 2, "same")],
    *[(nn.Conv2d(4, 2, 3, padding="same", padding_mode=mode), [IMAGE]) for mode in ("zeros", "reflect", "circular")],
    *[(nn.Conv1d(4, 2, 2, 2, 1, padding_mode=mode), [ROWS]) for mode in ("zeros", "reflect", "replicate", "circular")],
    *[
        (layer(4, 4, 3, s, p, more, g, True, d), [x])
        for layer, x in ((nn.ConvTranspose1d, ROWS), (nn.ConvTranspose2d, IMAGE))
        for s, p, more, d, g in ((1, 0, 0, 1, 1), (2, 1, 1, 1, 2), (3, 2, 1, 2, 4), (2, 0, 1, 2, 1))
    ],
]
WINDOWS = [(2, None, 0, False), (3, 2, 1, True), (3, 1, 1, False), ((3, 2), (2, 3), (1, 0), True), (2, 3, 1, True)]
POOLINGS = [
    *[(nn.MaxPool2d(k, s, p, ceil_mode=up), [IMAGE]) for k, s, p, up in WINDOWS],
    *[(nn.AvgPool2d(k, s, p, up, count), [IMAGE]) for k, s, p, up in WINDOWS for count in (True, False)],
    *[(nn.MaxPool1d(k, s, p, ceil_mode=up), [ROWS]) for k, s, p, up in WINDOWS[:3]],
    *[(nn.AvgPool1d(k, s, p, up, count), [ROWS]) for k, s, p, up in WINDOWS[:3] for count in (True, False)],
    (nn.MaxPool2d((3, 2), dilation=(2, 3), ceil_mode=True), [IMAGE]),
    (nn.AvgPool2d(3, 2, 1, False, False, divisor_override=2), [IMAGE]),
    (nn.MaxPool2d(2, return_indices=True), [IMAGE]),
    (nn.MaxPool2d(3, 2, 1, return_indices=True), [IMAGE]),
    (nn.MaxPool1d(2, return_indices=True), [ROWS]),
    (Unpooled(), [IMAGE[:, :, :8]]),
    (Unpooled(nn.MaxPool1d, nn.MaxUnpool1d), [IMAGE[:, :, 0, :8]]),
    (Unpooled(nn.MaxPool3d, nn.MaxUnpool3d), [IMAGE[:, None, :2, :4, :8]]),
    *[(nn.LPPool2d(p, 3, 2, up), [abs(IMAGE)]) for p in (1, 2, 3) for up in (True, False)],
    (nn.LPPool1d(4, 2), [ROWS]),
    (nn.LPPool1d(1.5, 2), [abs(ROWS)]),
    *[
        (layer(size), [IMAGE])
        for layer in (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
        for size in (1, (1, 1), (3, 4), (9, 8), (None, 2), (2, 3), 5)
    ],
    *[(layer(n), [ROWS]) for layer in (nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d) for n in (1, 3, 11)],
    *[(layer, [IMAGE[0]]) for layer in (nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3), nn.AdaptiveMaxPool2d(1))],
]
NORMS = [
    *[(nn.GroupNorm(groups, 4), [x]) for groups in (1, 2, 4) for x in (IMAGE, ROWS)],
    (nn.GroupNorm(1, 4), [normal(5, 4)]),
    (nn.InstanceNorm1d(4, affine=True), [ROWS]),
    (nn.InstanceNorm3d(4), [normal(2, 4, 2, 3, 2)]),
    (nn.BatchNorm1d(4, affine=False), [ROWS]),
    (nn.SyncBatchNorm(4), [IMAGE]),
    (nn.LayerNorm((4, 9, 8)), [IMAGE]),
    (nn.LayerNorm(8, bias=False), [IMAGE]),
    *[(nn.LocalResponseNorm(size, k=2.0, beta=0.5), [IMAGE]) for size in (1, 2, 3, 4, 5)],
    (nn.LocalResponseNorm(3), [ROWS]),
]
SHAPES = [
    *[
        (nn.Upsample(mode=mode, align_corners=corners, **size), [IMAGE])
        for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")
        for corners in ((False, True) if mode.startswith("bi") else (None,))
        for size in SIZES
    ],
    *[
        (nn.Upsample(mode=mode, align_corners=corners, **size), [ROWS])
        for mode, corners in (
            ("nearest", None),
            ("nearest-exact", None),
            ("area", None),
            ("linear", True),
            ("linear", False),
        )
        for size in ({"size": 5}, {"scale_factor": 2}, {"scale_factor": 1.7})
    ],
    (nn.UpsamplingBilinear2d(scale_factor=2), [IMAGE]),
    (nn.PixelShuffle(2), [IMAGE[0]]),
    (nn.PixelUnshuffle(3), [normal(2, 1, 6, 9)]),
    (nn.ChannelShuffle(4), [ROWS]),
    *[(nn.Flatten(*axes), [IMAGE]) for axes in ((0,), (2, 3), (1, 2), (-2,))],
    (nn.Unflatten(-1, (2, -1)), [IMAGE]),
    (nn.Unfold((2, 3), 2, 1, (1, 2)), [IMAGE]),
    (nn.Unfold(2), [IMAGE[0]]),
    (nn.Fold((5, 6), 3, 1, 1, 2), [normal(2, 18, 9)]),
    (nn.ConstantPad3d(1, 2.0), [normal(1, 2, 3, 2)]),
    (nn.ZeroPad3d((0, 1, 1, 0, 2, 0)), [normal(1, 2, 3, 2)]),
    (nn.ZeroPad2d(-1), [IMAGE]),
    (nn.ConstantPad2d((-1, 2, 0, 1), 1.5), [IMAGE]),
    (nn.CircularPad2d((1, 2, 0, 1)), [IMAGE]),
    (nn.ReflectionPad2d((3, 0, 0, 2)), [IMAGE]),
    (nn.ReplicationPad1d((3, 1)), [ROWS[0]]),
]
ACTIVATIONS = [
    *[
        (layer, [X])
        for layer in (nn.RReLU(), nn.RReLU(0.1, 0.2), nn.Threshold(0, 20.0), nn.Hardshrink(-1), nn.ELU(2.0))
    ],
    *[(layer, [X]) for layer in (nn.Softshrink(0), nn.CELU(2.0), nn.LeakyReLU(-0.5), nn.LeakyReLU(2.0), nn.PReLU(6))],
    *[(layer, [X * 9]) for layer in (nn.Softplus(0.5, 0.5), nn.Softplus(3.0), nn.GELU("tanh"), nn.Mish(), nn.SiLU())],
    *[(layer, [IMAGE]) for layer in (nn.Softmax(-2), nn.LogSoftmax(1), nn.Softmin(1), nn.PReLU(), nn.GLU(-1))],
    *[(layer, [ROWS]) for layer in (nn.Dropout(), nn.Dropout1d(), nn.AlphaDropout(), nn.FeatureAlphaDropout())],
    (nn.Dropout2d(), [IMAGE]),
    (nn.Dropout3d(), [normal(2, 4, 2, 3, 2)]),
    (nn.Embedding(7, 3), [np.array([[0, 6], [1, 1]])]),
    (nn.Embedding(7, 3, padding_idx=1), [np.array([0, 6], np.int32)]),
    (nn.EmbeddingBag(7, 3), [np.array([[0, 6], [1, 1]])]),
    (nn.Bilinear(6, 6, 2), [X, OTHER]),
    (nn.Sequential(nn.ReLU(True), nn.Tanh()), [X]),
    (nn.DataParallel(nn.Linear(6, 2)), [X]),
]
LOSSES = [
    *[
        (layer(reduction=how), inputs)
        for how in ("mean", "sum", "none")
        for layer, inputs in (
            *[(kind, [X, OTHER]) for kind in (nn.L1Loss, nn.MSELoss, nn.SmoothL1Loss, nn.HuberLoss)],
            *[(kind, [X, np.sign(OTHER)]) for kind in (nn.SoftMarginLoss, nn.HingeEmbeddingLoss)],
            *[(kind, [X, positive(4, 6)]) for kind in (nn.PoissonNLLLoss, nn.CrossEntropyLoss)],
            *[(kind, [X, LABELS]) for kind in (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)],
            (nn.GaussianNLLLoss, [X, OTHER, positive(4, 1)]),
            (nn.CosineEmbeddingLoss, [X, OTHER, SIGNS]),
            (nn.MarginRankingLoss, [X[:, 0].copy(), X[:, 1].copy(), SIGNS]),
            (nn.TripletMarginLoss, [X, OTHER, THIRD]),
        )
    ],
    *[
        (layer, inputs)
        for how in ("mean", "sum", "none")
        for layer, inputs in (
            (nn.CrossEntropyLoss(CLASSES, reduction=how), [X, LABELS]),
            (nn.CrossEntropyLoss(CLASSES, ignore_index=2, label_smoothing=0.1, reduction=how), [X, LABELS]),
            (nn.CrossEntropyLoss(label_smoothing=0.1, reduction=how), [X, positive(4, 6)]),
            (nn.CrossEntropyLoss(label_smoothing=0.1, reduction=how), [normal(2, 3, 4, 5), PLACES]),
            (nn.NLLLoss(ignore_index=1, reduction=how), [normal(2, 3, 4, 5), PLACES]),
            (nn.NLLLoss(CLASSES, reduction=how), [X, LABELS]),
            (nn.MultiMarginLoss(2, 0.5, CLASSES, reduction=how), [X, LABELS]),
            (nn.BCELoss(CLASSES, reduction=how), [positive(4, 6), positive(4, 6)]),
            (nn.BCEWithLogitsLoss(CLASSES, pos_weight=CLASSES, reduction=how), [X, positive(4, 6)]),
            (nn.MultiLabelSoftMarginLoss(CLASSES, reduction=how), [X, positive(4, 6).round()]),
            (nn.PoissonNLLLoss(log_input=False, full=True, reduction=how), [positive(4, 6), positive(4, 6) * 3]),
            (nn.GaussianNLLLoss(full=True, reduction=how), [X, OTHER, positive(4, 6)]),
            (nn.TripletMarginLoss(swap=True, p=3, reduction=how), [X, OTHER, THIRD]),
        )
    ],
    *[(nn.KLDivLoss(reduction=how), [X, positive(4, 6)]) for how in ("batchmean", "sum", "none")],
    (nn.KLDivLoss(reduction="sum", log_target=True), [X, OTHER]),
    (nn.CrossEntropyLoss(), [normal(6), np.array(2)]),
    (nn.CrossEntropyLoss(), [X, LABELS.astype(np.uint8)]),
    (nn.SmoothL1Loss(beta=0), [X, OTHER]),
    (nn.CosineSimilarity(0), [X, OTHER]),
    *[(nn.PairwiseDistance(p), [X, OTHER]) for p in (1, 3, math.inf)],
]
RECURRENT = [
    (nn.RNN(3, 4, 2, "relu", batch_first=True), [normal(2, 5, 3)]),
    (nn.LSTM(3, 4, bidirectional=True), [normal(5, 2, 3)]),
    (nn.LSTM(3, 4, bias=False), [normal(5, 3)]),
    (nn.GRU(3, 4, 2, bidirectional=True), [normal(5, 2, 3)]),
    *[(cell(3, 4), [normal(2, 3)]) for cell in (nn.RNNCell, nn.LSTMCell, nn.GRUCell)],
]
CASES = [*CONVOLUTIONS, *POOLINGS, *NORMS, *SHAPES, *ACTIVATIONS, *LOSSES, *RECURRENT]
