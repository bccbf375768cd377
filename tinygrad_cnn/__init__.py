"""A small deep-learning framework: tensors that record a graph, CNNs that train fast, graphs that can be drawn.

    import tinygrad_cnn as tg
    from tinygrad_cnn import nn, optim

The names are PyTorch's. Functions say over their own definition that they appear here (`ops/declared.py`); below is
what they do not say. Rooms such as `nn` are opened when first asked for.
"""

from __future__ import annotations

from . import leaving as _leaving  # first, for a command that is told to stop while it is loaded

# isort: split
import importlib as _importlib
import sys as _sys
from math import e, inf, nan, pi

if "newaxis" not in globals():  # else it is imported again on purpose: importlib.reload
    # What an import that was broken off has left behind does not fit together with what is imported now.
    for _name in [name for name in _sys.modules if name.startswith(f"{__name__}.") and name != _leaving.__name__]:
        del _sys.modules[_name]

from . import arrays as _arrays  # with NumPy, which is imported whole or not at all
from . import autograd
from . import surface as _surface
from .arrays.device import device, get_default_device, layout, set_default_device, strided
from .arrays.dtypes import (
    bool,
    can_cast,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    is_floating_point,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from .arrays.size import Size
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .autograd.grad_mode import is_grad_enabled, is_inference_mode_enabled
from .compiler import compile
from .engine.call import op
from .engine.tensor import Tensor
from .kernels.deterministic import (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    is_deterministic_algorithms_warn_only_enabled,
    set_deterministic_debug_mode,
    use_deterministic_algorithms,
)
from .kernels.threads import get_num_threads, set_num_threads
from .ops.declared import appears
from .ops.declared import asked as _asked
from .ops.declared import later as _later
from .ops.declared import open_place as _open_place
from .ops.shape import channels_last, contiguous_format, memory_format, preserve_format
from .pytorch import absent as _absent
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .surface.typed import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)

__version__ = "0.1.0"
newaxis = None

# Everything that is declared becomes a method of Tensor, a function of this package, or both.
_declared_names = _open_place(_sys.modules[__name__], _surface.forms.of_package)
_open_place(Tensor, _surface.forms.of_tensor)
_absent.explain_class(Tensor, "torch.Tensor")
_absent.install()
_later["functional"] = lambda: _importlib.import_module(f"{__name__}.nn")
_later["linalg"] = lambda: _importlib.import_module(f"{__name__}.linalg")

# Opened when somebody first asks for them, so that `import tinygrad_cnn` stays quick.
_ROOMS = (
    "accelerator",
    "amp",
    "backends",
    "checkpoint",
    "cuda",
    "data",
    "distributed",
    "distributions",
    "func",
    "kernels",
    "linalg",
    "metrics",
    "multiprocessing",
    "nn",
    "onnx",
    "optim",
    "profiler",
    "serialization",
    "testing",
    "training",
    "utils",
    "vision",
    "viz",
)
_LATER = {"load": "serialization", "save": "serialization", "vmap": "func", "is_anomaly_enabled": "autograd"}
_LATER |= dict.fromkeys(["GradScaler", "autocast", "is_autocast_enabled"], "amp")
_LATER |= dict.fromkeys(
    [
        "get_float32_matmul_precision",
        "get_num_interop_threads",
        "set_float32_matmul_precision",
        "set_flush_denormal",
        "set_num_interop_threads",
    ],
    "backends",
)


def __getattr__(name: str):
    if name in _ROOMS:
        return _importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(_importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    return _asked(__name__, name)


def _draw(shown):
    return __getattr__("viz").notebook.html_of(shown)


_surface.printing.draw = _draw


def __dir__() -> list[str]:
    return sorted({*globals(), *_declared_names, *_ROOMS, *_LATER})
