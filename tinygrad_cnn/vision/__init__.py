"""Pictures: torchvision's datasets, models, transforms and utilities, under its names.

Pillow is an optional extra and imported when a picture is first opened: `pip install "tinygrad_cnn[vision]"`.
"""

from ..pytorch.absent import explains
from . import datasets, models, ops, transforms, utils

__all__ = ["datasets", "get_image_backend", "models", "ops", "set_image_backend", "transforms", "utils"]


def get_image_backend() -> str:
    """What opens pictures: Pillow, as "PIL"."""
    return "PIL"


def set_image_backend(backend: str) -> None:
    """Nothing for "PIL", the only one here; ValueError for another."""
    if backend != "PIL":
        raise ValueError(f"set_image_backend: pictures are opened by 'PIL' alone, got {backend!r}")


__version__ = "0.28.0"  # torchvision's, whose names these are: scripts compare it

explains(__name__)
