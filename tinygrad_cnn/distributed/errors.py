"""What goes wrong between processes, by PyTorch's names."""

from __future__ import annotations


class DistError(RuntimeError):
    """An error of `tinygrad_cnn.distributed`."""


class DistBackendError(DistError):
    """Ranks that did not agree, did not come in time, or whose messages MPI could not deliver."""
