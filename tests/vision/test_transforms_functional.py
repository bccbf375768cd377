"""The functions over images: values by hand, laws, and agreement of both kinds of image."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import transforms as T
from tinygrad_cnn.vision.transforms import InterpolationMode as Mode
from tinygrad_cnn.vision.transforms import arrays, pictures
from tinygrad_cnn.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def pixels(shape=(3, 6, 8), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, shape).astype(dtype) if np.dtype(dtype).kind == "u" else rng.random(shape).astype(dtype)


def picture(array):
    """(C, H, W) -> PIL image"""
    return Image.fromarray(array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0)))


def planes(img):
    """Either kind of image -> (C, H, W)"""
    return img.numpy() if isinstance(img, tg.Tensor) else F.pil_to_tensor(img).numpy()


def both(array):
    return [tg.tensor(array), picture(array)]


def test_the_twins_have_the_same_functions():
    def functions(module):
        return {n for n, f in vars(module).items() if callable(f) and f.__module__ == module.__name__ and n[0] != "_"}

    assert functions(arrays) - functions(pictures) == {"brightest", "resampling"}
    assert functions(pictures) - functions(arrays) == set()


# from one kind to the other


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 4, 5), (2, 4, 5), (4, 4, 5)])
def test_bytes_there_and_back(shape):
    a = pixels(shape)
    img = F.to_pil_image(tg.tensor(a))
    assert img.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[shape[0]]
    np.testing.assert_array_equal(F.pil_to_tensor(img).numpy(), a)
    x = F.to_tensor(img)
    assert (x.dtype, x.shape) == (np.float32, shape)
    np.testing.assert_array_equal(x.numpy(), a.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(F.pil_to_tensor(F.to_pil_image(x)).numpy(), a)


@pytest.mark.parametrize(
    ("mode", "dtype", "value", "expected"),
    [
        ("1", np.float32, 1, 1.0),
        ("L", np.float32, 51, 0.2),
        ("I", np.int32, 70000, 70000),
        ("I;16", np.int32, 60000, 60000),
        ("F", np.float32, 2.5, 2.5),
    ],
)
def test_to_tensor_of_every_mode(mode, dtype, value, expected):
    x = F.to_tensor(Image.new(mode, (3, 2), value))
    assert (x.shape, x.dtype) == ((1, 2, 3), dtype)
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "expected"), [("uint8", "float32"), ("float64", "float64"), ("int64", "int64"), ("bool", "bool")]
)
def test_to_tensor_of_arrays(dtype, expected):
    a = np.ones((4, 5, 3), dtype)
    assert F.to_tensor(a).shape == (3, 4, 5)
    assert F.to_tensor(a).dtype == expected
    assert F.to_tensor(a[..., 0]).shape == (1, 4, 5)


def test_to_tensor_is_contiguous_and_a_copy_of_bytes():
    a = pixels((4, 5, 3))
    x = F.to_tensor(a)
    assert x.numpy().flags.c_contiguous
    before = x.numpy().copy()
    a[...] = 0
    np.testing.assert_array_equal(x.numpy(), before)


@pytest.mark.parametrize(
    ("pic", "mode", "found"),
    [
        (np.zeros((2, 3, 1), np.int16), None, "I;16"),
        (np.zeros((2, 3), np.int32), None, "I"),
        (np.ones((2, 3), np.float32), None, "L"),
        (np.ones((2, 3), np.float32), "F", "F"),
        (np.zeros((2, 3, 3), np.uint8), "HSV", "HSV"),
        (np.zeros((2, 3, 4), np.uint8), "CMYK", "CMYK"),
    ],
)
def test_to_pil_image_modes(pic, mode, found):
    img = F.to_pil_image(pic, mode)
    assert (img.mode, img.size) == (found, (3, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.to_tensor([1]), TypeError, "PIL Image or an array, got list"),
        (lambda: F.to_tensor(np.zeros(3)), ValueError, r"2 or 3 dimensions.*got shape \(3,\)"),
        (lambda: F.pil_to_tensor(np.zeros((2, 2))), TypeError, "PIL Image, got ndarray"),
        (lambda: F.to_pil_image([1]), TypeError, "Tensor or an array, got list"),
        (lambda: F.to_pil_image(np.zeros(3)), ValueError, r"got shape \(3,\)"),
        (lambda: F.to_pil_image(np.zeros((2, 2, 5))), ValueError, r"1 to 4 channels, got shape \(2, 2, 5\)"),
        (lambda: F.to_pil_image(np.zeros((2, 2), np.int64)), TypeError, "1 channels of int64"),
        (lambda: F.to_pil_image(np.zeros((2, 2, 3), np.uint8), "L"), ValueError, "one of .*RGB.*, got 'L'"),
        (lambda: F.hflip(np.zeros((2, 2))), TypeError, "hflip: img should be a PIL Image or a Tensor.*got ndarray"),
        (lambda: F.crop(tg.zeros(3), 0, 0, 1, 1), TypeError, r"at least two dimensions.*\(3,\)"),
    ],
)
def test_what_is_no_image(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("value", "dtype", "to", "expected"),
    [
        (255, "uint8", "float32", 1.0),
        (51, "uint8", "float64", 0.2),
        (1.0, "float32", "uint8", 255),
        (0.5, "float64", "uint8", 127),
        (127, "int8", "uint8", 254),
        (255, "uint8", "int16", 32640),
        (32767, "int16", "uint8", 255),
        (3, "uint8", "uint8", 3),
        (0.25, "float32", "float64", 0.25),
    ],
)
def test_convert_image_dtype(value, dtype, to, expected):
    y = F.convert_image_dtype(tg.tensor(np.full((1, 1), value, dtype)), to)
    assert y.dtype == to
    np.testing.assert_allclose(y.numpy(), expected)


def test_convert_image_dtype_refuses_what_would_leave_gaps():
    with pytest.raises(RuntimeError, match=r"float32 is not precise enough .* int32"):
        F.convert_image_dtype(tg.zeros(1, 1), "int32")


# normalize


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_normalize(shape):
    a = pixels(shape, np.float64)
    mean, std = [0.1, 0.2, 0.3], (1.0, 2.0, 4.0)
    y = F.normalize(tg.tensor(a), mean, std).numpy()
    for c in range(3):
        np.testing.assert_allclose(y[..., c, :, :], (a[..., c, :, :] - mean[c]) / std[c])


def test_normalize_in_place():
    x = tg.tensor(pixels((1, 2, 2), np.float32))
    expected = F.normalize(x, 0.5, 0.25).numpy()
    assert F.normalize(x, 0.5, 0.25, inplace=True) is x
    np.testing.assert_array_equal(x.numpy(), expected)
    assert x.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "mean", "std", "error", "message"),
    [
        (np.zeros((1, 2, 2)), [0], [1], TypeError, "expected a Tensor, got ndarray; put ToTensor"),
        (tg.zeros(1, 2, 2, dtype=tg.uint8), [0], [1], TypeError, "floating-point Tensor, got uint8"),
        (tg.zeros(2, 2), [0], [1], ValueError, r"got shape \(2, 2\)"),
        (tg.zeros(1, 2, 2), [0], [0], ValueError, "division by zero"),
        (tg.zeros(3, 2, 2), [0, 0], [1], RuntimeError, r"mean has shape \(2,\), expected one number for each of the 3"),
        (tg.zeros(1, 2, 2), [0], [1, 1, 1], RuntimeError, r"std has shape \(3,\)"),
    ],
)
def test_normalize_refuses(x, mean, std, error, message):
    with pytest.raises(error, match=message):
        F.normalize(x, mean, std)


# geometry, for both kinds of image at once


@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 6, 7)])
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (F.hflip, lambda a: a[..., ::-1]),
        (F.vflip, lambda a: a[..., ::-1, :]),
        (lambda i: F.crop(i, 1, 2, 3, 2), lambda a: a[:, 1:4, 2:4]),
        (lambda i: F.crop(i, -1, -2, 3, 4), lambda a: np.pad(a[:, :2, :2], ((0, 0), (1, 0), (2, 0)))),
        (lambda i: F.crop(i, 3, 2, 4, 9), lambda a: np.pad(a, ((0, 0), (0, 9), (0, 9)))[:, 3:7, 2:11]),
        (lambda i: F.five_crop(i, (3, 2))[3], lambda a: a[:, -3:, -2:]),
        (lambda i: F.ten_crop(i, (3, 2))[6], lambda a: a[..., ::-1][:, :3, -2:]),
        (lambda i: F.crop(i, 50, 50, 2, 2), lambda a: np.zeros((len(a), 2, 2))),
        (lambda i: F.center_crop(i, 3), lambda a: a[:, 1:4, :3] if len(a) == 1 else a[:, 2:5, 2:5]),
        (lambda i: F.center_crop(i, (9, 9)), lambda a: np.pad(
            a, ((0, 0), *(((9 - n) // 2, (10 - n) // 2) for n in a.shape[1:])))),
        (lambda i: F.pad(i, 2), lambda a: np.pad(a, ((0, 0), (2, 2), (2, 2)))),
        (lambda i: F.pad(i, (1, 2)), lambda a: np.pad(a, ((0, 0), (2, 2), (1, 1)))),
        (lambda i: F.pad(i, [1, 2, 3, 0], fill=7), lambda a: np.pad(a, ((0, 0), (2, 0), (1, 3)), constant_values=7)),
        (lambda i: F.pad(i, 2, padding_mode="edge"), lambda a: np.pad(a, ((0, 0), (2, 2), (2, 2)), "edge")),
        (lambda i: F.pad(i, 2, padding_mode="reflect"), lambda a: np.pad(a, ((0, 0), (2, 2), (2, 2)), "reflect")),
        (lambda i: F.pad(i, 2, padding_mode="symmetric"), lambda a: np.pad(a, ((0, 0), (2, 2), (2, 2)), "symmetric")),
        (lambda i: F.rotate(i, 180), lambda a: a[..., ::-1, ::-1]),
        (lambda i: F.rotate(i, 0), lambda a: a),
        (lambda i: F.rotate(i, 0, expand=True), lambda a: a),
    ],
)  # fmt: skip
def test_geometry(shape, call, expected):
    a = pixels(shape)
    for img in both(a):
        np.testing.assert_array_equal(planes(call(img)), expected(a))
    np.testing.assert_array_equal(a, pixels(shape))


def test_a_fill_among_pixels_that_come_from_inside_in_part():
    """By torchvision's numbers: what lies inside is weighed by its share twice, but not where no fill is given."""
    x = tg.ones(1, 2, 2)
    plain = F.rotate(x, 45, Mode.BILINEAR)
    share = plain.numpy()  # of ones, which are what is inside
    for fill in (0, 5.0):
        mixed = share * share + (1 - share) * fill
        np.testing.assert_allclose(F.rotate(x, 45, Mode.BILINEAR, fill=fill).numpy(), mixed, 1e-6)
        leaf = tg.ones(1, 2, 2, requires_grad=True)
        np.testing.assert_allclose(F.rotate(leaf, 45, Mode.BILINEAR, fill=fill).detach().numpy(), mixed, 1e-6)
    assert 0.6 < share[0, 0, 0] < 0.9


