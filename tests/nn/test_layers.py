"""Layers: the same arguments, repr, state, outputs and gradients as PyTorch's, and their initial values."""

from __future__ import annotations

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
from layers import LAYERS, MASKED, weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

ROWS = [*LAYERS, *MASKED]


def several(out):
    return out if isinstance(out, tuple) else (out,)


@pytest.mark.parametrize(("make", "inputs"), ROWS, ids=[repr(make(nn)) for make, _ in ROWS])
def test_is_pytorchs(pytorch, make, inputs):
    """Same repr, same names of state; and with the same weights, same outputs, gradients and state afterwards."""

    def results(m):
        layer = weighed(make(m.nn).double())
        found = {"repr": repr(layer), "state": {k: v.shape for k, v in layer.state_dict().items()}}
        for training in (True, False):
            layer.train(training)
            args = [m.tensor(x) for x in inputs]
            args[0].requires_grad_()
            layer.zero_grad()
            out = layer(*args)
            sum((y * y).sum() for y in several(out)).backward()
            grads = {n: p.grad for n, p in layer.named_parameters()}
            found[f"training={training}"] = [out, args[0].grad, grads, dict(layer.named_buffers())]
        return found

    pytorch.agrees(results, rtol=1e-7, atol=1e-10)  # PyTorch's hardsigmoid has a float32 1/6


VOLUMES = [row for row in LAYERS if "3d" in type(row[0](nn)).__name__]


@pytest.mark.parametrize(("make", "inputs"), VOLUMES, ids=[repr(make(nn)) for make, _ in VOLUMES])
def test_volumes_can_be_viewed_as_pytorchs(pytorch, make, inputs):
    def results(m):
        def viewed(t):
            try:
                return tuple(t.view(-1).shape)
            except RuntimeError:
                return "not without a copy"

        out = make(m.nn).double().eval()(*[m.tensor(x) for x in inputs])
        return [viewed(y) for y in several(out)]

    pytorch.agrees(results)


@pytest.mark.parametrize(
    "name",
    sorted(
        {type(make(nn)).__name__ for make, _ in LAYERS}
        | {"Embedding", "EmbeddingBag", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "RReLU"}
    ),
)
def test_constructors_are_pytorchs(pytorch, name):
    def arguments(m):
        return [
            (n, getattr(p.default, "__name__", repr(p.default)))
            for n, p in inspect.signature(getattr(m.nn, name)).parameters.items()
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)  # which layers without arguments refuse in PyTorch, too
        ]

    pytorch.agrees(arguments)


@pytest.mark.parametrize(("make", "inputs"), ROWS, ids=[repr(make(nn)) for make, _ in ROWS])
def test_copies_and_pickles(make, inputs):
    layer = make(nn).eval()
    args = [tg.tensor(x) for x in inputs]
    layer.double()
    outs = [y.detach().numpy() for y in several(layer(*args))]
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        for y, out in zip(several(twin(*args)), outs, strict=True):
            np.testing.assert_array_equal(y.detach().numpy(), out)


# Initial values.


@pytest.mark.parametrize(
    ("make", "fan_in"),
    [
        (lambda: nn.Linear(50, 400), 50),
        (lambda: nn.Conv1d(4, 300, 5), 20),
        (lambda: nn.Conv2d(4, 300, (3, 2), groups=2), 12),
        # PyTorch's fan of a transposed convolution: the second axis of its weight times the window.
        (lambda: nn.ConvTranspose2d(300, 4, 3), 36),
    ],
)  # fmt: skip
def test_uniform_within_one_over_the_root_of_fan_in(make, fan_in):
    layer = make()
    bound = 1 / math.sqrt(fan_in)
    weight = layer.weight.detach().numpy()
    assert 0.99 * bound < abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert abs(layer.bias.detach().numpy()).max() <= bound
    assert len(set(layer.bias.tolist())) == layer.bias.numel()


