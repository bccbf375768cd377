"""Here because PyTorch scripts import it: `utils`, where they look for `utils.data`."""

from . import data

__all__ = ["data"]
