"""Here because PyTorch scripts import it: `utils`, where they look for `utils.data`."""

from ..pytorch.absent import explains
from . import data

__all__ = ["data"]

explains(__name__)
