"""Python's own multiprocessing under the name that PyTorch scripts import."""

from multiprocessing import *  # noqa: F403
