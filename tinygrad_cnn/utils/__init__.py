"""Here because PyTorch scripts import it: `utils`, where they look for `utils.data` and `utils.checkpoint`."""

import importlib
from typing import Any

from ..pytorch.absent import explains, find
from . import data

__all__ = ["checkpoint", "data", "dlpack"]


def __getattr__(name: str) -> Any:
    """What few programs use is read when it is first asked for."""
    return importlib.import_module(f".{name}", __name__) if name in __all__ else find(__name__, name)


explains(__name__)
