"""Import paths of PyTorch's files: they lead to the same objects as the short ones."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.pytorch.moved import MOVED
from tinygrad_cnn.pytorch.names import ours

SAME = {
    "nn.modules.conv.Conv2d": nn.Conv2d,
    "nn.modules.batchnorm._BatchNorm": nn.norm._BatchNorm,
    "nn.modules.module.Module": nn.Module,
    "nn.modules.loss._Loss": nn.loss._Loss,
    "nn.modules.Linear": nn.Linear,
    "nn.parallel.data_parallel.DataParallel": nn.DataParallel,
    "optim.adamw.AdamW": tg.optim.AdamW,
    "autograd.variable.Variable": tg.autograd.Variable,
    "autograd.gradcheck.gradcheck": tg.testing.gradcheck,
    "utils.data.dataloader.default_collate": tg.data.default_collate,
    "utils.data.sampler.SubsetRandomSampler": tg.data.SubsetRandomSampler,
    "utils.data.dataset.random_split": tg.data.random_split,
    "utils.data.distributed.DistributedSampler": tg.data.DistributedSampler,
    "utils.data._utils.collate.default_convert": tg.data.default_convert,
    "utils.hooks.RemovableHandle": type(nn.ReLU().register_forward_hook(print)),
    "functional.einsum": tg.einsum,
    "version.__version__": tg.__version__,
    "cuda.amp.grad_scaler.GradScaler": tg.amp.cuda_GradScaler,
    "amp.grad_scaler.GradScaler": tg.amp.GradScaler,
    "special.expit": tg.sigmoid,
    "special.psi": tg.digamma,
    "special.log_softmax": tg.log_softmax,
    "vision.transforms.autoaugment.AutoAugmentPolicy": tg.vision.transforms.AutoAugmentPolicy,
    "vision.transforms.transforms.Compose": tg.vision.transforms.Compose,
    "vision.models.resnet.resnet18": tg.vision.models.resnet18,
}


@pytest.mark.parametrize("path", SAME)
def test_paths_lead_to_the_same_objects(path):
    home, _, name = path.rpartition(".")
    assert getattr(importlib.import_module(f"tinygrad_cnn.{home}"), name) is SAME[path]
    names: dict = {}
    exec(f"from tinygrad_cnn.{home} import {name} as found", names)
    assert names["found"] is SAME[path]


def test_they_are_there_without_an_import_and_hide_nothing():
    program = """
import tinygrad_cnn as torch
torch.nn.modules.conv._ConvNd, torch.utils.data.dataloader.DataLoader, torch.nn.modules.utils._pair, torch.version.cuda
x = torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.tensor([-1.0, 1.0]))
from tinygrad_cnn.nn.parallel.data_parallel import DataParallel
assert torch.equal(torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.tensor([-1.0, 1.0])), x)
from tinygrad_cnn.autograd.gradcheck import gradcheck
assert torch.autograd.gradcheck(lambda t: t * t, torch.ones(2, dtype=torch.float64, requires_grad=True))
from tinygrad_cnn.nn.modules import *
Linear, Module
import importlib, sys
importlib.reload(torch)
assert sum(finder.__name__ == "Finder" for finder in sys.meta_path if isinstance(finder, type)) == 1
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize("path", [p for p in MOVED if not p.startswith("torchvision.") or "transforms.t" in p])
def test_every_moved_module_says_what_is_not_there(path):
    module = importlib.import_module(ours(path))
    assert dir(module)
    with pytest.raises(AttributeError, match="nothing_of_that"):
        module.nothing_of_that  # noqa: B018


def test_base_classes_have_the_names_of_pytorch():
    conv, pair = nn.modules.conv._ConvNd, nn.modules.utils._pair
    assert isinstance(nn.Conv2d(1, 1, 1), conv)
    assert isinstance(nn.ConvTranspose1d(1, 1, 1), nn.modules.conv._ConvTransposeNd)
    assert not isinstance(nn.Linear(1, 1), conv)
    assert (pair(3), pair((1, 2))) == ((3, 3), (1, 2))
    assert isinstance(3, tg.types.Number)


def test_mixed_precision_is_disabled_with_pytorchs_warnings():
    w = tg.ones(2, requires_grad=True)
    optimizer = tg.optim.SGD([w], 0.5)
    with pytest.warns(FutureWarning, match="cuda.amp.GradScaler"), pytest.warns(UserWarning, match="Disabling"):
        scaler = tg.cuda.amp.GradScaler()
    with pytest.warns(FutureWarning, match="cuda.amp.autocast"), pytest.warns(UserWarning, match="Disabling"):
        block = tg.cuda.amp.autocast()
    with block, tg.autocast("cuda", enabled=False):
        loss = (w * w).sum()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert (w.tolist(), scaler.get_scale(), scaler.state_dict()) == ([0.0, 0.0], 1.0, {})
    with pytest.warns(UserWarning, match="only float32"):
        tg.amp.autocast("cpu")
