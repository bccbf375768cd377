"""MNIST and the data sets that share its format. The files are found and read by `tinygrad_cnn.data.mnist`."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from ...arrays.lines import user_level
from ...data.mnist import PUBLISHED, read_mnist
from ...data.published import Published
from ...engine.tensor import as_array, wrap
from ..pillow import pillow
from .vision import FilesNotFoundError, Transform, VisionDataset


def older(name: str) -> property:
    """What an attribute was called while training and testing had one each."""

    def now(self: MNIST) -> Any:
        warnings.warn(f"it is called {name} now", UserWarning, stacklevel=user_level())
        return getattr(self, name)

    return property(now, doc=f"`{name}`, by an older name.")


class MNIST(VisionDataset):
    """Handwritten digits, 60,000 for training, 10,000 for testing: LeCun, Cortes, Burges (1998).

    `root` holds the four idx files, plain or gzipped, in MNIST/raw/ or itself. `ds[i]` is (PIL image 28 x 28, int);
    `data` is the uint8 Tensor (N, 28, 28), `targets` the int64 Tensor (N,). With `download=True` what is not there is
    fetched into MNIST/raw/: from the folders `mirrors`, and held to the SHA-256 (or MD5) sums in `resources`, a list of
    (file, sum). FileNotFoundError says what is missing where, and what became of the download.

    >>> import tempfile, numpy as np
    >>> from tinygrad_cnn.data import mnist, write_idx
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for file, values in zip(mnist.FILES[True], [np.zeros((2, 28, 28)), np.array([7, 3])]):
    ...         write_idx(Path(root, file), values.astype(np.uint8))
    ...     ds = MNIST(root)
    >>> ds[0][0].size, ds[0][1], ds.classes[7]
    ((28, 28), 7, '7 - seven')
    """

    folder = "MNIST"
    mirrors, resources = PUBLISHED["MNIST"]
    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

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
        published = Published(self.mirrors, self.resources)
        try:
            images, labels = read_mnist(self.root, train, self.folder, download and published)  # type: ignore[arg-type]
        except FileNotFoundError as error:
            raise FilesNotFoundError(*error.args) from None
        self.data = wrap(images)
        self.targets = wrap(labels)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The numbers of the classes by their names."""
        return {name: i for i, name in enumerate(self.classes)}

    @property
    def raw_folder(self) -> str:
        """Where the files are looked for first."""
        return str(Path(self.root, self.folder, "raw"))  # type: ignore[arg-type]

    train_data = test_data = older("data")
    train_labels = test_labels = older("targets")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = pillow().fromarray(as_array(self.data)[index])
        return self._sample(image, int(as_array(self.targets)[index]))

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Articles of clothing in MNIST's format: Xiao, Rasul, Vollgraf (2017). Files in FashionMNIST/raw/ or in root.

    >>> FashionMNIST.classes[:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    """

    folder = "FashionMNIST"
    mirrors, resources = PUBLISHED["FashionMNIST"]
    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """Cursive Japanese characters in MNIST's format: Clanuwat et al. (2018). Files in KMNIST/raw/ or in root.

    >>> KMNIST.classes[:3]
    ['o', 'ki', 'su']
    """

    folder = "KMNIST"
    mirrors, resources = PUBLISHED["KMNIST"]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
