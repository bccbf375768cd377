"""What a window sees: place i,j of window p,q lies at row p·stride + i·dilation, column q·stride + j·dilation.

With padding, so many rows and columns before and behind the image count as well. (All are pairs: rows, columns.)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Pair = tuple[int, int]


def padded(images: np.ndarray, padding: Pair) -> np.ndarray:
    """With zeros on all sides        (N,C,H,W) -> (N,C,H+2·rows,W+2·columns)

    >>> padded(np.ones((1, 1, 1, 2)), (0, 1))
    array([[[[0., 1., 1., 0.]]]])
    """
    rows, columns = padding
    return np.pad(images, [(0, 0), (0, 0), (rows, rows), (columns, columns)])


def inner(images: np.ndarray, padding: Pair) -> np.ndarray:
    """Without the padding on all sides, a view        (N,C,H+2·rows,W+2·columns) -> (N,C,H,W)"""
    (rows, columns), (H, W) = padding, images.shape[2:]
    return images[:, :, rows : H - rows, columns : W - columns]


def window(p: int, q: int, size: Pair, stride: Pair, dilation: Pair) -> tuple[slice, slice]:
    """The rows and the columns of a padded image that window p,q sees, h and w of them.

    >>> window(0, 1, (2, 3), stride=(1, 2), dilation=(1, 2))
    (slice(0, 2, 1), slice(2, 7, 2))
    """
    rows, columns = (
        slice(k * s, k * s + (n - 1) * d + 1, d) for k, n, s, d in zip((p, q), size, stride, dilation, strict=True)
    )
    return rows, columns


def places(
    p: int, q: int, size: Pair, stride: Pair, padding: Pair, dilation: Pair, image: Pair
) -> Iterator[tuple[int, int, int]]:
    """The places of window p,q that are inside the image, (i·w + j, row, column), without its padding.

    >>> list(places(0, 0, (2, 2), (1, 1), padding=(0, 1), dilation=(1, 1), image=(5, 5)))
    [(1, 0, 0), (3, 1, 0)]
    """
    (H, W), (h, w) = image, size
    for i in range(h):
        for j in range(w):
            y = p * stride[0] + i * dilation[0] - padding[0]
            x = q * stride[1] + j * dilation[1] - padding[1]
            if 0 <= y < H and 0 <= x < W:
                yield i * w + j, y, x
