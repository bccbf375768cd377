"""A small deep-learning framework: tensors that record a graph, CNNs that train fast, graphs that can be drawn."""

from __future__ import annotations

import importlib
from typing import Any

from . import autograd
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .dtypes import (
    bool,
    double,
    dtype,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,
    int8,
    int16,
    int32,
    int64,
    is_floating_point,
    long,
    set_default_dtype,
    short,
    uint8,
)
from .modes import is_grad_enabled, is_inference_mode_enabled
from .op import op
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .tensor import Size, Tensor, device

__version__ = "0.1.0"
try:
    from . import ops
    from .ops import *
    from .creation import *
    from .sampling import *
    from . import methods
except ImportError as e:
    import sys; print("INTERIM", e, file=sys.stderr)

# Rooms that are opened when somebody first asks for them, so that `import tinygrad_cnn` stays quick.
_ROOMS = {"nn", "optim", "data", "utils", "vision", "testing", "viz", "checkpoint", "kernels"}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