def test_a_fill_for_each_channel():
    for img in both(pixels()):
        assert planes(F.pad(img, 1, fill=(1, 2, 3)))[:, 0, 0].tolist() == [1, 2, 3]
        assert planes(F.rotate(img, 45, fill=(1, 2, 3)))[:, 0, 0].tolist() == [1, 2, 3]
        with pytest.raises(ValueError, match="fill has 2 numbers, expected one or one for each of 3 channels"):
            F.pad(img, 1, fill=(1, 2))


def test_a_palette_survives_padding():
    img = picture(pixels()).convert("P")
    for mode in ("constant", "edge"):
        padded = F.pad(img, 1, padding_mode=mode)
        assert padded.mode == "P"
        np.testing.assert_array_equal(np.asarray(padded.convert("RGB"))[1:-1, 1:-1], np.asarray(img.convert("RGB")))


@pytest.mark.parametrize("side", [4, 5])
def test_a_quarter_turn_is_exact_and_counter_clockwise(side):
    a = pixels((1, side, side))
    for img in both(a):
        for k in range(-4, 5):
            np.testing.assert_array_equal(planes(F.rotate(img, 90 * k))[0], np.rot90(a[0], k))
    x = tg.tensor(a.astype(np.float64))
    for mode in (Mode.NEAREST, Mode.BILINEAR):
        np.testing.assert_allclose(F.rotate(x, 90, mode).numpy()[0], np.rot90(a[0]), atol=1e-9)


