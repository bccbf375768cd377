"""What every transform has: it is a callable that shows its arguments."""

from __future__ import annotations

import enum
from typing import Any

from ... import nn


class Transform:
    """Subclasses keep their arguments as attributes, which the repr shows, and write `__call__(img)`.

    hidden: the attributes that it does not show, beside those with a `_` before them.
    """

    hidden: tuple[str, ...] = ()

    def __call__(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a transform must define __call__(img)")

    def shown(self) -> dict[str, Any]:
        """What the repr shows, by name."""
        return {k: v for k, v in vars(self).items() if k[0] != "_" and k not in self.hidden}

    def __repr__(self) -> str:
        shown = (f"{k}={v.value if isinstance(v, enum.Enum) else v}" for k, v in self.shown().items())
        return f"{type(self).__name__}({', '.join(shown)})"


class Layer(Transform, nn.Module):
    """A transform that is a Module, so that nn.Sequential takes it, before a network or alone: it has `forward(img)`.

    >>> import tinygrad_cnn as tg
    >>> T = tg.vision.transforms
    >>> tg.nn.Sequential(T.CenterCrop(2), T.Normalize([1.0], [2.0]))(tg.zeros(1, 4, 4)).tolist()
    [[[-0.5, -0.5], [-0.5, -0.5]]]
    """

    hidden: tuple[str, ...] = ("training",)
    __call__ = nn.Module.__call__
