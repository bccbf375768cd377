"""The path that PyTorch-style scripts import; the code is in `tinygrad_cnn.data.dataset`."""

from ...data.dataset import *  # noqa: F403
