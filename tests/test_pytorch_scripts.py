"""PyTorch scripts run here after their import lines alone are changed, and compute what they compute there.

`tests/scripts/` holds scripts as people write them, with `import torch` at the top. They run here with the names
changed, on data made of the packaged digits; those that need no torchvision are also run under torch itself, from the
same random numbers, and every tensor and number that they leave behind is compared.
"""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import read_idx

SCRIPTS = Path(__file__).parent / "scripts"


def here(source: str) -> str:
    """The source with its import lines changed, and nothing else."""
    lines = []
    for line in source.splitlines():
        if re.match(r"(import|from) torch", line):
            line = re.sub(r"^import torch$", "import tinygrad_cnn as torch", line)
            line = re.sub(r"^import torchvision$", "import tinygrad_cnn.vision as torchvision", line)
            line = re.sub(r"^(import|from) torchvision\b", r"\1 tinygrad_cnn.vision", line)
            line = re.sub(r"^(import|from) torch\b", r"\1 tinygrad_cnn", line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def run(name: str, change=here) -> dict:
    """What the script leaves behind in its global names."""
    names = {"__name__": "__main__"}
    exec(compile(change((SCRIPTS / name).read_text()), name, "exec"), names)
    return names


# Data in the formats that the scripts read.


@pytest.fixture(scope="session")
def data(tmp_path_factory, mnist):
    """A folder with MNIST, CIFAR-10 and a folder of pictures, all small, made of the packaged digits."""
    root = tmp_path_factory.mktemp("scripts") / "data"
    batches = root / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    shutil.copytree(mnist, root / "MNIST" / "raw")
    for part, files in (("train", [f"data_batch_{i}" for i in range(1, 6)]), ("t10k", ["test_batch"])):
        images, labels = (read_idx(mnist / f"{part}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
        colours = np.repeat(np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None], 3, axis=1)[:160]
        colours[:, 1] //= 1 + labels[:160, None, None] // 2
        rows = colours.reshape(160, -1)
        for k, file in enumerate(files):
            one = {"data": rows[k * 32 : k * 32 + 32], "labels": labels[k * 32 : k * 32 + 32].tolist()}
            (batches / file).write_bytes(pickle.dumps(one))
    kinds = "airplane automobile bird cat deer dog frog horse ship truck".split()
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": kinds}))
    return root


@pytest.fixture
def folder(data, tmp_path, monkeypatch):
    """The current folder of a script: ../data and ./data are there."""
    pytest.importorskip("PIL", reason="Pillow is not installed")
    (tmp_path / "data").symlink_to(data)
    work = tmp_path / "work"
    work.mkdir()
    (work / "data").symlink_to(data)
    monkeypatch.chdir(work)
    return work


@pytest.mark.slow
def test_mnist_classifier(folder, capsys):
    names = run("mnist_classifier.py")
    assert names["losses"][-1] < 0.5 * names["losses"][0]
    assert names["accuracy"] > 0.85
    assert re.search(r"Train Epoch: 1 \[0/960 \(0%\)\]\tLoss: 2\.", capsys.readouterr().out)
    for mine, loaded in zip(names["model"].parameters(), names["again"].parameters(), strict=True):
        assert tg.equal(mine, loaded)


@pytest.mark.slow
def test_mnist_hogwild(folder):
    script = folder / "hogwild.py"
    script.write_text(here((SCRIPTS / "mnist_hogwild.py").read_text()))
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    pids = {line.split("\t")[0] for line in done.stdout.splitlines() if "\tTrain" in line}
    assert len(pids) == 2
    assert (folder / "hogwild.pt").exists()


@pytest.mark.slow
def test_vae(folder):
    names = run("vae.py")
    for losses in (names["train_losses"], names["test_losses"]):
        assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.75 * losses[0]
    from PIL import Image

    with Image.open("results/sample_4.png") as picture, Image.open("results/reconstruction_4.png") as pair:
        assert picture.size == (8 * 30 + 2, 8 * 30 + 2)
        assert pair.size == (8 * 30 + 2, 2 * 30 + 2)


@pytest.mark.slow
def test_dcgan(folder, data, capsys):
    from PIL import Image

    pictures = data / "pictures" / "one"
    pictures.mkdir(parents=True, exist_ok=True)
    for i in range(8):
        Image.new("RGB", (20, 24), (i * 30, 100, 0)).save(pictures / f"{i}.png")
    names = run("dcgan.py")
    assert len(names["history"]) == 3 + 20 + 1
    assert np.isfinite(names["history"]).all()
    assert names["fake"].shape == (8, 3, 16, 16)
    assert names["fake"].detach().abs().max() <= 1
    assert {p.name for p in (folder / "samples").iterdir()} == {
        f"{kind}_{source}.png" for kind in ("real", "fake") for source in ("fake", "cifar10", "folder")
    }
    printed = capsys.readouterr().out
    assert "(0): ConvTranspose2d(8, 8, kernel_size=(4, 4), stride=(1, 1), bias=False)" in printed
    assert "(1): LeakyReLU(negative_slope=0.2, inplace=True)" in printed


@pytest.mark.slow
def test_siamese(folder):
    names = run("siamese.py")
    assert names["losses"][-1] < names["losses"][0]
    assert 0 <= names["correct"] <= 64
    assert names["embedding"].shape == (32, 512)
    assert names["model"].fc[0].in_features == 1024
    keys = list(names["model"].state_dict())
    assert keys[0] == "resnet.0.weight"
    assert keys[-1] == "fc.2.bias"


@pytest.mark.slow
def test_cifar_classifier(folder):
    names = run("cifar_classifier.py")
    assert names["losses"][-1] < 0.8 * names["losses"][0]
    assert names["accuracy"] > 0.3
    assert sum(names["total_pred"].values()) == names["total"] == 32
    assert sum(names["correct_pred"].values()) == names["correct"]
    assert names["grid"].shape == (36, 138, 3)
    assert len(names["line"].split()) == 4


# Scripts that torch runs as well.


class Numbers:
    """Random tensors that are the same under every library, because NumPy draws them."""

    def __init__(self, library):
        self.library, self.draw = library, np.random.RandomState(0)

    def tensor(self, values, dtype=None, device=None, requires_grad=False):
        out = self.library.from_numpy(np.array(values)).to(dtype or self.library.float32)
        return out.requires_grad_(requires_grad)

    def randn(self, *size, **options):
        return self.tensor(self.draw.standard_normal(self.shape(size)), **options)

    def rand(self, *size, **options):
        return self.tensor(self.draw.random_sample(self.shape(size)), **options)

    def randn_like(self, x, dtype=None):
        return self.randn(tuple(x.shape), dtype=dtype or x.dtype)

    def rand_like(self, x, dtype=None):
        return self.rand(tuple(x.shape), dtype=dtype or x.dtype)

    def shape(self, size):
        return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size

    def uniform_(self, tensor, *bounds, **options):
        values = self.draw.uniform(-0.1, 0.1, tuple(tensor.shape))
        tensor.data.copy_(self.tensor(values))
        return tensor

    def install(self, monkeypatch):
        for name in ("randn", "rand", "randn_like", "rand_like"):
            monkeypatch.setattr(self.library, name, getattr(self, name))
        for name in DRAWN:
            monkeypatch.setattr(self.library.nn.init, name, self.uniform_)


DRAWN = ("kaiming_uniform_", "kaiming_normal_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_")


def told(value, library):
    """What can be said of a global of a script: of a tensor, a number, a string or a list of numbers, all."""
    if isinstance(value, library.Tensor):
        grad = value.grad if value.is_leaf else None
        return {"values": value, "grad": grad, "requires_grad": value.requires_grad, "is_leaf": value.is_leaf}
    if isinstance(value, tuple | list) and all(isinstance(v, int | float) for v in value):
        return np.array(value)
    return value if isinstance(value, bool | int | float | str | np.ndarray) else None


# The graph that torch shows is of other ops, the printed dtype has no "torch." before it.
NOT_COMPARED = {"chain", "grad_fn_name", "about", "device", "dtype"}


@pytest.fixture
def compared(pytorch, monkeypatch):
    """compared(script): run it under torch and here; compare all that it leaves behind; return what it left here."""

    def run_both(script: str) -> dict:
        names = {}

        def left(library):
            if library is not tg and "torchvision" in (SCRIPTS / script).read_text():
                pytest.importorskip("torchvision", reason="torchvision is not installed")
            with monkeypatch.context() as patch:
                Numbers(library).install(patch)
                names[library] = run(script, here if library is tg else str)
            return {k: told(v, library) for k, v in names[library].items() if k[0] != "_" and k not in NOT_COMPARED}

        pytorch.agrees(left, rtol=2e-4, unit=1e-5)
        return names[tg]

    return run_both


@pytest.mark.parametrize("kind", ["tensors", "autograd", "function", "nn", "optim", "module", "dynamic"])
def test_polynomials(compared, kind):
    names = compared(f"polynomial_{kind}.py")
    assert names["losses"][-1] < names["losses"][0]


def test_what_is_nn(compared, capsys):
    names = compared("what_is_nn.py")
    assert names["trained_loss"] < 0.3 * names["first_loss"]
    assert tg.allclose(names["trained_loss"], names["library_loss"], atol=1e-6)
    assert names["history_cnn"][-1] < names["history_cnn"][0]


def test_blitz_tensors(compared):
    names = compared("blitz_tensors.py")
    assert names["seen_in_numpy"] == names["seen_in_tensor"] == [2.0] * 5


def test_blitz_autograd(compared):
    names = compared("blitz_autograd.py")
    assert names["a_right"].all()
    assert names["frozen_grad"] is None


@pytest.mark.slow
def test_names_rnn(compared):
    names = compared("names_rnn.py")
    assert names["outputs"].shape == (24, 12, 24)
    assert names["losses"][-1] < names["losses"][-3]


def test_makemore_backprop(compared):
    assert compared("makemore_backprop.py")["by_hand"]


def test_gpt(compared):
    losses = compared("gpt.py")["losses"]
    assert losses[3] < losses[0]
    assert losses[7] < losses[4]


def test_captioning(compared):
    names = compared("captioning.py")
    assert names["by_hand"]
    assert names["losses"][-1] < names["losses"][-3]


@pytest.mark.filterwarnings("ignore")
def test_per_sample_gradients(compared):
    names = compared("per_sample_gradients.py")
    assert names["same_gradients"]
    assert names["same_kernel"]


def test_physics_informed(compared):
    names = compared("physics_informed.py")
    assert names["losses"][-1] < names["losses"][0]
    assert tg.allclose(-names["nll"], names["other"])


@pytest.mark.filterwarnings("ignore")
def test_older_forms(compared):
    names = compared("older_forms.py")
    assert names["kinds"][0] == "torch.FloatTensor"
    assert names["first_losses"][-1] < names["first_losses"][0]


def test_actor_critic(compared):
    names = compared("actor_critic.py")
    assert names["ppo_losses"][-1] < names["ppo_losses"][0]


@pytest.mark.filterwarnings("ignore")
def test_translation(compared):
    names = compared("translation.py")
    assert names["losses"][3] < names["losses"][0]


def test_blitz_networks(compared, capsys):
    names = compared("blitz_networks.py")
    # What the tutorial says that it prints: the loss, the linear layer, its input's ReLU (and its weight).
    assert names["chain"] == ["MseLossBackward0", "LinearBackward0", "ReluBackward0", "AccumulateGrad"]


# As people keep them in collections: a network, what trains it, and what both need.
COLLECTED = """
    augmentation crf differential_equations forward_forward image_transformer lists_of_weights maml newer_imports
    optimizers reversible segnet spatial_transformer ssd style_gan swin transfer_learning wgan_gp
""".split()


@pytest.mark.parametrize("name", COLLECTED)
@pytest.mark.filterwarnings("ignore")  # of the years that they are from
def test_collections(compared, name):
    names = compared(f"{name}.py")
    assert np.isfinite(names["losses"]).all()


# Facts that a script relies on without a word.


def test_a_bare_import_is_enough():
    program = """
import tinygrad_cnn as torch
torch.nn.functional.relu, torch.nn.Linear, torch.optim.SGD, torch.optim.lr_scheduler.StepLR, torch.utils.data.DataLoader
torch.nn.parallel.data_parallel, torch.backends.cudnn.benchmark, torch.backends.mps.is_available, torch.nn.init.zeros_
torch.autograd.Function, torch.autograd.Variable, torch.multiprocessing.Process, torch.utils.data.sampler.Sampler
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_import_forms():
    names = {}
    exec(
        here(
            "import torch\nimport torch.nn as nn\nfrom torch import nn, optim\nimport torch.nn.functional as F\n"
            "from torch.nn import functional as F\nimport torch.optim as optim\nimport torch.utils.data\n"
            "from torch.optim.lr_scheduler import StepLR\nfrom torch.utils.data import Dataset, DataLoader\n"
            "from torch.utils.data.sampler import Sampler\nimport torch.nn.parallel\n"
            "import torch.backends.cudnn as cudnn\nimport torch.multiprocessing as mp\nimport torchvision\n"
            "from torchvision import datasets, transforms\nimport torchvision.datasets as dset\n"
            "import torchvision.transforms as transforms\nimport torchvision.utils as vutils\n"
            "from torchvision.utils import save_image\nfrom torchvision.models import resnet18, ResNet18_Weights\n"
        ),
        names,
    )
    assert names["torch"].nn is names["nn"]
    with pytest.raises(RuntimeError, match="download"):
        names["resnet18"](weights=names["ResNet18_Weights"].DEFAULT)
    assert names["resnet18"](weights=None).fc.in_features == 512


def test_a_label_is_filled_anew_between_two_backward_passes():
    label = tg.full((4,), 1, dtype=float)
    assert label.dtype == tg.float64
    p = tg.full((4,), 0.25, dtype=tg.float64, requires_grad=True)
    criterion = tg.nn.BCELoss()
    criterion(p, label).backward()
    assert p.grad.tolist() == [-1.0] * 4
    label.fill_(0)
    criterion(p, label).backward()
    np.testing.assert_allclose(p.grad.tolist(), [-1 + 1 / 3] * 4)


def test_two_losses_add_to_the_same_gradients_and_a_graph_is_passed_twice():
    make, judge = tg.nn.Linear(2, 2), tg.nn.Linear(2, 1)
    fake = make(tg.ones(1, 2))
    judge(fake.detach()).sum().backward()
    assert make.weight.grad is None
    once = judge.weight.grad.clone()
    judge(fake).sum().backward()
    assert tg.equal(judge.weight.grad, 2 * once)
    assert make.weight.grad is not None


def test_data_writes_the_parameter_itself():
    layer = tg.nn.Linear(3, 2)
    layer.bias.data.fill_(0.01)
    assert layer.bias.tolist() == tg.full((2,), 0.01).tolist()
    layer.weight.data = tg.zeros(2, 3)
    layer.weight.data[0, 1] = 5.0
    assert layer(tg.ones(3)).tolist() == pytest.approx([5.01, 0.01])


def test_layers_are_found_by_the_name_of_their_class():
    layers = [tg.nn.Conv2d(1, 1, 1), tg.nn.ConvTranspose2d(1, 1, 1), tg.nn.BatchNorm2d(1), tg.nn.Linear(1, 1)]
    assert [m.__class__.__name__.find("Conv") for m in layers] == [0, 0, -1, -1]
    assert layers[2].__class__.__name__.find("BatchNorm") == 0


def test_numpy_sees_what_happens_to_the_tensor_and_the_tensor_what_happens_to_numpy():
    a = tg.ones(3)
    b = a.numpy()
    a.add_(1)
    assert b.tolist() == [2.0] * 3
    b += 1
    assert a.tolist() == [3.0] * 3
    view = a[1:].numpy()
    a.mul_(2)
    assert view.tolist() == [6.0] * 2


def test_batches_come_apart():
    ds = tg.utils.data.TensorDataset(tg.arange(5.0), tg.arange(5))
    for i, data in enumerate(tg.utils.data.DataLoader(ds, batch_size=2), 0):
        inputs, labels = data
        assert inputs.tolist() == [2.0 * i, 2.0 * i + 1][: len(labels)]
    assert next(iter(tg.utils.data.DataLoader(ds, batch_size=5)))[1].tolist() == list(range(5))


def test_many_tiny_steps_arrive():
    w = tg.zeros(5, requires_grad=True)
    optimizer = tg.optim.SGD([w], lr=0.01)
    for _ in range(1000):
        optimizer.zero_grad()
        ((w - 1) ** 2).sum().backward()
        optimizer.step()
    assert tg.allclose(w, tg.ones(5), atol=1e-3)


def test_no_accelerator():
    assert not tg.accelerator.is_available()
    assert tg.accelerator.current_accelerator() is None
    assert not tg.cuda.is_available()
    assert not tg.backends.mps.is_available()
    model = tg.nn.Linear(1, 1)
    assert model.to("cpu") is model
    assert model.to(tg.device("cpu")) is model
    for ask in (
        lambda: tg.ones(1).to("cuda"),
        lambda: model.to("cuda"),
        lambda: model.cuda(),
        lambda: tg.ones(1).cuda(),
    ):
        with pytest.raises(RuntimeError, match="CPU"):
            ask()
