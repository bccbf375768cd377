"""The place where PyTorch-style scripts look for data: `tinygrad_cnn.utils.data` is `tinygrad_cnn.data`."""

from tinygrad_cnn.utils import data

__all__ = ["data"]
