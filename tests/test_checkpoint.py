"""Saving and loading: what comes back is what was saved, and what cannot come back says so."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from small import Tied

import tinygrad_cnn as tg
from tinygrad_cnn import files, nn
from tinygrad_cnn.checkpoint import load, load_metadata, save


def _again(obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return load(file)


def _same(a, b):
    assert type(a) is type(b)
    if isinstance(a, tg.Tensor):
        assert (a.dtype, a.shape, a.requires_grad) == (b.dtype, b.shape, b.requires_grad)
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            _same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _same(x, y)
    elif isinstance(a, float) and math.isnan(a):
        assert math.isnan(b)
    else:
        assert a == b


VALUES = {
    "none": None,
    "bools": [True, False],
    "ints": [0, -1, 2**200, -(2**63)],
    "floats": [0.1, -0.0, 1e-320, math.pi, math.inf, -math.inf, math.nan],
    "complex": [1 + 2j, complex(0, math.inf)],
    "text": ["", "a", "ß → 日本", "\ud800", "a\x00b", "dict"],
    "bytes": [b"", b"\x00\xff"],
    "tuples": ((), (1,), (1, (2, [3]))),
    "sets": [set(), {1, 2}, {(1, "a")}],
    "dicts": {"": {}, "a": {"b": [{"c": 1}]}, "tensor": {"array": 3}},
    "keys": {1: "a", (1, 2): "b", None: 3, 0.5: 4, False: 5},
    "ordered": OrderedDict([("z", 1), ("a", OrderedDict([(3, 4)]))]),
    "dtypes": [np.dtype("float32"), np.dtype("bool")],
    "device": tg.device("cpu"),
    "arrays": [np.arange(6).reshape(2, 3), np.array(5.0), np.array(["a", "bc"]), np.zeros((0, 3), np.uint8)],
    "scalars": [np.float32(0.1), np.int8(-3), np.bool_(True)],
    "float": np.float64(0.1).item(),
    "tensors": [tg.ones(2, 3), tg.tensor(True), tg.zeros(0, 2), tg.tensor(3), tg.tensor(0.1, dtype=tg.float64)],
    "half": tg.ones(2, dtype=tg.float16),
    "needs grad": tg.ones(2, requires_grad=True),
    "parameters": [nn.Parameter(tg.ones(2)), nn.Parameter(tg.ones(2), requires_grad=False)],
    "strided": [tg.arange(12).reshape(3, 4).T, tg.arange(12)[::3], tg.arange(12).flip(0), tg.ones(1).expand(3)],
}


@pytest.mark.parametrize("name", VALUES)
def test_comes_back(name):
    _same(_again(VALUES[name]), VALUES[name])


def test_a_view_is_saved_without_its_base():
    file = io.BytesIO()
    save(tg.zeros(1000, 1000)[0], file)
    assert len(file.getvalue()) < 10_000


def test_shared_memory_stays_shared():
    t = tg.ones(2)
    again = _again({"a": t, "b": t.detach(), "c": tg.ones(2)})
    again["a"].fill_(5.0)
    assert again["b"].tolist() == [5.0, 5.0]
    assert again["c"].tolist() == [1.0, 1.0]
    state = _again(Tied().state_dict())
    assert np.shares_memory(state["w"].numpy(), state["tied"].numpy())


def test_what_is_loaded_can_be_changed_and_belongs_to_nobody_else():
    t = tg.ones(2)
    a, b = _again(t), _again(t)
    a.add_(1.0)
    assert (t.tolist(), b.tolist()) == ([1.0, 1.0], [1.0, 1.0])


def test_results_are_saved_without_their_graph():
    y = tg.ones(2, requires_grad=True) * 2
    again = _again(y)
    assert again.tolist() == [2.0, 2.0]
    assert again.is_leaf


REFUSED = {
    "a module": ({"model": nn.Module()}, r"the object\['model'\] is a Module.*save its state_dict\(\)"),
    "an optimizer": ([tg.optim.SGD([tg.ones(1)], lr=1.0)], r"the object\[0\] is a SGD.*state_dict"),
    "a function": ({"a": [1, {"f": len}]}, r"the object\['a'\]\[1\]\['f'\] is a builtin_function_or_method"),
    "a class": (nn.Module, "is a type"),
    "objects": (np.array([object()]), "an array of dtype object"),
    "an object as key": ({Path: 1}, "a key of the object is a type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    obj, message = REFUSED[name]
    path = tmp_path / "x.pt"
    path.write_text("as it was")
    with pytest.raises(TypeError, match=message):
        save(obj, path)
    assert path.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["x.pt"]


# files


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    save([1], path)

    def fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fails)
    with pytest.raises(OSError, match="disk full"):
        save([2], path)
    assert load(path) == [1]
    assert os.listdir(tmp_path) == ["x.pt"]


def test_paths(tmp_path):
    path = tmp_path / "x.anything"
    save([1], str(path))
    assert load(str(path)) == load(path) == [1]
    with path.open("rb") as file:
        assert load(file) == [1]
    link = tmp_path / "link"
    link.symlink_to(path)
    save([2], link)
    assert link.is_symlink()
    assert load(path) == [2]


def test_equal_values_make_equal_files(tmp_path):
    for name in "ab":
        save({"w": tg.ones(3), "lr": 0.1}, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_format_is_as_documented(tmp_path):
    save({"w": tg.ones(2), "t": (1, math.nan)}, tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "x") as archive:
        assert archive.namelist() == ["tinygrad_cnn.json", "arrays/0.npy"]
        assert json.loads(archive.read("tinygrad_cnn.json")) == {
            "format": "tinygrad_cnn",
            "version": 1,
            "object": {
                "dict": {
                    "w": {"tensor": {"array": 0, "kind": "Tensor", "requires_grad": False}},
                    "t": {"tuple": [1, {"float": "nan"}]},
                }
            },
        }
        assert np.load(io.BytesIO(archive.read("arrays/0.npy"))).tolist() == [1.0, 1.0]


def test_no_such_place(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it first"):
        save([1], tmp_path / "no" / "x")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "no")
    with pytest.raises(TypeError, match="got int"):
        save([1], 3)
    with pytest.raises(TypeError, match="got int"):
        load(3)


def test_map_location():
    file = io.BytesIO()
    save(tg.ones(1), file)
    for there in ("cpu", tg.device("cpu"), None, lambda storage, place: storage, {"cuda:0": "cpu"}):
        assert load(file, map_location=there, weights_only=False).item() == 1.0
    with pytest.raises(RuntimeError, match="cpu"):
        load(file, map_location="cuda")


class _Stream:
    """A file that can only be read on."""

    def __init__(self, content):
        self.read = io.BytesIO(content).read


def test_streams():
    file = io.BytesIO()
    save([tg.ones(1), 2], file)
    assert load(_Stream(file.getvalue()))[1] == 2


# damage


def _archive(index=None, **entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if index is not None:
            archive.writestr("tinygrad_cnn.json", index if isinstance(index, str) else json.dumps(index))
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_npy", ".npy").replace("_pkl", ".pkl"), content)
    return file.getvalue()


def _index(obj, **more):
    return {"format": "tinygrad_cnn", "version": 1, "object": obj, **more}


def _npy(array, **arguments):
    file = io.BytesIO()
    np.save(file, array, **arguments)
    return file.getvalue()


BAD = {
    "empty": (b"", "no whole file"),
    "text": (b"hello", "no whole file"),
    "pickle": (b"\x80\x04K\x01.", "no whole file"),
    "torch": (_archive(archive__data_pkl=b"x"), "torch.save.*safetensors"),
    "npz": (_archive(a_npy=b"x"), "npz.*numpy.load"),
    "another zip": (_archive(a=b"x"), "Was it made by save"),
    "not JSON": (_archive("{"), "damaged"),
    "JSON of another kind": (_archive([1]), "damaged"),
    "another format": (_archive(_index(1, format="x")), "its format is 'x'"),
    "newer": (_archive(_index(1, version=2)), "version 2.*upgrade"),
    "no object": (_archive({"format": "tinygrad_cnn", "version": 1}), "damaged"),
    "unknown thing": (_archive(_index({"code": "1 + 1"})), "damaged"),
    "two things": (_archive(_index({"tuple": [], "set": []})), "damaged"),
    "no such array": (_archive(_index({"array": 0})), "damaged"),
    "unknown kind": (
        _archive(_index({"tensor": {"array": 0, "kind": "X", "requires_grad": False}}), arrays__0_npy=_npy([1])),
        "damaged",
    ),
    "integers that need grad": (
        _archive(_index({"tensor": {"array": 0, "kind": "Tensor", "requires_grad": True}}), arrays__0_npy=_npy([1])),
        "floating",
    ),
    "array cut": (_archive(_index({"array": 0}), arrays__0_npy=_npy(np.ones(9))[:-8]), "damaged"),
    "array too long": (_archive(_index({"array": 0}), arrays__0_npy=_npy(np.ones(9)) + b"x"), "longer"),
    "pickled array": (_archive(_index({"array": 0}), arrays__0_npy=_npy(np.array([{}]), allow_pickle=True)), "damaged"),
    "set of lists": (_archive(_index({"set": [[1]]})), "damaged"),
    "device": (_archive(_index({"device": "nowhere"})), "cpu"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name):
    content, message = BAD[name]
    with pytest.raises(RuntimeError, match=message):
        load(io.BytesIO(content))


def test_every_cut_and_every_changed_byte():
    """A file that is not whole is refused; a changed byte is refused or changes nothing."""
    saved = {"w": tg.arange(3.0), "lr": 0.25}
    file = io.BytesIO()
    save(saved, file)
    content = file.getvalue()
    for n in range(len(content)):
        with pytest.raises(RuntimeError):
            load(io.BytesIO(content[:n]))
        changed = bytearray(content)
        changed[n] ^= 0x55
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                again = load(io.BytesIO(bytes(changed)))
            except RuntimeError:
                continue
        _same(again, saved)


# safetensors


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    net = Tied()
    state = {**net.state_dict(), "strided": tg.arange(6.0).reshape(2, 3).T}
    save(state, path)
    again = load(path)
    assert sorted(again) == sorted(state)
    for key in state:
        _same(again[key], state[key])
    again["w"].add_(1.0)
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_safetensors_for_others(pytorch, tmp_path):
    """PyTorch's library reads our file, and we read its."""

    def by_theirs(torch):
        from safetensors import torch as safetensors

        read = safetensors.load_file(ours)
        safetensors.save_file(read, theirs)
        return {"file": ours.read_bytes().hex(), "read": read, "written": theirs.read_bytes().hex()}

    pytest.importorskip("safetensors")
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    save({"w": tg.arange(3.0)}, ours)
    answer = pytorch(by_theirs)
    assert answer["file"] == ours.read_bytes().hex()
    assert answer["read"]["w"].tolist() == [0.0, 1.0, 2.0]
    theirs.write_bytes(bytes.fromhex(answer["written"]))
    assert load(theirs)["w"].tolist() == [0.0, 1.0, 2.0]


