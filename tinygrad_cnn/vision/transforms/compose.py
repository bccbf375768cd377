"""Transforms made of transforms: all of them, some of them, one of them, in another order.

Every random number in the transforms is drawn from the library's own generator (`manual_seed`), in a DataLoader from
that of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...random import rng
from .base import Layer, Transform


class Compose(Transform):
    """transforms[-1](... transforms[1](transforms[0](img)))

    >>> Compose([Lambda(str.upper), Lambda(len)])("abc")
    3
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class RandomOrder(Compose):
    """All of `transforms`, in a random order.

    >>> RandomOrder([str.strip, str.upper])(" abc ")
    'ABC'
    """

    def __call__(self, img: Any) -> Any:
        for i in rng().permutation(len(self.transforms)):
            img = self.transforms[i](img)
        return img


class RandomApply(Layer):
    """All of `transforms` with probability p, none of them otherwise.

    >>> RandomApply([str.upper], p=1.0)("abc")
    'ABC'
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5):
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        if rng().random() < self.p:
            for transform in self.transforms:
                img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(\n    p={self.p}" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class RandomChoice(Compose):
    """One of `transforms`, with the probabilities `p` (weights; default: all alike).

    >>> RandomChoice([str.upper, str.lower], p=[1, 0])("Abc")
    'ABC'
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None):
        super().__init__(transforms)
        if not isinstance(p, Sequence | None):
            raise TypeError(f"RandomChoice: p should be a sequence of weights, got {type(p).__name__}")
        if p is not None and len(p) != len(transforms):
            raise ValueError(
                f"RandomChoice: p has {len(p)} weights, expected one for each of {len(transforms)} transforms"
            )
        self.p = p

    def __call__(self, img: Any) -> Any:
        weights = None if self.p is None else [w / sum(self.p) for w in self.p]
        return self.transforms[rng().choice(len(self.transforms), p=weights)](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class Lambda(Transform):
    """Any function. TypeError for what cannot be called.

    >>> Lambda(lambda img: 1 - img)(0.25)
    0.75
    """

    def __init__(self, lambd: Callable[[Any], Any]):
        if not callable(lambd):
            raise TypeError(f"Lambda: lambd should be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"
