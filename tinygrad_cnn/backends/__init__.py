"""Switches that PyTorch scripts set; there is nothing behind them on a CPU."""

from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
