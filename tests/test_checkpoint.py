"""Saving and loading: what comes back is what was saved, and what cannot come back says so."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import checkpoint, nn
from tinygrad_cnn.checkpoint import load, load_checkpoint, save, save_checkpoint


def _again(obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return load(file)


class Net(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.w = nn.Parameter(tg.randn(n))
        self.tied = self.w
        self.b = nn.Parameter(tg.zeros(()))
        self.register_buffer("seen", tg.tensor(0))

    def forward(self, x):
        self.seen += 1
        return x @ self.w + self.b


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
    state = _again(Net().state_dict())
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

    monkeypatch.setattr(checkpoint.os, "fsync", fails)
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
    "cuda": (_archive(_index({"device": "cuda"})), "cpu"),
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
    net = Net()
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


# going on with a training


def _training(seed=0):
    tg.manual_seed(seed)
    net = Net()
    opt = tg.optim.Adam(net.parameters(), lr=0.1)
    return net, opt, tg.optim.lr_scheduler.StepLR(opt, 2, gamma=0.5)


def _epochs(net, opt, plan, n):
    losses = []
    for _ in range(n):
        opt.zero_grad()
        loss = (net(tg.randn(4, 3)) ** 2).mean()
        loss.backward()
        opt.step()
        plan.step()
        losses.append(loss.item())
    return losses


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    straight = _epochs(*_training(), 7)
    first = _training()
    seen = _epochs(*first, 3)
    save_checkpoint(tmp_path / "x", *first, epoch=3, history=seen)
    second = _training(seed=9)
    more = load_checkpoint(tmp_path / "x", *second)
    assert more == {"epoch": 3, "history": seen}
    assert seen + _epochs(*second, 4) == straight
    assert second[0].seen.item() == 7


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    net, opt, plan = _training()
    _epochs(net, opt, plan, 1)
    other = tg.optim.SGD([{"params": [net.w]}, {"params": [net.b]}], lr=0.1)
    save_checkpoint(tmp_path / "x", net, opt)
    before = net.state_dict()["w"].clone().tolist()
    net.w.data.add_(1.0)
    changed = net.w.tolist()
    for parts, message in [
        ((Net(5),), "size mismatch"),
        ((net, other), "different number of parameter groups"),
        ((net, opt, plan), "holds no state of the scheduler"),
    ]:
        with pytest.raises((RuntimeError, ValueError), match=message):
            load_checkpoint(tmp_path / "x", *parts)
        assert net.w.tolist() == changed
    load_checkpoint(tmp_path / "x", net)
    assert net.w.tolist() == before


def test_not_a_checkpoint(tmp_path):
    save({"w": tg.ones(1)}, tmp_path / "x")
    with pytest.raises(RuntimeError, match="not made by save_checkpoint"):
        load_checkpoint(tmp_path / "x", Net())


def test_the_best_state_is_a_copy():
    """What a checkpoint holds does not follow the model, although a state_dict does."""
    net = Net()
    best = _again(net.state_dict())
    net.w.data.zero_()
    assert best["w"].tolist() != [0.0] * 3
    net.load_state_dict(best)
    assert net.w.tolist() == best["w"].tolist()


def test_public_names():
    assert tg.save is save
    assert tg.load is load


# the place that a file is written to

SAVER = """
import sys, tinygrad_cnn as tg
print("ready", flush=True)
n = int(sys.argv[2])
while True:
    tg.save({"n": n, "w": tg.full((200_000,), float(n))}, sys.argv[1])
