"""AlexNet, in one column (Krizhevsky 2014, One Weird Trick for Parallelizing Convolutional Neural Networks)."""

from __future__ import annotations

from typing import Any

from ... import flatten, nn
from .trained import takes_weights


class AlexNet(nn.Module):
    """Five convolutions, three of them with a pooling behind, and three linear layers with dropout.

    >>> from tinygrad_cnn.vision.models import AlexNet
    >>> net = AlexNet(num_classes=10)  # doctest: +SKIP
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


@takes_weights
def alexnet(**kwargs: Any) -> AlexNet:
    """AlexNet: 61.1 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import alexnet
    >>> net = alexnet(num_classes=10)  # doctest: +SKIP
    """
    return AlexNet(**kwargs)