def test_rotation_by_hand():
    # Turning by 45° about the middle of 3 x 3: an edge comes from between corner, edges and middle.
    x = tg.tensor(np.arange(1.0, 10).reshape(1, 3, 3))
    y = F.rotate(x, 45, Mode.BILINEAR).numpy()[0]
    s = np.sqrt(0.5)
    assert y[1, 1] == 5
    # The pixel above the middle comes from (row 1 - s, column 1 + s).
    expected = (1 - s) ** 2 * 5 + (1 - s) * s * (2 + 6) + s * s * 3
    np.testing.assert_allclose(y[0, 1], expected)
    assert F.rotate(tg.ones(1, 9, 9), 45, fill=-1).numpy()[0, 0, 0] == -1


def test_rotation_about_a_point_leaves_it():
    a = np.zeros((1, 5, 5), np.float32)
    a[0, 1, 1] = 1
    y = F.rotate(tg.tensor(a), 90, center=(1.5, 1.5)).numpy()[0]
    assert y[1, 1] == 1
    a[0, 1, 1], a[0, 1, 3] = 0, 1
    assert F.rotate(tg.tensor(a), -90, center=(1.5, 1.5)).numpy()[0, 3, 1] == 1


@pytest.mark.parametrize(("angle", "size"), [(0, (4, 8)), (30, (8, 10)), (45, (10, 10)), (180, (4, 8))])
def test_expanding_keeps_everything(angle, size):
    y = F.rotate(tg.ones(1, 4, 8), angle, Mode.BILINEAR, expand=True)
    assert y.shape[1:] == size
    assert F.rotate(picture(pixels((1, 4, 8))), angle, expand=True).size == size[::-1]
    assert abs(float(y.numpy().sum()) - 32) <= 2


