"""Grad-CAM and saliency against the formulas, worked out by hand in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz.attribution import shuffled


def tiny():
    """conv 1 -> 2 (1×1), ReLU, global mean, linear 2 -> 3: every gradient is plain arithmetic."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    with tg.no_grad():
        net[0].weight.copy_(tg.tensor([1.0, -2.0]).view(2, 1, 1, 1))
        net[0].bias.copy_(tg.tensor([0.5, 1.0]))
        net[4].weight.copy_(tg.tensor([[1.0, 2.0], [-3.0, 1.0], [0.0, 0.0]]))
        net[4].bias.zero_()
    return net


X = np.random.default_rng(0).normal(size=(3, 1, 4, 5)).astype(np.float32)


def by_hand(x, target):
    """α_k = mean of ∂logit/∂A_k; A = w·x + b, so ∂logit_c/∂A_k[p,q] = W[c,k]·[A_k > 0]/20."""
    a = np.stack([x[:, 0] * 1.0 + 0.5, x[:, 0] * -2.0 + 1.0], 1)
    W = np.array([[1.0, 2.0], [-3.0, 1.0], [0.0, 0.0]])
    g = W[target][:, :, None, None] * (a > 0) / 20
    alpha = g.mean((2, 3))
    return np.maximum((alpha[:, :, None, None] * a).sum(1), 0), np.abs(
        (g * np.array([1.0, -2.0])[None, :, None, None]).sum(1)
    )


@pytest.mark.parametrize("target", [0, 1, [0, 1, 0]])
def test_by_hand(target):
    cam, map_ = by_hand(X, np.broadcast_to(target, 3))
    np.testing.assert_allclose(viz.grad_cam(tiny(), X, target=target, scale=False), cam, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(viz.saliency(tiny(), X, target), map_, rtol=1e-5, atol=1e-7)


def test_default_target_is_the_predicted_class():
    net = tiny()
    predicted = net(tg.from_numpy(X)).detach().numpy().argmax(1)
    for method in (viz.grad_cam, viz.saliency):
        np.testing.assert_array_equal(method(net, X), method(net, X, target=predicted))


def test_scaled_maps_reach_one_or_are_zero():
    maps = viz.grad_cam(tiny(), X, target=[0, 1, 2])
    assert maps[0].max() == 1
    assert maps.min() >= 0
    assert not maps[2].any(), "class 2 has no weights: zeros, and no 0/0"


def test_enlarged_to_the_image():
    net = nn.Sequential(nn.Conv2d(1, 3, 3, stride=2), nn.Flatten(), nn.Linear(12, 2))
    x = tg.randn(2, 1, 6, 6)
    out = net[0](x).detach().requires_grad_()
    (g,) = tg.autograd.grad(net[2](net[1](out))[:, 1].sum(), out)
    small = F.relu((g.mean((2, 3), keepdim=True) * out.detach()).sum(1, keepdim=True))
    expected = F.interpolate(small, size=(6, 6), mode="bilinear").numpy()[:, 0]
    np.testing.assert_allclose(viz.grad_cam(net, x, target=1, scale=False), expected, rtol=1e-5, atol=1e-7)


def test_the_last_convolution_is_meant():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.late, self.early, self.unused = nn.Conv2d(2, 2, 3), nn.Conv2d(1, 2, 3), nn.Conv2d(1, 1, 1)

        def forward(self, x):
            self.unused(x)
            out = self.late(F.relu(self.early(x)))
            self.unused(x)
            return out.flatten(1)[:, :4]

    net, x = Net(), tg.randn(2, 1, 6, 6)
    np.testing.assert_array_equal(viz.grad_cam(net, x), viz.grad_cam(net, x, "late"))
    np.testing.assert_array_equal(viz.grad_cam(net, x, net.early), viz.grad_cam(net, x, "early"))
    with pytest.raises(ValueError, match="do not depend on what layer 'unused'"):
        viz.grad_cam(net, x, "unused")


@pytest.mark.parametrize("frozen", [False, True])
def test_the_model_is_left_as_it_was(frozen):
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 3)
    )
    net.requires_grad_(not frozen)
    x = tg.randn(2, 1, 4, 4)
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    state = tg.get_rng_state()
    with tg.no_grad():
        maps = viz.grad_cam(net, x), viz.saliency(net, x)
    assert tg.get_rng_state() == state
    assert net.training
    assert net[3].training
    assert all(p.grad is None for p in net.parameters())
    assert x.grad is None
    assert not x.requires_grad
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    again = viz.grad_cam(net, x), viz.saliency(net, x)
    for a, b in zip(maps, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_convolution_whose_output_is_changed_in_place():
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    inplace = nn.Sequential(plain[0], nn.ReLU(inplace=True), plain[2], plain[3])
    x = tg.randn(2, 1, 4, 4)
    np.testing.assert_array_equal(viz.grad_cam(inplace, x), viz.grad_cam(plain, x))


def test_saliency_of_a_constant_network_is_zero():
    class Constant(nn.Module):
        def forward(self, x):
            return tg.ones(len(x), 3)

    np.testing.assert_array_equal(viz.saliency(Constant(), X), np.zeros((3, 4, 5)))


def test_sanity():
    net = tg.vision.models.get_model("victorzhou")
    x = tg.randn(4, 1, 28, 28)
    found = viz.sanity(net, x)
    np.testing.assert_array_equal(found.trained, viz.grad_cam(net, x))
    target = net(x).detach().numpy().argmax(1)
    np.testing.assert_array_equal(found.shuffled, viz.grad_cam(shuffled(net), x, target=target))
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(found.trained, found.shuffled, strict=True)]
    np.testing.assert_allclose(found.similarity, expected, rtol=1e-4)
    np.testing.assert_array_equal(viz.sanity(net, x).shuffled, found.shuffled)
    assert np.isnan(viz.sanity(tiny(), X, 2).similarity).all()


