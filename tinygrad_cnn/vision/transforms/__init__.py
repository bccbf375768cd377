"""Transforms of images: callables over PIL images and Tensors, with torchvision's names and arguments."""

from tinygrad_cnn.vision.transforms import functional
from tinygrad_cnn.vision.transforms.color import ColorJitter, Grayscale, RandomGrayscale
from tinygrad_cnn.vision.transforms.compose import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from tinygrad_cnn.vision.transforms.convert import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from tinygrad_cnn.vision.transforms.functional import InterpolationMode
from tinygrad_cnn.vision.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
)

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToPILImage",
    "ToTensor",
    "functional",
]
