"""Small networks that people learned CNNs from; made for images (C, H, W) and a number of classes."""

from __future__ import annotations

from collections.abc import Callable

from ... import nn

BUILDERS: dict[str, Callable[[int, int, int, int], nn.Module]] = {}


def _model(build: Callable[[int, int, int, int], nn.Module]) -> Callable[[int, int, int, int], nn.Module]:
    BUILDERS[build.__name__] = build
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