def test_one_seed_one_network():
    def build():
        tg.manual_seed(7)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(8, 3), nn.Embedding(4, 2))

    first, second = build().state_dict(), build().state_dict()
    assert {k: v.tolist() for k, v in first.items()} == {k: v.tolist() for k, v in second.items()}
    assert first["0.weight"].abs().sum().item() > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: nn.Linear(3, 2, **k),
        lambda **k: nn.Conv2d(3, 2, 3, **k),
        lambda **k: nn.ConvTranspose1d(3, 2, 3, **k),
        lambda **k: nn.BatchNorm2d(3, **k),
        lambda **k: nn.LayerNorm(3, **k),
        lambda **k: nn.GroupNorm(1, 3, **k),
        lambda **k: nn.RMSNorm(3, **k),
        lambda **k: nn.PReLU(**k),
        lambda **k: nn.Embedding(3, 2, **k),
        lambda **k: nn.Bilinear(3, 2, 2, **k),
    ],
)  # fmt: skip
def test_dtype_and_device(make):
    layer = make(dtype=tg.float64, device="cpu")
    assert {p.dtype for p in layer.parameters()} == {tg.float64}
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        make(device="cuda")


# What single layers do beyond their function.


def test_batch_norm_counts_and_averages():
    layer = nn.BatchNorm1d(1, momentum=None)
    for x in ([[1.0], [3.0]], [[5.0], [7.0]], [[9.0], [11.0]]):
        layer(tg.tensor(x))
    assert layer.num_batches_tracked.item() == 3
    assert layer.running_mean.item() == pytest.approx(6)
    assert layer.running_var.item() == pytest.approx(2, rel=1e-5)
    layer.eval()
    layer(tg.tensor([[100.0], [200.0]]))
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert (layer.num_batches_tracked.item(), layer.running_mean.item(), layer.running_var.item()) == (0, 0, 1)


def test_batch_norm_one_example():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(tg.zeros(1, 3))
    assert layer.eval()(tg.zeros(1, 3)).shape == (1, 3)


def test_dropout_follows_the_mode():
    layer = nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5))
    x = tg.ones(4, 3, 2, 2)
    assert layer.eval()(x) is x
    assert (layer.train()(x) == 0).any()


def test_inplace_layers(pytorch):
    x = tg.tensor([-1.0, 2.0])
    assert nn.Sequential(nn.ReLU(inplace=True), nn.LeakyReLU(0.1, inplace=True))(x) is x
    assert x.tolist() == [0, 2]
    names = ["ReLU", "ReLU6", "SELU", "SiLU", "Mish", "LeakyReLU", "ELU", "CELU", "Hardtanh", "RReLU", "Dropout"]
    pytorch.agrees(lambda m: [repr(getattr(m.nn, name)(inplace=True)) for name in names])


def test_max_pool_and_unpool():
    pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    x = tg.tensor([[[[1.0, 2.0], [4.0, 3.0]]]])
    out, indices = pool(x)
    assert unpool(out, indices).tolist() == [[[[0, 0], [4, 0]]]]
    assert repr(unpool) == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"


def test_transposed_convolution_to_a_size():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    x = tg.zeros(1, 2, 5, 5)
    assert layer(x, output_size=(10, 9)).shape == (1, 3, 10, 9)
    assert layer(x, output_size=(1, 3, 10, 10)).shape == (1, 3, 10, 10)
    with pytest.raises(ValueError, match=r"valid sizes range from \[9, 9\] to \[10, 10\]"):
        layer(x, output_size=(12, 9))


