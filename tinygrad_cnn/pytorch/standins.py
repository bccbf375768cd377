"""Modules that scripts import and seldom call: they import here, and are refused in words only when they are called.

`ROOMS` names them. Whatever is asked of one is there: what changes nothing in a program that runs as it stands, such as
the decorators of `jit`, is real (`REAL`); all else is a class that may be named in annotations, asked of by isinstance
and inherited from, and that raises a NotImplementedError when it is called, with the sentence of its room.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.hub import load_state_dict_from_url
    >>> load_state_dict_from_url("https://example.org/weights.pth")
    Traceback (most recent call last):
    NotImplementedError: torch.hub.load_state_dict_from_url is not in tinygrad_cnn: nothing is downloaded; ...
    >>> tg.jit.script(len) is len
    True
"""

from __future__ import annotations

import importlib.abc
import itertools
import typing
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

from .moved import MOVED, Moved
from .names import names, ours, theirs
from .sentences import refusal

# By PyTorch's names. A module below one of these is one as well.
ROOMS = set(
    """
    torch._C torch._dynamo torch._inductor torch._jit_internal torch._utils torch.ao torch.cpu torch.cuda.comm
    torch.distributed.algorithms torch.distributed.elastic torch.distributed.fsdp torch.distributed.nn
    torch.distributed.optim torch.export torch.fx torch.hub torch.jit torch.library torch.monitor torch.mps torch.mtia
    torch.nested torch.nn.attention.bias torch.nn.attention.flex_attention torch.nn.parallel._functions
    torch.nn.parallel.scatter_gather torch.onnx.symbolic_helper torch.onnx.symbolic_opset9 torch.onnx.symbolic_opset11
    torch.overrides torch.package torch.quantization torch.utils.cpp_extension torch.utils.mobile_optimizer
    torch.utils.model_zoo torchvision._internally_replaced_utils torchvision.datasets.utils torchvision.extension
    torchvision.io torchvision.models.detection torchvision.models.feature_extraction torchvision.models.optical_flow
    torchvision.models.quantization torchvision.models.segmentation torchvision.models.video torchvision.ops.deform_conv
    torchvision.ops.feature_pyramid_network torchvision.ops.poolers torchvision.ops.roi_align torchvision.transforms.v2
    torch.xpu
    """.split()
)

# Of these the names that PyTorch has and that are not here stand in as well.
PARTLY = """
    torchvision torchvision.datasets torchvision.models torchvision.ops torchvision.transforms
    torchvision.transforms.functional torchvision.utils
""".split()


class Standin(type):
    """The class of what stands in. Asked for anything, it has a stand-in for it; called, it says what is not here."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return standin(f"{cls.__module__}.{cls.__qualname__}", name)

    def __getitem__(cls, key: Any) -> Standin:
        return cls

    def __bool__(cls) -> bool:
        return False  # asked whether it is there, as `if io._HAS_VIDEO_OPT` asks, it is not

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(refusal(f"{theirs(cls.__module__)}.{cls.__qualname__}"))


def standin(home: str, name: str) -> Standin:
    """What stands in for a name of a module, or of another stand-in."""
    found = Standin(name, (), {"__module__": home})
    return found


def is_standin(value: Any) -> bool:
    return isinstance(value, Standin) or hasattr(value, "__standin__")


class Dtype:
    """A dtype that is not here: scripts name it in tables of what may be chosen. Used as one, it is refused in words.

    >>> import tinygrad_cnn as tg
    >>> dtype = {"fp32": tg.float32, "bf16": tg.bfloat16}["bf16"]
    >>> tg.ones(2).to(dtype)
    Traceback (most recent call last):
    TypeError: to: expected a dtype of numbers, got dtype=torch.bfloat16 is not in tinygrad_cnn: ...
    """

    __standin__ = True

    def __init__(self, path: str):
        self.path = path

    def __repr__(self) -> str:
        return refusal(self.path)


DTYPES = frozenset(
    f"torch.{name}"
    for name in "bfloat16 cdouble cfloat chalf complex32 complex64 complex128 qint8 qint32 quint8 uint16 uint32 uint64 "
    "float8_e4m3fn float8_e5m2".split()
)

# What is real: it changes nothing here.


def decorator(f: Any = None, *args: Any, **kwargs: Any) -> Any:
    """What it is given, a function or a class; called with options, a decorator that does the same."""
    return f if callable(f) else lambda g: g


def nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def never(*args: Any, **kwargs: Any) -> bool:
    """False."""
    return False


def always(*args: Any, **kwargs: Any) -> bool:
    """True."""
    return True


def zero(*args: Any, **kwargs: Any) -> int:
    """0."""
    return 0


def given(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The first argument."""
    return x


