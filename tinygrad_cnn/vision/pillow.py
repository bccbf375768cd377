"""The only door to Pillow, which is an optional extra: nothing imports it before a picture is there."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def pillow(module: str = "Image") -> Any:
    """The module `PIL.<module>`. ImportError, with the cure, where Pillow is not installed."""
    try:
        return importlib.import_module(f"PIL.{module}")
    except ImportError as error:
        raise ImportError('pictures need Pillow, which is not installed: pip install "tinygrad_cnn[vision]"') from error


def is_picture(thing: Any) -> bool:
    """Whether this is a PIL image. If Pillow was never imported, nothing is one."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(thing, module.Image)
