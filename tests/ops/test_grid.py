"""affine_grid and grid_sample, as PyTorch's, in every mode; and a spatial transformer that learns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck

DRAW = np.random.default_rng(0)
PICTURE, PLACES = DRAW.normal(size=(2, 3, 4, 5)), DRAW.uniform(-2.2, 2.2, size=(2, 6, 4, 2))
VOLUME, POINTS = DRAW.normal(size=(1, 2, 3, 4, 5)), DRAW.uniform(-1.5, 1.5, size=(1, 2, 3, 4, 3))

WAYS = [
    *itertools.product(["bilinear", "nearest", "bicubic"], ["zeros", "border", "reflection"], [False, True], [4]),
    *itertools.product(["bilinear", "nearest"], ["zeros", "border", "reflection"], [False, True], [5]),
]


@pytest.mark.parametrize(("mode", "padding", "align", "axes"), WAYS)
def test_grid_sample_is_pytorchs(pytorch, mode, padding, align, axes):
    def results(m):
        x, grid = (m.tensor(a, requires_grad=True) for a in ((PICTURE, PLACES) if axes == 4 else (VOLUME, POINTS)))
        out = m.nn.functional.grid_sample(x, grid, mode, padding, align)
        (out * out).sum().backward()
        return out, x.grad, grid.grad

    pytorch.agrees(results, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 2, 3, 2)], ids=str)
def test_affine_grid_is_pytorchs(pytorch, size, align):
    def results(m):
        d = len(size) - 2
        theta = m.tensor(np.random.default_rng(1).normal(size=(2, d, d + 1)), requires_grad=True)
        grid = m.nn.functional.affine_grid(theta, size, align)
        (grid * grid).sum().backward()
        return grid, theta.grad

    pytorch.agrees(results, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("size", [(2, 3), (13, 9), (28, 28), (7, 64)], ids=str)
def test_a_transformer_that_changes_nothing_has_pytorchs_slopes(pytorch, size):
    """It reads a picture where its pixels are: the last digit of a place says which slope is taken, left or right."""

    def results(m):
        x = m.tensor(np.random.default_rng(2).normal(size=(1, 2, *size)).astype(np.float32))
        theta = m.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], requires_grad=True)
        grid = m.nn.functional.affine_grid(theta, x.shape, align_corners=False)
        m.nn.functional.grid_sample(x, grid, align_corners=False).pow(2).sum().backward()
        return theta.grad

    pytorch.agrees(results, rtol=1e-4, unit=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_derivatives_of_both_orders(mode):
    x, grid = tg.tensor(PICTURE[:1, :1], requires_grad=True), tg.tensor(PLACES[:1, :2, :3] / 3, requires_grad=True)
    f = lambda x, grid: F.grid_sample(x, grid, mode, "border", False)
    assert gradcheck(f, (x, grid))
    assert gradgradcheck(f, (x, grid))


@pytest.mark.parametrize(
    "call",
    [
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2), m.zeros(1, 1, 1, 2), "cubic", align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2), m.zeros(1, 1, 1, 2), padding_mode="wrap", align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2), m.zeros(2, 1, 1, 2), align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2), m.zeros(1, 1, 1, 3), align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 2, 2), m.zeros(1, 1, 2), align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 0, 2), m.zeros(1, 1, 1, 2), align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2).double(), m.zeros(1, 1, 1, 2), align_corners=False),
        lambda F, m: F.grid_sample(m.zeros(1, 1, 2, 2, 2), m.zeros(1, 1, 1, 1, 3), "bicubic", align_corners=False),
        lambda F, m: F.affine_grid(m.zeros(1, 2, 3), (1, 1, 2), align_corners=False),
        lambda F, m: F.affine_grid(m.zeros(1, 3, 3), (1, 1, 2, 2), align_corners=False),
        lambda F, m: F.affine_grid(m.zeros(2, 2, 3), (1, 1, 2, 2), align_corners=False),
        lambda F, m: F.affine_grid(m.zeros(1, 2, 3).long(), (1, 1, 2, 2), align_corners=False),
        lambda F, m: F.affine_grid(m.zeros(1, 2, 3), (1, 1, 0, 2), align_corners=False),
    ],
)  # fmt: skip
def test_refusals_are_pytorchs(pytorch, call):
    def kind(m):
        try:
            call(m.nn.functional, m)
        except (NotImplementedError, RuntimeError, ValueError) as error:
            return type(error).__name__

    pytorch.agrees(kind)


def test_the_default_is_warned_of():
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        F.affine_grid(tg.zeros(1, 2, 3), (1, 1, 2, 2))


def test_a_spatial_transformer_learns_what_pytorchs_learns(pytorch):
    """The transformer of the tutorial: a network says where to look, and the loss says how well it looked."""

    def losses(m):
        nn, draw = m.nn, np.random.default_rng(0)
        where = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 6)).double()
        for p in where.parameters():
            p.data.copy_(m.tensor(draw.uniform(-0.1, 0.1, size=tuple(p.shape))))
        where[4].bias.data.copy_(m.tensor([1.0, 0, 0, 0, 1, 0]))
        x, wanted = m.tensor(draw.normal(size=(4, 1, 8, 8))), m.tensor(draw.normal(size=(4, 1, 8, 8)))
        opt, found = m.optim.SGD(where.parameters(), lr=0.1), []
        for _ in range(4):
            grid = nn.functional.affine_grid(where(x).view(-1, 2, 3), x.size(), align_corners=False)
            loss = nn.functional.mse_loss(nn.functional.grid_sample(x, grid, align_corners=False), wanted)
            opt.zero_grad()
            loss.backward()
            opt.step()
            found.append(loss.item())
        return found

    pytorch.agrees(losses, rtol=1e-9)
