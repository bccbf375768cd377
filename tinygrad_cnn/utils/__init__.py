"""The place where PyTorch-style scripts look for data: `tinygrad_cnn.utils.data` is `tinygrad_cnn.data`."""

from . import data

__all__ = ["data"]