def test_safetensors_errors(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(TypeError, match="flat dict of Tensors, got list"):
        save([1], path)
    with pytest.raises(TypeError, match="its entry 'a' is a dict"):
        save({"a": {}}, path)
    assert not path.exists()
    pytest.importorskip("safetensors")
    path.write_bytes(b"12345678 no")
    with pytest.raises(RuntimeError, match=r"no whole \.safetensors file"):
        load(path)


def test_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"tinygrad_cnn\[io\]"):
        save({}, tmp_path / "x.safetensors")


def test_public_names():
    assert tg.save is save
    assert tg.load is load


def test_an_object_that_holds_itself(tmp_path):
    held = []
    held.append(held)
    deep = ()
    for _ in range(100_000):
        deep = (deep,)
    for obj in (held, deep):
        with pytest.raises(ValueError, match="nested too deeply, or holds itself"):
            save(obj, tmp_path / "x")
    with pytest.raises(TypeError, match="is the dtype"):
        save(np.dtype([("a", "f4")]), tmp_path / "x")
    assert os.listdir(tmp_path) == []


def test_a_link_to_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    (tmp_path / "latest").symlink_to(tmp_path / "x.safetensors")
    save({"w": tg.ones(1)}, tmp_path / "latest")
    assert load(tmp_path / "latest")["w"].item() == load(tmp_path / "x.safetensors")["w"].item() == 1.0


