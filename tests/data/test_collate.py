"""default_collate and default_convert: what becomes of samples of every kind."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader, TensorDataset, default_collate, default_convert

Point = namedtuple("Point", "x y")


def plain(batch):
    """Tensors as (values, dtype), everything else as it is, containers gone through."""
    if hasattr(batch, "tolist"):
        return batch.tolist(), str(batch.dtype).removeprefix("torch.")
    if isinstance(batch, dict):
        return type(batch).__name__, {k: plain(v) for k, v in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch).__name__, [plain(v) for v in batch]
    return batch


# What is collated, with `t` for the library's way to make a tensor.
BATCHES = {
    "tensors": lambda t: [t([1.0, 2.0]), t([3.0, 4.0])],
    "0-d tensors": lambda t: [t(1), t(2), t(3)],
    "arrays": lambda t: [np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)],
    "uint8 arrays": lambda t: [np.ones(2, np.uint8)] * 3,
    "bool arrays": lambda t: [np.array([True, False])] * 2,
    "numpy scalars": lambda t: [np.float32(1), np.float32(2)],
    "float64 scalars": lambda t: [np.float64(1), np.float64(2)],
    "floats": lambda t: [1.5, 2.5],
    "a float and an int": lambda t: [1.5, 2],
    "an int and a float": lambda t: [2, 1.5],
    "ints": lambda t: [1, 2, -3],
    "bools": lambda t: [True, False],
    "strings": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a", b"b"],
    "tuples": lambda t: [(1, "a"), (2, "b")],
    "lists": lambda t: [[1, 2.0], [3, 4.0]],
    "dicts": lambda t: [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}],
    "ordered dicts": lambda t: [OrderedDict(x=1), OrderedDict(x=2)],
    "named tuples": lambda t: [Point(1, 2.0), Point(3, 4.0)],
    "nested": lambda t: [({"image": t([1.0]), "tags": ["p", "q"]}, 1), ({"image": t([2.0]), "tags": ["r", "s"]}, 2)],
    "one sample": lambda t: [(t([1.0]), 3)],
    "empty arrays": lambda t: [np.zeros((0, 2))] * 2,
    "ranges": lambda t: [range(2), range(2)],
}


@pytest.mark.parametrize("name", BATCHES)
def test_collate_is_pytorchs(pytorch, name):
    pytorch.agrees(lambda m: plain(m.utils.data.default_collate(BATCHES[name](m.tensor))))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tensors", ([[1.0, 2.0], [3.0, 4.0]], "float32")),
        ("floats", ([1.5, 2.5], "float64")),
        ("ints", ([1, 2, -3], "int64")),
        ("bools", ([True, False], "bool")),
        ("strings", ("list", ["a", "b"])),
        ("tuples", ("list", [([1, 2], "int64"), ("tuple", ["a", "b"])])),
        ("named tuples", ("Point", [([1, 3], "int64"), ([2.0, 4.0], "float64")])),
        ("dicts", ("dict", {"x": ([1, 2], "int64"), "y": ("list", ["a", "b"])})),
    ],
)
def test_collate(name, expected):
    assert plain(default_collate(BATCHES[name](tg.tensor))) == expected


def test_a_container_that_is_not_made_of_its_content_becomes_a_plain_one():
    assert type(default_collate([defaultdict(int, x=1)])) is dict


def test_collate_keeps_the_graph():
    x = tg.ones(2, requires_grad=True)
    default_collate([x, x * 2]).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_a_batch_does_not_share_memory_with_its_samples():
    sample = np.zeros(2)
    batch = default_collate([sample])
    sample[0] = 1
    assert batch.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([np.zeros(3), np.zeros(4)], RuntimeError, r"equal size, but got \(3,\) at entry 0 and \(4,\) at entry 1"),
        ([np.zeros((3, 2)), np.zeros(3)], RuntimeError, "entry 1"),
        ([(1, 2), (1,)], RuntimeError, r"equal size, got lengths \[2, 1\]"),
        ([object()], TypeError, "found builtins.object.*ToTensor.*collate_fn"),
        ([None, None], TypeError, "found builtins.NoneType"),
        ([np.array(["a"])], TypeError, "dtype <U1"),
        ([np.zeros(2), 3], TypeError, "at entry 1 builtins.int"),
        ([], IndexError, "at least one sample"),
        ([{"x": 1}, {"y": 1}], KeyError, "x"),
    ],
)
def test_collate_refuses(batch, error, message):
    with pytest.raises(error, match=message):
        default_collate(batch)


CONVERTED = {
    "an array": np.ones(2, np.float32),
    "a numpy scalar": np.int64(3),
    "numbers": (1, 2.5, "a", None),
    "a dict": {"x": np.zeros(1), "y": 2},
    "a named tuple": Point(np.zeros(1), 1),
    "a list": [np.zeros(1), b"x"],
    "an array of strings": np.array(["a"]),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_convert_is_pytorchs(pytorch, name):
    def converted(m):
        found = m.utils.data.default_convert(CONVERTED[name])
        return plain(found), isinstance(found, m.Tensor)

    pytorch.agrees(converted)


def test_convert_shares_memory():
    a = np.zeros(2)
    default_convert({"x": a})["x"].numpy()[0] = 5
    assert a.tolist() == [5, 0]


TEXTS = [[np.str_("a"), np.str_("b")], [np.bytes_(b"a"), np.bytes_(b"b")], ["a", np.str_("b")], [b"a", b"b"]]


@pytest.mark.parametrize("batch", TEXTS, ids=str)
def test_text_of_numpy_stays_text(batch):
    assert default_collate(batch) == batch
    assert default_collate([{"path": x, "n": i} for i, x in enumerate(batch)])["path"] == batch
    assert default_collate([(x, np.float32(1)) for x in batch])[0] == tuple(batch)
    assert default_convert(batch) == batch


@pytest.mark.parametrize("code", ["i2", "u4", "i8", "f2", "f4", "f8", "c8", "c16", "u2"])
def test_the_other_byte_order(code):
    a = np.arange(6).astype(np.dtype(code).newbyteorder(">")).reshape(3, 2)
    made = [
        default_collate([a[0], a[1]]),
        default_collate([a[0, 0], a[1, 0]]),
        default_collate([{"x": (a, 1)}])["x"][0],
        default_convert(a),
        default_convert([a])[0],
        TensorDataset(a).tensors[0],
        next(iter(DataLoader(TensorDataset(a), batch_size=3)))[0],
        next(iter(DataLoader(list(a), batch_size=3))),
        next(iter(DataLoader(list(a), batch_size=None))),
    ]
    for t in made:
        assert t.dtype == np.dtype(code)
        assert t.dtype.isnative
    assert made[0].tolist() == a[:2].tolist()
    assert made[6].tolist() == made[7].tolist() == a.tolist()


@pytest.mark.parametrize("n", [2**63, 2**70, -(2**63) - 1])
def test_an_int_that_is_too_long(n):
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        default_collate([1, n])


def test_a_masked_array_is_refused():
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    for make in (lambda: default_collate([masked]), lambda: default_convert(masked), lambda: TensorDataset(masked)):
        with pytest.raises(TypeError, match="masked"):
            make()