"""


def _whole(path):
    held = load(path)
    return set(held["w"].tolist()) == {float(held["n"])}


def test_threads_that_save_to_one_path(tmp_path):
    path = tmp_path / "x.pt"
    errors = []

    def saves(n):
        try:
            for _ in range(8):
                save({"n": n, "w": tg.full((50_000,), float(n))}, path)
                assert _whole(path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=saves, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["x.pt"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_processes_that_save_to_one_path_and_are_killed(tmp_path):
    path = tmp_path / "x.pt"
    for _ in range(2):
        workers = [
            subprocess.Popen([sys.executable, "-c", SAVER, str(path), str(n)], stdout=subprocess.PIPE) for n in range(2)
        ]
        for process in workers:
            process.stdout.readline()
        time.sleep(0.3)
        for process in workers:
            process.kill()
            process.communicate()
    if path.exists():
        assert _whole(path)
    save({"n": 7, "w": tg.full((3,), 7.0)}, path)
    assert _whole(path)
    assert os.listdir(tmp_path) == ["x.pt"]


def test_parts_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    path = tmp_path / "x.pt"
    host = checkpoint._host()
    living, dead = os.getppid(), 2**22 + 12345
    for name in (f".x.pt.{host}.{living}.0.part", f".x.pt.elsewhere.{dead}.0.part", f".y.pt.{host}.{dead}.0.part"):
        (tmp_path / name).touch()
    kept = sorted(os.listdir(tmp_path))
    for name in (f".x.pt.{host}.{dead}.0.part", f".x.pt.{host}.{os.getpid()}.99999.part"):
        (tmp_path / name).touch()
    save([1], path)
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "x.pt"])


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs the devices of Unix")
@pytest.mark.parametrize("name", ["x", "x.safetensors"])
def test_what_is_no_file_is_written_to(tmp_path, name):
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors")
    save({"w": tg.ones(1)}, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left"):
        save({"w": tg.ones(1)}, "/dev/full")
    (tmp_path / f"full{name}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        save({"w": tg.ones(1)}, tmp_path / f"full{name}")
    pipe, got = tmp_path / name, []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    save({"w": tg.ones(2)}, pipe)
    reader.join()
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    (tmp_path / f"again{name}").write_bytes(got[0])
    assert load(tmp_path / f"again{name}")["w"].tolist() == [1.0, 1.0]
    with pytest.raises(IsADirectoryError):
        save({}, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs the modes of Unix")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_the_mode_stays(tmp_path, mode):
    path, link = tmp_path / "x", tmp_path / "link"
    save([1], path)
    new = stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert new == 0o666 & ~umask
    path.chmod(mode)
    link.symlink_to(path)
    for place in (path, link):
        save([2], place)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert link.is_symlink()


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "new").symlink_to(tmp_path / "made")
    save([1], tmp_path / "new")
    assert load(tmp_path / "made") == [1]
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match="symbolic links"):
        save([1], tmp_path / "circle")
    assert (tmp_path / "circle").is_symlink()


def test_a_long_name(tmp_path):
    path = tmp_path / ("ß" * 127)
    save([1], path)
    assert load(path) == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "x"
    save([1], path)
    program = (
        "import resource, sys, tinygrad_cnn as tg\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: tg.save(tg.zeros(10_000), sys.argv[1])\n"
        "except OSError as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("OSError\n", "")
    assert load(path) == [1]
    assert os.listdir(tmp_path) == ["x"]


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


# all or nothing


class Fussy(nn.Module):
    """Takes a state only with a good mood in it, which it looks at last."""

    def __init__(self, mood="good"):
        super().__init__()
        self.inner = nn.BatchNorm1d(2)
        self.mood = mood

    def get_extra_state(self):
        return {"mood": self.mood}

    def set_extra_state(self, state):
        self.mood = state["mood"]
        if self.mood == "bad":
            raise ValueError("in a bad mood")


def _everything(net, opt, plan):
    return _plain([net.state_dict(), opt.state_dict(), plan.state_dict(), tg.get_rng_state()])


def _plain(x):
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return x.tolist() if isinstance(x, tg.Tensor) else x


def _plan(opt, kind):
    lr = tg.optim.lr_scheduler
    if kind == "step":
        return lr.StepLR(opt, 2)
    if kind == "chained":
        return lr.ChainedScheduler([lr.StepLR(opt, 2), lr.ExponentialLR(opt, 0.9)])
    if kind == "one":
        return lr.ChainedScheduler([lr.StepLR(opt, 2)])
    if kind == "sequence":
        return lr.SequentialLR(opt, [lr.StepLR(opt, 2), lr.ExponentialLR(opt, 0.9)], [3])
    return lr.ReduceLROnPlateau(opt)


BROKEN = {
    "another kind of scheduler": (lambda held: None, "step", "plateau"),
    "another number of schedulers": (lambda held: None, "one", "chained"),
    "another kind of schedulers": (lambda held: None, "chained", "sequence"),
    "a scheduler's state that is none": (lambda held: held.update(scheduler=[1, 2]), "step", "step"),
    "a state within that is none": (
        lambda held: held["scheduler"]["_schedulers"].__setitem__(1, 3), "chained", "chained",
    ),
    "an optimizer's state of another shape": (
        lambda held: held["optimizer"]["state"][1].update(exp_avg=tg.ones(9)), "step", "step",
    ),
    "an optimizer's state that is none": (lambda held: held["optimizer"]["state"].update({1: 5}), "step", "step"),
    "a model in a bad mood": (lambda held: held["model"]["_extra_state"].update(mood="bad"), "step", "step"),
    "random numbers that are none": (lambda held: held.update(rng={"seed": 1, "numpy": {}}), "step", "step"),
    "random numbers left out": (lambda held: held.pop("rng"), "step", "step"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_changes_where_not_all_of_it_fits(name, tmp_path):
    change, saved, given = BROKEN[name]

    def parts(kind, lr):
        net = Fussy()
        opt = tg.optim.Adam(net.parameters(), lr=lr)
        plan = _plan(opt, kind)
        for _ in range(2):
            net.inner(tg.randn(4, 2)).square().sum().backward()
            opt.step()
            plan.step(1.0) if kind == "plateau" else plan.step()
        return net, opt, plan

    save_checkpoint(tmp_path / "x", *parts(saved, 0.1))
    held = load(tmp_path / "x")
    change(held)
    save(held, tmp_path / "x")
    net, opt, plan = parts(given, 0.2)
    before = _everything(net, opt, plan)
    group, inner = opt.param_groups[0], getattr(plan, "_schedulers", [None])[0]
    with pytest.raises((RuntimeError, ValueError, TypeError, AttributeError, KeyError)):
        load_checkpoint(tmp_path / "x", net, opt, plan)
    assert _everything(net, opt, plan) == before
    assert opt.param_groups[0] is group
    assert getattr(plan, "_schedulers", [None])[0] is inner
    save_checkpoint(tmp_path / "y", net, opt, plan)
    load_checkpoint(tmp_path / "y", net, opt, plan)


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
