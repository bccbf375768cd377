"""The onnx library, which is imported when something of it is needed, and may be missing."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def library() -> Any:
    """The module `onnx`, with what is used of it."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.printer
        import onnx.shape_inference
    except ImportError as error:
        raise ImportError('models in ONNX need the library of that name: pip install "tinygrad_cnn[io]"') from error
    return onnx
