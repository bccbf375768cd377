"""Data sets of images, made by hand."""

from __future__ import annotations

import functools
import hashlib
import http.server
import itertools
import os
import pickle
import re
import socket
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader, read_idx, write_idx
from tinygrad_cnn.vision import datasets, transforms

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


# MNIST


@pytest.fixture
def tiny(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 5), ("t10k", 3)):
        images = np.arange(n * 6, dtype=np.uint8).reshape(n, 2, 3)
        write_idx(raw / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8))
    return tmp_path


def test_mnist(tiny):
    ds = datasets.MNIST(str(tiny), train=True, download=True)
    assert (len(ds), ds.data.shape, ds.data.dtype) == (5, (5, 2, 3), np.uint8)
    assert (ds.targets.tolist(), ds.targets.dtype) == ([0, 1, 2, 3, 4], np.int64)
    image, label = ds[2]
    assert (image.mode, image.size, label, type(label)) == ("L", (3, 2), 2, int)
    assert np.asarray(image).tolist() == ds.data[2].tolist()
    assert (ds.classes[3], ds.class_to_idx["3 - three"]) == ("3 - three", 3)
    assert len(datasets.MNIST(tiny, train=False)) == 3
    assert Path(ds.raw_folder) == tiny / "MNIST" / "raw"


def test_mnist_transforms_and_batches(tiny):
    ds = datasets.MNIST(tiny, transform=transforms.ToTensor(), target_transform=lambda label: label + 10)
    x, y = next(iter(DataLoader(ds, batch_size=4)))
    assert (x.shape, x.dtype, y.tolist()) == ((4, 1, 2, 3), np.float32, [10, 11, 12, 13])
    np.testing.assert_allclose(x.numpy()[:, 0] * 255, ds.data.numpy()[:4], rtol=1e-6)


def test_mnist_data_can_be_replaced(tiny):
    ds = datasets.MNIST(tiny)
    ds.data, ds.targets = ds.data[1:3], ds.targets[1:3]
    assert (len(ds), ds[0][1]) == (2, 1)


@pytest.mark.parametrize("kind", [datasets.FashionMNIST, datasets.KMNIST])
def test_the_family(tiny, kind):
    os.rename(tiny / "MNIST", tiny / kind.__name__)
    assert len(kind(tiny)) == 5
    assert len(set(kind.classes)) == 10
    with pytest.raises(RuntimeError, match="MNIST: missing train-images-idx3-ubyte and train-labels-idx1-ubyte"):
        datasets.MNIST(tiny)


def test_mnist_repr(tiny):
    assert repr(datasets.MNIST(str(tiny), transform=transforms.Compose([transforms.ToTensor()]))) == (
        f"Dataset MNIST\n    Number of datapoints: 5\n    Root location: {tiny}\n    Split: Train\n"
        "    StandardTransform\nTransform: Compose(\n               ToTensor()\n           )"
    )


def test_a_transform_may_be_set_later():
    class Numbers(datasets.VisionDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return self._sample(i, i)

    numbers = Numbers("there", transform=abs)
    numbers.transform, numbers.target_transform = str, float
    assert numbers[1] == ("1", 1.0)
    assert numbers.transforms(-1, -1) == (1, -1)
    assert repr(numbers) == (
        "Dataset Numbers\n    Number of datapoints: 3\n    Root location: there\n    StandardTransform\n"
        "Transform: <built-in function abs>"
    )
    assert Numbers(transforms=lambda x, y: (y, x + 1))[1] == (1, 2)


def test_mnist_of_the_usual_size(mnist):
    ds = datasets.MNIST(mnist, train=False, transform=transforms.ToTensor())
    assert (len(ds), ds.data.shape) == (192, (192, 28, 28))
    assert (
        [ds[i][1] for i in range(192)] == ds.targets.tolist() == read_idx(mnist / "t10k-labels-idx1-ubyte.gz").tolist()
    )
    assert ds[0][0].shape == (1, 28, 28)


# CIFAR-10


def write_cifar(folder, n=4, **changes):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        batch = {
            "data": rng.integers(0, 256, (n, 3072), np.uint8),
            "labels": rng.integers(0, 10, n).tolist(),
            "batch_label": name,
            "filenames": ["x.png"] * n,
        }
        (folder / name).write_bytes(pickle.dumps(batch | changes, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}, protocol=2))


