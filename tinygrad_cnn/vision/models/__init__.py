"""Networks by name: those that people learned CNNs from, and those that they build upon, one family a file.

`get_model` finds them all. Families of torchvision have its names, its layers under its names, and its initial values,
so that its state dicts load; trained weights come from files, for nothing is downloaded (`trained.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ... import nn
from ...pytorch.absent import explains
from . import alexnet as _alexnet
from . import densenet as _densenet
from . import efficientnet as _efficientnet
from . import mnasnet as _mnasnet
from . import mobilenetv2 as _mobilenetv2
from . import mobilenetv3 as _mobilenetv3
from . import resnet as _resnet
from . import shufflenetv2 as _shufflenetv2
from . import simple
from . import squeezenet as _squeezenet
from . import vgg as _vgg
from . import vision_transformer as _vision_transformer
from .alexnet import AlexNet, alexnet
from .densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from .efficientnet import (
    EfficientNet,
    efficientnet_b0,
    efficientnet_b1,
    efficientnet_b2,
    efficientnet_b3,
    efficientnet_b4,
    efficientnet_b5,
    efficientnet_b6,
    efficientnet_b7,
    efficientnet_v2_l,
    efficientnet_v2_m,
    efficientnet_v2_s,
)
from .mnasnet import MNASNet, mnasnet0_5, mnasnet0_75, mnasnet1_0, mnasnet1_3
from .mobilenetv2 import MobileNetV2, mobilenet_v2
from .mobilenetv3 import MobileNetV3, mobilenet_v3_large, mobilenet_v3_small
from .resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    conv3x3,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    resnext101_32x8d,
    resnext101_64x4d,
    wide_resnet50_2,
    wide_resnet101_2,
)
from .shufflenetv2 import ShuffleNetV2, shufflenet_v2_x0_5, shufflenet_v2_x1_0, shufflenet_v2_x1_5, shufflenet_v2_x2_0
from .simple import digits, keras_mnist, lenet, mlp, victorzhou
from .squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from .trained import Weights, names_of_weights
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from .vision_transformer import VisionTransformer, vit_b_16, vit_b_32, vit_h_14, vit_l_16, vit_l_32

_FAMILIES: dict[str, Callable] = {
    name: f
    for family in (
        _alexnet,
        _densenet,
        _efficientnet,
        _mnasnet,
        _mobilenetv2,
        _mobilenetv3,
        _resnet,
        _shufflenetv2,
        _squeezenet,
        _vgg,
        _vision_transformer,
    )
    for name, f in vars(family).items()
    if hasattr(f, "takes_weights")
}
globals().update(dict.fromkeys(names_of_weights(_FAMILIES), Weights))  # ResNet18_Weights, ...


def list_models() -> list[str]:
    """The names that `get_model` knows.

    >>> [name for name in list_models() if name[0] in "akl"]
    ['alexnet', 'keras_mnist', 'lenet']
    """
    return sorted([*simple.BUILDERS, *_FAMILIES])


def get_model(name: str, *, input_shape: Sequence[int] = (1, 28, 28), num_classes: int = 10) -> nn.Module:
    """The network of this name for images of shape (C, H, W), freshly initialised.

    Raises a ValueError for an unknown name, and where the images are too small for the network.

    >>> sum(p.numel() for p in get_model("victorzhou").parameters())
    13610
    """
    if name in _FAMILIES:
        return _FAMILIES[name](num_classes=num_classes)
    if name not in simple.BUILDERS:
        raise ValueError(f"get_model: there is no model {name!r}; there are {', '.join(list_models())}")
    c, h, w = input_shape
    return simple.BUILDERS[name](c, h, w, num_classes)


__all__ = [
    "VGG",
    "AlexNet",
    "BasicBlock",
    "Bottleneck",
    "DenseNet",
    "EfficientNet",
    "MNASNet",
    "MobileNetV2",
    "MobileNetV3",
    "ResNet",
    "ShuffleNetV2",
    "SqueezeNet",
    "VisionTransformer",
    "Weights",
    "alexnet",
    "conv3x3",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "digits",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnet_v2_l",
    "efficientnet_v2_m",
    "efficientnet_v2_s",
    "get_model",
    "keras_mnist",
    "lenet",
    "list_models",
    "mlp",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "victorzhou",
    "vit_b_16",
    "vit_b_32",
    "vit_h_14",
    "vit_l_16",
    "vit_l_32",
    "wide_resnet50_2",
    "wide_resnet101_2",
]

explains(__name__)
