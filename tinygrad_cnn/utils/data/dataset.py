"""The path that PyTorch-style scripts import; the code is in `tinygrad_cnn.data.dataset`."""

from tinygrad_cnn.data.dataset import *  # noqa: F403
