"""The path that PyTorch-style scripts import; the code is in `tinygrad_cnn.data.sampler`."""

from ...data.sampler import *  # noqa: F403