def test_names_and_dtypes_in_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    names = ["a/b", "ü.x", ' "q" ', "..", "", "_metadata_"]
    save({name: tg.full((1,), float(i)) for i, name in enumerate(names)}, path)
    assert {name: t.item() for name, t in load(path).items()} == {name: i for i, name in enumerate(names)}
    whole = path.read_bytes()
    with pytest.raises(ValueError, match="'__metadata__' is not the name"):
        save({"__metadata__": tg.ones(1)}, path)
    for dtype in (np.complex64, np.complex128, "<U3", "M8[s]"):
        with pytest.raises(TypeError, match=r"holds no (complex numbers|array of dtype)"):
            save({"c": np.zeros(1, dtype)}, path)
    assert path.read_bytes() == whole
    for code in ("f2", "f4", "f8", "i1", "i8", "u1", "u4", "?"):
        array = np.arange(3).astype(np.dtype(code).newbyteorder(">"))
        save({"a": array}, path)
        assert load(path)["a"].numpy().tolist() == array.tolist()


def test_text_beside_the_object(tmp_path):
    """It is there for who asks, and `load` gives what it gives without it."""
    pytest.importorskip("safetensors")
    state = nn.Linear(2, 1).state_dict()
    for name in ("a.tgc", "a.safetensors", "a.npz"):
        save(state, tmp_path / name, metadata={"classes": "cat ‖ dog"})
        assert load_metadata(tmp_path / name) == {"classes": "cat ‖ dog"}
        nn.Linear(2, 1).load_state_dict(load(tmp_path / name))
        assert load(tmp_path / name).keys() == state.keys()
        save(state, tmp_path / name)
        assert load_metadata(tmp_path / name) == {}
        with pytest.raises(TypeError, match="a dict of strings"):
            save(state, tmp_path / name, metadata={"classes": 3})
        with pytest.raises(UnicodeEncodeError):
            save(state, tmp_path / name, metadata={"classes": "\ud800"})
        assert load_metadata(tmp_path / name) == {}
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
        with pytest.raises(RuntimeError, match=name):
            load_metadata(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_metadata(tmp_path / "none.safetensors")
