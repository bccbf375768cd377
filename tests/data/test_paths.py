"""The import paths that PyTorch-style scripts use lead to the same things."""

from __future__ import annotations

import importlib

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import data


@pytest.mark.parametrize("name", data.__all__)
def test_utils_data_is_data(name):
    import tinygrad_cnn.utils.data

    assert getattr(tinygrad_cnn.utils.data, name) is getattr(data, name)
    assert getattr(tg.utils.data, name) is getattr(data, name)


@pytest.mark.parametrize(
    ("path", "name"), [("sampler", "Sampler"), ("sampler", "RandomSampler"), ("dataset", "Dataset")]
)
def test_submodules(path, name):
    module = importlib.import_module(f"tinygrad_cnn.utils.data.{path}")
    assert getattr(module, name) is getattr(data, name)