# resize


@pytest.mark.parametrize(
    ("size", "max_size", "h", "w", "expected"),
    [
        (4, None, 8, 12, (4, 6)),
        (4, None, 12, 8, (6, 4)),
        ([4], None, 8, 13, (4, 6)),
        (4, None, 4, 4, (4, 4)),
        (4, 5, 8, 12, (3, 5)),
        (4, 6, 8, 12, (4, 6)),
        (16, None, 8, 12, (16, 24)),
        ((5, 3), None, 8, 12, (5, 3)),
    ],
)
def test_resize_sizes(size, max_size, h, w, expected):
    for img in both(pixels((3, h, w))):
        assert F.get_dimensions(F.resize(img, size, max_size=max_size)) == [3, *expected]
        assert F.get_image_size(img) == [w, h]


@pytest.mark.parametrize("mode", [Mode.NEAREST, Mode.NEAREST_EXACT, Mode.BILINEAR, Mode.BICUBIC, 0, 2, 3])
@pytest.mark.parametrize("size", [(3, 3), (9, 11), (20, 5)])
def test_resize_keeps_an_even_image(mode, size):
    x = F.resize(tg.tensor(np.full((2, 3, 7, 6), 0.7)), size, mode)
    assert x.shape == (2, 3, *size)
    np.testing.assert_allclose(x.numpy(), 0.7)


@pytest.mark.parametrize(
    ("mode", "antialias", "row", "out", "expected"),
    [
        (Mode.NEAREST, True, [0, 1, 2, 3], 2, [0, 2]),
        (Mode.NEAREST_EXACT, True, [0, 1, 2, 3], 2, [1, 3]),
        (Mode.BILINEAR, True, [0, 4], 4, [0, 1, 3, 4]),
        (Mode.BILINEAR, False, [0, 4], 4, [0, 1, 3, 4]),
        (Mode.BILINEAR, False, [0, 1, 2, 30], 2, [0.5, 16]),
        (Mode.BILINEAR, True, [0, 0, 7, 0], 2, [1, 3]),
        (Mode.BICUBIC, False, [0, 64], 4, [-6.75, 14.5, 49.5, 70.75]),
    ],
)
def test_resize_by_hand(mode, antialias, row, out, expected):
    x = tg.tensor([[row]], dtype=tg.float64)
    np.testing.assert_allclose(F.resize(x, (1, out), mode, antialias=antialias).numpy()[0, 0], expected)
    np.testing.assert_allclose(F.resize(x.mT, (out, 1), mode, antialias=antialias).numpy()[0, :, 0], expected)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 5), (13, 17), (6, 3)])