def test_embedding():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    assert layer.padding_idx == 4
    assert layer.weight[4].tolist() == [0, 0, 0]
    layer(tg.tensor([4, 1, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[0] * 3, [2] * 3, [0] * 3, [0] * 3, [0] * 3]
    frozen = nn.Embedding.from_pretrained(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert frozen(tg.tensor([1])).tolist() == [[3, 4]]
    assert not frozen.weight.requires_grad
    assert repr(nn.Embedding(3, 4, padding_idx=-1, max_norm=2.0)) == "Embedding(3, 4, padding_idx=2, max_norm=2.0)"


def test_embedding_bag(pytorch):
    def results(m):
        layer = weighed(m.nn.EmbeddingBag(5, 2, padding_idx=-1, mode="sum", include_last_offset=True).double())
        factors = m.tensor([1.0, 2.0, 3.0, 4.0], dtype=m.float64, requires_grad=True)
        out = layer(m.tensor([1, 4, 0, 1]), m.tensor([0, 2, 4]), factors)
        (out * out).sum().backward()
        return [repr(layer), out, layer.weight.grad, factors.grad]

    pytorch.agrees(results, rtol=1e-12)
    frozen = nn.EmbeddingBag.from_pretrained(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), mode="max")
    assert frozen(tg.tensor([[0, 1]])).tolist() == [[3, 4]]
    assert not frozen.weight.requires_grad
    assert nn.EmbeddingBag(4, 2, padding_idx=1).weight[1].tolist() == [0, 0]


def test_weighted_losses_move_with_the_module():
    loss = nn.CrossEntropyLoss(weight=tg.tensor([1.0, 2.0]))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.double()(tg.zeros(3, 2).double(), tg.tensor([0, 1, 1])).item() == pytest.approx(math.log(2))
    weighted = nn.BCEWithLogitsLoss(pos_weight=tg.tensor([3.0]))
    assert weighted(tg.zeros(1), tg.ones(1)).item() == pytest.approx(3 * math.log(2))


def test_old_flags():
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert nn.MSELoss(size_average=False).reduction == "sum"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels=3 must be divisible by groups=2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "out_channels=3 must be divisible by groups=2"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), ValueError, "groups must be a positive integer"),
        (lambda: nn.Conv2d(4, 4, 3, padding="half"), ValueError, "'same' or 'valid', got 'half'"),
        (lambda: nn.Conv2d(4, 4, 3, padding="same", stride=2), ValueError, "padding='same'"),
        (lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), ValueError, "padding_mode must be one of"),
        (lambda: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"), ValueError, "only 'zeros'"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "num_channels=4 must be divisible by num_groups=3"),
        (lambda: nn.BatchNorm2d(3)(tg.zeros(2, 3)), ValueError, "BatchNorm2d: expected 4D input, got 2D input"),
        (lambda: nn.BatchNorm1d(3)(tg.zeros(2, 3, 1, 1)), ValueError, "expected 2D or 3D input"),
        (lambda: nn.BatchNorm2d(3)(tg.zeros(2, 4, 2, 2)), RuntimeError, "should contain 4 elements"),
        (lambda: nn.InstanceNorm2d(3, affine=True)(tg.zeros(2, 4, 2, 2)), ValueError, "has 4 channels"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "padding_idx"),
        (lambda: nn.Unflatten("x", (2, 2)), TypeError, "dim must be an int"),
        (lambda: nn.Hardtanh(1, 0), ValueError, "max_val must be larger"),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, "p must be 1 or 2"),
        (lambda: nn.TripletMarginLoss(margin=-1), ValueError, "greater than 0"),
        (lambda: nn.Linear(3, 2)(tg.zeros(4, 5)), RuntimeError, "linear"),
        (lambda: nn.Softmax2d()(tg.zeros(2, 2)), ValueError, "Softmax2d"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


# Small networks end to end.


def test_a_network_learns_what_pytorchs_learns(pytorch):
    """Ten steps of the same network from the same weights on the same data give the same losses."""

    def losses(m):
        nn, draw, found = m.nn, np.random.default_rng(0), []
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5),
        )  # fmt: skip
        weighed(net.double())
        x, y = m.tensor(draw.normal(size=(16, 1, 8, 8))), m.tensor(draw.integers(0, 5, 16))
        for _ in range(10):
            loss = nn.CrossEntropyLoss()(net(x), y)
            net.zero_grad()
            loss.backward()
            for p in net.parameters():
                p.data -= 0.1 * p.grad
            found.append(loss.item())
        assert found[-1] < found[0]
        return found

    pytorch.agrees(losses, rtol=1e-9)
