"""Here because PyTorch scripts import it: `backends`, switches that they set and nothing depends on."""

from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
