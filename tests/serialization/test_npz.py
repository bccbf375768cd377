"""Archives of arrays under plain names: ours for NumPy, NumPy's for us."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.serialization import load, load_metadata, save

NETWORK = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def test_numpy_reads_what_we_write(tmp_path):
    path = tmp_path / "w.npz"
    save(NETWORK.state_dict(), path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays.files == [*NETWORK.state_dict()]
        for name, tensor in NETWORK.state_dict().items():
            assert arrays[name].dtype == tensor.dtype
            np.testing.assert_array_equal(arrays[name], tensor.numpy())
    assert os.listdir(tmp_path) == ["w.npz"]


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("where", [str, lambda path: io.BytesIO(path.read_bytes())])
def test_we_read_what_numpy_writes(tmp_path, write, where):
    path = tmp_path / "w.npz"
    state = {name: tensor.numpy() for name, tensor in NETWORK.state_dict().items()}
    more = {"big-endian": np.arange(3, dtype=">f8"), "columns": np.ones((2, 3), order="F"), "long": np.zeros(100_000)}
    write(path, **state, **more)
    held = load(where(path))
    assert list(held) == [*state, *more]
    for name, array in {**state, **more}.items():
        assert (held[name].dtype, type(held[name])) == (array.dtype.newbyteorder("="), tg.Tensor)
        np.testing.assert_array_equal(held[name].numpy(), array)
    NETWORK.load_state_dict({name: held[name] for name in state})


ODD = ["", "a/b", "../x", "ü.x", ' "q" ', "a.b.c", "tinygrad_cnn", ".npy.x", "x" * 1000, "😀"]


def test_odd_names(tmp_path):
    state = {name: tg.full((1,), float(i)) for i, name in enumerate(ODD)}
    save(state, tmp_path / "w.npz")
    assert {name: t.item() for name, t in load(tmp_path / "w.npz").items()} == {n: t.item() for n, t in state.items()}
    with np.load(tmp_path / "w.npz") as arrays:
        assert [arrays[name].item() for name in ODD] == [*range(len(ODD))]


def test_what_is_no_number_stays_an_array(tmp_path):
    save({"names": np.array(["a", "bc"]), "w": np.ones(2)}, tmp_path / "w.npz")
    held = load(tmp_path / "w.npz")
    assert (held["names"].tolist(), type(held["names"]), type(held["w"])) == (["a", "bc"], np.ndarray, tg.Tensor)


REFUSED = {
    "a list": ([tg.ones(1)], TypeError, r"a \.npz file takes a flat dict of Tensors, got list"),
    "something nested": ({"a": {}}, TypeError, "its entry 'a' is a dict"),
    "a number as a name": ({1: tg.ones(1)}, TypeError, "its entry 1 is a Tensor"),
    "objects": ({"a": np.array([{}])}, TypeError, "entry 'a' is an array of dtype object"),
    "an ending": ({"a.npy": tg.ones(1)}, ValueError, r"'a\.npy' is no name in an \.npz file.*ending \.npy"),
    "a zero": ({"a\0b": tg.ones(1)}, ValueError, "an archive would change it"),
    "a surrogate": ({"\ud800": tg.ones(1)}, ValueError, "no text that can be encoded"),
    "a long name": ({"a" * 70_000: tg.ones(1)}, ValueError, "longer than 60,000 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    obj, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        save(obj, tmp_path / "w.npz")
    assert os.listdir(tmp_path) == []


def test_text_beside_the_arrays(tmp_path):
    path = tmp_path / "w.npz"
    save({"w": tg.ones(2)}, path, metadata={"classes": "cat dog"})
    with np.load(path) as arrays:
        assert arrays.files == ["w"]
    with pytest.raises(ValueError, match="room for 60,000 bytes of metadata"):
        save({"w": tg.ones(2)}, path, metadata={"classes": "x" * 60_000})
    assert load_metadata(path) == {"classes": "cat dog"}


def npz(write=np.savez, **arrays):
    file = io.BytesIO()
    write(file, **arrays)
    return file.getvalue()


def zipped(compression=zipfile.ZIP_STORED, **entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(array, **arguments):
    file = io.BytesIO()
    np.save(file, array, **arguments)
    return file.getvalue()


BAD = {
    "objects": (npz(a=np.array([{}])), "dtype object: pickled, which can run code"),
    "fields": (npz(a=np.zeros(2, [("x", "f4")])), "says not what it is an array of"),
    "text": (zipped(a=b"hello"), "a.npy is no array"),
    "cut off": (zipped(a=npy(np.zeros(9))[:-1]), "is longer or shorter"),
    "a great shape": (zipped(a=npy(np.zeros(3)).replace(b"(3,)", b"(9999999999,)")), "longer or shorter"),
    "compressed otherwise": (zipped(zipfile.ZIP_LZMA, a=npy(np.zeros(9))), "in a way that NumPy has not"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name):
    content, message = BAD[name]
    with pytest.raises(RuntimeError, match=rf"damaged \.npz archive.*{message}.*nothing was loaded.*numpy\.load"):
        load(io.BytesIO(content))


def test_a_small_file_that_says_to_hold_much():
    """A thousandth of its size on the disk: what says so, may; beyond reason it is refused before a byte is made."""
    content = bytearray(npz(np.savez_compressed, a=np.zeros(1_000_000)))
    assert load(io.BytesIO(content))["a"].shape == (1_000_000,)
    at = content.index(b"PK\x01\x02") + 24  # the size that the directory tells
    content[at : at + 4] = (2**32 - 2).to_bytes(4, "little")
    with pytest.raises(RuntimeError, match="damaged"):
        load(io.BytesIO(content))


def test_every_cut_and_every_changed_byte():
    state = {"w": np.arange(3.0), "b": np.ones((2, 2), np.float32)}
    content = npz(**state)
    for n in range(len(content)):
        with pytest.raises(RuntimeError):
            load(io.BytesIO(content[:n]))
        changed = bytearray(content)
        changed[n] ^= 0x55
        try:
            again = load(io.BytesIO(bytes(changed)))
        except RuntimeError:
            continue
        assert [t.tolist() for t in again.values()] == [a.tolist() for a in state.values()]
