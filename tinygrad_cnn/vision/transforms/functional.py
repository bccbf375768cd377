"""The transforms as functions, over PIL images and over Tensors (..., C, H, W), with torchvision's names.

What is done is in pictures.py for the one and in arrays.py for the other, or in tensors.py where a gradient is asked
for, and the ways between both kinds of image are in kinds.py; here are the arguments and their checks.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from ...arrays.types import Window
from ...engine.modes import mode
from ...engine.tensor import Tensor, wrap
from ...ops.conv import conv2d
from ...ops.rearrange import pad as pad_axes
from ..pillow import is_picture
from . import arrays, pictures, tensors
from .interpolation import InterpolationMode, mode_of
from .kinds import convert_image_dtype as convert_image_dtype
from .kinds import pil_to_tensor as pil_to_tensor
from .kinds import to_pil_image as to_pil_image
from .kinds import to_tensor as to_tensor

Picture = TypeVar("Picture")  # a PIL image or a Tensor; what is done to one gives one of the same kind


def _apply(what: str, img: Any, *arguments: Any) -> Any:
    _image_dimensions(what, img)
    if is_picture(img):
        return getattr(pictures, what)(img, *arguments)
    if mode.grad and img.requires_grad:
        return getattr(tensors, what)(img, *arguments)
    return wrap(getattr(arrays, what)(img.numpy(), *arguments))


def _image_dimensions(what: str, img: Any) -> tuple[int, int, int]:
    """(channels, height, width); a TypeError for what is no image, of either kind."""
    if is_picture(img):
        return pictures.dimensions(img)
    if not isinstance(img, Tensor):
        raise TypeError(f"{what}: img should be a PIL Image or a Tensor (..., C, H, W), got {type(img).__name__}")
    return arrays.dimensions(img._array)


def normalize(
    tensor: Tensor, mean: float | Sequence[float], std: float | Sequence[float], inplace: bool = False
) -> Tensor:
    """(x - mean) / std, channel by channel: (..., C, H, W) -> (..., C, H, W).

    TypeError if it is not a floating-point Tensor; ValueError if it has no channels or a `std` is 0.

    >>> import tinygrad_cnn as tg
    >>> normalize(tg.tensor([[[0.0, 0.5, 1.0]]]), mean=[0.5], std=[0.5]).tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"normalize: expected a Tensor, got {type(tensor).__name__}; put ToTensor() before Normalize")
    x = tensor.detach().numpy()
    if x.dtype.kind != "f":
        raise TypeError(f"normalize: expected a floating-point Tensor, got {x.dtype}; put ToTensor() before Normalize")
    arrays.dimensions(x)
    if x.ndim < 3:
        raise ValueError(f"normalize: expected a Tensor (..., C, H, W), got shape {x.shape}")
    m, s = (np.atleast_1d(np.asarray(values, x.dtype)) for values in (mean, std))
    if (s == 0).any():
        raise ValueError(f"normalize: std {std} holds a zero, which would lead to a division by zero")
    for name, values in (("mean", m), ("std", s)):
        if values.shape not in ((1,), (x.shape[-3],)):
            raise RuntimeError(
                f"normalize: {name} has shape {values.shape}, expected one number for each of the "
                f"{x.shape[-3]} channels of {x.shape}"
            )
    m, s = m[:, None, None], s[:, None, None]
    if mode.grad and tensor.requires_grad:
        return tensor.sub_(wrap(m)).div_(wrap(s)) if inplace else (tensor - wrap(m)) / wrap(s)
    if not inplace:
        return wrap((x - m) / s)
    np.divide(np.subtract(x, m, out=x), s, out=x)
    tensor.version().bump("normalize")
    return tensor


