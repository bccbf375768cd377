"""Pictures: torchvision's datasets, models, transforms and utilities, under its names.

Pillow is an optional extra and imported when a picture is first opened: `pip install "tinygrad_cnn[vision]"`.
"""

from ..pytorch.absent import explains
from . import datasets, models, ops, transforms, utils

__all__ = ["datasets", "models", "ops", "transforms", "utils"]

__version__ = "0.28.0"  # torchvision's, whose names these are: scripts compare it

explains(__name__)
