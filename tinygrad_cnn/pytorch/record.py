"""Which names PyTorch has: `python -m tinygrad_cnn.pytorch.record` asks it, where it is installed, for `names.txt`.

Recorded is what its documentation speaks of. A module says that itself by `__all__`; where it has none, these are the
names without an underscore that stand for something of its own, which leaves out what it imported. `torch` lists
thousands of things that are machinery: of its functions and of Tensor's methods those count that have a docstring of
more than a signature, and those that have none but share their name with one of `nn.functional` or of the other; of
the classes in C, those in `CLASSES`.
Left out everywhere is `MACHINERY`: what PyTorch is made of, and what it calls itself.
"""

from __future__ import annotations

import importlib
import re
import textwrap
from importlib.metadata import version
from types import ModuleType
from typing import Any

from ..files import write
from .names import FILE

NAMESPACES = """
    torch torch.Tensor torch.nn torch.nn.Module torch.nn.functional torch.nn.init torch.nn.utils torch.nn.utils.rnn
    torch.nn.utils.parametrize torch.nn.utils.parametrizations torch.optim torch.optim.Optimizer
    torch.optim.lr_scheduler torch.optim.swa_utils torch.autograd torch.autograd.functional torch.autograd.forward_ad
    torch.autograd.graph torch.autograd.profiler torch.profiler torch.func torch.linalg torch.utils torch.utils.data
    torch.utils.checkpoint torch.distributions torchvision torchvision.transforms torchvision.transforms.functional
    torchvision.datasets torchvision.models torchvision.utils torchvision.ops
""".split()

# Of the classes of `torch` that are written in C, those that a script meets.
CLASSES = """
    AcceleratorError DisableTorchFunction Event Generator OutOfMemoryError Size Stream Tag device dtype finfo iinfo
    layout memory_format qscheme
""".split()

MACHINERY = re.compile(
    "AVG|SUM|BroadcastingList.|assert_int_or_pair|boolean_dispatch|accimage|argument_validation|unify_type_list"
    "|(handle|has)_torch_function.*|common_types|factory_kwargs|classes|init_num_threads|thread_safe_generator"
    "|(backcompat|backend_registration|cpp_backtrace|throughput_benchmark|weak|generate_methods_for.*|rename_private.*)"
)


def documented(value: Any) -> bool:
    text = getattr(value, "__doc__", None)
    return isinstance(text, str) and re.fullmatch(r"\s*([\w.]+\(.*\) -> .*)?\s*", text) is None


def named(space: Any) -> set[str]:
    return {name for name in dir(space) if name[0] != "_"}


def of_module(module: ModuleType) -> set[str]:
    """What a module offers: by `__all__`, or what is its own, with the modules below it."""
    if hasattr(module, "__all__"):
        return {name for name in module.__all__ if name[0] != "_"}
    library = module.__name__.partition(".")[0]
    found = set()
    for name in named(module):
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            own = value.__name__ == f"{module.__name__}.{name}"
        else:  # what C made belongs to no module
            own = (getattr(value, "__module__", None) or library).partition(".")[0] == library
            own = own and not isinstance(value, str | dict | bool)
        if own:
            found.add(name)
    return found


def of_tensor(torch: Any) -> set[str]:
    also = {name for name in named(torch) if documented(getattr(torch, name))} | of_module(torch.nn.functional)
    found = set()
    for name in named(torch.Tensor):
        value = getattr(torch.Tensor, name)
        if documented(value) or not callable(value) or name in also:
            found.add(name)
    return found


def of_torch(torch: Any) -> set[str]:
    also = of_tensor(torch) | of_module(torch.nn.functional)
    found = set()
    for name in named(torch):
        value = getattr(torch, name)
        if isinstance(value, ModuleType):
            if value.__name__ == f"torch.{name}":
                found.add(name)
        elif isinstance(value, type):
            in_python = name in torch.__all__ and not value.__module__.startswith("torch._C")
            old = name.endswith(("Tensor", "Storage")) and name != "TensorType"
            if name in CLASSES or old or (in_python and value.__module__ != "torch"):
                found.add(name)
        elif callable(value):
            if (documented(value) or name in also) and not name.endswith("_copy"):
                found.add(name)
        elif type(value).__module__.partition(".")[0] == "torch" or isinstance(value, float) or value is None:
            found.add(name)
    return found


def of_class(cls: type) -> set[str]:
    return {name for name in named(cls) if documented(getattr(cls, name))}


def record() -> dict[str, list[str]]:
    """The names of each namespace, from the PyTorch that is installed."""
    import torch

    for space in NAMESPACES:  # all of them first: a module that is imported is a name of the one above it
        if not space.rpartition(".")[2][0].isupper():
            importlib.import_module(space)
    found = {}
    for space in NAMESPACES:
        above, _, last = space.rpartition(".")
        if last == "Tensor":
            names = of_tensor(torch)
        elif last[0].isupper():
            names = of_class(getattr(importlib.import_module(above), last))
        else:
            names = of_torch(torch) if space == "torch" else of_module(importlib.import_module(space))
        found[space] = sorted(name for name in names if not MACHINERY.fullmatch(name))
    return found


def written(found: dict[str, list[str]], versions: str) -> str:
    blocks = [f"Public names of {versions}, written by `python -m tinygrad_cnn.pytorch.record`.\n"]
    for space, names in found.items():
        lines = textwrap.fill(" ".join(names), 120, break_long_words=False, break_on_hyphens=False)
        blocks.append(f"[{space}]\n{lines}\n")
    return "\n".join(blocks)


def installed() -> str:
    return " and ".join(f"{name} {version(name).partition('+')[0]}" for name in ("torch", "torchvision"))


if __name__ == "__main__":
    write(FILE, written(record(), installed()))
