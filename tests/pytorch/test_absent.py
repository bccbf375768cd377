"""A name that is missed says why it is not here, or which one may have been meant; nothing else is dearer by that."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import tinygrad_cnn as tg

SAID = [
    ("fft", "torch.fft is not in tinygrad_cnn: Fourier transforms .*; numpy.fft works on x.numpy()"),
    ("nn.FractionalMaxPool2d", "torch.nn.FractionalMaxPool2d is not in tinygrad_cnn: pool by max_pool2d"),
    ("nn.functional.fractional_max_pool2d", "torch.nn.functional.fractional_max_pool2d is not in"),
    ("optim.Muon", "torch.optim.Muon is not in .* AdamW is here"),
    ("cuda.Stream", "torch.cuda.Stream is not in .* on the CPU"),
    ("autograd.NestedIOFunction", "torch.autograd.NestedIOFunction is not in"),
    ("multiprocessing.spawn", "torch.multiprocessing.spawn is not in .* launch .* multiprocessing.Process"),
    ("nn.Linaer", "module 'tinygrad_cnn.nn' has no attribute 'Linaer'; did you mean 'Linear'?"),
    ("nn.functional.reluu", "no attribute 'reluu'; did you mean 'relu'?"),
    ("vision.datasets.MNISTT", "did you mean 'MNIST'?"),
    ("nothing_alike", "module 'tinygrad_cnn' has no attribute 'nothing_alike'$"),
    ("_private", "module 'tinygrad_cnn' has no attribute '_private'$"),
]


@pytest.mark.parametrize(("path", "words"), SAID, ids=[path for path, _ in SAID])
def test_a_module_says_why(path, words):
    *rooms, name = path.split(".")
    module = importlib.import_module(".".join(["tinygrad_cnn", *rooms]))
    assert not hasattr(module, name)
    with pytest.raises(AttributeError, match=words.replace("?", r"\?").replace("()", r"\(\)")):
        getattr(module, name)


@pytest.mark.parametrize("line", ["from tinygrad_cnn import fft", "import tinygrad_cnn.fft",
                                  "from tinygrad_cnn.nn.functional import fractional_max_pool2d",
                                  "from tinygrad_cnn.nn import Linaer"])  # fmt: skip
def test_an_import_says_why(line):
    with pytest.raises(ImportError, match=r"is not in tinygrad_cnn: .*|did you mean 'Linear'\?"):
        exec(line)


def test_an_import_of_what_is_nowhere_is_pythons_own_error():
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        importlib.import_module("tinygrad_cnn.nothing_alike")
    assert importlib.util.find_spec("tinygrad_cnn.nothing_alike") is None


def test_a_tensor_says_why():
    x = tg.zeros(2)
    with pytest.raises(AttributeError, match=r"^torch.Tensor.stft is not in tinygrad_cnn: .* numpy.fft"):
        x.stft(4)
    assert not hasattr(x, "stft")
    assert not hasattr(tg.Tensor, "stft")
    assert "stft" not in dir(x)
    assert "add" in dir(x)
    x.stft = 3  # as any name of one's own
    assert x.stft == 3
    assert not hasattr(tg.nn.Parameter(tg.zeros(2)), "stft")


def test_a_missing_name_of_a_tensor_may_be_declared():
    code = """
import tinygrad_cnn as tg
@tg.appears("method")
@tg.op
def stft(x): return x * 2
print(tg.ones(2).stft().tolist(), "stft" in dir(tg.ones(2)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[2.0, 2.0] True\n", done.stderr


def test_nothing_is_dearer_by_that():
    """A tensor's attributes are found as those of any object, and no sentence is read at import."""
    assert not hasattr(tg.Tensor, "__getattr__")
    assert tg.Tensor.__getattribute__ is object.__getattribute__
    code = "import tinygrad_cnn, sys; print([m for m in sys.modules if m.startswith('tinygrad_cnn.pytorch')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert set(eval(done.stdout)) == {f"tinygrad_cnn.pytorch{m}" for m in ("", ".absent", ".names")}
