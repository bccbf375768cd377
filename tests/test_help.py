"""help() of every public name says what it is and shows it in an example, which runs as a doctest."""

from __future__ import annotations

import doctest
import importlib
import inspect
from types import FunctionType

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional
from tinygrad_cnn.ops.declared import declared
from tinygrad_cnn.surface.conversions import DTYPES

# Rooms whose names are reached as they stand here, and files of functions that are the package's.
ROOMS = """
    autograd autograd.function autograd.functional checkpoint cuda data metrics nn nn.init nn.parallel nn.utils
    nn.utils.parametrizations nn.utils.parametrize onnx optim optim.lr_scheduler random testing utils.data
    vision.datasets vision.models vision.transforms vision.transforms.functional vision.utils viz
""".split()
FILES = """
    arrays.device arrays.dtypes arrays.size autograd.grad_mode checkpoint compiler kernels.threads random
    surface.creation surface.printing surface.sampling surface.values
""".split()

# Examples that are there to be read.
NOT_RUN = {
    "viz.svg": "a layout program takes seconds to start", "viz.html": "the same", "viz.diff": "the same",
    "viz.show": "the same", "viz.paper": "the same",
} | {
    f"vision.models.{name}": "millions of weights" for name in (
        "AlexNet", "DenseNet", "MNASNet", "MobileNetV2", "ResNet", "ShuffleNetV2", "SqueezeNet", "VGG",
        *(name for name in tg.vision.models.list_models() if hasattr(getattr(tg.vision.models, name), "takes_weights")),
    )
}  # fmt: skip


def own(module):
    """The public names of what a module defines itself."""
    defined = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)
    return [name for name in defined if not name.startswith("_")]


def public():
    """{name: what it is} of all that can be called."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"tinygrad_cnn.{room}")
        names = getattr(module, "__all__", own(module))
        found |= {f"{room}.{name}": getattr(module, name) for name in names}
    for file in FILES:
        module = importlib.import_module(f"tinygrad_cnn.{file}")
        found |= {name: getattr(tg, name) for name in own(module) if hasattr(tg, name)}
    return {
        name: value
        for name, value in found.items()
        if callable(value) and value.__module__.startswith("tinygrad_cnn") and value is not tg.Tensor
    }


PUBLIC = public()
METHODS = FunctionType | property | staticmethod | classmethod


def test_all_are_explained_and_shown():
    assert [name for name, value in PUBLIC.items() if not value.__doc__] == []
    find = doctest.DocTestParser().get_examples
    shown = {name: find(value.__doc__) for name, value in PUBLIC.items()}
    assert [name for name, examples in shown.items() if not examples] == []
    assert {name for name, found in shown.items() if any(doctest.SKIP in e.options for e in found)} == {*NOT_RUN}


def test_exceptions_exist():
    assert NOT_RUN.keys() <= PUBLIC.keys()


def own_members(kind):
    """The members of a class by name, what is inherited included but for what all Tensors have."""
    mine = [k for k in kind.__mro__ if k.__module__.startswith("tinygrad_cnn") and not issubclass(tg.Tensor, k)]
    return {name: value for k in reversed(mine) for name, value in vars(k).items() if not name.startswith("_")}


def test_all_methods_are_explained():
    kinds = [value for value in PUBLIC.values() if inspect.isclass(value)]
    members = ((k, name) for k in kinds for name, value in own_members(k).items() if isinstance(value, METHODS))
    assert [(k, name) for k, name in members if not inspect.getdoc(getattr(k, name))] == []


# Ops and Tensor. A form of a function says all that the function says.

NOT_HERE = "cuda ipu meta mkldnn mps nested quantized sparse sparse_csr xla xpu"
SHOWN_BY_NONE = {
    "Tensor.version": "the engine's", "Tensor.guard": "the engine's", "Tensor.accumulator": "the engine's",
    **dict.fromkeys((f"Tensor.is_{kind}" for kind in NOT_HERE.split()), "just False"),
}  # fmt: skip


def test_ops_and_what_a_tensor_has_are_explained_and_shown():
    found = {name: getattr(tg, name) for d in declared if "function" in d.words for name in d.names}
    found |= {f"nn.functional.{name}": getattr(functional, name) for name in functional.__all__}
    there = [name for name in dir(tg.Tensor) if not name.startswith("_") and hasattr(tg.Tensor, name)]
    found |= {f"Tensor.{name}": getattr(tg.Tensor, name) for name in there}
    find = doctest.DocTestParser().get_examples
    assert {name for name, value in found.items() if not find(value.__doc__ or "")} - {*SHOWN_BY_NONE} == set()
    assert SHOWN_BY_NONE.keys() <= found.keys()


@pytest.mark.parametrize("name", [*DTYPES, "new_zeros", "new_ones", "new_empty", "new_full"])
def test_an_example_that_is_made_runs(name):
    example = doctest.DocTestParser().get_doctest(getattr(tg.Tensor, name).__doc__, {}, name, None, None)
    assert doctest.DocTestRunner().run(example) == doctest.TestResults(failed=0, attempted=2)
