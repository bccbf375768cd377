"""Here because PyTorch scripts import it: Python's own `multiprocessing`."""

from multiprocessing import *  # noqa: F403