# size and place


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]

    >>> import tinygrad_cnn as tg
    >>> get_dimensions(tg.zeros(3, 20, 30))
    [3, 20, 30]
    """
    return list(_image_dimensions("get_dimensions", img))


def get_image_size(img: Any) -> list[int]:
    """[width, height]

    >>> import tinygrad_cnn as tg
    >>> get_image_size(tg.zeros(3, 20, 30))
    [30, 20]
    """
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """The number of channels.

    >>> import tinygrad_cnn as tg
    >>> get_image_num_channels(tg.zeros(3, 20, 30))
    3
    """
    return get_dimensions(img)[0]


def hflip(img: Picture) -> Picture:
    """Left becomes right.

    >>> import tinygrad_cnn as tg
    >>> hflip(tg.tensor([[[1, 2, 3]]])).tolist()
    [[[3, 2, 1]]]
    """
    return _apply("hflip", img)


def vflip(img: Picture) -> Picture:
    """Top becomes bottom.

    >>> import tinygrad_cnn as tg
    >>> vflip(tg.tensor([[[1], [2]]])).tolist()
    [[[2], [1]]]
    """
    return _apply("vflip", img)


def crop(img: Picture, top: int, left: int, height: int, width: int) -> Picture:
    """The window of this size whose corner is at (top, left); outside of the image it is 0.

    >>> import tinygrad_cnn as tg
    >>> crop(tg.arange(9).reshape(1, 3, 3), 1, 1, 2, 3).tolist()
    [[[4, 5, 0], [7, 8, 0]]]
    """
    return _apply("crop", img, top, left, height, width)


def center_crop(img: Picture, output_size: Window) -> Picture:
    """The window of `output_size` in the middle; outside of a smaller image it is 0.

    >>> import tinygrad_cnn as tg
    >>> center_crop(tg.arange(16).reshape(1, 4, 4), 2).tolist()
    [[[5, 6], [9, 10]]]
    """
    height, width = pair(output_size, "center_crop: output_size")
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        img = pad(
            img,
            [
                max(width - w, 0) // 2,
                max(height - h, 0) // 2,
                (max(width - w, 0) + 1) // 2,
                (max(height - h, 0) + 1) // 2,
            ],
        )
        _, h, w = get_dimensions(img)
    return crop(img, round((h - height) / 2), round((w - width) / 2), height, width)


def five_crop(img: Picture, size: Window) -> tuple[Picture, ...]:
    """The windows of this size in the corners (upper left, upper right, lower left, lower right) and in the middle.

    ValueError where the image is smaller.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in five_crop(tg.arange(9).reshape(1, 3, 3), 1)]
    [[[[0]]], [[[2]]], [[[6]]], [[[8]]], [[[4]]]]
    """
    height, width = pair(size, "five_crop: size")
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        raise ValueError(f"five_crop: requested crop size {(height, width)} is bigger than input size {(h, w)}")
    corners = [crop(img, top, left, height, width) for top in (0, h - height) for left in (0, w - width)]
    return (*corners, center_crop(img, (height, width)))


def ten_crop(img: Picture, size: Window, vertical_flip: bool = False) -> tuple[Picture, ...]:
    """Those of `five_crop`, and those of the image with left and right exchanged, or its upper and lower side.

    >>> import tinygrad_cnn as tg
    >>> [part.item() for part in ten_crop(tg.arange(9).reshape(1, 3, 3), 1)]
    [0, 2, 6, 8, 4, 2, 0, 8, 6, 4]
    """
    return five_crop(img, size) + five_crop((vflip if vertical_flip else hflip)(img), size)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """A tensor (..., H, W) in which the window of h by w at row i and column j is v.

    >>> import tinygrad_cnn as tg
    >>> erase(tg.ones(1, 2, 3), 0, 1, 2, 2, 0.0).tolist()
    [[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"erase: expected a Tensor, got {type(img).__name__}; put ToTensor() before it")
    out = img if inplace else img.clone()
    out[..., i : i + h, j : j + w] = v
    return out


def resized_crop(
    img: Picture,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Window,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    antialias: bool = True,
) -> Picture:
    """A window, resized: `resize(crop(img, top, left, height, width), size)`.

    >>> import tinygrad_cnn as tg
    >>> resized_crop(tg.zeros(3, 32, 32), 4, 4, 20, 20, size=(8, 8)).shape
    (3, 8, 8)
    """
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def pad(img: Picture, padding: Window, fill: float | Sequence[float] = 0, padding_mode: str = "constant") -> Picture:
    """A border: `padding` is one number, (left and right, top and bottom), or (left, top, right, bottom).

    `padding_mode` is "constant" (a border of `fill`: a number, or one a channel), "edge", "reflect" or "symmetric".

    >>> import tinygrad_cnn as tg
    >>> pad(tg.ones(1, 1, 2), (1, 0, 2, 0), fill=7).tolist()
    [[[7.0, 1.0, 1.0, 7.0, 7.0]]]
    """
    several = numbers.Number | tuple | list
    for name, value, kinds in (
        ("padding", padding, several),
        ("fill", fill, several),
        ("padding_mode", padding_mode, str),
    ):
        if not (isinstance(value, kinds) or (name == "fill" and value is None)):
            raise TypeError(f"pad: {name} is of a wrong type, {type(value).__name__}")
    sides: list[Any] = list(padding) if isinstance(padding, tuple | list) else [padding]
    if len(sides) not in (1, 2, 4) or any(side < 0 for side in sides):
        raise ValueError(f"pad: padding should be 1, 2 or 4 numbers that are not negative, got {padding}")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"pad: padding_mode should be constant, edge, reflect or symmetric, got {padding_mode!r}")
    return _apply("pad", img, [int(side) for side in sides * (4 // len(sides))], fill, padding_mode)


def resize(
    img: Picture,
    size: Window,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool = True,
) -> Picture:
    """To `size` = (height, width); one number is the length of the shorter side, the other keeps the proportion.

    `max_size` then limits the longer side. On Tensors, `antialias` smooths what is made smaller; PIL always does.

    >>> import tinygrad_cnn as tg
    >>> resize(tg.tensor([[[0.0, 1.0, 2.0, 3.0]]]), (1, 2), antialias=False).tolist()
    [[[0.5, 2.5]]]
    """
    by = mode_of(interpolation)
    if not isinstance(size, Sequence | np.integer | int | Tensor):
        raise TypeError(f"resize: size should be an int or a sequence, got {type(size).__name__}")
    sizes: list[Any] = [size] if isinstance(size, numbers.Integral) else list(size)  # type: ignore[arg-type]
    _, h, w = get_dimensions(img)
    if len(sizes) == 2:
        if max_size is not None:
            raise ValueError(f"resize: max_size is for a size of one number, got size={size}")
        height, width = sizes
    elif len(sizes) == 1:
        height, width = _proportionate(h, w, sizes[0], max_size)
    else:
        raise ValueError(f"resize: size should have 1 or 2 numbers, got {size}")
    if min(height, width) < 1:
        error = RuntimeError if isinstance(img, Tensor) else ValueError
        raise error(f"resize: size should be positive, got {size}, which makes {height} x {width} of {h} x {w}")
    if (height, width) == (h, w):
        return img
    return _apply("resize", img, height, width, by.value, antialias)


def _proportionate(h: int, w: int, short: int, max_size: int | None) -> tuple[int, int]:
    if max_size is not None and max_size <= short:
        raise ValueError(f"resize: max_size = {max_size} must be greater than size = {short}, the shorter side")
    least, most = min(h, w), max(h, w)
    long = int(short * most / least)
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
        short = max(short, 1)  # of a long, thin image at least a line is left
    return (short, long) if h <= w else (long, short)


def rotate(
    img: Picture,
    angle: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: float | Sequence[float] | None = None,
) -> Picture:
    """Counter-clockwise by `angle` degrees about `center` = (x, y), by default the middle.

    With `expand` the image grows so that nothing is cut off (and turns about its middle). Corners that come from
    outside are `fill`, by default 0.

    >>> import tinygrad_cnn as tg
    >>> rotate(tg.tensor([[[1, 2], [3, 4]]]), 90).tolist()
    [[[2, 4], [1, 3]]]
    """
    by = mode_of(interpolation)
    if not isinstance(angle, int | float):
        raise TypeError(f"rotate: angle should be an int or a float, got {type(angle).__name__}")
    if not isinstance(center, tuple | list | None):
        raise TypeError(f"rotate: center should be a sequence, got {type(center).__name__}")
    if center is not None and len(center) != 2:
        raise ValueError(f"rotate: center should be (x, y), got {center}")
    return _apply("rotate", img, angle, by.value, expand, center, fill)


def affine(
    img: Picture,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: float | Sequence[float] | None = None,
    center: Sequence[float] | None = None,
) -> Picture:
    """Clockwise by `angle` degrees, made larger by `scale`, sheared, and moved by `translate` = (right, down) pixels.

    shear: degrees along x, or (along x, along y). All of it about `center` = (x, y), by default the middle. What comes
    from outside is `fill`, by default 0. TypeError and ValueError for what is not of this form.

    >>> import tinygrad_cnn as tg
    >>> affine(tg.tensor([[[1, 2], [3, 4]]]), 90, (0, 0), 1.0, 0.0).tolist()
    [[[3, 1], [4, 2]]]
    """
    if not isinstance(angle, numbers.Real):
        raise TypeError(f"affine: angle should be a number, got {angle!r}")
    for name, given in (("translate", translate), ("center", (0, 0) if center is None else center)):
        if not isinstance(given, tuple | list):
            raise TypeError(f"affine: {name} should be two numbers (x, y), got {given!r}")
        if len(given) != 2:
            raise ValueError(f"affine: {name} should have two numbers (x, y), got {given}")
    if scale <= 0:
        raise ValueError(f"affine: scale should be positive, got {scale}")
    if not isinstance(shear, numbers.Real | tuple | list):
        raise TypeError(f"affine: shear should be a number or two, got {shear!r}")
    shears: list[Any] = [shear, 0.0] if isinstance(shear, numbers.Real) else list(shear)  # type: ignore[arg-type]
    if len(shears) not in (1, 2):
        raise ValueError(f"affine: shear should have one or two numbers, got {shear}")
    _, h, w = get_dimensions(img)
    (x, y), (right, down) = (w / 2, h / 2) if center is None else center, translate
    there = _turn(angle, shears[0], shears[-1])
    back = np.linalg.inv(there * scale)
    offset = np.array([x, y]) - back @ np.array([x + right, y + down])
    return _apply("affine", img, np.column_stack([back, offset]).ravel().tolist(), mode_of(interpolation).value, fill)


def _turn(angle: float, along_x: float, along_y: float) -> np.ndarray:
    """Sheared along y, then along x, and then turned; degrees -> (2, 2)"""
    turn, sx, sy = np.radians([angle, along_x, along_y])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return rotation @ np.array([[1.0, 0.0], [-np.tan(sy), 1.0]]) @ np.array([[1.0, -np.tan(sx)], [0.0, 1.0]])


def pair(size: Any, name: str) -> tuple[int, int]:
    """A number -> (number, number); one of two stays. ValueError for others.

    >>> pair(3, "size"), pair((3, 4), "size")
    ((3, 3), (3, 4))
    """
    sizes = (size, size) if isinstance(size, numbers.Integral) else tuple(size)
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    if len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(f"{name} should be one or two positive numbers, (height, width), got {size}")
    return int(sizes[0]), int(sizes[1])


# colour


def gaussian_blur(
    img: Picture, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None
) -> Picture:
    """Each pixel the mean of those around it, by weights exp(-d² / 2 sigma²), d the distance; edges are mirrored.

    kernel_size: of the window, odd, one number or (width, height). sigma: one number or (along x, along y); by default
    0.15 · kernel_size + 0.35. Bytes are rounded. TypeError and ValueError for other sizes and sigmas.

    >>> import tinygrad_cnn as tg
    >>> gaussian_blur(tg.tensor([[[0.0, 0.0, 9.0, 0.0, 0.0]]] * 3).permute(1, 0, 2), 3, 1e3)[0, 1].round().tolist()
    [0.0, 3.0, 3.0, 3.0, 0.0]
    """
    sizes = _along_both("kernel_size", kernel_size, int)
    if any(n <= 0 or n % 2 == 0 for n in sizes):
        raise ValueError(f"gaussian_blur: kernel_size should have odd and positive integers, got {kernel_size}")
    widths = [0.15 * n + 0.35 for n in sizes] if sigma is None else _along_both("sigma", sigma, float)
    if any(width <= 0 for width in widths):
        raise ValueError(f"gaussian_blur: sigma should have positive values, got {sigma}")
    _, h, w = _image_dimensions("gaussian_blur", img)
    picture = is_picture(img)
    x: Any = pil_to_tensor(img) if picture else img
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
    along_x, along_y = (_bell(n, width, dtype) for n, width in zip(sizes, widths))
    planes = pad_axes(x.reshape(-1, 1, h, w).to(dtype), (*[sizes[0] // 2] * 2, *[sizes[1] // 2] * 2), mode="reflect")
    out = conv2d(planes, wrap(np.outer(along_y, along_x)[None, None])).reshape(x.shape)
    if dtype != x.dtype:
        out = out.round().to(x.dtype)
    return to_pil_image(out, img.mode) if picture else out  # type: ignore[attr-defined]


def _along_both(name: str, given: Any, kind: type) -> list:
    """One number for both axes, or (along x, along y)."""
    number = numbers.Integral if kind is int else numbers.Real
    several = list(given) if isinstance(given, tuple | list) else [given]
    if not all(isinstance(n, number) for n in several):
        raise TypeError(f"gaussian_blur: {name} should be {kind.__name__} or two of them, got {given!r}")
    if len(several) not in (1, 2):
        raise ValueError(f"gaussian_blur: {name} should have one or two numbers, got {given}")
    return several * (3 - len(several))


def _bell(n: int, sigma: float, dtype: Any) -> np.ndarray:
    distance = np.arange(n) - n // 2
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return (weights / weights.sum()).astype(dtype)


def rgb_to_grayscale(img: Picture, num_output_channels: int = 1) -> Picture:
    """The brightness that the eye sees, 0.2989 R + 0.587 G + 0.114 B, in 1 or 3 equal channels.

    >>> import tinygrad_cnn as tg
    >>> rgb_to_grayscale(tg.tensor([[[100]], [[50]], [[0]]], dtype=tg.uint8)).tolist()
    [[[59]]]
    """
    _image_dimensions("rgb_to_grayscale", img)
    if num_output_channels not in (1, 3):
        raise ValueError(f"rgb_to_grayscale: num_output_channels should be either 1 or 3, got {num_output_channels}")
    return _apply("grayscale", img, num_output_channels)


to_grayscale = rgb_to_grayscale


def adjust_brightness(img: Picture, brightness_factor: float) -> Picture:
    """factor · img, cut off at the brightest: 0 is black, 1 the image itself, 2 twice as bright.

    >>> import tinygrad_cnn as tg
    >>> adjust_brightness(tg.tensor([[[0.25, 0.75]]]), 2).tolist()
    [[[0.5, 1.0]]]
    """
    return _adjust("adjust_brightness", img, brightness_factor)


def adjust_contrast(img: Picture, contrast_factor: float) -> Picture:
    """factor · img + (1 - factor) · mean grey: 0 is even grey, 1 the image itself, 2 twice the distance from its mean.

    >>> import tinygrad_cnn as tg
    >>> adjust_contrast(tg.tensor([[[0.25, 0.75]]]), 2).tolist()
    [[[0.0, 1.0]]]
    """
    return _adjust("adjust_contrast", img, contrast_factor)


def adjust_saturation(img: Picture, saturation_factor: float) -> Picture:
    """factor · img + (1 - factor) · grey: 0 is black and white, 1 the image itself, 2 twice the distance from grey.

    >>> import tinygrad_cnn as tg
    >>> adjust_saturation(tg.tensor([[[1.0]], [[0.5]], [[0.0]]]), 0).flatten()
    tensor([0.5924, 0.5924, 0.5924], shape=(3,), dtype=float32)
    """
    return _adjust("adjust_saturation", img, saturation_factor)


def _adjust(what: str, img: Any, factor: float) -> Any:
    _image_dimensions(what, img)
    if factor < 0:
        raise ValueError(f"{what}: the factor should not be negative, got {factor}")
    return _apply(what, img, factor)


def adjust_hue(img: Picture, hue_factor: float) -> Picture:
    """Turn the circle of colours by `hue_factor` of a full turn, from -0.5 to 0.5.

    >>> import tinygrad_cnn as tg
    >>> adjust_hue(tg.tensor([[[200]], [[0]], [[0]]], dtype=tg.uint8), -0.5).flatten().tolist()
    [0, 200, 200]
    """
    _image_dimensions("adjust_hue", img)
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"adjust_hue: hue_factor should be between -0.5 and 0.5, got {hue_factor}")
    return _apply("adjust_hue", img, hue_factor)


def adjust_sharpness(img: Picture, sharpness_factor: float) -> Picture:
    """factor · img + (1 - factor) · blurred img: 0 is blurred, 1 the image itself, 2 twice as sharp.

    >>> import tinygrad_cnn as tg
    >>> adjust_sharpness(tg.tensor([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], dtype=tg.uint8), 0)[0, 1].tolist()
    [0, 50, 0]
    """
    return _adjust("adjust_sharpness", img, sharpness_factor)


def invert(img: Picture) -> Picture:
    """Bright becomes dark: the brightest there is, less the image.

    >>> import tinygrad_cnn as tg
    >>> invert(tg.tensor([[[0, 100, 255]]], dtype=tg.uint8)).tolist()
    [[[255, 155, 0]]]
    """
    return _apply("invert", img)


def solarize(img: Picture, threshold: float) -> Picture:
    """What is as bright as `threshold` or brighter is inverted. TypeError for more than the brightest there is.

    >>> import tinygrad_cnn as tg
    >>> solarize(tg.tensor([[[0, 100, 200]]], dtype=tg.uint8), 100).tolist()
    [[[0, 155, 55]]]
    """
    return _apply("solarize", img, threshold)


def posterize(img: Picture, bits: int) -> Picture:
    """Bytes of which only the upper `bits` are kept. TypeError for a tensor that is not of bytes.

    >>> import tinygrad_cnn as tg
    >>> posterize(tg.tensor([[[63, 64, 255]]], dtype=tg.uint8), 2).tolist()
    [[[0, 64, 192]]]
    """
    if not 0 <= bits <= 8:
        raise ValueError(f"posterize: bits should be between 0 and 8, got {bits}")
    return _apply("posterize", img, bits)


def autocontrast(img: Picture) -> Picture:
    """Each channel stretched, so that its darkest pixel is black and its brightest as bright as there is.

    >>> import tinygrad_cnn as tg
    >>> autocontrast(tg.tensor([[[0.25, 0.5, 0.75]]])).tolist()
    [[[0.0, 0.5, 1.0]]]
    """
    return _apply("autocontrast", img)


def equalize(img: Picture) -> Picture:
    """Each channel with its pixels spread evenly over all brightness. TypeError for a tensor that is not of bytes.

    >>> import tinygrad_cnn as tg
    >>> equalize(tg.arange(100, 116, dtype=tg.uint8).repeat(64).reshape(1, 32, 32)).amax().item()
    255
    """
    return _apply("equalize", img)
