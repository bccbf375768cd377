"""bfloat16 in .safetensors, and what NumPy has no numbers for."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.serialization import load, save

pytest.importorskip("safetensors")


def written(path, **tensors):
    """A file of these (dtype, shape, bytes), without the library."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_bfloat16_is_read_as_float32_and_said_so(tmp_path):
    """All 65,536 of them: the upper half of a float32."""
    halves = np.arange(2**16, dtype="<u2")
    path = written(tmp_path / "x.safetensors", a=("BF16", [256, 256], halves.tobytes()), b=("F32", [1], b"\0\0\x80?"))
    with pytest.warns(UserWarning, match=r"x\.safetensors: 1 of 2 tensors are bfloat16.*read as float32"):
        held = load(path)
    assert (held["a"].shape, held["a"].dtype, held["b"].tolist()) == ((256, 256), np.float32, [1.0])
    np.testing.assert_array_equal(held["a"].numpy().view(np.uint32).ravel(), halves.astype(np.uint32) << 16)
    save(held, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tg.equal(load(path)["b"], held["b"])


@pytest.mark.parametrize("shape", [[], [0], [3, 0, 2]])
def test_scalars_and_nothing(tmp_path, shape):
    n = int(np.prod(shape))
    path = written(tmp_path / "x.safetensors", a=("BF16", shape, b"\x80\x3f" * n), b=("I64", shape, bytes(8 * n)))
    with pytest.warns(UserWarning, match="bfloat16"):
        held = load(path)
    assert [t.shape for t in held.values()] == [tuple(shape)] * 2
    assert (held["a"].numpy() == 1).all()


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_float8_is_refused_in_words(tmp_path, dtype):
    path = written(tmp_path / "x.safetensors", a=("F32", [1], bytes(4)), b=(dtype, [2], bytes(2)))
    with pytest.raises(RuntimeError, match=rf"x\.safetensors holds {dtype}, which NumPy has not; in PyTorch.*float"):
        load(path)


def test_what_is_read_can_be_changed(tmp_path):
    path = written(tmp_path / "x.safetensors", a=("F32", [2], bytes(8)))
    held = load(path)
    held["a"].add_(1)
    assert held["a"].tolist() == [1.0, 1.0]


def test_pytorchs_bfloat16(pytorch, tmp_path):
    def by_theirs(torch):
        from safetensors import torch as safetensors

        state = {"w": torch.arange(-4, 4, dtype=torch.bfloat16) / 3}
        return {"file": safetensors.save(state).hex(), "w": state["w"].float()}

    answer = pytorch(by_theirs)
    (tmp_path / "x.safetensors").write_bytes(bytes.fromhex(answer["file"]))
    with pytest.warns(UserWarning, match="bfloat16"):
        assert load(tmp_path / "x.safetensors")["w"].tolist() == answer["w"].tolist()
