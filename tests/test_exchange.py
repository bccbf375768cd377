"""Memory that other libraries have or get: DLPack both ways, and buffers of Python."""

from __future__ import annotations

import array
import gc
import mmap
import weakref

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.utils.dlpack import from_dlpack, to_dlpack

# What NumPy gets of a tensor.

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32",
          "float64", "complex64", "complex128"]  # fmt: skip
SEEN = {
    "whole": lambda t: t,
    "turned": lambda t: t.T,
    "a part": lambda t: t[1:, ::2],
    "a column": lambda t: t[:, 1],
    "expanded": lambda t: t[:1].expand(5, 4),
    "a number": lambda t: t[1, 2],
    "nothing": lambda t: t[:0],
    "another shape": lambda t: t.view(2, 2, 3),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seen", SEEN)
def test_there_and_back_is_the_same_memory(dtype, seen):
    numbers = np.arange(12).reshape(3, 4).astype(dtype)
    t = SEEN[seen](tg.from_numpy(numbers))
    there = np.from_dlpack(t)
    back = tg.from_dlpack(there)
    for other in (there, back.numpy()):
        assert (other.dtype, other.shape, other.strides) == (t.dtype, t.shape, t.numpy().strides)
        np.testing.assert_array_equal(other, t.numpy())
    assert t.numel() == 0 or np.shares_memory(back.numpy(), numbers)


def test_a_change_of_one_is_a_change_of_the_other():
    t, a = tg.zeros(2, 3), np.zeros((2, 3), np.float32)
    np.from_dlpack(t)[1, 2] = 5
    tg.from_dlpack(a).add_(1)
    assert (t[1, 2].item(), a.tolist()) == (5, [[1] * 3] * 2)
    tg.from_dlpack(t).fill_(7)
    assert t.tolist() == [[7] * 3] * 2


def test_the_memory_lives_as_long_as_anyone_needs_it():
    t = tg.ones(1000)
    there = np.from_dlpack(t)
    del t
    gc.collect()
    assert there.sum() == 1000
    a = np.ones(1000)
    gone = weakref.ref(a)
    back = tg.from_dlpack(a)
    del a
    gc.collect()
    assert back.sum().item() == 1000
    del back
    gc.collect()
    assert gone() is None


def test_what_pytorch_gets_and_gives(pytorch):
    """PyTorch writes into our memory, and we into its; what it computes of ours is what we compute."""

    def there(torch):
        t = tg.arange(6.0).reshape(2, 3)
        seen = torch.from_dlpack(t.T)
        seen[0, 1] = 9
        theirs = torch.zeros(2, 2, dtype=torch.int64)
        tg.from_dlpack(theirs)[1] = 4
        tg.from_dlpack(torch.utils.dlpack.to_dlpack(theirs))[0] = 3
        shapes = [list(torch.from_dlpack(SEEN[seen](tg.ones(3, 4))).shape) for seen in SEEN]
        turned = torch.from_dlpack(tg.from_numpy(np.arange(3.0)[::-1]))
        capsule = torch.utils.dlpack.from_dlpack(tg.ones(2).__dlpack__())
        return [t.tolist(), seen.tolist(), theirs.tolist(), shapes, turned.tolist(), capsule.tolist()]

    assert pytorch(there) == [
        [[0, 1, 2], [9, 4, 5]],
        [[0, 9], [1, 4], [2, 5]],
        [[3, 3], [4, 4]],
        [list(SEEN[seen](tg.ones(3, 4)).shape) for seen in SEEN],
        [2, 1, 0],
        [1, 1],
    ]


def test_who_asks_pytorch_for_what_it_cannot_share(pytorch):
    def said(torch):
        found = []
        for t in (torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.bfloat16)):
            try:
                tg.from_dlpack(t)
            except (BufferError, RuntimeError) as error:
                found.append(f"{type(error).__name__}: {error}")
        return found

    grad, bfloat16 = pytorch(said)
    assert "BufferError" in grad
    assert "from_dlpack: a Tensor cannot be shared: Can't export tensors that require gradient" in grad
    assert "RuntimeError: from_dlpack: a Tensor cannot be shared: Unsupported dtype" in bfloat16


