"""Layers, how each is made, and what it is called with."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)


def positive(*shape):
    return RNG.uniform(0.05, 0.95, shape)


def normal(*shape):
    return RNG.normal(size=shape)


LABELS = np.array([0, 2, 1, 2])
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
IMAGE = normal(2, 4, 7, 6)
VOLUME = np.random.default_rng(2).normal(size=(1, 2, 3, 4, 3))
ROWS = normal(2, 4, 9)
X = normal(4, 3)
SOURCE, TARGET = normal(2, 4, 6), normal(2, 3, 6)
PADDING = np.array([[False] * 4, [False, False, True, True]])
AHEAD = np.triu(np.full((3, 3), -np.inf), 1)


def weighed(layer):
    """The layer, with weights that NumPy draws for either library."""
    draw = np.random.default_rng(1)
    for p in layer.parameters():
        p.data.copy_(p.data.new_tensor(draw.uniform(-0.5, 0.5, tuple(p.shape))))
    return layer


# How a layer is made, and what it is called with: the first argument is differentiated.
LAYERS = [
    (lambda nn: nn.Identity(3, four=4), [X]),
    (lambda nn: nn.Linear(3, 5), [X]),
    (lambda nn: nn.Linear(3, 5, bias=False), [normal(2, 4, 3)]),
    (lambda nn: nn.Bilinear(3, 2, 5), [X, normal(4, 2)]),
    (lambda nn: nn.Bilinear(3, 2, 5, bias=False), [X, normal(4, 2)]),
    (lambda nn: nn.Flatten(), [IMAGE]),
    (lambda nn: nn.Flatten(0, 1), [IMAGE]),
    (lambda nn: nn.Unflatten(1, (2, 2)), [IMAGE]),
    (lambda nn: nn.Conv1d(4, 6, 3), [ROWS]),
    (lambda nn: nn.Conv1d(4, 6, 4, stride=2, padding=3, dilation=2, groups=2, bias=False), [ROWS]),
    (lambda nn: nn.Conv1d(4, 6, 3, padding=2, padding_mode="reflect"), [ROWS]),
    (lambda nn: nn.Conv1d(4, 6, (3,), padding="same", padding_mode="circular"), [ROWS]),
    (lambda nn: nn.Conv2d(4, 6, 3), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 6, 3), [IMAGE[0]]),
    (lambda nn: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), 2, False), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 4, 3, padding="same", groups=4), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 6, 3, padding="valid"), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 6, 5, padding="same", padding_mode="replicate"), [IMAGE]),
    (lambda nn: nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), [IMAGE]),
    (lambda nn: nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1), [ROWS]),
    (lambda nn: nn.ConvTranspose2d(4, 6, 3), [IMAGE]),
    (lambda nn: nn.ConvTranspose2d(4, 6, 4, 2, 1, bias=False), [IMAGE]),
    (lambda nn: nn.ConvTranspose2d(4, 6, (3, 2), (3, 1), (0, 1), (2, 0), 2, True, (2, 1)), [IMAGE]),
    (lambda nn: nn.MaxPool1d(3, 2, 1), [ROWS]),
    (lambda nn: nn.MaxPool2d(2), [IMAGE]),
    (lambda nn: nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True), [IMAGE]),
    (lambda nn: nn.AvgPool1d(3, 2, 1), [ROWS]),
    (lambda nn: nn.Conv3d(2, 4, (2, 3, 1), (1, 2, 1), (1, 0, 1), (1, 1, 2), 2), [VOLUME]),
    (lambda nn: nn.Conv3d(2, 1, 2, padding="same", padding_mode="replicate", bias=False), [VOLUME]),
    (lambda nn: nn.ConvTranspose3d(2, 4, 2, 2, 1, 1, 2), [VOLUME]),
    (lambda nn: nn.MaxPool3d(2, 1, 1), [VOLUME]),
    (lambda nn: nn.AvgPool3d((3, 2, 1), ceil_mode=True, count_include_pad=False), [VOLUME]),
    (lambda nn: nn.LPPool3d(2, 2), [VOLUME]),
    (lambda nn: nn.AdaptiveAvgPool3d((3, 2, 1)), [VOLUME]),
    (lambda nn: nn.AdaptiveMaxPool3d(2), [VOLUME]),
    (lambda nn: nn.ReflectionPad3d(1), [VOLUME]),
    (lambda nn: nn.ReplicationPad3d((1, 0, 2, 0, 0, 1)), [VOLUME]),
    (lambda nn: nn.CircularPad3d(1), [VOLUME]),
    (lambda nn: nn.AvgPool2d(2), [IMAGE]),
    (lambda nn: nn.AvgPool2d(3, 2, 1, True, False), [IMAGE]),
    (lambda nn: nn.AvgPool2d(2, divisor_override=3), [IMAGE]),
    (lambda nn: nn.LPPool1d(2, 3), [positive(2, 4, 9)]),
    (lambda nn: nn.LPPool2d(2, (2, 3), stride=1), [positive(2, 4, 7, 6)]),
    (lambda nn: nn.AdaptiveAvgPool1d(4), [ROWS]),
    (lambda nn: nn.AdaptiveAvgPool2d(1), [IMAGE]),
    (lambda nn: nn.AdaptiveAvgPool2d((None, 4)), [IMAGE]),
    (lambda nn: nn.AdaptiveMaxPool1d(4), [ROWS]),
    (lambda nn: nn.AdaptiveMaxPool2d((3, 4)), [IMAGE]),
    (lambda nn: nn.BatchNorm1d(3), [X]),
    (lambda nn: nn.BatchNorm1d(4, momentum=None), [ROWS]),
    (lambda nn: nn.BatchNorm2d(4), [IMAGE]),
    (lambda nn: nn.BatchNorm2d(4, eps=0.1, momentum=0.3, affine=False), [IMAGE]),
    (lambda nn: nn.BatchNorm2d(4, track_running_stats=False), [IMAGE]),
    (lambda nn: nn.BatchNorm3d(4), [normal(2, 4, 2, 3, 2)]),
    (lambda nn: nn.InstanceNorm1d(4), [ROWS]),
    (lambda nn: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), [IMAGE]),
    (lambda nn: nn.InstanceNorm2d(4), [IMAGE[0]]),
    (lambda nn: nn.LayerNorm(6), [IMAGE]),
    (lambda nn: nn.LayerNorm((7, 6), eps=0.1, bias=False), [IMAGE]),
    (lambda nn: nn.LayerNorm([6], elementwise_affine=False), [IMAGE]),
    (lambda nn: nn.RMSNorm(6), [IMAGE]),
    (lambda nn: nn.RMSNorm((7, 6), eps=0.1, elementwise_affine=False), [IMAGE]),
    (lambda nn: nn.GroupNorm(2, 4), [IMAGE]),
    (lambda nn: nn.GroupNorm(4, 4, affine=False), [IMAGE]),
    (lambda nn: nn.LocalResponseNorm(3, alpha=0.5), [IMAGE]),
    (lambda nn: nn.Dropout(0.0), [X]),
    (lambda nn: nn.Dropout1d(0.0), [ROWS]),
    (lambda nn: nn.Dropout2d(0.0), [IMAGE]),
    (lambda nn: nn.AlphaDropout(0.0), [X]),
    (lambda nn: nn.MultiheadAttention(6, 2), [TARGET[0], TARGET[0] + 1, TARGET[0]]),
    (
        lambda nn: nn.MultiheadAttention(
            6, 3, bias=False, add_bias_kv=True, add_zero_attn=True, kdim=6, vdim=4, batch_first=True
        ),
        [TARGET, SOURCE, normal(2, 4, 4), PADDING],
    ),
    (lambda nn: nn.TransformerEncoderLayer(6, 2, 5, 0.0, batch_first=True), [SOURCE]),
    (lambda nn: nn.TransformerDecoderLayer(6, 2, 5, 0.0, "gelu", 0.1, True, True, False), [TARGET, SOURCE]),
    (
        lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 5, 0.0, batch_first=True), 2),
        [SOURCE],
    ),
    (
        lambda nn: nn.TransformerDecoder(
            nn.TransformerDecoderLayer(6, 1, 5, 0.0, batch_first=True), 2, nn.LayerNorm(6)
        ),
        [TARGET, SOURCE],
    ),
    (lambda nn: nn.Transformer(6, 2, 1, 1, 5, 0.0, "gelu", batch_first=True), [SOURCE, TARGET]),
    (lambda nn: nn.ReLU(), [X]),
    (lambda nn: nn.ReLU6(), [X * 5]),
    (lambda nn: nn.LeakyReLU(0.2), [X]),
    (lambda nn: nn.PReLU(), [X]),
    (lambda nn: nn.PReLU(4, init=0.1), [IMAGE]),
    (lambda nn: nn.ELU(0.5), [X]),
    (lambda nn: nn.CELU(0.5), [X]),
    (lambda nn: nn.SELU(), [X]),
    (lambda nn: nn.GELU(), [X]),
    (lambda nn: nn.GELU("tanh"), [X]),
    (lambda nn: nn.GLU(1), [IMAGE]),
    (lambda nn: nn.SiLU(), [X]),
    (lambda nn: nn.Mish(), [X]),
    (lambda nn: nn.Sigmoid(), [X]),
    (lambda nn: nn.LogSigmoid(), [X]),
    (lambda nn: nn.Tanh(), [X]),
    (lambda nn: nn.Tanhshrink(), [X]),
    (lambda nn: nn.Hardtanh(-0.5, 0.7), [X]),
    (lambda nn: nn.Hardsigmoid(), [X * 4]),
    (lambda nn: nn.Hardswish(), [X * 4]),
    (lambda nn: nn.Hardshrink(), [X]),
    (lambda nn: nn.Softshrink(0.3), [X]),
    (lambda nn: nn.Softplus(2.0, 1.0), [X]),
    (lambda nn: nn.Softsign(), [X]),
    (lambda nn: nn.Threshold(0.1, -2), [X]),
    (lambda nn: nn.Softmax(1), [X]),
    (lambda nn: nn.Softmin(dim=0), [X]),
    (lambda nn: nn.LogSoftmax(dim=-1), [X]),
    (lambda nn: nn.Softmax2d(), [IMAGE]),
    (lambda nn: nn.ZeroPad1d(1), [ROWS]),
    (lambda nn: nn.ZeroPad2d((1, 0, 2, 3)), [IMAGE]),
    (lambda nn: nn.ConstantPad1d(1, 2.5), [ROWS]),
    (lambda nn: nn.ConstantPad2d((1, 2, 0, 1), 2.5), [IMAGE]),
    (lambda nn: nn.ReflectionPad1d(2), [ROWS]),
    (lambda nn: nn.ReflectionPad2d((1, 2, 0, 1)), [IMAGE]),
    (lambda nn: nn.ReplicationPad1d(2), [ROWS]),
    (lambda nn: nn.ReplicationPad2d(1), [IMAGE]),
    (lambda nn: nn.CircularPad1d(2), [ROWS]),
    (lambda nn: nn.CircularPad2d(1), [IMAGE]),
    (lambda nn: nn.Upsample(scale_factor=2), [IMAGE]),
    (lambda nn: nn.Upsample(size=(5, 9), mode="bilinear"), [IMAGE]),
    (lambda nn: nn.Upsample(scale_factor=(2, 1.5), mode="bicubic", align_corners=True), [IMAGE]),
    (lambda nn: nn.UpsamplingNearest2d(scale_factor=2), [IMAGE]),
    (lambda nn: nn.UpsamplingBilinear2d(size=(5, 9)), [IMAGE]),
    (lambda nn: nn.PixelShuffle(2), [IMAGE]),
    (lambda nn: nn.PixelUnshuffle(2), [IMAGE[:, :, :6]]),
    (lambda nn: nn.ChannelShuffle(2), [IMAGE]),
    (lambda nn: nn.Unfold(3, padding=1, stride=2), [IMAGE]),
    (lambda nn: nn.Fold((4, 5), (2, 3)), [normal(2, 12, 9)]),
    (lambda nn: nn.CosineSimilarity(), [X, normal(4, 3)]),
    (lambda nn: nn.PairwiseDistance(keepdim=True), [X, normal(4, 3)]),
    (lambda nn: nn.CrossEntropyLoss(), [X, LABELS]),
    (lambda nn: nn.CrossEntropyLoss(ignore_index=2, label_smoothing=0.1, reduction="sum"), [X, LABELS]),
    (lambda nn: nn.NLLLoss(ignore_index=1), [X, LABELS]),
    (lambda nn: nn.MSELoss(), [X, normal(4, 3)]),
    (lambda nn: nn.MSELoss(reduction="none"), [X, normal(4, 3)]),
    (lambda nn: nn.L1Loss(), [X, normal(4, 3)]),
    (lambda nn: nn.HuberLoss(delta=0.5), [X, normal(4, 3)]),
    (lambda nn: nn.SmoothL1Loss(beta=0.5), [X, normal(4, 3)]),
    (lambda nn: nn.BCELoss(), [positive(4, 3), positive(4, 3)]),
    (lambda nn: nn.BCEWithLogitsLoss(), [X, positive(4, 3)]),
    (lambda nn: nn.KLDivLoss(reduction="batchmean"), [X, positive(4, 3)]),
    (lambda nn: nn.PoissonNLLLoss(full=True), [X, positive(4, 3) * 5]),
    (lambda nn: nn.GaussianNLLLoss(), [X, normal(4, 3), positive(4, 3)]),
    (lambda nn: nn.SoftMarginLoss(), [X[:, 0].copy(), SIGNS]),
    (lambda nn: nn.HingeEmbeddingLoss(), [X[:, 0].copy(), SIGNS]),
    (lambda nn: nn.MultiMarginLoss(p=2), [X, LABELS]),
    (lambda nn: nn.MultiLabelSoftMarginLoss(), [X, positive(4, 3).round()]),
    (lambda nn: nn.MultiLabelMarginLoss(), [X, np.array([[0, 2, -1], [1, -1, 0], [-1, 0, 0], [2, 0, 1]])]),
    (lambda nn: nn.TripletMarginWithDistanceLoss(swap=True), [X, normal(4, 3), normal(4, 3)]),
    (lambda nn: nn.CosineEmbeddingLoss(), [X, normal(4, 3), SIGNS]),
    (lambda nn: nn.MarginRankingLoss(), [X[:, 0].copy(), X[:, 1].copy(), SIGNS]),
    (lambda nn: nn.CTCLoss(), [np.log(positive(4, 1, 3)), np.array([[1, 2]]), np.array([4]), np.array([2])]),
    (lambda nn: nn.TripletMarginLoss(swap=True), [X, normal(4, 3), normal(4, 3)]),
]

# With masks, whose axes are not the batch's.
MASKED = [
    (lambda nn: nn.MultiheadAttention(6, 2), [SOURCE, SOURCE + 1, SOURCE - 1, np.eye(4, 2) > 0]),
    (lambda nn: nn.TransformerEncoderLayer(6, 2, 5, 0.0), [SOURCE, np.triu(np.ones((2, 2), bool), 1)]),
    (
        lambda nn: nn.TransformerDecoderLayer(6, 2, 5, 0.0, batch_first=True),
        [TARGET, SOURCE, AHEAD, normal(3, 4)],
    ),
    (
        lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 5, 0.0, batch_first=True), 2),
        [SOURCE, normal(4, 4), PADDING * -1e9],
    ),
    (
        lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 1, 5, 0.0), 2, nn.LayerNorm(6)),
        [TARGET[0], SOURCE[0], AHEAD],
    ),
]