def test_resize_is_pytorchs_interpolate(pytorch, mode, antialias, size):
    a = pixels((2, 3, 7, 9), np.float32)
    theirs = pytorch(lambda m: m.nn.functional.interpolate(m.from_numpy(a), size, mode=mode, antialias=antialias))
    pytorch.compare(F.resize(tg.tensor(a), size, Mode(mode), antialias=antialias), theirs, atol=2e-6)


@pytest.mark.parametrize("mode", [Mode.BILINEAR, Mode.BICUBIC])
@pytest.mark.parametrize("size", [(5, 4), (9, 30)])
def test_resize_is_pillows(mode, size):
    a = pixels((3, 14, 12)) // 2 + 64  # Pillow clips between its two passes; here nothing overshoots that far
    ours = planes(F.resize(tg.tensor(a), size, mode)).astype(int)
    assert ours.shape == (3, *size)
    assert np.abs(ours - planes(F.resize(picture(a), size, mode))).max() <= 1


def test_resized_crop():
    a = pixels((3, 9, 9))
    for img in both(a):
        np.testing.assert_array_equal(
            planes(F.resized_crop(img, 1, 2, 4, 6, (2, 3))), planes(F.resize(F.crop(img, 1, 2, 4, 6), (2, 3)))
        )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.resize(x, (2, 2), max_size=3), ValueError, "max_size is for a size of one number"),
        (lambda x: F.resize(x, 4, max_size=4), ValueError, "max_size = 4 must be greater than size = 4"),
        (lambda x: F.resize(x, None), TypeError, "size should be an int or a sequence, got NoneType"),
        (lambda x: T.Resize(None, max_size=3), TypeError, "got NoneType"),
        (lambda x: F.resize(x, 3, 9), KeyError, "not the number of a PIL filter"),
        (lambda x: F.resize("x", 3), TypeError, "img should be a PIL Image or a Tensor .*, got str"),
        (lambda x: F.adjust_hue("x", 3), TypeError, "img should be a PIL Image or a Tensor .*, got str"),
        (lambda x: F.hflip(tg.ones(2)), TypeError, "at least two dimensions"),
        (lambda x: F.convert_image_dtype("x"), TypeError, "image should be a Tensor, got str"),
        (lambda x: F.convert_image_dtype(x, 3), TypeError, "dtype should be a dtype, got int"),
        (lambda x: F.rotate(x, "x"), TypeError, "angle should be an int or a float, got str"),
        (lambda x: F.rotate(x, 3, center="xy"), TypeError, "center should be a sequence, got str"),
        (lambda x: F.pad(x, "x"), TypeError, "padding is of a wrong type, str"),
        (lambda x: F.pad(x, 1, {}), TypeError, "fill is of a wrong type, dict"),
        (lambda x: F.pad(x, 1, padding_mode=3), TypeError, "padding_mode is of a wrong type, int"),
        (lambda x: T.Pad("x"), TypeError, "Pad: padding should be a number or a sequence, got str"),
        (lambda x: T.Pad(1, padding_mode="wrap"), ValueError, "Pad: padding_mode"),
        (lambda x: T.Pad((1, 2, 3)), ValueError, "1, 2 or 4 numbers"),
        (lambda x: T.RandomResizedCrop(3, 1.0), TypeError, "scale should be .*, got float"),
        (lambda x: T.RandomRotation(3, center=3), TypeError, "center should be a sequence"),
        (lambda x: T.RandomRotation(3, fill=print), TypeError, "fill should be a number or a sequence"),
        (lambda x: T.RandomChoice([abs], p=1.0), TypeError, "p should be a sequence of weights, got float"),
        (lambda x: T.ConvertImageDtype(), TypeError, "dtype"),
        (lambda x: F.resize(x, (1, 2, 3)), ValueError, "1 or 2 numbers"),
        (lambda x: F.resize(x, 0), (ValueError, RuntimeError), "should be positive, got 0"),
        (lambda x: F.resize(x, 3, Mode.LANCZOS), ValueError, "tensors take .*bicubic, got lanczos"),
        (lambda x: F.resize(x, 3, "bilinear"), TypeError, "InterpolationMode.*got 'bilinear'"),
        (lambda x: F.rotate(x, 3, Mode.BICUBIC), ValueError, "tensors take nearest and bilinear, got bicubic"),
        (lambda x: F.rotate(x, 3, center=(1,)), ValueError, "center"),
        (lambda x: F.pad(x, (1, 2, 3)), ValueError, r"1, 2 or 4 numbers.*\(1, 2, 3\)"),
        (lambda x: F.pad(x, -1), ValueError, "not negative"),
        (lambda x: F.pad(x, 1, padding_mode="wrap"), ValueError, "padding_mode .*'wrap'"),
        (lambda x: F.five_crop(x, 50), ValueError, r"crop size \(50, 50\) is bigger than input size"),
        (lambda x: F.erase(x.numpy(), 0, 0, 1, 1, 0), TypeError, "erase: expected a Tensor, got ndarray"),
        (lambda x: T.RandomErasing(value="noise"), ValueError, "can only be 'random'"),
        (lambda x: T.RandomErasing(value={}), TypeError, "a number, a sequence or 'random'"),
        (lambda x: T.RandomErasing(scale=(0, 2)), ValueError, "scale should be between 0 and 1"),
        (lambda x: T.RandomErasing(1, value=[1] * 9)(x), ValueError, "one for each of . channels"),
        (lambda x: F.gaussian_blur(x, 4), ValueError, "kernel_size should have odd and positive integers, got 4"),
        (lambda x: F.gaussian_blur(x, 3, 0.0), ValueError, "sigma should have positive values"),
        (lambda x: F.gaussian_blur(x, "3"), TypeError, "kernel_size should be int or two of them"),
        (lambda x: F.gaussian_blur(x, (3, 3, 3)), ValueError, "one or two numbers"),
        (lambda x: T.GaussianBlur((3, 2)), ValueError, "odd and positive"),
        (lambda x: T.GaussianBlur(3, (2.0, 1.0)), ValueError, "the least before the most"),
        (lambda x: F.center_crop(x, 0), ValueError, "center_crop: output_size"),
        (lambda x: F.adjust_contrast(x, -1), ValueError, "adjust_contrast: the factor should not be negative"),
        (lambda x: F.adjust_hue(x, 0.6), ValueError, "between -0.5 and 0.5"),
        (lambda x: F.rgb_to_grayscale(x, 2), ValueError, "1 or 3, got 2"),
        (lambda x: F.rgb_to_grayscale(tg.zeros(2, 4, 4)), TypeError, "1 or 3 channels, got 2"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.zeros(3, 8, 8))