def annotate(type: Any, value: Any) -> Any:
    """The value, whose type a compiler would be told."""
    return value


def _assert(condition: Any, message: str) -> None:
    """Raise an AssertionError with this message where the condition is false."""
    assert condition, message


DECORATORS = """
    torch.jit: script ignore unused export interface script_method script_if_tracing _script_if_tracing _overload
    torch.jit: _overload_method
    torch._jit_internal: ignore unused export _overload _overload_method _copy_to_script_wrapper
    torch.fx: wrap
    torch.compiler: disable allow_in_graph assume_constant_result
    torch._dynamo: disable allow_in_graph
"""

REAL: dict[str, Any] = {
    "torch._assert": _assert,
    "torch.cpu.is_available": always,
    "torch.cpu.current_device": lambda: "cpu",
    "torch.cpu.device_count": lambda: 1,
    "torch.cpu.synchronize": nothing,
    "torch._utils._accumulate": itertools.accumulate,
    "torch.jit.Final": typing.Final,
    "torch.jit.Attribute": given,
    "torch.jit.annotate": annotate,
    "torch.jit.is_scripting": never,
    "torch.jit.is_tracing": never,
    "torch._C._get_tracing_state": nothing,
    "torch._C._log_api_usage_once": nothing,
    "torch.compiler.is_compiling": never,
    "torch.compiler.is_dynamo_compiling": never,
    "torch.compiler.reset": nothing,
    "torch._dynamo.reset": nothing,
    "torch._dynamo.is_compiling": never,
    "torch._dynamo.utils.is_compile_supported": never,
    "torch.overrides.has_torch_function": never,
    "torch.overrides.has_torch_function_unary": never,
    "torch.overrides.has_torch_function_variadic": never,
    "torchvision.extension._has_ops": never,
    "torchvision.utils._log_api_usage_once": nothing,
}
for _room, *_names in (line.split() for line in DECORATORS.strip().splitlines()):
    REAL.update({f"{_room[:-1]}.{name}": decorator for name in _names})
for _room in ("torch.mps", "torch.mtia", "torch.xpu"):  # answered as on a machine without such a device
    REAL.update({f"{_room}.{name}": never for name in ("is_available", "is_initialized", "is_bf16_supported")})
    REAL.update(
        {f"{_room}.{name}": nothing for name in "empty_cache manual_seed manual_seed_all seed synchronize".split()}
    )
    REAL.update({f"{_room}.{name}": zero for name in "device_count memory_allocated max_memory_allocated".split()})


# How they are found.


def _root(path: str) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:n]) in ROOMS for n in range(2, len(parts) + 1))


def get(home: str, name: str) -> Any:
    """What stands for a name of a module, by the module's name here; None where nothing does."""
    path = theirs(f"{home}.{name}")
    if path in REAL:
        return REAL[path]
    if path in DTYPES:
        REAL[path] = Dtype(path)
        return REAL[path]
    if path in ROOMS or path in MOVED:
        return importlib.import_module(ours(path))
    return standin(home, name) if theirs(home) in PARTLY and name in names()[theirs(home)] else None


def spec(fullname: str) -> ModuleSpec | None:
    """How a module of this name is made; None where none stands in for it."""
    path = theirs(fullname)
    return ModuleSpec(fullname, Loader(), is_package=True) if path in MOVED or _root(path) else None


def is_moved(fullname: str) -> bool:
    return theirs(fullname) in MOVED


class Loader(importlib.abc.Loader):
    """Makes a module that stands in, or one whose names have moved."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return Moved(spec.name) if is_moved(spec.name) else None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        path = theirs(name)
        if is_moved(name):
            return

        def __getattr__(asked: str) -> Any:
            if asked.startswith("__"):
                raise AttributeError(asked)
            if f"{path}.{asked}" in REAL:
                return REAL[f"{path}.{asked}"]
            found = standin(name, asked)
            setattr(module, asked, found)
            return found

        vars(module).update(__getattr__=__getattr__, __standin__=True, __doc__=f"Stands in: {refusal(path)}")
