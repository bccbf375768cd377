"""Here because PyTorch scripts import it: `backends`, switches that they set and nothing depends on."""

from ..pytorch.absent import explains
from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]

explains(__name__)
