"""Files of torch.save are refused with two lines that convert them, and these do."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.serialization import load, save

MAGIC = 0x1950A86A20F9469CFC6C


def refusal(path):
    with pytest.raises(RuntimeError, match=r"made by torch\.") as caught:
        load(path)
    return str(caught.value)


def zipped(path, *pickles, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for content in pickles:
            archive.writestr("archive/data.pkl", content)
        for name, content in entries.items():
            archive.writestr(f"archive/{name}.pkl", content)
    return path


def test_the_lines_tell_what_the_file_holds(tmp_path):
    state, model = pickle.dumps(OrderedDict(a=1), 2), pickle.dumps(nn.ReLU(), 2)
    cases = {
        "state.pt": (zipped(tmp_path / "state.pt", state), "weights_only=True).items()", "more than a state_dict"),
        "model.pt": (zipped(tmp_path / "model.pt", model), "weights_only=False).state_dict().items()", "a model and"),
        "jit.pt": (zipped(tmp_path / "jit.pt", model, constants=b""), "torch.jit.load(", "made by torch.jit.save"),
    }
    old = tmp_path / "old.pth"
    for content, load_it in ((state, "weights_only=True)"), (model, "weights_only=False).state_dict()")):
        old.write_bytes(b"".join([pickle.dumps(MAGIC, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2), content]))
        assert load_it in refusal(old)
    for name, (path, *parts) in cases.items():
        said = refusal(path)
        assert all(part in said for part in parts), said
        first, second = said.splitlines()[1:]
        assert first == "import torch; from safetensors.torch import save_file"
        assert repr(str(path)) in second
        assert repr(str(path.with_suffix(".safetensors"))) in second
        compile(f"{first}\n{second}", name, "exec")
    with old.open("rb") as file:
        assert "torch.load('model.pt'" in refusal(file)


def test_a_pickle_is_named(tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(RuntimeError, match="begins as a pickle, which can run code"):
        load(tmp_path / "x.pkl")


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x02c", b"\x80\x04]"]
)
def test_cut_off(content):
    with pytest.raises(RuntimeError, match="no whole file"):
        load(io.BytesIO(content))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["zip", "old", "model"])
def test_the_lines_convert(pytorch, tmp_path, form):
    """What PyTorch writes is refused; run in PyTorch, the lines of the refusal write what we read."""
    path = tmp_path / "net.pt"

    def made(torch):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 2))
        net[2].bias = net[1].weight  # which stand on one memory
        state = net if form == "model" else net.state_dict()
        torch.save(state, path, _use_new_zipfile_serialization=form != "old")
        return {"file": path.read_bytes().hex(), "state": dict(net.state_dict())}

    def same(fresh, recorded):  # a zip archive of torch.save has an identity of its own
        return "" if fresh.keys() == recorded.keys() else "other keys"

    def converted(torch):
        for line in refusal(path).splitlines()[1:]:
            exec(line, scope)
        return path.with_suffix(".safetensors").read_bytes().hex()

    scope = {}
    answer = pytorch(made, differ=same)
    path.write_bytes(bytes.fromhex(answer["file"]))
    pytest.importorskip("safetensors")
    content = pytorch(converted)
    path.with_suffix(".safetensors").write_bytes(bytes.fromhex(content))
    held = load(path.with_suffix(".safetensors"))
    assert held.keys() == answer["state"].keys()
    for name, value in answer["state"].items():
        np.testing.assert_array_equal(held[name].numpy(), value)


# PyTorch's arguments


def test_arguments_are_pytorchs(tmp_path):
    path = tmp_path / "x"
    save({"w": tg.ones(1)}, path, pickle, 4, _use_new_zipfile_serialization=False)
    save({"w": tg.ones(1)}, path, pickle_module=pickle, pickle_protocol=2)
    for arguments in (
        dict(weights_only=True), dict(weights_only=False), dict(weights_only=None), dict(mmap=True), dict(mmap=False),
        dict(weights_only=False, pickle_module=pickle), dict(weights_only=False, encoding="latin1"),
        dict(weights_only=True, mmap=None),
    ):  # fmt: skip
        assert load(path, **arguments)["w"].item() == 1
        assert load(str(path), "cpu", **arguments)["w"].item() == 1


def test_arguments_that_pytorch_refuses(tmp_path):
    path = tmp_path / "x"
    save([1], path)
    with pytest.raises(RuntimeError, match="pickle_module"):
        load(path, pickle_module=pickle)
    with path.open("rb") as file, pytest.raises(ValueError, match="mmap=True takes the path"):
        load(file, mmap=True)
    with pytest.raises(TypeError, match="unknown argument weights_onyl"):
        load(path, weights_onyl=True)


# a state of the time before batches were counted


@pytest.mark.parametrize("ending", ["pt", "npz", "safetensors"])
def test_batch_norm_without_a_count(tmp_path, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    net, again = (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)) for _ in range(2))
    net(tg.randn(4, 3))
    state = net.state_dict()
    del state["1.num_batches_tracked"]
    save(state, tmp_path / f"x.{ending}")
    again.load_state_dict(load(tmp_path / f"x.{ending}"))
    assert tg.equal(net[1].running_mean, again[1].running_mean)
    assert again[1].num_batches_tracked.item() == 0