# the protocol


def name(capsule):
    return repr(capsule).split('"')[1]


def test_versions_devices_and_streams():
    t = tg.ones(2)
    assert tuple(t.__dlpack_device__()) == (1, 0)
    assert name(t.__dlpack__()) == name(t.__dlpack__(max_version=(0, 8))) == "dltensor"
    assert name(t.__dlpack__(max_version=(1, 0))) == "dltensor_versioned"
    for fine in (dict(stream=None), dict(stream=-1), dict(dl_device=(1, 0)), dict(copy=None), dict(copy=False)):
        assert name(t.__dlpack__(**fine)) == "dltensor"
    with pytest.raises(TypeError, match="stream must be int or None, got str"):
        t.__dlpack__(stream="1")
    with pytest.raises(ValueError, match="stream should be None on cpu"):
        t.__dlpack__(stream=1)
    with pytest.raises(BufferError, match=r"cannot move a tensor from cpu to the device \(2, 0\)"):
        t.__dlpack__(dl_device=(2, 0))


@pytest.mark.parametrize("t", [tg.ones(2, requires_grad=True), nn.Parameter(tg.ones(2))], ids=["tensor", "parameter"])
def test_what_requires_grad_is_not_handed_on(t):
    for asked in (t, t * 2):
        with pytest.raises(BufferError, match=r"Can't export tensors that require gradient, use tensor\.detach\(\)"):
            np.from_dlpack(asked)
        with tg.no_grad(), pytest.raises(BufferError, match="require gradient"):
            t.__dlpack__()
    np.from_dlpack(t.detach())[0] = 3
    assert t.tolist() == [3.0, 1.0]


def test_copies():
    a, t = np.zeros(2), tg.zeros(2)
    tg.from_dlpack(a, copy=True)[0] = 1
    tg.from_dlpack(t.__dlpack__(copy=True))[0] = 1
    tg.from_dlpack(t, copy=True)[0] = 1
    assert (a.tolist(), t.tolist()) == ([0, 0], [0, 0])
    tg.from_dlpack(a, copy=False, device="cpu")[0] = 1
    assert a.tolist() == [1, 0]
    turned = tg.from_numpy(np.arange(3.0)[::-1])
    assert np.from_dlpack(turned).tolist() == [2, 1, 0]
    with pytest.raises(BufferError, match=r"strides \(-8,\) cannot be shared without copying"):
        turned.__dlpack__(copy=False)


def test_memory_that_must_not_be_written_to():
    a = np.zeros(2)
    a.flags.writeable = False
    t = tg.from_dlpack(a)
    with pytest.raises(RuntimeError, match="read-only"):
        t.add_(1)
    assert not np.from_dlpack(t).flags.writeable
    assert tg.from_dlpack(a, copy=True).add_(1).tolist() == [1, 1]


