"""Damaged and hostile files: each reader ends in its one kind of error, whatever stands in the file.

Seeded and short; TINYGRAD_CNN_FUZZ=SECONDS tries each kind for so long, with other seeds.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
import re
import struct
import time
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.checkpoint import load, save
from tinygrad_cnn.data import digits, read_idx, write_idx
from tinygrad_cnn.data.mnist import read_mnist

SECONDS = float(os.environ.get("TINYGRAD_CNN_FUZZ", "0"))
TRIES = 100


def blob(obj):
    file = io.BytesIO()
    save(obj, file)
    return file.getvalue()


def archive(entries, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for name, content in entries:
            out.writestr(name, content)
    return file.getvalue()


def mutate(content, rng):
    """The same bytes but for a few: flipped, put in, left out, cut off, copied, or a size that is enormous."""
    b = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        how, i = rng.random(), rng.randrange(len(b) + 1)
        if how < 0.4 and i < len(b):
            b[i] ^= 1 << rng.randrange(8)
        elif how < 0.5 and i < len(b):
            b[i] = rng.choice([0, 255, 127, 128])
        elif how < 0.6:
            b[i:i] = rng.randbytes(rng.randint(1, 5))
        elif how < 0.7:
            del b[i : i + rng.randint(1, 4)]
        elif how < 0.75:
            del b[i:]
        elif how < 0.9:
            j = rng.randrange(len(b) + 1)
            b[i : i + 4] = b[j : j + 4]
        else:
            size = rng.choice([2**64 - 1, 2**63, 2**32, 2**31 - 1, 10**12, 0])
            b[i : i + 8] = struct.pack(rng.choice("<>") + "Q", size)
    return bytes(b)


def tries(content, seed):
    rng = random.Random(seed)
    end = time.monotonic() + SECONDS
    n = 0
    while n < TRIES or time.monotonic() < end:
        n += 1
        yield mutate(content, rng)


def only(kind, f, *args):
    """The call ends well or in an error of this kind, and none of those below it."""
    try:
        f(*args)
    except kind as error:
        found = error
    else:
        return
    assert type(found) is kind
    assert str(found)


VALUES = {
    "tensor": tg.arange(6.0).reshape(2, 3),
    "lr": 0.25,
    "tuple": (1, {2}, b"x", None, 2**3000, 1j, np.float32(1), np.array(["a", "bc"]), np.zeros((0, 3))),
    "keys": OrderedDict([(1, True), ((2, 3), "ü")]),
    "kinds": [np.dtype("<M8[ns]"), np.dtype("<U3"), tg.device("cpu"), float("nan")],
}


@pytest.mark.parametrize("seed", range(3))
def test_checkpoints(seed):
    for content in tries(blob(VALUES), seed):
        only(RuntimeError, load, io.BytesIO(content))


@pytest.mark.parametrize("what", ["index", "array"])
def test_what_stands_in_a_checkpoint(what):
    """Damage that the sums do not tell: the archive is whole, what stands in it is not."""
    with zipfile.ZipFile(io.BytesIO(blob(VALUES))) as file:
        entries = [(name, file.read(name)) for name in file.namelist()]
    k = 0 if what == "index" else 1
    for content in tries(entries[k][1], 5):
        changed = [*entries]
        changed[k] = (entries[k][0], content)
        only(RuntimeError, load, io.BytesIO(archive(changed)))


def index(obj):
    return ("tinygrad_cnn.json", json.dumps({"format": "tinygrad_cnn", "version": 1, "object": obj}))


def as_text(obj, version="1"):
    return ("tinygrad_cnn.json", f'{{"format": "tinygrad_cnn", "version": {version}, "object": {obj}}}')


def tensor(kind="Tensor", flag=False):
    return index({"tensor": {"array": 0, "kind": kind, "requires_grad": flag}})


def npy(descr="<f4", shape="(1,)", content=b"\0" * 4, version=1):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode("latin1")
    return (
        b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + content
    )


ARRAY = index({"array": 0})
DEEP = 50_000
HOSTILE = {
    "compressed": (archive([index("a" * 10**7)], compression=zipfile.ZIP_DEFLATED), "compressed"),
    "bzip2": (archive([index("a" * 10**6)], compression=zipfile.ZIP_BZIP2), "compressed"),
    "lzma": (archive([index("a" * 10**6)], compression=zipfile.ZIP_LZMA), "compressed"),
    "deep": (archive([("tinygrad_cnn.json", "[" * DEEP + "]" * DEEP)]), "damaged"),
    "a long number": (archive([("tinygrad_cnn.json", "1" * 10**6)]), "damaged"),
    "NaN": (archive([as_text("NaN")]), "NaN"),
    "a key twice": (
        archive([as_text('{"dict": {"a": 1, "a": 2}}')]),
        "twice",
    ),
    "a made key twice": (archive([index({"dict": [[1, 2], [1, 3]]})]), "twice"),
    "version true": (archive([as_text("1", "true")]), "damaged"),
    "version text": (archive([as_text("1", '"1"')]), "damaged"),
    "a path": (archive([index(1), ("../evil.npy", npy())]), "unknown name"),
    "an absolute path": (archive([index(1), ("/tmp/evil.npy", npy())]), "unknown name"),
    "another number": (archive([index(1), ("arrays/00.npy", npy())]), "unknown name"),
    "number from behind": (archive([index({"array": -1}), ("arrays/0.npy", npy())]), "no array -1"),
    "number true": (archive([index({"array": True}), ("arrays/0.npy", npy())]), "bool"),
    "a huge array": (archive([ARRAY, ("arrays/0.npy", npy(shape="(1000000000000,)"))]), "longer or shorter"),
    "overflow": (archive([ARRAY, ("arrays/0.npy", npy(shape="(4294967296, 4294967296, 4294967296)"))]), "longer or"),
    "nothing times much": (
        archive([ARRAY, ("arrays/0.npy", npy(shape="(0, 9000000000000000000, 9000000000000000000)", content=b""))]),
        "damaged",
    ),
    "a header of code": (archive([ARRAY, ("arrays/0.npy", npy(shape="(" * 500 + ")" * 500))]), "damaged"),
    "a broken header": (archive([ARRAY, ("arrays/0.npy", npy(descr="'"))]), "damaged"),
    "a long text": (archive([ARRAY, ("arrays/0.npy", npy(descr="<U999999999"))]), "damaged"),
    "objects": (archive([ARRAY, ("arrays/0.npy", npy(descr="|O"))]), "damaged"),
    "nameless bytes": (archive([ARRAY, ("arrays/0.npy", npy(descr="|V4"))]), "damaged"),
    "no bytes each": (archive([ARRAY, ("arrays/0.npy", npy("|S0", "(600000000,)", b""))]), "damaged"),
    "header cut off": (
        archive([ARRAY, ("arrays/0.npy", b"\x93NUMPY\1\0\xff\0" + npy(shape="(0,)", content=b"")[10:])]), "damaged"
    ),
    "header beyond": (archive([ARRAY, ("arrays/0.npy", b"\x93NUMPY\2\0\xff\xff\xff\xff")]), "damaged"),
    "text as tensor": (
        archive([tensor(), ("arrays/0.npy", npy("<U1"))]),
        "dtype <U1",
    ),
    "a flag that is a number": (
        archive([tensor(flag=1), ("arrays/0.npy", npy())]),
        "int stands where a bool",
    ),
    "text as tuple": (archive([index({"tuple": "abc"})]), "str stands where a list"),
    "bytes that are none": (archive([index({"bytes": "a*b"})]), "damaged"),
    "dtype of fields": (archive([index({"dtype": [["a", "f4"]]})]), "damaged"),
    "dtype of commas": (archive([index({"dtype": "f4,f4"})]), "damaged"),
    "complex of text": (archive([index({"complex": ["1", "2"]})]), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_checkpoints(name):
    content, message = HOSTILE[name]
    with pytest.raises(RuntimeError, match=message) as caught:
        load(io.BytesIO(content))
    assert type(caught.value) is RuntimeError


def test_entries_there_twice():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr(*index({"array": 0}))
        out.writestr("arrays/0.npy", npy())
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("arrays/0.npy", npy())
    with pytest.raises(RuntimeError, match="twice"):
        load(file)


def test_entries_on_one_place():
    """A directory may list the same bytes many times."""
    content = archive([ARRAY, ("arrays/0.npy", npy(content=b"\0" * 40_000, shape="(10000,)"))])
    end = content.rindex(b"PK\5\6")
    start = content.index(b"PK\1\2")
    first, rest = content[start:].split(b"PK\1\2")[1:3]
    second = rest.split(b"PK\5\6")[0]
    listed = b"".join(
        b"PK\1\2" + part
        for part in [first, *(second.replace(b"arrays/0.npy", f"arrays/{i}.npy".encode()) for i in range(9))]
    )
    tail = bytearray(content[end:])
    tail[8:12] = struct.pack("<HH", 10, 10)
    tail[12:16] = struct.pack("<I", len(listed))
    with pytest.raises(RuntimeError, match=r"larger than|damaged"):
        load(io.BytesIO(content[:start] + listed + bytes(tail)))


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    save({"w": tg.arange(6.0), "b": tg.ones(2, 2)}, path)
    whole = path.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    for content in tries(whole, 3):
        path.write_bytes(content)
        only(RuntimeError, load, path)
    for text in (
        "[" * DEEP,
        '{"w": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}',
        "1" * 10**5,
    ):
        path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + whole[8 + size :])
        with pytest.raises(RuntimeError, match="no whole"):
            load(path)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx(tmp_path, zipped):
    path = tmp_path / ("x.gz" if zipped else "x")
    write_idx(path, np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    for content in tries(path.read_bytes(), 7):
        path.write_bytes(content)
        only(ValueError, read_idx, path)
    for shape in ((0, 2**32 - 1, 2**32 - 1, 2**32 - 1), (0,) * 255, (1,) * 100):
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes() + b"\0" * int(np.prod(shape))
        path.write_bytes(gzip.compress(header) if zipped else header)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            read_idx(path)


def test_mnist(tmp_path):
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    write_idx(tmp_path / names[0], np.zeros((4, 3, 3), np.uint8))
    write_idx(tmp_path / names[1], np.arange(4, dtype=np.uint8))
    for name in names:
        whole = (tmp_path / name).read_bytes()
        for content in tries(whole, 9):
            (tmp_path / name).write_bytes(content)
            only(ValueError, read_mnist, tmp_path)
        (tmp_path / name).write_bytes(whole)


def test_digits(tmp_path):
    path = tmp_path / "digits.npz"
    np.savez(path, images=np.zeros((5, 8, 8), np.uint8), labels=np.arange(5, dtype=np.uint8))
    for content in tries(path.read_bytes(), 11):
        path.write_bytes(content)
        only(ValueError, digits.read_digits, path)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles(protocol):
    from tinygrad_cnn.vision.datasets.plain_pickle import read_plain_pickle

    held = {
        "data": np.arange(60, dtype=np.uint8).reshape(3, 20),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "labels": [1, -2, 2**70],
        "more": [1.5, None, True, "ü", b"\x80", (1, 2), (1, (2, ())), {}],
    }
    whole = pickle.dumps(held, protocol=protocol)
    again = read_plain_pickle(whole)
    assert again.keys() == held.keys()
    for key in ("data", "transposed"):
        np.testing.assert_array_equal(again[key], held[key])
        assert again[key].dtype == held[key].dtype
    assert (again["labels"], again["more"]) == (held["labels"], held["more"])
    for content in tries(whole, protocol):
        only(ValueError, read_plain_pickle, content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"0.",
        b"t.",
        b"K\1s.",
        b"(" * 100_000 + b".",
        b"]" + b"a" * 10 + b".",
        b"cposix\nsystem\n(S'true'\ntR.",
        b"cnumpy\nndarray\n(I0\ntR.",
        b"cbuiltins\neval\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x04load\x93.",
        b"cnumpy\ndtype\n(S'O8'\ntR.",
        b"cnumpy\ndtype\n(S'V8'\ntR.",
        b"cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'x'\nNNNtb.",
        b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR}b.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R(I1\n(I9\ntcnumpy\ndtype\n(S'u1'\ntRI00\nS'x'\ntb.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R(I1\n(I0\nI99999999999999999999\ntcnumpy\ndtype\n(S'u1'\ntRI00\nS''\ntb.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R(I1\n(I-1\ntcnumpy\ndtype\n(S'u1'\ntRI00\nS'x'\ntb.",
        b"}(I1\nI2\nu.",
        b"P1\n.",
        b"\x80\x02}q\0(X\x04\0\0\0datah\1u.",
        b"\x8b\xff\xff\xff\x7f1.",
        b"L" + b"9" * 10_000 + b"L\n.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",
        b"ccopy_reg\n_reconstructor\n.",
        b"\x80\x09}.",
        b"\x80\x04\x95\xff\0\0\0\0\0\0\0}.",
        b"(}.",
        b"](Na.",
        b"](q\0h\0.",
        b"]q\0h\0a.",
        b"]cnumpy\nndarray\na.",
        b"]cnumpy\ndtype\n(S'u1'\nI0\nI1\ntRa.",
        b"]cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntRa.",
        b"c_codecs\nencode\n(Vx\nVlatin2\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(I0\ntR(I1\n(I1\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntRI00\nS'x'\ntb.",
        b"\x82\1.",
    ],
)
def test_pickles_that_are_refused(content):
    from tinygrad_cnn.vision.datasets.plain_pickle import read_plain_pickle

    with pytest.raises(ValueError):
        read_plain_pickle(content)


def test_a_module_loads_nothing_of_a_damaged_file(tmp_path):
    net = nn.Linear(2, 2)
    save(net.state_dict(), tmp_path / "x")
    content = bytearray((tmp_path / "x").read_bytes())
    content[content.index(b"\x93NUMPY") + 130] ^= 255
    (tmp_path / "x").write_bytes(content)
    before = net.weight.tolist()
    with pytest.raises(RuntimeError, match=r"damaged|no whole"):
        net.load_state_dict(load(tmp_path / "x"))
    assert net.weight.tolist() == before
