"""What is written can be read back and is equal; what cannot be is refused before a byte is written."""

from __future__ import annotations

import enum
import io
import math
import os
from collections import Counter, OrderedDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_cnn as tg
from tinygrad_cnn.serialization import load, save
from tinygrad_cnn.serialization.encode import NESTED

EXAMPLES = int(os.environ.get("TINYGRAD_CNN_EXAMPLES", "60"))


def again(obj):
    file = io.BytesIO()
    save(obj, file)
    return load(file)


def equal(a, b):
    """Equality, as Python means it; of arrays and Tensors also dtype and shape, and nan is nan."""
    if isinstance(a, tg.Tensor):
        return type(a) is type(b) and a.requires_grad == b.requires_grad and equal(a._array, b._array)
    if isinstance(a, np.ndarray):
        same = isinstance(b, np.ndarray) and (a.dtype, a.shape) == (b.dtype, b.shape)
        return same and (a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, dict):
        return isinstance(b, dict) and len(a) == len(b) and all(equal(x, y) for x, y in zip(a.items(), b.items()))
    if isinstance(a, list | tuple):
        of_one_kind = isinstance(b, list if isinstance(a, list) else tuple)
        return of_one_kind and len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    return a == b or (a != a and b != b)


class Size(enum.IntEnum):
    SMALL = 7


class Name(str, enum.Enum):
    FIRST = "first"


class Loud(str):
    """Two of these are never equal, and what `str` gives of one is not what it is."""

    def __str__(self):
        return "loud"

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


Pair = namedtuple("Pair", "a b")

KINDS = {
    "an enum of numbers": [Size.SMALL, {Size.SMALL: 1}],
    "an enum of text": [Name.FIRST, {Name.FIRST: 1}],
    "surrogates": ["\ud83d\ude00", "😀", "\ude00\ud83d", {"\ud83d\ude00": 1, "😀": 2}],
    "a frozenset as a key": {frozenset({1, 2}): 3},
    "a frozenset in a set": {frozenset({1, (2, "a")})},
    "keys of a dict that are equal to nothing": {math.nan: 1},
    "subclasses": [Counter("aab"), defaultdict(list, a=[1]), Pair(1, 2), tg.ones(2, 3).shape, bytearray(b"x")],
    "a dict that cannot be changed": MappingProxyType({"a": 1}),
    "a huge number": [2**10_000, -(2**10_000), 10**700],
    "numbers of NumPy": [np.float64(0.1), np.complex128(1j), np.longdouble(1) / 3, np.str_("a"), np.bytes_(b"a")],
    "keys that are numbers of NumPy": {np.float32(0.1): 1, np.int8(3): 2, np.float64(0.5): 3, np.datetime64(1, "s"): 4},
    "dates": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "a view of a matrix": np.asarray(np.arange(4.0).reshape(2, 2)).T,
    "an array of zero bytes": np.array(["", ""], "S0"),
    "an array of 32 dimensions": np.zeros((1,) * 32),
    "big-endian": np.arange(3, dtype=">i4"),
    "a dtype that knows more": np.zeros(2, np.dtype("f4", metadata={"a": 1})),
    "dtypes": [np.dtype(">f4"), np.dtype("M8[25s]"), np.dtype("S3"), np.dtype(object), np.dtype(np.longdouble)],
}


@pytest.mark.parametrize("name", KINDS)
def test_odd_values_come_back(name):
    assert equal(KINDS[name] if name[:6] != "a dict" else dict(KINDS[name]), again(KINDS[name]))


def nested(kind, levels):
    obj = kind()
    for _ in range(levels - 1):
        obj = kind([obj]) if kind is not dict else {1: obj}
    return obj


@pytest.mark.parametrize("kind", [list, tuple, frozenset, dict])
def test_as_deep_as_is_promised(kind):
    assert again(nested(kind, NESTED)) == nested(kind, NESTED)
    with pytest.raises(ValueError, match="nested too deeply, or holds itself; at most 100 levels"):
        save(nested(kind, NESTED + 1), io.BytesIO())