@pytest.mark.parametrize("place", ["cifar-10-batches-py", "."])
def test_cifar10(tmp_path, place):
    write_cifar(tmp_path / "root" / place)
    ds = datasets.CIFAR10(tmp_path / "root", train=True, download=True)
    assert (len(ds), ds.data.shape, ds.data.dtype, len(ds.targets)) == (20, (20, 32, 32, 3), np.uint8, 20)
    with open(tmp_path / "root" / place / "data_batch_2", "rb") as file:
        batch = pickle.load(file)
    image, label = ds[5]
    assert (image.mode, image.size, label, type(label)) == ("RGB", (32, 32), batch["labels"][1], int)
    np.testing.assert_array_equal(np.asarray(image).transpose(2, 0, 1).ravel(), batch["data"][1])
    assert ds.classes[2] == "class 2"
    assert ds.class_to_idx["class 2"] == 2
    assert len(datasets.CIFAR10(tmp_path / "root", train=False)) == 4
    assert "Split: Train" in repr(ds)


def test_cifar10_as_python_2_wrote_it(tmp_path):
    # Opcodes of protocol 2 with the old names of NumPy and byte strings, as in the published files.
    folder = tmp_path / "cifar-10-batches-py"
    write_cifar(folder, n=1)
    pixels = bytes(i % 256 for i in range(3072))
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(pixels).to_bytes(4, "little")
        + pixels
        + b"tb"
    )
    (folder / "test_batch").write_bytes(b"\x80\x02}(U\x04data" + array + b"U\x06labels]K\x03au.")
    ds = datasets.CIFAR10(tmp_path, train=False)
    assert ds.targets == [3]
    np.testing.assert_array_equal(ds.data[0].transpose(2, 0, 1).ravel(), np.frombuffer(pixels, np.uint8))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a pickle", "found no readable pickle"),
        (b"", "found no readable pickle"),
        (pickle.dumps({"labels": Evil()}, protocol=2), "it asks for posix.mkdir"),
        (pickle.dumps({"labels": [0]}, protocol=2), "found NoneType for 'data', expected ndarray"),
        (pickle.dumps([1], protocol=2), "found NoneType for 'data'"),
        (
            pickle.dumps({"data": np.zeros((2, 5), np.uint8), "labels": [0, 1]}, protocol=2),
            r"of shape \(2, 5\) and 2 labels",
        ),
        (pickle.dumps({"data": np.zeros((1, 3072)), "labels": [0]}, protocol=2), "found float64"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, protocol=2), "and 1 labels"),
        (
            pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}, protocol=2),
            "labels that are not 0",
        ),
    ],
)
def test_cifar10_is_read_with_care(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    write_cifar(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.CIFAR10(tmp_path, train=False)
    assert "test_batch" in str(caught.value)
    assert not Path("made-by-a-pickle").exists()


def test_cifar10_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing data_batch_1, .*batches\.meta; expected in .*cifar-10"):
        datasets.CIFAR10(tmp_path)


# downloads: what the network may do stands in tests/data/test_download.py


@pytest.fixture
def published(tmp_path):
    """The address of a folder that a server shows."""
    handler = functools.partial(Quiet, directory=tmp_path / "published")
    (tmp_path / "published").mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield tmp_path / "published", f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def sum_of(path, kind="sha256"):
    return hashlib.new(kind, path.read_bytes()).hexdigest()


def test_cifar10_is_downloaded(published, tmp_path, monkeypatch):
    folder, url = published
    write_cifar(tmp_path / "made" / "cifar-10-batches-py")
    with tarfile.open(folder / "cifar.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(datasets.CIFAR10, "mirrors", [f"{url}/gone/", f"{url}/"])
    monkeypatch.setattr(datasets.CIFAR10, "resources", [("cifar.tar.gz", sum_of(folder / "cifar.tar.gz"))])
    ds = datasets.CIFAR10(tmp_path / "root", train=False, download=True)
    assert (len(ds), sorted(os.listdir(tmp_path / "root"))) == (4, ["cifar-10-batches-py", "cifar.tar.gz"])
    assert len(datasets.CIFAR10(tmp_path / "root")) == 20
    monkeypatch.setattr(datasets.CIFAR10, "resources", [("cifar.tar.gz", "0" * 64)])
    with pytest.raises(
        FileNotFoundError, match=r"(?s)missing test_batch.*404.*gave other bytes than the published ones"
    ):
        datasets.CIFAR10(tmp_path / "other", train=False, download=True)


def test_mnist_is_downloaded(published, tmp_path, monkeypatch):
    """As scripts have it that set other mirrors, and addresses with MD5 sums."""
    folder, url = published
    names = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    for name in names:
        write_idx(folder / name, np.zeros((2, 2, 2) if "images" in name else 2, np.uint8))
    monkeypatch.setattr(datasets.FashionMNIST, "resources", [(f"{url}/{n}", sum_of(folder / n, "md5")) for n in names])
    assert len(datasets.FashionMNIST(tmp_path, download=True)) == 2
    assert sorted(os.listdir(tmp_path / "FashionMNIST" / "raw")) == sorted(names)
    assert len(datasets.FashionMNIST(tmp_path, train=False)) == 2


# noise


def test_fakedata():
    ds = datasets.FakeData(size=5, image_size=(3, 6, 4), num_classes=3, transform=transforms.ToTensor())
    x, y = ds[1]
    assert (len(ds), x.shape, type(y)) == (5, (3, 6, 4), int)
    np.testing.assert_array_equal(ds[1][0].numpy(), x.numpy())
    assert (ds[2][0].numpy() != x.numpy()).any()
    assert {ds[i][1] for i in range(5)} <= {0, 1, 2}
    shifted = datasets.FakeData(size=5, image_size=(3, 6, 4), transform=transforms.ToTensor(), random_offset=1)
    np.testing.assert_array_equal(shifted[0][0].numpy(), x.numpy())
    with pytest.raises(IndexError, match="index 5 is out of range for 5"):
        ds[5]
    before = tg.get_rng_state()
    ds[0]
    assert tg.get_rng_state() == before


# folders


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for i, name in enumerate(["dog/b.png", "dog/a.jpg", "cat/deep/er/x.PNG", "cat/y.bmp", "cat/notes.txt"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no picture")
        else:
            Image.new("L" if i else "RGBA", (4, 3), 10 * i).save(path)
    (root / "readme.md").write_text("not a class")
    return root


def test_image_folder(folder):
    ds = datasets.ImageFolder(str(folder))
    assert ds.classes == ["cat", "dog"]
    assert ds.class_to_idx == {"cat": 0, "dog": 1}
    assert [(os.path.relpath(path, folder), c) for path, c in ds.samples] == [
        ("cat/y.bmp", 0),
        ("cat/deep/er/x.PNG", 0),
        ("dog/a.jpg", 1),
        ("dog/b.png", 1),
    ]
    assert ds.imgs == ds.samples
    assert ds.targets == [0, 0, 1, 1]
    image, label = ds[3]
    assert (image.mode, image.size, label) == ("RGB", (4, 3), 1)
    assert len(ds) == 4


def test_image_folder_options(folder):
    ds = datasets.ImageFolder(
        folder,
        transform=transforms.ToTensor(),
        target_transform=str,
        loader=lambda path: np.zeros((2, 2, 3), np.uint8),
        is_valid_file=lambda path: path.endswith(("y.bmp", "b.png")),
    )
    assert [os.path.basename(path) for path, _ in ds.samples] == ["y.bmp", "b.png"]
    assert (ds[1][0].shape, ds[1][1]) == ((3, 2, 2), "1")


def test_dataset_folder(folder):
    ds = datasets.DatasetFolder(folder, lambda path: Path(path).read_text(), extensions=(".txt",), allow_empty=True)
    assert [ds[i] for i in range(len(ds))] == [("no picture", 0)]
    assert ds.classes == ["cat", "dog"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: datasets.ImageFolder(p / "nowhere"), FileNotFoundError, "nowhere is not a folder"),
        (lambda p: datasets.ImageFolder(p / "dog"), FileNotFoundError, "couldn't find any class folder"),
        (
            lambda p: datasets.DatasetFolder(p, open, extensions=(".txt",)),
            FileNotFoundError,
            "no valid file for the classes dog in .*ending in .txt",
        ),
        (lambda p: datasets.DatasetFolder(p, open), ValueError, "extensions and is_valid_file cannot be None"),
        (lambda p: datasets.DatasetFolder(p, open, (".a",), is_valid_file=bool), ValueError, "give one"),
    ],
)
def test_folder_refusals(folder, make, error, message):
    with pytest.raises(error, match=message):
        make(folder)


def test_a_damaged_picture_is_named_by_a_worker(folder):
    (folder / "dog" / "c.png").write_bytes(b"no picture")
    loader = DataLoader(datasets.ImageFolder(folder, transforms.ToTensor()), num_workers=2)
    with pytest.raises(Exception, match=r"at item 4: .*c\.png"):
        list(loader)


def test_joint_transforms():
    class Pairs(datasets.VisionDataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return self._sample(1, 2)

    assert Pairs(transforms=lambda x, y: (y, x))[0] == (2, 1)
    assert Pairs(transform=str, target_transform=float)[0] == ("1", 2.0)
    with pytest.raises(ValueError, match="only transforms or transform"):
        Pairs(transforms=len, transform=len)
    with pytest.raises(NotImplementedError):
        len(datasets.VisionDataset())


def test_photographs_in_folders(tmp_path):
    draw, animals = np.random.default_rng(0), ["bird", "cat", "dog", "panda"]
    for name, i in itertools.product(animals, range(5)):
        (tmp_path / name).mkdir(exist_ok=True)
        size = draw.integers(70, 90, 2)
        Image.fromarray(draw.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / name / f"{i}.jpg")
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(64),
            transforms.RandomHorizontalFlip(),
            transforms.RandomRotation(10),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    ds = datasets.ImageFolder(tmp_path, transform=pipeline)
    assert ds.classes == animals
    assert np.bincount(ds.targets).tolist() == [5] * 4

    def first(workers):
        tg.manual_seed(0)
        return next(iter(DataLoader(ds, batch_size=8, shuffle=True, num_workers=workers)))

    x, y = first(2)
    assert (x.shape, x.dtype, y.shape) == ((8, 3, 64, 64), np.float32, (8,))
    again, _ = first(2)
    np.testing.assert_array_equal(x.numpy(), again.numpy())
    assert first(0)[1].tolist() == y.tolist()


# folders with more than folders and files in them


def test_hidden_folders_are_no_classes(folder):
    for place in (".ipynb_checkpoints", ".git", "dog/.ipynb_checkpoints"):
        (folder / place).mkdir()
        Image.new("RGB", (2, 2)).save(folder / place / "a.jpg")
    ds = datasets.ImageFolder(folder)
    assert (ds.classes, len(ds)) == (["cat", "dog"], 4)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b"no picture", lambda b: b[:40], lambda b: b[:-30]])
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tiff", "x.webp", "x.bmp"])
def test_a_broken_picture_is_named(tmp_path, name, damage):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / name
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OSError, match=re.escape(str(path))):
        datasets.ImageFolder(tmp_path)[0]


@pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and sockets")
def test_links_in_circles_and_what_is_no_file(tmp_path, monkeypatch):
    root = tmp_path / "root"
    for place in ("a/deep", "b"):
        (root / place).mkdir(parents=True)
    for place in ("a/1.png", "a/deep/2.png", "b/3.png"):
        Image.new("RGB", (2, 2)).save(root / place)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Image.new("RGB", (2, 2)).save(elsewhere / "4.png")
    links = {"a/self": "a", "a/deep/up": "a", "a/root": ".", "a/deep/over": "..", "a/deep/b": "b", "b/a": "a",
             "a/nowhere": "none", "a/loop.png": "a/loop.png", "c": "c"}  # fmt: skip
    for link, target in links.items():
        (root / link).symlink_to((root / target).absolute())
    (root / "b" / "more").symlink_to(elsewhere)
    (root / "b" / "again").symlink_to(elsewhere)
    (root / "a" / "link.png").symlink_to(root / "b" / "3.png")
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / "null.png").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as s:
        monkeypatch.chdir(root / "a")  # the name of a socket is short
        s.bind("s.png")
    ds = datasets.ImageFolder(root)
    assert ds.classes == ["a", "b"]
    found = [(os.path.relpath(path, root), target) for path, target in ds.samples]
    assert found == [
        ("a/1.png", 0), ("a/link.png", 0), ("a/deep/2.png", 0), ("a/deep/b/3.png", 0), ("a/deep/b/again/4.png", 0),
        ("a/deep/b/more/4.png", 0), ("b/3.png", 1), ("b/a/1.png", 1), ("b/a/link.png", 1), ("b/a/deep/2.png", 1),
        ("b/again/4.png", 1), ("b/more/4.png", 1),
    ]  # fmt: skip
    assert all(image.size == (2, 2) for image, _ in ds)
