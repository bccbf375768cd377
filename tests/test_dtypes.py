"""Which dtype a result has, and which number a tensor can hold: PyTorch's answers, as tables."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import tinygrad_cnn as tg

LETTERS = dict(
    zip("?uchilefd", (np.dtype(c) for c in ("?", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8")), strict=True)
)

# The dtype of input + other. Rows: input of each dtype, with axes, then without. Columns: other likewise, then the
# Python numbers True, 2 and 2.5.
SUMS = """
?uchilefd?uchilefd?lf uuhhilefduuuuuuefduuf chchilefdccccccefdccf hhhhilefdhhhhhhefdhhf iiiiilefdiiiiiiefdiif
llllllefdllllllefdllf eeeeeeefdeeeeeeeeeeee ffffffffdffffffffffff ddddddddddddddddddddd
?uchilefd?uchilefd?lf uuchilefduuhhilefduuf cuchilefdchchilefdccf huchilefdhhhhilefdhhf iuchilefdiiiiilefdiif
luchilefdllllllefdllf eeeeeeefdeeeeeeefdeee ffffffefdffffffffdfff ddddddefddddddddddddd
""".split()


def operands(scalars=True):
    made = [tg.ones(2, dtype=d) for d in LETTERS.values()] + [tg.tensor(1, dtype=d) for d in LETTERS.values()]
    return [*made, True, 2, 2.5] if scalars else made


def pairs():
    """(input, other, the letter of their sum)."""
    for input, row in zip(operands(scalars=False), SUMS, strict=True):
        for other, letter in zip(operands(), row, strict=True):
            yield input, other, letter


def letter_of(f, *args, **kwargs):
    """The dtype of the result as a letter, "." where the call is refused."""
    try:
        return f(*args, **kwargs).dtype.char
    except (RuntimeError, TypeError):
        return "."


def is_bool(x):
    return isinstance(x, bool) or (isinstance(x, tg.Tensor) and x.dtype.kind == "b")


def whole(letter):
    return letter in "?uchil"


NORMAL = {"l": np.dtype("i8").char, "?": "?", "c": "b", "u": "B", "h": "h", "i": "i", "e": "e", "f": "f", "d": "d"}
CHANGES = {  # from the letter of the sum, and the operands, to that of the result
    "add": lambda s, x, y: s,
    "mul": lambda s, x, y: s,
    "maximum": lambda s, x, y: s if isinstance(y, tg.Tensor) else ".",
    "sub": lambda s, x, y: "." if is_bool(x) or is_bool(y) else s,
    "div": lambda s, x, y: "f" if whole(s) else s,
    "floor_divide": lambda s, x, y: "." if s == "?" else s,
    "remainder": lambda s, x, y: "." if s == "?" else s,
    "pow": lambda s, x, y: "." if s == "?" else s,
    "bitwise_and": lambda s, x, y: s if whole(s) else ".",
    "bitwise_left_shift": lambda s, x, y: s if whole(s) and s != "?" else ".",
    "eq": lambda s, x, y: "?",
    "atan2": lambda s, x, y: "." if not isinstance(y, tg.Tensor) else "f" if whole(s) else s,
}


@pytest.mark.parametrize("name", CHANGES)
def test_promotion(name):
    f = getattr(tg, name)
    for x, y, total in pairs():
        wanted = CHANGES[name](total, x, y)
        assert NORMAL.get(wanted, ".") == letter_of(f, x, y), (x, y)


def test_promotion_of_choices():
    condition = tg.tensor([True, False])
    for x, y, total in pairs():
        assert NORMAL[total] == letter_of(tg.where, condition, x, y), (x, y)
        if total != "?":
            assert NORMAL[total] == letter_of(tg.clamp, x, y), (x, y)


@pytest.mark.parametrize("alpha", [2, 2.5, True])
def test_promotion_with_alpha(alpha):
    for x, y, total in pairs():
        fits = total == "?" if alpha is True else alpha == 2 or not whole(total)
        wanted = NORMAL[total] if fits else "."
        assert wanted == letter_of(tg.add, x, y, alpha=alpha), (x, y)
        assert (wanted if not (is_bool(x) or is_bool(y)) else ".") == letter_of(tg.sub, x, y, alpha=alpha), (x, y)


def test_alpha_is_a_factor_in_the_dtype_of_the_result():
    assert tg.add(tg.ones(1).half(), tg.tensor([1]), alpha=1.5).tolist() == [2.5]
    assert tg.add(tg.tensor([False]), tg.tensor([True]), alpha=2).tolist() == [True]
    assert tg.sub(tg.tensor([1], dtype=tg.uint8), 2, alpha=2).tolist() == [253]


KINDS = {"?": 0, **dict.fromkeys("uchil", 1), **dict.fromkeys("efd", 2)}


@pytest.mark.parametrize("name", ["add", "mul", "div"])
def test_a_result_goes_to_a_dtype_of_its_kind_or_a_higher_one(name):
    """In place and with out=."""
    for x, y, total in pairs():
        letter = CHANGES[name](total, x, y)
        broadcast = np.broadcast_shapes(x.shape, np.shape(y) if not isinstance(y, tg.Tensor) else y.shape)
        for d, target in LETTERS.items():
            fits = KINDS[letter] <= KINDS[d]
            if name in ("add", "mul"):
                assert (target.char if fits else ".") == letter_of(
                    getattr(tg, name), x, y, out=tg.empty(broadcast, dtype=target)
                ), (x, y, target)
            if target == x.dtype and broadcast == x.shape:
                changed = letter_of(lambda x, y: getattr(x.clone(), f"{name}_")(y), x, y)
                assert (target.char if fits else ".") == changed, (x, y)


def test_integers_of_one_kind_wrap_around():
    x = tg.tensor([250, 3], dtype=tg.uint8)
    assert x.add_(tg.tensor([10, 10])).tolist() == [4, 13]
    assert (x + -1).tolist() == [3, 12]
    assert (x * -1).tolist() == [252, 243]
    assert (x - -1).tolist() == [5, 14]
    assert (x & -1).tolist() == [4, 13]
    with pytest.raises(RuntimeError, match="uint8"):
        x // -1


# A number that is written to a tensor: what is there then, "." where it is refused.

WRITTEN = """
value   ?     u    c    l     e     f     d
True    True  1    1    1     1.0   1.0   1.0
2       True  2    2    2     2.0   2.0   2.0
2.7     True  2    2    2     2.7   2.7   2.7
-1      True  255  -1   -1    -1.0  -1.0  -1.0
-2.7    True  .    -2   -2    -2.7  -2.7  -2.7
300     True  .    .    300   300.0 300.0 300.0
-300    True  .    .    -300  -300.0 -300.0 -300.0
1e30    True  .    .    .     .     1e30  1e30
1e300   True  .    .    .     .     .     1e300
inf     True  .    .    .     inf   inf   inf
nan     True  .    .    .     nan   nan   nan
1j      True  .    .    .     .     .     .
""".split("\n")[1:-1]
HEAD, *ROWS = [line.split() for line in WRITTEN]


FIRST = tg.tensor([True, False])
WAYS = {
    "fill_": lambda x, value: x.clone().fill_(value),
    "setitem": lambda x, value: put(x.clone(), 0, value),
    "setitem of places": lambda x, value: put(x.clone(), FIRST, value),
    "masked_fill": lambda x, value: x.masked_fill(FIRST, value),
    "masked_fill_": lambda x, value: x.clone().masked_fill_(FIRST, value),
    "index_fill": lambda x, value: x.index_fill(0, tg.tensor([0]), value),
    "scatter": lambda x, value: x.scatter(0, tg.tensor([0]), value),
    "full": lambda x, value: tg.full((1,), value, dtype=x.dtype),
    "full_like": lambda x, value: tg.full_like(x, value),
    "new_full": lambda x, value: x.new_full((1,), value),
    "pad": lambda x, value: tg.nn.functional.pad(x, (1, 0), value=value),
    "threshold": lambda x, value: tg.nn.functional.threshold(x, 1, value),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_numbers_that_a_tensor_takes(row, way):
    names = {"inf": np.inf, "nan": np.nan}
    value = eval(row[0], names)
    for letter, wanted in zip(HEAD[1:], row[1:], strict=True):
        x = tg.zeros(2, dtype=LETTERS[letter])
        if wanted == ".":
            with pytest.raises(RuntimeError):
                WAYS[way](x, value)
            assert not x.any()
        else:
            there = WAYS[way](x, value)
            assert x.dtype == there.dtype
            expected = np.array(eval(wanted, names)).astype(x.dtype)
            assert np.array_equal(expected, there[0].numpy(), equal_nan=x.dtype.kind == "f"), letter


def put(x, index, value):
    x[index] = value
    return x


def test_a_tensor_of_one_number_is_taken_as_the_number():
    x, first = tg.tensor([1, 2]), tg.tensor([True, False])
    assert x.masked_fill(first, tg.tensor(2.5, dtype=tg.float64)).tolist() == [2, 2]
    assert first.masked_fill(first, tg.tensor(10)).tolist() == [True, False]
    v = tg.tensor(3.0, dtype=tg.float64, requires_grad=True)
    tg.ones(2).masked_fill(first, v).sum().backward()
    assert v.grad.item() == 1.0
    assert tg.float64 == v.grad.dtype


# What is written to places has the dtype of the tensor.


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x.scatter(0, tg.tensor([0]), y),
        lambda x, y: x.scatter_add(0, tg.tensor([0]), y),
        lambda x, y: x.scatter(0, tg.tensor([0]), y, reduce="multiply"),
        lambda x, y: x.index_add(0, tg.tensor([0]), y),
        lambda x, y: x.index_copy(0, tg.tensor([0]), y),
        lambda x, y: x.index_put((tg.tensor([0]),), y),
        lambda x, y: x.index_put((tg.tensor([0]),), y, True),
        lambda x, y: put(x.clone(), tg.tensor([0]), y),
    ],
)
def test_sources_have_the_dtype_of_their_target(write):
    for d in LETTERS.values():
        for other in LETTERS.values():
            letter = letter_of(write, tg.ones(2, dtype=d), tg.ones(1, dtype=other))
            assert (d.char if d == other else ".") == letter


def test_a_slice_is_a_copy_which_converts():
    assert put(tg.ones(2, dtype=tg.int64), slice(0, 1), tg.tensor([2.7])).tolist() == [2, 1]


def test_operators_in_place():
    x = tg.tensor([1, 2], dtype=tg.uint8)
    assert operator.iadd(x, tg.tensor([1, 1])) is x
    with pytest.raises(RuntimeError, match="float32"):
        operator.itruediv(x, 2)


def test_to_what_a_number_is():
    x = tg.tensor([0, 2], dtype=tg.uint8)
    assert x.to(True).tolist() == [False, True]
    assert x.to(1.5).dtype == tg.float64
    assert x.to(tg.float32, False, True).dtype == tg.float32


NO_DTYPES = ["S3", object, "M8[s]", "f4,f4", "V4", str, 3, [("a", "f4")], set, np.longdouble]
TAKERS = [
    *(lambda d, make=make: make(2, dtype=d) for make in (tg.zeros, tg.ones, tg.empty, tg.eye, tg.randperm, tg.rand)),
    *(lambda d, make=make: make(tg.ones(2), dtype=d) for make in (tg.zeros_like, tg.empty_like, tg.as_tensor)),
    lambda d: tg.arange(3, dtype=d),
    lambda d: tg.linspace(0, 1, 3, dtype=d),
    lambda d: tg.full((2,), 1, dtype=d),
    lambda d: tg.randint(3, (2,), dtype=d),
    lambda d: tg.normal(0.0, 1.0, (2,), dtype=d),
    lambda d: tg.ones(2).new_zeros(2, dtype=d),
    lambda d: tg.ones(2).new_tensor([1], dtype=d),
    lambda d: tg.ones(2).to(d),
    *(lambda d, f=f: f(tg.ones(2), 0, dtype=d) for f in (tg.sum, tg.mean, tg.prod, tg.cumsum, tg.softmax)),
    lambda d: tg.nn.Linear(2, 2, dtype=d).weight,
]  # fmt: skip


@pytest.mark.parametrize("dtype", NO_DTYPES, ids=str)
@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_dtype_of_numbers_is_refused(taker, dtype):
    with pytest.raises((TypeError, RuntimeError, ValueError)):
        taker(dtype)


def test_another_byte_order_is_the_machines():
    for taker in TAKERS:
        assert taker(np.dtype(">f4")).dtype.isnative
    with pytest.raises(ValueError, match="byte order '>f4'"):
        tg.frombuffer(bytes(8), dtype=np.dtype(">f4"))


def test_a_dtype_by_name():
    assert tg.as_tensor(tg.ones(2), dtype="float64").dtype == tg.float64
    assert tg.ones(2).sum(0, dtype="float64").dtype == tg.float64
