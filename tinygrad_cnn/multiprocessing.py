"""Here because PyTorch scripts import it: Python's own `multiprocessing`."""

from multiprocessing import *  # noqa: F403

from .pytorch.absent import explains


def get_sharing_strategy() -> str:
    """How tensors go to another process: in memory that was shared before it began, or as a copy."""
    return "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing: there is one way here. AssertionError for a word that PyTorch does not know.

    >>> set_sharing_strategy("file_system")
    """
    assert new_strategy in ("file_descriptor", "file_system"), f"set_sharing_strategy: got {new_strategy!r}"


explains(__name__)