def test_shuffled_weights_are_the_same_numbers():
    net = tiny()
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    other = shuffled(net, 3)
    for name, p in other.named_parameters():
        np.testing.assert_array_equal(np.sort(p.detach().numpy(), None), np.sort(before[name], None))
        np.testing.assert_array_equal(net.state_dict()[name].numpy(), before[name])


def test_overlay():
    image = np.array([[[0.0, 4.0]]])
    out = viz.overlay(image, np.array([[0.0, 1.0]]))
    assert out.shape == (1, 2, 3)
    np.testing.assert_allclose(out[0, 0], [0, 0, 2 / 255], atol=1e-12)
    np.testing.assert_allclose(out[0, 1], [0.5 + 126 / 255, 1, 0.5 + 82 / 255], atol=1e-12)
    assert np.isfinite(viz.overlay(np.full((3, 2, 2), 7.0), np.full((2, 2), np.nan))).all()


def test_an_empty_batch():
    assert viz.grad_cam(tiny(), X[:0]).shape == (0, 4, 5)
    assert viz.saliency(tiny(), X[:0]).shape == (0, 4, 5)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: viz.grad_cam("net", X), TypeError, "nn.Module"),
        (lambda: viz.grad_cam(tiny(), X[0]), ValueError, r"x\[None\]"),
        (lambda: viz.grad_cam(tiny(), X, "conv9"), ValueError, "no layer 'conv9'; it has 0, 1"),
        (lambda: viz.grad_cam(tiny(), X, nn.ReLU()), ValueError, "another ReLU"),
        (lambda: viz.grad_cam(tiny(), X, "4"), ValueError, "must return maps"),
        (lambda: viz.grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(20, 2)), X), ValueError, "has no convolution"),
        (lambda: viz.grad_cam(nn.Conv2d(1, 1, 1), X), ValueError, "must return logits"),
        (lambda: viz.grad_cam(tiny(), X, target=3), IndexError, "from 0 to 2"),
        (lambda: viz.grad_cam(tiny(), X, target=-1), IndexError, "from 0 to 2"),
        (lambda: viz.grad_cam(tiny(), X, target=[0, 1]), ValueError, "one for each of 3"),
        (lambda: viz.saliency(tiny(), X, target=0.5), ValueError, "integers"),
        (lambda: viz.saliency(tiny(), X.astype(int)), ValueError, "floats"),
        (lambda: viz.overlay(X[0], np.zeros((2, 2))), ValueError, "of its size"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()
