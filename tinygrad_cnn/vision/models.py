"""Networks by name: those that people learned CNNs from, and ResNet.

Every builder takes the shape of one image (C, H, W) and the number of classes; `get_model` finds it by name.

All that is imported here is named as in PyTorch: `tinygrad-cnn bench` runs this file a second time to make the same
networks of PyTorch's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import flatten, nn

_BUILDERS: dict[str, Callable[[int, int, int, int], nn.Module]] = {}


def list_models() -> list[str]:
    """The names that `get_model` knows.

    >>> list_models()
    ['digits', 'keras_mnist', 'lenet', 'mlp', 'resnet18', 'resnet34', 'resnet50', 'victorzhou']
    """
    return sorted([*_BUILDERS, *_RESNETS])


def get_model(name: str, *, input_shape: Sequence[int] = (1, 28, 28), num_classes: int = 10) -> nn.Module:
    """The network of this name for images of shape (C, H, W), freshly initialised.

    Raises a ValueError for an unknown name, and where the images are too small for the network.

    >>> sum(p.numel() for p in get_model("victorzhou").parameters())
    13610
    """
    if name in _RESNETS:
        return _RESNETS[name](num_classes=num_classes)
    if name not in _BUILDERS:
        raise ValueError(f"get_model: there is no model {name!r}; there are {', '.join(list_models())}")
    c, h, w = input_shape
    return _BUILDERS[name](c, h, w, num_classes)


def _model(build: Callable[[int, int, int, int], nn.Module]) -> Callable[[int, int, int, int], nn.Module]:
    _BUILDERS[build.__name__] = build
    return build


def _flat(name: str, channels: int, h: int, w: int, image: tuple[int, int]) -> int:
    """The number of features behind the last pooling."""
    if h < 1 or w < 1:
        raise ValueError(
            f"{name}: images of {image[0]}x{image[1]} are too small for it; take a smaller model: digits, mlp"
        )
    return channels * h * w


@_model
def digits(c: int, h: int, w: int, classes: int) -> nn.Module:
    """Two 3×3 convolutions and a hidden layer: for small images such as the 8×8 digits.

    >>> import tinygrad_cnn as tg
    >>> digits(1, 8, 8, 10)(tg.zeros(2, 1, 8, 8)).shape
    (2, 10)
    """
    features = _flat("digits", 32, h // 2, w // 2, (h, w))
    return nn.Sequential(
        nn.Conv2d(c, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features, 64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )


@_model
def lenet(c: int, h: int, w: int, classes: int) -> nn.Module:
    """LeNet-5, with ReLU and max-pooling (LeCun, Bottou, Bengio, Haffner 1998).

    >>> sum(p.numel() for p in lenet(1, 28, 28, 10).parameters())
    61706
    """
    features = _flat("lenet", 16, (h // 2 - 4) // 2, (w // 2 - 4) // 2, (h, w))
    return nn.Sequential(
        nn.Conv2d(c, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )


@_model
def keras_mnist(c: int, h: int, w: int, classes: int) -> nn.Module:
    """The CNN of Keras' MNIST example: two 3×3 convolutions, one pooling, dropout, a hidden layer.

    >>> sum(p.numel() for p in keras_mnist(1, 14, 14, 10).parameters())
    225034
    """
    features = _flat("keras_mnist", 64, (h - 4) // 2, (w - 4) // 2, (h, w))
    return nn.Sequential(
        nn.Conv2d(c, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(features, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, classes),
    )


@_model
def victorzhou(c: int, h: int, w: int, classes: int) -> nn.Module:
    """Eight 3×3 filters, a 2×2 max-pooling, a linear classifier: the smallest CNN that reads digits.

    >>> victorzhou(1, 8, 8, 10)
    Sequential(
      (0): Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1))
      (1): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
      (2): Flatten(start_dim=1, end_dim=-1)
      (3): Linear(in_features=72, out_features=10, bias=True)
    )
    """
    features = _flat("victorzhou", 8, (h - 2) // 2, (w - 2) // 2, (h, w))
    return nn.Sequential(nn.Conv2d(c, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, classes))


@_model
def mlp(c: int, h: int, w: int, classes: int) -> nn.Module:
    """No convolution at all: one hidden layer of 256.

    >>> import tinygrad_cnn as tg
    >>> mlp(1, 8, 8, 10)(tg.zeros(2, 1, 8, 8)).shape
    (2, 10)
    """
    return nn.Sequential(nn.Flatten(), nn.Linear(c * h * w, 256), nn.ReLU(), nn.Linear(256, classes))


# ResNet (He, Zhang, Ren, Sun 2016, Deep Residual Learning for Image Recognition), torchvision's names and layout.


def conv3x3(i: int, o: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size, without a bias: i channels to o.

    >>> conv3x3(3, 8)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """
    return nn.Conv2d(i, o, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """out = relu(x' + bn(conv(relu(bn(conv(x)))))), where x' is x, or its 1×1 convolution where shapes change.

    >>> import tinygrad_cnn as tg
    >>> BasicBlock(4, 4)(tg.zeros(1, 4, 5, 5)).shape
    (1, 4, 5, 5)
    """

    expansion = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Bottleneck(nn.Module):
    """A residual block of 1×1, 3×3 and 1×1 convolutions, four times as wide outside as inside.

    >>> import tinygrad_cnn as tg
    >>> block = Bottleneck(8, 2)
    >>> block(tg.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class ResNet(nn.Module):
    """A stem, four stages of residual blocks, global average pooling, a linear classifier (He et al., 2016).

    block: BasicBlock or Bottleneck. layers: how many of them in each of the four stages.

    >>> from tinygrad_cnn.vision.models import BasicBlock, ResNet
    >>> resnet18 = ResNet(BasicBlock, [2, 2, 2, 2])  # doctest: +SKIP
    """

    def __init__(self, block: type, layers: Sequence[int], num_classes: int = 1000):
        super().__init__()
        self.inplanes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)  # type: ignore[attr-defined]
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        first = block(self.inplanes, planes, stride, downsample)
        self.inplanes = planes * block.expansion
        return nn.Sequential(first, *(block(self.inplanes, planes) for _ in range(1, blocks)))

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(flatten(self.avgpool(x), 1))


class Weights:
    """Trained weights that torchvision would download; asking for them here is a clear error.

    >>> ResNet18_Weights.DEFAULT
    'DEFAULT'
    """

    DEFAULT = IMAGENET1K_V1 = "DEFAULT"


ResNet18_Weights = ResNet34_Weights = ResNet50_Weights = Weights


def _resnet(name: str, block: type, layers: Sequence[int], weights: Any, **kwargs: Any) -> ResNet:
    if weights is not None:
        raise RuntimeError(
            f"{name}: weights={weights!r} would be downloaded, which this library does not do; build it with "
            "weights=None and load a state_dict that you have: model.load_state_dict(tinygrad_cnn.load(path))"
        )
    return ResNet(block, layers, **kwargs)


def resnet18(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-18: 11.7 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet18
    >>> net = resnet18(num_classes=10)  # doctest: +SKIP
    """
    return _resnet("resnet18", BasicBlock, [2, 2, 2, 2], weights, **kwargs)


def resnet34(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-34: 21.8 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet34
    >>> net = resnet34(num_classes=10)  # doctest: +SKIP
    """
    return _resnet("resnet34", BasicBlock, [3, 4, 6, 3], weights, **kwargs)


def resnet50(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-50: 25.6 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet50
    >>> net = resnet50(num_classes=10)  # doctest: +SKIP
    """
    return _resnet("resnet50", Bottleneck, [3, 4, 6, 3], weights, **kwargs)


_RESNETS: dict[str, Callable] = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}
