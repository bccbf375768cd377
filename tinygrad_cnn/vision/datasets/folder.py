"""Images in folders, one folder a class: root/dog/1.jpg, root/dog/2.jpg, root/cat/1.jpg, ..."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..pillow import pillow
from .vision import Transform, VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path: str | os.PathLike) -> Any:
    """The picture in a file, as RGB; an OSError names a file that cannot be read as one."""
    module = pillow()
    try:
        with module.open(path) as image:
            return image.convert("RGB")
    except MemoryError:
        raise
    except Exception as error:  # a damaged picture may fail in any way
        if isinstance(error, OSError) and os.fspath(path) in str(error):
            raise
        raise OSError(f"{os.fspath(path)}: the picture cannot be read: {error or type(error).__name__}") from error


def _walk(top: Path) -> Iterator[tuple[str, list[str]]]:
    """(folder, its files in order) of this folder and all below it.

    Links are followed, but to a folder around them, where the walk would go in circles. What is neither a file nor a
    folder, as a pipe or a device, is passed over: to open it may take for ever. So are hidden folders, where other
    programs keep what they need.
    """
    real = Path(os.path.realpath(top))
    left = [(str(top), {str(real), *map(str, real.parents)})]
    while left:
        folder, around = left.pop()
        files = []
        with contextlib.suppress(OSError):  # not to be read
            for name in sorted(os.listdir(folder)):
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    files.append(path)
                elif name.startswith(".") or not os.path.isdir(path):
                    continue
                elif (inner := os.path.realpath(path)) not in around:
                    left.append((path, around | {inner}))
        yield folder, files


def find_classes(directory: str | os.PathLike) -> tuple[list[str], dict[str, int]]:
    """The names of the folders in this one, in order, and their numbers; FileNotFoundError where there is none."""
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"find_classes: {directory} is not a folder; expected one with a folder a class")
    names = [name for name in os.listdir(directory) if not name.startswith(".")]
    classes = sorted(name for name in names if os.path.isdir(os.path.join(directory, name)))
    if not classes:
        raise FileNotFoundError(f"find_classes: couldn't find any class folder in {directory}")
    return classes, {name: i for i, name in enumerate(classes)}


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Whether a file's name ends so, in small letters or large ones.

    >>> has_file_allowed_extension("a.PNG", IMG_EXTENSIONS)
    True
    """
    return filename.lower().endswith(extensions)


def is_image_file(filename: str) -> bool:
    """Whether a file's name ends as that of a picture."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


class DatasetFolder(VisionDataset):
    """(loader(path), class) for every file below root/class that has one of `extensions` or passes `is_valid_file`.

    `classes` are the names of the folders in order (hidden ones, as .ipynb_checkpoints, are none), `class_to_idx` their
    numbers, `samples` the list of (path, class), `targets` that of the classes. FileNotFoundError if there is no class
    folder, or none of a class's files is valid (unless `allow_empty`); ValueError if not exactly one of `extensions`
    and `is_valid_file` is given.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("dog/1.txt", "cat/2.txt"):
    ...         Path(root, name).parent.mkdir()
    ...         _ = Path(root, name).write_text(name)
    ...     ds = DatasetFolder(root, lambda path: Path(path).read_text(), extensions=(".txt",))
    ...     print(ds.classes, [*ds])
    ['cat', 'dog'] [('cat/2.txt', 0), ('dog/1.txt', 1)]
    """

    def __init__(
        self,
        root: str | os.PathLike,
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        classes, class_to_idx = self.find_classes(self.root)  # type: ignore[arg-type]
        self.loader = loader
        self.extensions = extensions
        self.classes = classes
        self.class_to_idx = class_to_idx
        self.samples = self.make_dataset(self.root, class_to_idx, extensions, is_valid_file, allow_empty)  # type: ignore[arg-type]
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str | os.PathLike) -> tuple[list[str], dict[str, int]]:
        """The names of the classes, and their numbers; to be overridden where folders are not the classes."""
        return find_classes(directory)

    @staticmethod
    def make_dataset(
        directory: str | os.PathLike,
        class_to_idx: dict[str, int],
        extensions: tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """(path, class) of all valid files, class by class, in the order of their paths."""
        if (extensions is None) == (is_valid_file is None):
            raise ValueError("both extensions and is_valid_file cannot be None or not None at the same time; give one")
        endings = tuple(e.lower() for e in ([extensions] if isinstance(extensions, str) else extensions or ()))
        valid = is_valid_file or (lambda path: has_file_allowed_extension(path, endings))
        samples: list[tuple[str, int]] = []
        empty = []
        for name in sorted(class_to_idx):
            before = len(samples)
            paths = (path for _, files in sorted(_walk(Path(directory, name))) for path in files)
            samples += [(path, class_to_idx[name]) for path in paths if valid(path)]
            if len(samples) == before:
                empty.append(name)
        if empty and not allow_empty:
            expected = f"; expected files ending in {', '.join(endings)}" if endings else ""
            raise FileNotFoundError(f"found no valid file for the classes {', '.join(empty)} in {directory}{expected}")
        return samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._sample(self.loader(path), target)


# By the names of torchvision, whose scripts make data sets of their own of these.
make_dataset, pil_loader = DatasetFolder.make_dataset, default_loader


class ImageFolder(DatasetFolder):
    """A DatasetFolder of pictures, loaded by Pillow as RGB; `imgs` is `samples`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "red").mkdir()
    ...     pillow().new("RGB", (4, 3), "red").save(Path(root, "red", "1.png"))
    ...     image, label = ImageFolder(root)[0]
    >>> image.getpixel((0, 0)), label
    ((255, 0, 0), 0)
    """

    def __init__(
        self,
        root: str | os.PathLike,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
