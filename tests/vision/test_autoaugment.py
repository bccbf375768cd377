"""Affine transforms, changes of brightness, and the policies that are made of them, as torchvision has them."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import transforms as T
from tinygrad_cnn.vision.transforms import autoaugment


def theirs(m):
    if m is tg:
        return T
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    return importlib.import_module("torchvision.transforms")


AFFINE = {
    "turned": (31.0, [0, 0], 1.0, [0.0, 0.0]),
    "moved": (0.0, [2, -3], 1.0, [0.0, 0.0]),
    "all": (-50.0, [1, 2], 1.7, [10.0, -20.0]),
    "one shear": (5.0, [0, 0], 0.6, [25.0]),
}


@pytest.mark.parametrize("mode", ["NEAREST", "BILINEAR"])
@pytest.mark.parametrize("how", AFFINE)
def test_affine(pytorch, how, mode):
    pixels = np.random.default_rng(0).random((2, 3, 7, 9))

    def question(m):
        t, x = theirs(m), m.tensor(pixels, requires_grad=True)
        mode_ = t.InterpolationMode[mode]
        out = t.functional.affine(x, *AFFINE[how], interpolation=mode_)
        out.square().sum().backward()
        other = t.functional.affine(m.tensor(pixels), *AFFINE[how], interpolation=mode_, center=[1, 2])
        return [out, x.grad, other]

    pytorch.agrees(question, rtol=1e-6, atol=1e-6)


CHANGES = {
    "invert": [()],
    "autocontrast": [()],
    "equalize": [()],
    "solarize": [(100.0,)],
    "posterize": [(0,), (3,), (8,)],
    "adjust_sharpness": [(0.0,), (0.5,), (2.5,)],
}


@pytest.mark.parametrize("name", CHANGES)
def test_bytes(pytorch, name):
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 256, (3, 9, 20)), draw.integers(100, 130, (1, 40, 30)), np.full((3, 4, 5), 7)]

    def question(m):
        change = getattr(theirs(m).functional, name)
        return [change(m.tensor(x.astype(np.uint8)), *k) for x in images for k in CHANGES[name]]

    pytorch.agrees(question)


@pytest.mark.parametrize("name", ["invert", "solarize", "adjust_sharpness"])
def test_numbers_and_their_gradients(pytorch, name):
    draw = np.random.default_rng(0)
    given = {"solarize": (0.4,), "adjust_sharpness": (1.5,)}.get(name, ())
    pixels = draw.random((3, 5, 6)) * 0.6 + 0.2

    def question(m):
        x = m.tensor(pixels, requires_grad=True)
        change = getattr(theirs(m).functional, name)
        out = change(x, *given)
        out.square().sum().backward()
        return [out, x.grad, change(m.tensor(pixels), *given)]

    pytorch.agrees(question, rtol=1e-6, atol=1e-6)


def test_policies_are_torchvisions(pytorch):
    def question(m):
        t = theirs(m)
        auto = [t.AutoAugment(policy) for policy in t.AutoAugmentPolicy]
        others = [t.RandAugment(3, fill=2.0), t.TrivialAugmentWide(), t.RandomInvert(), t.RandomPosterize(3)]
        others += [t.RandomSolarize(2.5, p=0.1), t.RandomAdjustSharpness(2), t.RandomAutocontrast(), t.RandomEqualize()]
        others += [t.RandomAffine(10), t.RandomAffine((1, 2), (0, 0.1), (0.5, 2), (1, 2, 3, 4), fill=3, center=(1, 2))]
        return [repr([*auto, *others]), repr([a.policies for a in auto])]

    pytorch.agrees(question)


@pytest.mark.parametrize(
    ("make", "ours"),
    [
        (lambda t: t.AutoAugment()._augmentation_space(10, (20, 30)), lambda x: autoaugment._limited(x, 10)),
        (lambda t: t.RandAugment()._augmentation_space(31, (20, 30)), lambda x: autoaugment._limited(x, 31)),
        (
            lambda t: t.TrivialAugmentWide()._augmentation_space(31),
            lambda x: autoaugment._space(31, 0.99, 32, 32, 135, 0.99, 6),
        ),
    ],
    ids=["auto", "rand", "trivial"],
)
def test_magnitudes_are_torchvisions(pytorch, make, ours):
    def question(m):
        if m is tg:
            space = ours(tg.zeros(3, 20, 30))
            return [np.zeros(1) if v is None else v for k, v in space.items() if k not in ("Identity", "Invert")]
        return [
            np.atleast_1d(v.double().numpy())
            for k, (v, _) in make(theirs(m)).items()
            if k not in ("Identity", "Invert")
        ]

    pytorch.agrees(question, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [T.AutoAugment, T.RandAugment, T.TrivialAugmentWide])
def test_pictures_of_both_kinds_keep_their_form(make):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    policy, x = make(), tg.arange(3 * 12 * 10).reshape(3, 12, 10).to(tg.uint8)
    results = {policy(x).numpy().tobytes() for _ in range(60)}
    assert len(results) > 10
    for _ in range(20):
        assert policy(Image.new("RGB", (10, 12), (9, 99, 200))).size == (10, 12)


def test_random_affine_stays_within_its_bounds():
    t = T.RandomAffine(10, (0.1, 0.2), (0.5, 2.0), (1, 2, 3, 4))
    drawn = np.array([np.hstack(t.get_params(t.degrees, t.translate, t.scale, t.shear, (100, 50))) for _ in range(500)])
    for column, (least, most) in zip(drawn.T, [(-10, 10), (-10, 10), (-10, 10), (0.5, 2), (1, 2), (3, 4)], strict=True):
        assert least <= column.min() < least + 0.1 * (most - least) + 1e-9
        assert most - 0.1 * (most - least) - 1e-9 < column.max() <= most
    assert t.get_params([3, 3], None, None, None, (9, 9)) == (3.0, (0, 0), 1.0, (0.0, 0.0))


@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: t.functional.affine(x, "1", [0, 0], 1.0, [0.0]),
        lambda t, x: t.functional.affine(x, 1.0, 3, 1.0, [0.0]),
        lambda t, x: t.functional.affine(x, 1.0, [1], 1.0, [0.0]),
        lambda t, x: t.functional.affine(x, 1.0, [0, 0], 0.0, [0.0]),
        lambda t, x: t.functional.affine(x, 1.0, [0, 0], 1.0, "s"),
        lambda t, x: t.functional.affine(x, 1.0, [0, 0], 1.0, [1.0, 2.0, 3.0]),
        lambda t, x: t.functional.affine(x, 1.0, [0, 0], 1.0, [1.0], center=3),
        lambda t, x: t.functional.posterize(x, 3),
        lambda t, x: t.functional.equalize(x),
        lambda t, x: t.functional.solarize(x, 2.0),
        lambda t, x: t.functional.adjust_sharpness(x, -1.0),
        lambda t, x: t.RandomAffine(-1),
        lambda t, x: t.RandomAffine(1, translate=(0.1, 2)),
        lambda t, x: t.RandomAffine(1, translate=0.1),
        lambda t, x: t.RandomAffine(1, scale=(0, 2)),
        lambda t, x: t.RandomAffine(1, shear=(1, 2, 3)),
        lambda t, x: t.AutoAugment("imagenet"),
    ],
)
def test_refusals_are_torchvisions(pytorch, call):
    def question(m):
        try:
            call(theirs(m), m.zeros(3, 5, 5))
        except (TypeError, ValueError) as error:
            return type(error).__name__

    pytorch.agrees(question)
