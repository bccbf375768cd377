"""What the data sets of images have in common: where they are, what is done to a sample, how they show themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ...data import Dataset

Transform = Callable[[Any], Any]


class FilesNotFoundError(FileNotFoundError, RuntimeError):
    """Files of a data set are not there, which torchvision says by a RuntimeError."""


class StandardTransform:
    """What a data set does to an image and to its target, one by one."""

    def __init__(self, transform: Transform | None = None, target_transform: Transform | None = None):
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, image: Any, target: Any) -> tuple[Any, Any]:
        return (
            image if self.transform is None else self.transform(image),
            target if self.target_transform is None else self.target_transform(target),
        )

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        for head, given in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if given is not None:
                lines.append(head + repr(given).replace("\n", "\n" + " " * len(head)))
        return "\n".join(lines)


class VisionDataset(Dataset[tuple[Any, Any]]):
    """(image, target) by number, passed through `transform` and `target_transform`.

    `transforms` takes and returns both, and stands instead of the two.

    >>> class Greys(VisionDataset):
    ...     def __len__(self):
    ...         return 256
    ...     def __getitem__(self, index):
    ...         return self._sample(index / 255, index)
    >>> Greys(transform=lambda grey: 1 - grey)[255]
    (0.0, 255)
    """

    def __init__(
        self,
        root: str | os.PathLike | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError(f"{type(self).__name__}: only transforms or transform/target_transform can be given")
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform = transform
        self.target_transform = target_transform
        if transform is not None or target_transform is not None:
            transforms = StandardTransform(transform, target_transform)
        self.transforms = transforms

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: a data set must define __len__()")

    def _sample(self, image: Any, target: Any) -> tuple[Any, Any]:
        both = self.transforms
        if both is None or isinstance(both, StandardTransform):  # by what they are now, for they may be set anew
            both = StandardTransform(self.transform, self.target_transform)
        return both(image, target)

    def extra_repr(self) -> str:
        """A further line of the repr."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        if more := self.extra_repr():
            lines.append(f"    {more}")
        if self.transforms is not None:
            lines.append(f"    {self.transforms!r}")
        return "\n".join(lines)
