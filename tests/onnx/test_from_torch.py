"""Models that PyTorch has exported, by either of its exporters: loaded, they give what they gave, train, and go out."""

from __future__ import annotations

import io
import logging
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.onnx import export, load

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
nn = torch.nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def vgg():
    layers, channels = [], 3
    for width in (8, "pool", 16, "pool", 32, 32, "pool"):
        if width == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
    head = [nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10)]
    return nn.Sequential(*layers, *head)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + identity)


class ResNet18(nn.Module):
    """As torchvision's, with a quarter of the channels."""

    def __init__(self, width=16):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        for k in range(4):
            before, after = width * 2 ** max(k - 1, 0), width * 2**k
            blocks = Block(before, after, 2 if k else 1), Block(after, after, 1)
            setattr(self, f"layer{k + 1}", nn.Sequential(*blocks))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(8 * width, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, times):
        super().__init__()
        hidden = inputs * times
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True), nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        first = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True)
        self.features = nn.Sequential(*first, Inverted(8, 8, 1, 2), Inverted(8, 16, 2, 4), Inverted(16, 16, 1, 4))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.inner = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.SiLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.merge = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.LeakyReLU(0.1))
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.down(x)
        b = self.inner(nn.functional.max_pool2d(a, 2))
        b = b + nn.functional.interpolate(nn.functional.avg_pool2d(b, 2), scale_factor=2, mode="bilinear")
        return self.out(self.merge(torch.cat([self.up(b), a], 1))).softmax(1)


MODELS = {"LeNet": (LeNet, 1, 28), "VGG": (vgg, 3, 32), "ResNet-18": (ResNet18, 3, 64),
          "MobileNetV2": (MobileNetV2, 3, 32), "UNet": (UNet, 1, 32)}  # fmt: skip


def made(name):
    torch.manual_seed(0)
    make, channels, size = MODELS[name]
    model = make()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.uniform_(norm.weight)
            nn.init.normal_(norm.bias)
    return model.eval(), torch.randn(2, channels, size, size)


def exported(path, model, x, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            torch.onnx.export(model, (x,), str(path), input_names=["x"], verbose=False, **options)
        finally:
            logging.disable(logging.NOTSET)
    return load(path)


def close(actual, expected):
    np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["TorchScript", "dynamo"])
@pytest.mark.parametrize("name", MODELS)
def test_models(tmp_path, name, dynamo):
    model, x = made(name)
    free = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if dynamo else {"dynamic_axes": {"x": {0: "batch"}}}
    loaded = exported(tmp_path / "m.onnx", model, x, dynamo=dynamo, **free)
    several = torch.cat([x, -x, x])[:5]
    close(loaded(tg.tensor(several.numpy())), model(several))
    again = io.BytesIO()
    export(loaded, tg.tensor(x.numpy()), again, dynamic_axes={"x": {0: "batch"}})
    close(load(again)(tg.tensor(several.numpy())), model(several))
    loaded.train()(tg.tensor(several.numpy())).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in loaded.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["VGG", "ResNet-18", "MobileNetV2"])
def test_models_that_are_exported_to_train_on(tmp_path, name):
    """With batch norms as they are: the same names, and in training the same step as PyTorch's."""
    model, x = made(name)
    loaded = exported(tmp_path / "m.onnx", model, x, dynamo=False, training=torch.onnx.TrainingMode.TRAINING,
                      do_constant_folding=False)  # fmt: skip
    state = {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
    assert {k: tuple(v.shape) for k, v in loaded.state_dict().items()} == {k: tuple(v.shape) for k, v in state.items()}
    assert {n for n, _ in loaded.named_parameters()} == {n for n, _ in model.named_parameters()}
    close(loaded.eval()(tg.tensor(x.numpy())), model.eval()(x))
    for module in (*model.modules(), *loaded.modules()):
        module.train(not isinstance(module, nn.Dropout))
    for step in (s for s in loaded._steps if s.plain.op == "Dropout"):
        (step.layer or loaded).eval()
    theirs, ours = model(x), loaded(tg.tensor(x.numpy()))
    close(ours, theirs)
    theirs.square().mean().backward()
    ours.square().mean().backward()
    gradients = dict(loaded.named_parameters())
    for key, p in model.named_parameters():
        scale = p.grad.abs().max().item()
        np.testing.assert_allclose(gradients[key].grad.numpy(), p.grad.numpy(), rtol=1e-2, atol=1e-3 * scale + 1e-6)
    for key, buffer in model.named_buffers():
        if "num_batches" not in key:
            close(loaded.get_buffer(key), buffer)
