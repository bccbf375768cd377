"""The path that PyTorch-style scripts import; the code is in `tinygrad_cnn.data.distributed`."""

from ...data.distributed import DistributedSampler as DistributedSampler