class Older:
    """A library that knows nothing of versions, copies and devices."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_libraries_that_are_older():
    a = np.zeros(2)
    tg.from_dlpack(Older(a)).add_(1)
    tg.from_dlpack(Older(a), copy=False, device="cpu").add_(1)
    tg.from_dlpack(Older(a), copy=True).add_(1)
    tg.from_dlpack(a.__dlpack__()).add_(1)
    from_dlpack(to_dlpack(tg.from_numpy(a))).add_(1)
    assert a.tolist() == [4, 4]


class Immutable(Older):
    """One whose arrays never change, which only its arrays in NumPy tell."""

    def __array__(self, dtype=None, copy=None):
        array = self.array.view()
        array.flags.writeable = False
        return array


def test_a_library_whose_arrays_never_change():
    a = np.zeros(2)
    with pytest.raises(RuntimeError, match="read-only"):
        tg.from_dlpack(Immutable(a)).add_(1)
    assert a.tolist() == [0, 0]


class Elsewhere(Older):
    def __dlpack_device__(self):
        return (2, 0)


REFUSED = {
    "a list": (lambda: tg.from_dlpack([1]), TypeError, "a tensor or an array with __dlpack__, or a capsule, got list"),
    "text": (lambda: tg.from_dlpack(np.array(["a"])), BufferError, "a ndarray cannot be shared"),
    "the other byte order": (lambda: tg.from_dlpack(np.arange(3, dtype=">i4")), BufferError, "native byte order"),
    "another device": (lambda: tg.from_dlpack(Elsewhere(np.zeros(2))), BufferError, r"DLPack's device \(2, 0\)"),
    "to another device": (lambda: tg.from_dlpack(np.zeros(2), device="cuda"), RuntimeError, "computes on the CPU"),
    "a capsule, copied": (lambda: tg.from_dlpack(to_dlpack(tg.ones(1)), copy=True), TypeError, "taken as it is"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_a_capsule_is_used_once():
    capsule = tg.ones(2).__dlpack__()
    tg.from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="a capsule can be used once"):
        tg.from_dlpack(capsule)


# buffers

BUFFERS = {
    "ints": (lambda: array.array("i", [1, 2, 3]), dict(dtype="int32")),
    "a part": (lambda: array.array("i", [1, 2, 3]), dict(dtype="int32", count=2, offset=4)),
    "all that is left": (lambda: bytearray(b"abcdefgh"), dict(dtype="int16", offset=2, count=-7)),
    "a part of the bytes": (lambda: bytearray(b"abcde"), dict(dtype="int32", count=1)),
    "between": (lambda: bytearray(b"abcde"), dict(dtype="int32", offset=1)),
    "bools": (lambda: bytearray(b"\1\0\1"), dict(dtype="bool")),
    "a matrix": (lambda: np.ones((2, 2)), dict(dtype="float64")),
    "requires grad": (lambda: bytearray(8), dict(dtype="float32", requires_grad=True)),
    "nothing": (lambda: bytearray(), dict(dtype="uint8")),
    "none of it": (lambda: bytearray(4), dict(dtype="uint8", count=0)),
    "before it": (lambda: bytearray(4), dict(dtype="uint8", offset=-1)),
    "behind it": (lambda: bytearray(4), dict(dtype="uint8", offset=4)),
    "a half": (lambda: bytearray(5), dict(dtype="int32")),
    "too much": (lambda: bytearray(4), dict(dtype="int32", count=2)),
    "ints that require grad": (lambda: bytearray(4), dict(dtype="int32", requires_grad=True)),
    "a list": (lambda: [1], dict(dtype="int32")),
    "text": (lambda: "abc", dict(dtype="uint8")),
    "every other": (lambda: np.arange(6)[::2], dict(dtype="int64")),
    "an offset between": (lambda: bytearray(4), dict(dtype="uint8", offset=1.0)),
}


@pytest.mark.parametrize("name", BUFFERS)
def test_buffers_are_read_as_pytorch_reads_them(pytorch, name):
    make, arguments = BUFFERS[name]

    def asked(m):
        told = {**arguments, "dtype": getattr(m, arguments["dtype"])}
        return pytorch.attempt(lambda: m.frombuffer(make(), **told))

    pytorch.agrees(asked)


def test_a_buffer_is_shared(tmp_path):
    memory = bytearray(8)
    tg.frombuffer(memory, dtype=tg.float32)[1] = 1
    assert memory == b"\0\0\0\0\0\0\x80?"
    (tmp_path / "x").write_bytes(bytes(8))
    with (tmp_path / "x").open("r+b") as file:
        t = tg.frombuffer(mmap.mmap(file.fileno(), 8), dtype=tg.int64)
    t.add_(3)
    assert (tmp_path / "x").read_bytes()[0] == 3


def test_bytes_can_only_be_read():
    t = tg.frombuffer(b"abcd", dtype=tg.uint8)
    assert t.tolist() == [*b"abcd"]
    with pytest.raises(RuntimeError, match="read-only"):
        t.add_(1)


def test_a_dtype_must_be_told():
    for told in ({}, {"dtype": None}):
        with pytest.raises(TypeError, match="dtype"):
            tg.frombuffer(bytearray(4), **told)
    with pytest.raises(TypeError, match="cannot make a Tensor of dtype"):
        tg.frombuffer(bytearray(16), dtype=np.longdouble)
    with pytest.raises(RuntimeError, match="of objects"):
        tg.frombuffer(np.array([{}]), dtype=tg.int64)
