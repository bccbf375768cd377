"""Trained weights, which torchvision downloads and this library does not: asked for, they are refused in words."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from ...arrays.lines import user_level
from ...nn import Module


class Weights:
    """Trained weights that torchvision would download; asking for them here is a clear error.

    >>> from tinygrad_cnn.vision.models import ResNet18_Weights
    >>> ResNet18_Weights.DEFAULT
    'DEFAULT'
    """

    DEFAULT = IMAGENET1K_V1 = IMAGENET1K_V2 = "DEFAULT"


def takes_weights(build: Callable[..., Module]) -> Callable[..., Module]:
    """A builder `build(**kwargs)` that takes `weights=` and `progress=` as torchvision's do, and its old `pretrained=`.

    None and False are no weights. Anything else is a RuntimeError, which says what to do instead.
    """
    name = build.__name__

    @wraps(build)
    def builder(weights: Any = None, progress: bool = True, **kwargs: Any) -> Module:
        if "pretrained" in kwargs or isinstance(weights, bool):
            weights = kwargs.pop("pretrained", weights) or None
            warnings.warn(
                f"{name}: the parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, please "
                "use 'weights' instead.",
                stacklevel=user_level(),
            )
        if weights is not None:
            raise RuntimeError(
                f"{name}: weights={weights!r} would be downloaded, which this library does not do; build it with "
                "weights=None and load a state_dict that you have: model.load_state_dict(tinygrad_cnn.load(path))"
            )
        return build(**kwargs)

    builder.takes_weights = True  # type: ignore[attr-defined]
    return builder


def names_of_weights(builders: Iterable[str]) -> list[str]:
    """torchvision's names of the weights of these models.

    >>> names_of_weights(["resnet18", "vgg11_bn", "mobilenet_v3_large"])
    ['ResNet18_Weights', 'VGG11_BN_Weights', 'MobileNet_V3_Large_Weights']
    """
    spelled = (
        "AlexNet DenseNet EfficientNet MNASNet MobileNet ResNet ResNeXt ShuffleNet SqueezeNet VGG ViT Wide _BN _V2_X "
    )
    spelled += "_V2 _V3 X8D X4D _Large _Small _B _H _L _M _S"
    found = []
    for name in builders:
        for word in spelled.split():
            name = name.replace(word.lower(), word)
        found.append(f"{name}_Weights")
    return found
