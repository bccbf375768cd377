"""Layers, and what networks are made of."""

from . import parameter
from .module import Module
from .parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "Module",
    "Parameter",
    "parameter",
]
