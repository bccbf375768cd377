"""Pictures: torchvision's datasets, models, transforms and utilities, under its names.

Pillow is an optional extra and imported when a picture is first opened: `pip install "tinygrad_cnn[vision]"`.
"""

from . import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
