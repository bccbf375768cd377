"""The transforms as objects: what they draw, how often, how they show themselves."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import transforms as T
from tinygrad_cnn.vision.transforms import functional as F

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (3, 12, 10), np.uint8)


@pytest.fixture
def photo():
    return tg.tensor(PHOTO)


def picture():
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    return F.to_pil_image(PHOTO.transpose(1, 2, 0))


RANDOM = {
    "crop": lambda: T.RandomCrop(6),
    "padded crop": lambda: T.RandomCrop(12, padding=4, padding_mode="reflect"),
    "resized crop": lambda: T.RandomResizedCrop(8),
    "flip": lambda: T.RandomHorizontalFlip(),
    "vertical flip": lambda: T.RandomVerticalFlip(),
    "rotation": lambda: T.RandomRotation(30),
    "jitter": lambda: T.ColorJitter(0.4, 0.4, 0.4, 0.2),
    "grey": lambda: T.RandomGrayscale(0.5),
    "order": lambda: T.RandomOrder([T.Lambda(lambda x: F.pad(x, [1, 0, 0, 0])), T.Lambda(F.hflip)]),
    "apply": lambda: T.RandomApply([T.Lambda(F.vflip)], p=0.5),
    "choice": lambda: T.RandomChoice([T.Lambda(F.hflip), T.Lambda(F.vflip), T.Lambda(lambda x: x)]),
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("kind", ["tensor", "picture"])
def test_random_transforms_repeat_with_the_seed_and_do_vary(name, kind, photo):
    img = photo if kind == "tensor" else picture()
    transform = RANDOM[name]()

    def run(seed):
        tg.manual_seed(seed)
        return [np.asarray(transform(img)).tobytes() for _ in range(12)]

    assert run(1) == run(1)
    assert len(set(run(1))) > 1
    np.testing.assert_array_equal(photo.numpy(), PHOTO)


@pytest.mark.parametrize("p", [0, 0.3, 1])
@pytest.mark.parametrize(
    "make",
    [
        T.RandomHorizontalFlip,
        T.RandomVerticalFlip,
        T.RandomGrayscale,
        lambda p: T.RandomApply([T.Lambda(F.hflip)], p),
    ],
)
def test_probabilities(make, p, photo):
    transform = make(p)
    changed = np.mean([(transform(photo).numpy() != PHOTO).any() for _ in range(400)])
    assert changed == p if p in (0, 1) else abs(changed - p) < 0.1


def test_choice_with_weights(photo):
    choice = T.RandomChoice([T.Lambda(lambda x: 0), T.Lambda(lambda x: 1)], p=[1, 3])
    assert 0.65 < np.mean([choice(photo) for _ in range(400)]) < 0.85


def test_order():
    order = T.RandomOrder([T.Lambda(lambda s, c=c: s + c) for c in "abc"])
    assert {order("") for _ in range(200)} == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_compose():
    assert T.Compose([lambda x: x + 1, lambda x: x * 2])(3) == 8
    pipeline = T.Compose([T.Resize(8), T.CenterCrop(6), T.ToTensor(), T.Normalize((0.5,) * 3, (0.5,) * 3)])
    x = pipeline(picture())
    assert (x.shape, x.dtype) == ((3, 6, 6), np.float32)
    assert -1 <= x.numpy().min() < x.numpy().max() <= 1


@pytest.mark.parametrize(
    ("size", "options", "shape"),
    [
        (5, {}, (5, 5)),
        ((5, 7), {}, (5, 7)),
        ((12, 10), {}, (12, 10)),
        ((14, 10), {"padding": (0, 1)}, (14, 10)),
        (20, {"pad_if_needed": True}, (20, 20)),
        ((13, 4), {"pad_if_needed": True, "fill": 3}, (13, 4)),
    ],
)
def test_random_crop_sizes(size, options, shape, photo):
    for img in (photo, picture()):
        assert F.get_dimensions(T.RandomCrop(size, **options)(img)) == [3, *shape]


def test_random_crop_reaches_every_place(photo):
    places = {T.RandomCrop.get_params(photo, (11, 8)) for _ in range(200)}
    assert places == {(y, x, 11, 8) for y in range(2) for x in range(3)}
    assert T.RandomCrop((11, 8))(photo).numpy().tobytes() in {
        np.ascontiguousarray(PHOTO[:, y : y + 11, x : x + 8]).tobytes() for y in range(2) for x in range(3)
    }


def test_random_resized_crop_keeps_its_bounds(photo):
    big = tg.zeros(1, 100, 80)
    for _ in range(200):
        top, left, h, w = T.RandomResizedCrop.get_params(big, (0.2, 0.5), (0.5, 2.0))
        assert 0 <= top <= 100 - h
        assert 0 <= left <= 80 - w
        assert 0.18 < h * w / 8000 < 0.52
        assert 0.47 < w / h < 2.1
    assert T.RandomResizedCrop((7, 5))(photo).shape == (3, 7, 5)


@pytest.mark.parametrize(
    ("shape", "ratio", "expected"),
    [
        ((10, 100), (0.5, 1.0), (0, 45, 10, 10)),
        ((100, 10), (1.0, 2.0), (45, 0, 10, 10)),
        ((8, 8), (4, 4), (3, 0, 2, 8)),
    ],
)
def test_random_resized_crop_falls_back_to_the_middle(shape, ratio, expected):
    assert T.RandomResizedCrop.get_params(tg.zeros(1, *shape), (3.0, 4.0), ratio) == expected


def test_random_rotation(photo):
    angles = [T.RandomRotation.get_params([-10, 30]) for _ in range(300)]
    assert -10 <= min(angles) < -5
    assert 25 < max(angles) <= 30
    assert T.RandomRotation(5).degrees == [-5.0, 5.0]
    assert (
        T.RandomRotation((90, 90))(tg.tensor(PHOTO[:, :10])).numpy().tolist()
        == np.rot90(PHOTO[:, :10], axes=(1, 2)).tolist()
    )
    assert T.RandomRotation((45, 45), fill=9)(photo).numpy()[0, 0, 0] == 9


def test_jitter_of_nothing_is_nothing(photo):
    np.testing.assert_array_equal(T.ColorJitter()(photo).numpy(), PHOTO)
    assert T.ColorJitter(0.5).brightness == (0.5, 1.5)
    assert T.ColorJitter(contrast=2).contrast == (0, 3)
    assert T.ColorJitter(hue=(0.1, 0.2)).hue == (0.1, 0.2)


def test_grayscale_and_conversions(photo):
    assert T.Grayscale()(photo).shape == (1, 12, 10)
    assert T.Grayscale(3)(picture()).mode == "RGB"
    assert T.PILToTensor()(picture()).dtype == np.uint8
    assert T.ToPILImage()(photo).size == (10, 12)
    assert T.ConvertImageDtype(tg.float32)(photo).numpy().max() <= 1
    assert T.Pad(2)(photo).shape == (3, 16, 14)


def test_blur_is_a_bell_along_both_axes():
    x = tg.zeros(2, 9, 9)
    x[1, 4, 4] = 1.0
    blurred = T.functional.gaussian_blur(x, (5, 3), (1.5, 0.8)).numpy()
    wide, high = (np.exp(-0.5 * (np.arange(-r, r + 1) / s) ** 2) for r, s in ((2, 1.5), (1, 0.8)))
    np.testing.assert_allclose(blurred[1, 3:6, 2:7], np.outer(high / high.sum(), wide / wide.sum()), rtol=1e-6)
    assert blurred[0].any() == 0
    found, exact = T.GaussianBlur(3, 0.7)(picture()), T.functional.gaussian_blur(tg.tensor(PHOTO).float(), 3, 0.7)
    assert np.abs(T.PILToTensor()(found).numpy() - exact.numpy()).max() <= 0.5


@pytest.mark.parametrize("value", [7, (1, 2, 3), "random"])
def test_random_erasing(value):
    x = tg.full((3, 8, 8), 9.0)
    y = T.RandomErasing(1.0, scale=(0.25, 0.25), ratio=(1, 1), value=value)(x)
    rows, columns = (y[0] != 9).any(1), (y[0] != 9).any(0)
    assert (int(rows.sum()), int(columns.sum()), float(x.min())) == (4, 4, 9.0)
    if value != "random":
        inside = y[:, rows][:, :, columns].mean((1, 2)).tolist()
        assert inside == ([7.0] * 3 if value == 7 else [1.0, 2.0, 3.0])
    assert T.RandomErasing(0.0)(x) is x


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (T.ToTensor(), "ToTensor()"),
        (T.Resize(4), "Resize(size=4, interpolation=bilinear, max_size=None, antialias=True)"),
        (T.Normalize((0.5,), (0.25,)), "Normalize(mean=(0.5,), std=(0.25,))"),
        (T.RandomCrop(4, padding=1, fill=7), "RandomCrop(size=(4, 4), padding=1)"),
        (T.RandomApply([T.CenterCrop(3)]), "RandomApply(\n    p=0.5\n    CenterCrop(size=(3, 3))\n)"),
        (T.CenterCrop(3), "CenterCrop(size=(3, 3))"),
        (T.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
        (T.Lambda(len), "Lambda()"),
        (T.ToPILImage(), "ToPILImage()"),
        (T.ToPILImage("RGB"), "ToPILImage(mode=RGB)"),
        (T.ConvertImageDtype(tg.float32), "ConvertImageDtype()"),
        (T.Resize(4, 0), "Resize(size=4, interpolation=nearest, max_size=None, antialias=True)"),
        (
            T.RandomResizedCrop(4),
            "RandomResizedCrop(size=(4, 4), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
            "antialias=True)",
        ),
        (T.RandomRotation(3), "RandomRotation(degrees=[-3.0, 3.0], interpolation=nearest, expand=False, fill=0)"),
        (
            T.RandomRotation((1, 2), 2, True, (1, 1), None),
            "RandomRotation(degrees=[1.0, 2.0], interpolation=bilinear, expand=True, center=(1, 1), fill=0)",
        ),
        (T.RandomChoice([T.ToTensor()]), "RandomChoice(\n    ToTensor()\n)(p=None)"),
        (T.ColorJitter(1), "ColorJitter(brightness=(0.0, 2.0), contrast=None, saturation=None, hue=None)"),
        (
            T.Compose([T.ToTensor(), T.Pad(1)]),
            "Compose(\n    ToTensor()\n    Pad(padding=1, fill=0, padding_mode=constant)\n)",
        ),
    ],
)
def test_repr(transform, text):
    assert repr(transform) == text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: T.Resize(4.5), TypeError, "size should be an int or a sequence, got float"),
        (lambda: T.Resize((1, 2, 3)), ValueError, "1 or 2 numbers"),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError, "CenterCrop: size"),
        (lambda: T.RandomCrop(-2), ValueError, "RandomCrop: size"),
        (lambda: T.RandomCrop(20)(tg.zeros(1, 4, 4)), ValueError, r"\(20, 20\) is larger than the image \(4, 4\)"),
        (lambda: T.RandomResizedCrop(4, scale=(0.5, 0.1)), ValueError, "scale should be"),
        (lambda: T.RandomResizedCrop(4, ratio=(0, 1)), ValueError, "ratio should be"),
        (lambda: T.RandomRotation(-3), ValueError, "must not be negative"),
        (lambda: T.RandomRotation((1, 2, 3)), ValueError, "degrees should be one or two numbers"),
        (lambda: T.RandomChoice([len], p=[1, 2]), ValueError, "p has 2 weights, expected one for each of 1"),
        (lambda: T.Lambda(3), TypeError, "callable, got int"),
        (lambda: T.ColorJitter(-1), ValueError, "brightness as one number"),
        (lambda: T.ColorJitter(hue=0.6), ValueError, "hue should lie between -0.5 and 0.5"),
        (lambda: T.ColorJitter(saturation=(2, 1)), ValueError, "saturation should lie"),
        (lambda: T.ColorJitter(contrast="x"), TypeError, "contrast should be one number"),
        (lambda: T.base.Transform()(0), NotImplementedError, "__call__"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_thread_without_a_generator_of_its_own_draws_from_the_librarys(photo):
    tg.manual_seed(1)
    expected = T.RandomCrop.get_params(photo, (2, 2))
    tg.manual_seed(1)
    found = []
    thread = threading.Thread(target=lambda: found.append(T.RandomCrop.get_params(photo, (2, 2))))
    thread.start()
    thread.join()
    assert found == [expected]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [[6, 7], [5, 16]], ids=str)
def test_resize_lets_an_infinite_pixel_change_what_sees_it_alone(mode, size):
    values = RNG.uniform(size=(2, 8, 8))
    changed = values.copy()
    changed[0, 3, 3] += 1
    setting = size, T.InterpolationMode(mode)
    before, after = (F.resize(tg.tensor(x), *setting).numpy() for x in (values, changed))
    changed[0, 3, 3] = np.inf
    found = F.resize(tg.tensor(changed), *setting).numpy()
    unseen = before == after
    assert 0 < unseen[0].sum() < unseen[0].size
    np.testing.assert_allclose(found[unseen], before[unseen], rtol=1e-12)
    assert not np.isfinite(found[~unseen]).any()
