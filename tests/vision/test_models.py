"""torchvision's models: names, layers, initial values, outputs; and what is said when weights are asked for."""

from __future__ import annotations

import importlib
import zlib

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import models


def _models(m):
    if m is tg:
        return models
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    return importlib.import_module("torchvision.models")


def _crc(state):
    """A word made of the names and shapes of a state, in their order."""
    return hex(zlib.crc32(repr([(k, tuple(v.shape)) for k, v in state.items()]).encode()))


# Small ones of each family, whose outputs are compared.
SMALL = {
    "densenet": lambda v: v.DenseNet(8, (1, 2, 1, 2), 16, num_classes=5),
    "resnext": lambda v: v.ResNet(v.resnet.Bottleneck, [1, 1, 1, 2], 5, True, 2, 8, [False, True, True]),
    "resnet with other norms": lambda v: v.ResNet(
        v.resnet.BasicBlock, [1] * 4, 5, norm_layer=v.resnet.nn.InstanceNorm2d
    ),
    "mnasnet": lambda v: v.MNASNet(0.25, num_classes=5),
    "shufflenet": lambda v: v.ShuffleNetV2([2, 1, 2], [8, 16, 32, 64, 32], num_classes=5),
    "mobilenet": lambda v: v.MobileNetV2(num_classes=5, width_mult=0.25),
    "mobilenet 3": lambda v: v.MobileNetV3(
        [
            v.mobilenetv3.InvertedResidualConfig(16, 3, 16, 16, True, "RE", 1, 1, 0.5),
            v.mobilenetv3.InvertedResidualConfig(16, 5, 40, 24, False, "HS", 2, 2, 0.5),
        ],
        16,
        num_classes=5,
    ),
    "efficientnet": lambda v: v.EfficientNet(
        [
            v.efficientnet.FusedMBConvConfig(1, 3, 1, 8, 8, 2),
            v.efficientnet.FusedMBConvConfig(4, 3, 2, 8, 16, 1),
            v.efficientnet.MBConvConfig(4, 5, 2, 16, 24, 2, depth_mult=1.4),
        ],
        0.2,
        num_classes=5,
    ),
    "vision transformer": lambda v: v.VisionTransformer(48, 16, 2, 2, 8, 16, num_classes=5, representation_size=6),
    "squeezenet": lambda v: v.SqueezeNet("1_1", num_classes=5),
    "what VGG begins with": lambda v: v.vgg.make_layers([8, "M", 8, 8, "M"], batch_norm=True),
}


@pytest.mark.parametrize("family", SMALL)
def test_outputs_and_gradients_are_torchvisions(pytorch, family):
    def results(m):
        net, draw = SMALL[family](_models(m)).double().eval(), np.random.default_rng(0)
        for p in net.parameters():
            bound = 2 / np.sqrt(max(1, np.prod(p.shape[1:])))
            p.data.copy_(m.tensor(draw.uniform(-bound, bound, size=tuple(p.shape))))
        x = m.tensor(draw.normal(size=(1, 3, 48, 48)), requires_grad=True)
        out = net(x)
        (out * out).sum().backward()
        return [_crc(net.state_dict()), repr(net), out, x.grad]

    pytorch.agrees(results, rtol=1e-7, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["densenet121", "efficientnet_b1", "efficientnet_v2_s", "mobilenet_v2", "mobilenet_v3_large", "squeezenet1_0"],
)
def test_states_are_torchvisions(pytorch, name):
    pytorch.agrees(lambda m: _crc(getattr(_models(m), name)(num_classes=10).state_dict()))


@pytest.mark.parametrize(
    ("family", "deviation"),
    [
        ("densenet", lambda w: (2 / (w.shape[1] * w.shape[2] ** 2)) ** 0.5),
        ("mobilenet", lambda w: (2 / (w.shape[0] * w.shape[2] ** 2)) ** 0.5),
        ("squeezenet", lambda w: (2 / (w.shape[1] * w.shape[2] ** 2)) ** 0.5),
    ],
)
def test_initial_values(family, deviation):
    """Kaiming's, by the inputs or the outputs of a window."""
    weights = [w for name, w in SMALL[family](models).named_parameters() if w.ndim == 4 and "classifier" not in name]
    drawn = [(w.std().item() / deviation(w), w.numel()) for w in weights if w.numel() > 1000]
    assert np.average([d for d, _ in drawn], weights=[n for _, n in drawn]) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    ("ask", "warned"),
    [
        (lambda: models.squeezenet1_1(weights="DEFAULT"), False),
        (lambda: models.squeezenet1_1(weights=models.SqueezeNet1_1_Weights.IMAGENET1K_V1), False),
        (lambda: models.squeezenet1_1(pretrained=True), True),
        (lambda: models.squeezenet1_1(True), True),
    ],
)
@pytest.mark.filterwarnings("ignore:squeezenet1_1")
def test_trained_weights_are_refused_in_words(ask, warned):
    with pytest.raises(RuntimeError, match="downloaded, which this library does not do; build it with"):
        ask()


def test_no_weights_are_built():
    with pytest.warns(UserWarning, match="'pretrained' is deprecated"):
        assert models.squeezenet1_1(pretrained=False, num_classes=2)(tg.zeros(1, 3, 32, 32)).shape == (1, 2)
    assert models.squeezenet1_1(weights=None, progress=False, num_classes=2).num_classes == 2
    for name in (
        "AlexNet",
        "DenseNet121",
        "EfficientNet_V2_S",
        "MobileNet_V3_Large",
        "ViT_B_16",
        "ResNet50",
        "SqueezeNet1_0",
        "VGG16_BN",
    ):
        assert getattr(models, f"{name}_Weights").DEFAULT


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.SqueezeNet("2_0"),
        lambda v: v.resnet.BasicBlock(4, 4, groups=2),
        lambda v: v.resnet18(replace_stride_with_dilation=[True]),
        lambda v: v.resnet18(replace_stride_with_dilation=[False, False, True]),
        lambda v: v.MobileNetV2(inverted_residual_setting=[]),
        lambda v: v.mobilenetv2.InvertedResidual(4, 4, 3, 1),
        lambda v: v.MobileNetV3([], 8),
        lambda v: v.MobileNetV3([1], 8),
        lambda v: v.EfficientNet([], 0.2),
        lambda v: v.EfficientNet([1], 0.2),
        lambda v: v.efficientnet.MBConv(v.efficientnet.MBConvConfig(1, 3, 3, 8, 8, 1), 0.0, v.resnet.nn.BatchNorm2d),
        lambda v: v.alexnet(classes=3),
    ],
)
def test_refusals_are_torchvisions(pytorch, call):
    def kind(m):
        try:
            call(_models(m))
        except (TypeError, ValueError, NotImplementedError) as error:
            return type(error).__name__

    pytorch.agrees(kind)