# colour


def test_grayscale():
    a = pixels()
    grey = (0.2989 * a[0] + 0.587 * a[1] + 0.114 * a[2])[None]
    for img in both(a):
        assert np.abs(planes(F.rgb_to_grayscale(img)) - grey).max() <= 1
        three = planes(F.to_grayscale(img, 3))
        assert three.shape == a.shape
        assert (three == three[0]).all()


@pytest.mark.parametrize("adjust", [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation])
def test_factor_one_changes_nothing(adjust):
    for img in [*both(pixels()), tg.tensor(pixels(dtype=np.float32))]:
        np.testing.assert_allclose(planes(adjust(img, 1)), planes(img), atol=1e-6)


@pytest.mark.parametrize("factor", [0, 0.4, 1.6])
@pytest.mark.parametrize("adjust", [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation])
def test_both_kinds_are_adjusted_alike(adjust, factor):
    a = pixels()
    tensor, img = both(a)
    assert np.abs(planes(adjust(tensor, factor)).astype(int) - planes(adjust(img, factor))).max() <= 2
    fine = adjust(tg.tensor(a / 255), factor).numpy() * 255
    assert np.abs(fine - planes(adjust(tensor, factor))).max() <= 2


@pytest.mark.parametrize(
    ("adjust", "expected"),
    [
        (lambda x: F.adjust_brightness(x, 2), [1.0, 0.4, 0.0]),
        (lambda x: F.adjust_brightness(x, 0), [0.0, 0.0, 0.0]),
        (lambda x: F.adjust_saturation(x, 0), [0.29685] * 3),
        (lambda x: F.adjust_contrast(x, 0), [0.29685] * 3),
        (lambda x: F.adjust_hue(x, 1 / 3), [0.0, 0.6, 0.2]),
        (lambda x: F.adjust_hue(x, -1 / 3), [0.2, 0.0, 0.6]),
        (lambda x: F.adjust_hue(x, 0.5), [0.0, 0.4, 0.6]),
    ],
)
def test_adjustments_by_hand(adjust, expected):
    colour = [0.6, 0.2, 0.0]
    x = tg.tensor(np.array(colour).reshape(3, 1, 1))
    grey = 0.2989 * 0.6 + 0.587 * 0.2
    expected = [grey] * 3 if expected[0] == expected[1] != 0 else expected
    np.testing.assert_allclose(adjust(x).numpy()[:, 0, 0], expected, atol=1e-12)


