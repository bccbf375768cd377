"""ONNX out: `export` writes a model as PyTorch's torch.onnx.export does."""

from __future__ import annotations

from .exporting import ONNXProgram, export
from .runs import TrainingMode

__all__ = ["ONNXProgram", "TrainingMode", "export"]