def held(kind):
    """Something that holds itself."""
    obj = kind()
    inner = (obj,)
    obj.append(inner) if kind is list else obj.update(a=inner)
    return obj


REFUSED = {
    "a list that holds itself": (held(list), ValueError, "or holds itself"),
    "a dict that holds itself": (held(dict), ValueError, "or holds itself"),
    "texts that are one": ({Loud("a"): 1, Loud("a"): 2}, ValueError, "a key is there twice"),
    "texts that are one, in a set": ({Loud("a"), Loud("a")}, ValueError, "an element is there twice"),
    "bytes without meaning": ([np.zeros(2, "V3")], TypeError, r"the object\[0\] is an array of dtype \|V3"),
    "a number without meaning": (np.void(b"abc"), TypeError, "an array of dtype"),
    "fields": (np.zeros(2, [("a", "f4")]), TypeError, "an array of dtype"),
    "text of any length": (np.array(["a"], np.dtypes.StringDType()), TypeError, "an array of dtype StringDType"),
    "its dtype": (np.dtypes.StringDType(), TypeError, "is the dtype StringDType"),
    "a dtype with a shape": (np.dtype("(2,)f4"), TypeError, "is the dtype"),
    "a masked array": ({"a": np.ma.array([1, 2], mask=[0, 1])}, TypeError, r"\['a'\] is a masked array"),
    "a range": ([range(3)], TypeError, r"the object\[0\] is a range"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("there", [False, True])
def test_what_would_not_come_back_is_not_written(tmp_path, name, there):
    obj, kind, message = REFUSED[name]
    path = tmp_path / "x"
    if there:
        path.write_text("old")
    with pytest.raises(kind, match=message):
        save(obj, path)
    assert os.listdir(tmp_path) == ["x"] * there
    assert not there or path.read_text() == "old"


def test_dtypes_that_numpy_has_not():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for name in ("bfloat16", "float8_e4m3fn", "int4"):
        with pytest.raises(TypeError, match=name):
            save(np.zeros(2, getattr(ml_dtypes, name)), io.BytesIO())
        with pytest.raises(TypeError, match="is the dtype"):
            save(np.dtype(getattr(ml_dtypes, name)), io.BytesIO())


def test_files_that_are_open_for_text(tmp_path):
    with (tmp_path / "x").open("w+") as file:
        for call in (lambda: save([1], file), lambda: load(file)):
            with pytest.raises(TypeError, match="in binary mode"):
                call()


# Anything that is made of values.

characters = st.characters(exclude_categories=())  # surrogates as well
numbers = st.one_of(st.integers(), st.floats(allow_nan=False), st.complex_numbers(allow_nan=False), st.booleans())
dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(),
    hnp.complex_number_dtypes(), hnp.datetime64_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes(),
)  # fmt: skip
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=3))
tensors = hnp.arrays(hnp.floating_dtypes(endianness="="), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)).filter(
    lambda a: a.dtype.itemsize <= 8
)
keys = st.recursive(
    st.one_of(st.none(), numbers, st.text(characters, max_size=4), st.binary(max_size=3)),
    lambda inner: st.one_of(st.tuples(inner), st.frozensets(inner, max_size=3), st.tuples(inner, inner)),
    max_leaves=4,
)
leaves = st.one_of(
    keys, st.floats(), st.complex_numbers(), arrays, tensors.map(tg.from_numpy), arrays.map(np.asarray),
    tensors.map(lambda a: tg.nn.Parameter(tg.from_numpy(a))), dtypes, st.sets(keys, max_size=3),
    st.sampled_from([Size.SMALL, Name.FIRST, np.float32(0.1), np.bool_(True), tg.device("cpu")]),
)  # fmt: skip
objects = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(st.text(characters), inner, max_size=3),
        st.dictionaries(keys, inner, max_size=2).map(OrderedDict),
    ),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None)
@given(objects)
def test_anything_comes_back(obj):
    assert equal(obj, again(obj))