@pytest.mark.parametrize("factor", [-0.5, -0.1, 0, 0.3, 0.5])
def test_hue(factor):
    a = pixels((3, 12, 12))
    x = tg.tensor(a / 255)
    y = F.adjust_hue(x, factor)
    np.testing.assert_allclose(F.adjust_hue(y, -factor).numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(y.numpy().max(0), x.numpy().max(0))
    difference = np.abs(y.numpy() * 255 - planes(F.adjust_hue(picture(a), factor)))
    assert np.mean(difference) < 4  # Pillow keeps hue and saturation in a byte
    grey = tg.full((3, 2, 2), 0.5)
    np.testing.assert_array_equal(F.adjust_hue(grey, factor).numpy(), grey.numpy())


def test_images_of_one_channel_have_no_colour_to_change():
    for img in both(pixels((1, 4, 4))):
        for adjust in (F.adjust_saturation, F.adjust_hue):
            np.testing.assert_array_equal(planes(adjust(img, 0.5)), planes(img))


def test_batches_are_done_image_by_image():
    a = pixels((4, 3, 7, 6), np.float64)
    for call in (
        F.hflip,
        lambda x: F.rotate(x, 30),
        lambda x: F.resize(x, 4),
        lambda x: F.adjust_contrast(x, 0.5),
        lambda x: F.adjust_hue(x, 0.2),
        lambda x: F.pad(x, 1),
        lambda x: F.rgb_to_grayscale(x),
    ):
        whole = call(tg.tensor(a)).numpy()
        for i in range(4):
            np.testing.assert_allclose(whole[i], call(tg.tensor(a[i])).numpy())


@pytest.mark.parametrize(
    "transform",
    [
        F.hflip,
        F.vflip,
        lambda x: F.crop(x, -1, 1, 5, 3),
        lambda x: F.pad(x, [1, 2, 0, 1], fill=[0.1, 0.2, 0.3]),
        lambda x: F.pad(x, 1, padding_mode="symmetric"),
        lambda x: F.resize(x, [3, 7]),
        lambda x: F.resize(x, [3, 7], Mode.NEAREST),
        lambda x: F.rotate(x, 30, fill=0.5),
        lambda x: F.rotate(x, 30, Mode.BILINEAR, expand=True, fill=0.5),
        lambda x: F.rgb_to_grayscale(x, 3),
        lambda x: F.adjust_brightness(x, 1.5),
        lambda x: F.adjust_contrast(x, 1.5),
        lambda x: F.adjust_saturation(x, 0.5),
        lambda x: F.adjust_hue(x, 0.2),
        lambda x: F.normalize(x, [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]),
    ],
)
def test_gradients_pass_through_what_is_done_to_a_tensor(transform):
    x = tg.tensor(np.random.RandomState(0).uniform(0.1, 0.6, (3, 4, 5)), requires_grad=True)
    assert tg.allclose(transform(x), transform(x.detach()))
    assert tg.testing.gradcheck(transform, x, fast_mode=True)
