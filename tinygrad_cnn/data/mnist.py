"""The MNIST family: four idx files, images and labels for training and for testing.

They are looked for where torchvision keeps them, `root/NAME/raw/`, and in `root` itself, plain or gzipped; downloaded,
they go to the first of these.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np

from .idx import read_idx
from .published import DownloadError, Published

FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CLASSES = 10
ARCHIVES = [f"{name}.gz" for part in FILES.values() for name in part]
# The publishers give MD5 sums, if any; these are the SHA-256 of the files that have those.
PUBLISHED = {
    "MNIST": Published(
        ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
        [
            (ARCHIVES[0], "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (ARCHIVES[1], "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (ARCHIVES[2], "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (ARCHIVES[3], "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ],
    ),
    "FashionMNIST": Published(
        [
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        [
            (ARCHIVES[0], "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (ARCHIVES[1], "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (ARCHIVES[2], "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (ARCHIVES[3], "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ],
    ),
    "KMNIST": Published(
        ["https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        [
            (ARCHIVES[0], "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (ARCHIVES[1], "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (ARCHIVES[2], "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (ARCHIVES[3], "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ],
    ),
}


def read_mnist(
    root: str | os.PathLike, train: bool = True, name: str = "MNIST", download: bool | Published = False
) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (N, H, W), and labels, int64 (N,), of the training part or the test part.

    `name` is the folder of the data set below `root`: MNIST, FashionMNIST, KMNIST. download: what is not there is
    fetched, from where it is published or from where this says; with the files of one part those of the other.
    FileNotFoundError, listing what is missing and where it may be, if files are not there; ValueError if they are
    damaged or do not belong together.

    >>> import tempfile
    >>> from tinygrad_cnn.data import write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file, values in zip(FILES[True], [np.zeros((2, 28, 28)), np.array([7, 3])]):
    ...         write_idx(Path(folder, file), values.astype(np.uint8))
    ...     images, labels = read_mnist(folder)
    >>> images.shape, labels.tolist()
    ((2, 28, 28), [7, 3])
    """
    paths = {file: find(root, file, name) for file in FILES[bool(train)]}
    why = "download=True fetches them; or put the published files there, or point root at them"
    if download and None in paths.values():
        why = _fetch(root, bool(train), name, download if isinstance(download, Published) else PUBLISHED[name])
        paths = {file: find(root, file, name) for file in paths}
    if missing := [file for file, path in paths.items() if path is None]:
        raise FileNotFoundError(
            f"{name}: missing {' and '.join(missing)}, plain or .gz; expected in {Path(root, name, 'raw')} or in "
            f"{Path(root)}. {why}"
        )
    image_file, label_file = paths.values()
    images, labels = (read_idx(path) for path in paths.values() if path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"{image_file}: found {images.dtype} of shape {images.shape}, expected uint8 images (N, H, W)")
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"{label_file}: found {labels.dtype} of shape {labels.shape}, expected uint8 labels (N,)")
    if len(images) != len(labels):
        raise ValueError(
            f"{label_file}: found {len(labels)} labels, expected {len(images)}, one an image of {image_file}"
        )
    if (labels >= CLASSES).any():
        raise ValueError(f"{label_file}: found the label {labels.max()}, expected 0 to {CLASSES - 1}")
    return images, labels.astype(np.int64)


def _fetch(root: str | os.PathLike, train: bool, name: str, published: Published) -> str:
    """Download what is not there, first of this part; why that failed, or ""."""
    missing = [[file for file in FILES[part] if find(root, file, name) is None] for part in (train, not train)]
    try:
        for file in missing[0]:
            published.fetch(f"{file}.gz", Path(root, name, "raw"))
    except DownloadError as error:
        return str(error)
    with contextlib.suppress(DownloadError):  # it will be told when that part is asked for
        for file in missing[1]:
            published.fetch(f"{file}.gz", Path(root, name, "raw"))
    return ""


def find(root: str | os.PathLike, file: str, name: str = "MNIST") -> Path | None:
    """Where a file of the data set is; None if it is at none of its places."""
    for folder in (Path(root, name, "raw"), Path(root)):
        for path in (folder / file, folder / f"{file}.gz"):
            if path.is_file():
                return path
    return None
