"""Tensors made of data, of nothing, of a rule and of chance: dtypes and shapes as PyTorch's, errors, determinism."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg

inf, nan = float("inf"), float("nan")

DATA = {
    "int": lambda m: 3,
    "float": lambda m: 2.5,
    "bool": lambda m: True,
    "ints": lambda m: [1, 2],
    "floats": lambda m: [[1.0, 2.0], [3.0, 4.0]],
    "bools": lambda m: [True, False],
    "ints and floats": lambda m: [1, 2.5],
    "bools and ints": lambda m: [True, 2],
    "tuple": lambda m: (1.0, (2.0, 3.0)[0]),
    "range": lambda m: list(range(3)),
    "nothing": lambda m: [],
    "rows of nothing": lambda m: [[], []],
    "float64 array": lambda m: np.ones((2, 2)),
    "float32 array": lambda m: np.ones(2, np.float32),
    "int32 array": lambda m: np.ones(2, np.int32),
    "uint8 array": lambda m: np.ones(2, np.uint8),
    "bool array": lambda m: np.ones(2, bool),
    "numpy number": lambda m: np.float64(2),
    "numpy numbers": lambda m: [np.float64(2), np.float64(3)],
    "numpy ints": lambda m: [np.int32(2), 3],
    "arrays": lambda m: [np.ones(2, np.float32).tolist(), [3, 4]],
    "0-d tensors": lambda m: [m.tensor(1), m.tensor(2)],
    "0-d tensors and floats": lambda m: [m.tensor(1), 2.5],
    "inf": lambda m: [float("inf"), float("nan")],
}


@pytest.mark.parametrize("name", DATA)
def test_tensor_infers_the_dtype_of_pytorch(pytorch, name):
    def made(m):
        t = m.tensor(DATA[name](m))
        return t, t.is_leaf

    pytorch.agrees(made)


def test_lists_of_tensors():
    assert tg.tensor([tg.ones(2), tg.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert tg.tensor([[tg.tensor(1.0), 2], [3, np.float32(4)]]).dtype == tg.float32


def test_tensor_copies_and_as_tensor_does_not():
    array = np.zeros(2, np.float32)
    copy, same, shared = tg.tensor(array), tg.as_tensor(array), tg.from_numpy(array)
    array[0] = 5
    assert copy.tolist() == [0, 0]
    assert same.tolist() == shared.tolist() == [5, 0]
    assert tg.as_tensor(shared) is shared
    assert tg.as_tensor(array, dtype=tg.float64).dtype == tg.float64
    t = tg.ones(2, requires_grad=True)
    assert not tg.tensor(t).requires_grad
    assert tg.as_tensor(t, dtype=tg.float64).requires_grad  # converted in the graph
    shared.add_(1)
    assert array.tolist() == [6, 1]
    assert tg.asarray([1, 2]).dtype == tg.int64


def test_from_numpy_keeps_layout_and_negative_strides():
    array = np.arange(6.0).reshape(2, 3)[:, ::-1]
    assert tg.from_numpy(array).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert tg.tensor(np.arange(3, dtype=">f4")).dtype == np.float32  # in the machine's order of bytes


@pytest.mark.parametrize("dtype", [tg.float64, np.float64, "float64", float, tg.double])
def test_dtypes_by_any_name(dtype):
    assert tg.tensor([1], dtype=dtype).dtype == tg.float64
    assert tg.zeros(1, dtype=dtype).dtype == tg.float64
    assert tg.full((1,), 1, dtype=dtype).dtype == tg.float64


SIZES = {
    "zeros": lambda m: m.zeros(2, 3),
    "zeros tuple": lambda m: m.zeros((2, 3)),
    "zeros list": lambda m: m.zeros([2, 3]),
    "zeros size": lambda m: m.zeros(m.ones(2, 3).shape),
    "zeros int": lambda m: m.zeros(2, dtype=m.int32),
    "zeros ()": lambda m: m.zeros(()),
    "zeros nothing": lambda m: m.zeros(0, 3),
    "ones": lambda m: m.ones(2, 1, dtype=m.bool),
    "full": lambda m: m.full((2,), 3.0),
    "full int": lambda m: m.full((2,), 3),
    "full bool": lambda m: m.full((2,), True),
    "full dtype": lambda m: m.full((2,), 1, dtype=m.float),
    "zeros_like": lambda m: m.zeros_like(m.ones(2, 3, dtype=m.int64)),
    "ones_like": lambda m: m.ones_like(m.ones(2, 3), dtype=m.float64),
    "full_like": lambda m: m.full_like(m.ones(2), 7),
    "eye": lambda m: m.eye(3),
    "eye n m": lambda m: m.eye(2, 3, dtype=m.int64),
    "arange": lambda m: m.arange(5),
    "arange float": lambda m: m.arange(5.0),
    "arange start end": lambda m: m.arange(1, 4),
    "arange step": lambda m: m.arange(1, 10, 3),
    "arange down": lambda m: m.arange(5, 0, -2),
    "arange half": lambda m: m.arange(0, 1, 0.25),
    "arange odd": lambda m: m.arange(1, 2.5, 0.5),
    "arange dtype": lambda m: m.arange(3, dtype=m.float64),
    "arange named": lambda m: m.arange(start=1, end=3, step=1),
    "arange nothing": lambda m: m.arange(0),
    "linspace": lambda m: m.linspace(0, 1, 5),
    "linspace down": lambda m: m.linspace(start=3, end=-1, steps=3),
    "linspace one": lambda m: m.linspace(2, 9, 1),
    "logspace": lambda m: m.logspace(0, 2, 3),
    "logspace base": lambda m: m.logspace(0, 3, 4, base=2),
    "arange of floats in ints": lambda m: m.arange(-0.9, 2.1, 2.0, dtype=m.int32),
    "arange of floats in long": lambda m: m.arange(0.5, 5, 1.5, dtype=m.int64),
    "arange below a float in ints": lambda m: m.arange(5.5, dtype=m.int64),
    "arange of small steps in ints": lambda m: m.arange(0, 1, 0.3, dtype=m.int32),
    "arange down in ints": lambda m: m.arange(2.9, -3, -1.7, dtype=m.int8),
    "linspace of floats in ints": lambda m: m.linspace(4.3, -3, 50, dtype=m.int64),
    "linspace in uint8": lambda m: m.linspace(-5, 5, 5, dtype=m.uint8),
    "linspace in ints": lambda m: m.linspace(0, 10, 4, dtype=m.int32),
    "logspace in ints": lambda m: m.logspace(0.5, 2, 3, dtype=m.int64),
    "new_zeros": lambda m: m.ones(1, dtype=m.float64).new_zeros(2, 3),
    "new_ones": lambda m: m.ones(1, dtype=m.int32).new_ones((2, 3)),
    "new_full": lambda m: m.ones(1).new_full((2,), 7),
    "new_tensor": lambda m: m.ones(1, dtype=m.float64).new_tensor([1, 2]),
    "tril_indices of eye": lambda m: m.eye(3).tril(-1),
}


@pytest.mark.parametrize("name", SIZES)
def test_pytorch_gives_the_same(pytorch, name):
    pytorch.agrees(SIZES[name], rtol=1e-6)


def test_uninitialised():
    assert tg.empty(2, 3).shape == (2, 3)
    assert tg.empty_like(tg.zeros(2, dtype=tg.int64)).dtype == tg.int64
    assert tg.ones(2).new_empty(4).shape == (4,)


def test_like_keeps_the_layout():
    t = tg.zeros(2, 3, 4, 5).contiguous(memory_format=tg.channels_last)
    for made in (tg.zeros_like(t), tg.ones_like(t), tg.empty_like(t), tg.full_like(t, 2)):
        assert made.stride() == t.stride()


def test_default_dtype():
    tg.set_default_dtype(tg.float64)
    for made in (tg.tensor(1.5), tg.zeros(2), tg.randn(2), tg.rand(2), tg.linspace(0, 1, 2), tg.arange(1.0), tg.eye(2)):
        assert made.dtype == tg.float64
    assert tg.tensor([1]).dtype == tg.int64


def test_requires_grad_device_and_out():
    for make in (tg.zeros, tg.ones, tg.empty, tg.rand, tg.randn):
        t = make(2, 3, requires_grad=True, device="cpu")
        assert t.requires_grad
        assert t.is_leaf
        out = tg.empty(2, 3)
        assert make(2, 3, out=out) is out
        with pytest.raises(RuntimeError, match="cuda"):
            make(2, device="cuda")
    assert tg.full((), 1.0, requires_grad=True).requires_grad
    assert tg.tensor(1.0, requires_grad=True, device=tg.device("cpu")).requires_grad
    grown = tg.empty(0)
    tg.ones(3, out=grown)
    assert grown.tolist() == [1, 1, 1]
    with pytest.warns(UserWarning, match=r"shape \(3,\)"):
        tg.zeros(2, out=grown)
    assert grown.tolist() == [0, 0]


ERRORS = [
    (lambda: tg.tensor([[1, 2], [3]]), ValueError, "element 0 is of length 2, but element 1 is of length 1"),
    (lambda: tg.tensor([[1], 2]), ValueError, "element 0 is of length 1, but element 1 is a number"),
    (lambda: tg.tensor([[[1, 2]], [[3]]]), ValueError, "length"),
    (lambda: tg.tensor([[[1, 2], [3]]]), ValueError, "of element 0"),
    (lambda: tg.tensor("a"), TypeError, "str"),
    (lambda: tg.tensor(None), TypeError, "NoneType"),
    (lambda: tg.tensor([1, "a"]), TypeError, "str"),
    (lambda: tg.tensor(["a"]), ValueError, "text"),
    (lambda: tg.tensor(np.array(["a"])), TypeError, "numbers"),
    (lambda: tg.tensor([1], requires_grad=True), RuntimeError, "floating"),
    (lambda: tg.zeros(-1), RuntimeError, "negative"),
    (lambda: tg.zeros(2, "a"), TypeError, "sizes must be ints"),
    (lambda: tg.zeros(1.5), TypeError, "sizes must be ints"),
    (lambda: tg.from_numpy([1]), TypeError, "list"),
    (lambda: tg.from_numpy(np.array(["a"])), TypeError, "dtype"),
    (lambda: tg.zeros_like([1]), TypeError, "list"),
    (lambda: tg.empty_like([1]), TypeError, "list"),
    (lambda: tg.eye(-1), RuntimeError, "negative"),
    (lambda: tg.arange(1, 0), RuntimeError, "sign of step"),
    (lambda: tg.arange(0, 1, 0), RuntimeError, "zero"),
    (lambda: tg.linspace(0, 1, -1), RuntimeError, "negative"),
    (lambda: tg.randn(2, dtype=tg.int64), RuntimeError, "int64.*randint"),
    (lambda: tg.randint(5, 2, (2,)), RuntimeError, "low < high"),
    (lambda: tg.randint(5), TypeError, r"randint\(high, size\)"),
    (lambda: tg.randperm(-1), RuntimeError, "negative"),
    (lambda: tg.normal(0.0, -1.0, (2,)), RuntimeError, "std"),
    (lambda: tg.normal(0.0, 1.0), TypeError, "size"),
    (lambda: tg.bernoulli(tg.tensor([2.0])), RuntimeError, "0 to 1"),
    (lambda: tg.multinomial(tg.tensor([1.0, 0.0]), 2), RuntimeError, "2 of 1 columns"),
    (lambda: tg.multinomial(tg.tensor([-1.0, 1.0]), 1), RuntimeError, "negative"),
    (lambda: tg.multinomial(tg.tensor([0.0, 0.0]), 1), RuntimeError, "0"),
    (lambda: tg.multinomial(tg.ones(2, 2, 2), 1), RuntimeError, "vector or a matrix"),
    (lambda: tg.arange(0, 5, 0.5, dtype=tg.int64), RuntimeError, "step"),
    (lambda: tg.arange(0, float("inf")), RuntimeError, "no end"),
    (lambda: tg.arange(3, dtype=tg.bool), NotImplementedError, "bool"),
    (lambda: tg.linspace(0, 1, 2.5), TypeError, "steps"),
    (lambda: tg.zeros(True), TypeError, "ints"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


RANDOM = {
    "rand": lambda g: tg.rand(50, generator=g),
    "randn": lambda g: tg.randn(50, generator=g),
    "randint": lambda g: tg.randint(0, 9, (50,), generator=g),
    "randperm": lambda g: tg.randperm(50, generator=g),
    "normal": lambda g: tg.normal(tg.zeros(50), 2.0, generator=g),
    "bernoulli": lambda g: tg.bernoulli(tg.full((50,), 0.5), generator=g),
    "multinomial": lambda g: tg.multinomial(tg.ones(50), 20, generator=g),
    "multinomial with replacement": lambda g: tg.multinomial(tg.ones(50), 80, True, generator=g),
    "normal_": lambda g: tg.zeros(50).normal_(generator=g),
    "uniform_": lambda g: tg.zeros(50).uniform_(generator=g),
    "random_": lambda g: tg.zeros(50).random_(100, generator=g),
    "bernoulli_": lambda g: tg.zeros(50).bernoulli_(0.5, generator=g),
    "exponential_": lambda g: tg.zeros(50).exponential_(generator=g),
}


@pytest.mark.parametrize("name", RANDOM)
def test_one_seed_one_result(name):
    draw = RANDOM[name]
    tg.manual_seed(7)
    first, second = draw(None), draw(None)
    tg.manual_seed(7)
    again = draw(None)
    assert first.tolist() == again.tolist()
    assert first.tolist() != second.tolist()
    mine, yours = tg.Generator().manual_seed(3), tg.Generator().manual_seed(3)
    state = tg.get_rng_state()
    assert draw(mine).tolist() == draw(yours).tolist()
    after = tg.get_rng_state()
    assert str(state) == str(after)  # a generator of one's own leaves the others alone


def test_distributions():
    """Moments of 40,000 draws, within five standard errors."""
    n = 40_000
    for draws, mean, std in (
        (tg.rand(n), 0.5, 12**-0.5),
        (tg.randn(n), 0.0, 1.0),
        (tg.randn(n, dtype=tg.float64), 0.0, 1.0),
        (tg.normal(3.0, 0.5, (n,)), 3.0, 0.5),
        (tg.normal(tg.full((n,), -1.0), tg.full((n,), 2.0)), -1.0, 2.0),
        (tg.zeros(n).normal_(1.0, 3.0), 1.0, 3.0),
        (tg.zeros(n).uniform_(-1, 3), 1.0, 4 * 12**-0.5),
        (tg.zeros(n).exponential_(2.0), 0.5, 0.5),
        (tg.bernoulli(tg.full((n,), 0.2)), 0.2, 0.4),
        (tg.zeros(n).bernoulli_(0.8), 0.8, 0.4),
        (tg.randint(-2, 3, (n,)).float(), 0.0, 2**0.5),
        (tg.zeros(n).random_(0, 5), 2.0, 2**0.5),
    ):
        values = draws.numpy().astype(float)
        assert abs(values.mean() - mean) < 5 * std / n**0.5
        assert values.std() == pytest.approx(std, rel=0.05)


def test_random_integers():
    t = tg.randint(10, (3, 4))
    assert t.dtype == tg.int64
    assert t.shape == (3, 4)
    assert tg.randint(3, 4, (2,)).tolist() == [3, 3]
    assert tg.randint_like(tg.zeros(2), 5, 6).tolist() == [5.0, 5.0]
    assert sorted(tg.randperm(6).tolist()) == list(range(6))
    assert tg.zeros(9, dtype=tg.bool).random_().dtype == tg.bool
    assert tg.zeros(9, dtype=tg.uint8).random_().numpy().max() <= 255


def test_like_draws_in_the_shape_and_dtype():
    t = tg.zeros(2, 3, dtype=tg.float64)
    for draw in (tg.rand_like, tg.randn_like):
        assert draw(t).shape == (2, 3)
        assert draw(t).dtype == tg.float64
        assert draw(t, dtype=tg.float32).dtype == tg.float32
    assert tg.randn(()).shape == ()


def test_multinomial_draws_by_weight():
    weights = tg.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]])
    draws = tg.multinomial(weights, 8000, replacement=True)
    assert draws.dtype == tg.int64
    assert draws[1].tolist() == [0] * 8000
    assert np.bincount(draws[0].numpy(), minlength=3)[2] / 8000 == pytest.approx(0.75, abs=0.03)
    first = [tg.multinomial(weights[0], 2).tolist() for _ in range(500)]
    assert all(sorted(pair) == [1, 2] for pair in first)
    assert sum(pair[0] == 2 for pair in first) / 500 == pytest.approx(0.75, abs=0.1)


@pytest.mark.parametrize("wrong", [float("inf"), float("nan"), -1.0])
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_refuses_what_is_no_weight(wrong, replacement):
    with pytest.raises(RuntimeError, match="multinomial: weights"):
        tg.multinomial(tg.tensor([1.0, wrong]), 1, replacement)
    with pytest.raises(RuntimeError, match="int64"):
        tg.multinomial(tg.tensor([1, 2]), 1, replacement)
    assert tg.multinomial(tg.tensor([3e38, 3e38]), 1, replacement).item() in (0, 1)


def test_drawing_into_a_tensor_with_history_cuts_it():
    leaf = tg.ones(3, requires_grad=True)
    y = leaf * 2
    y.normal_()
    y.sum().backward()
    assert leaf.grad.tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.uniform_()
    with tg.no_grad():
        leaf.uniform_(5, 6)
    assert (leaf >= 5).all()


# Arrays that mean other things.

STRANGE = {
    "matrix": np.arange(4.0).reshape(2, 2).view(np.matrix),
    "big-endian": np.arange(4, dtype=">f4").reshape(2, 2),
    "big-endian ints": np.arange(4, dtype=">i8").reshape(2, 2),
    "memmap": np.arange(4.0).reshape(2, 2).view(np.memmap),
    "recarray": np.arange(4.0).reshape(2, 2).view(np.recarray),
}
REFUSED = {
    "masked": np.ma.masked_array([1.0, 2.0], [False, True]),
    "long double": np.ones(2, np.longdouble),
    "complex long double": np.ones(2, np.clongdouble),
    "dates": np.zeros(2, "M8[s]"),
    "spans of time": np.zeros(2, "m8[s]"),
    "text": np.array(["a"]),
    "objects": np.array([1, None]),
    "records": np.zeros(2, [("a", "f4")]),
}
DOORS = {
    "tensor": tg.tensor,
    "as_tensor": tg.as_tensor,
    "from_numpy": tg.from_numpy,
    "Tensor": tg.Tensor,
    "tensor of a list": lambda a: tg.tensor([a])[0],
    "new_tensor": lambda a: tg.ones(1).new_tensor(a),
    "copy_": lambda a: tg.zeros(a.shape, dtype=tg.float64).copy_(a),
    "setitem": lambda a: tg.zeros(2, *a.shape).__setitem__(0, a),
    "an operand": lambda a: tg.zeros(()) + a,
    "a factor": lambda a: tg.eye(2)[: a.shape[0]] * a,
    "an op": lambda a: tg.stack([tg.zeros(a.shape), a])[1],
    "where": lambda a: tg.where(tg.ones(a.shape) > 0, a, tg.zeros(())),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", STRANGE)
def test_strange_arrays_are_plain_ones_inside(door, kind):
    array = STRANGE[kind]
    if door == "from_numpy" and not array.dtype.isnative:
        with pytest.raises(ValueError, match="byte order"):
            tg.from_numpy(array)
        return
    out = DOORS[door](array)
    if out is not None:
        assert type(out.numpy()) is np.ndarray
        assert out.dtype.isnative
        expected = np.arange(4.0).reshape(2, 2)
        assert out.tolist() == (expected * np.eye(2) if door == "a factor" else expected).tolist()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_tensor_can_hold_is_refused(door, kind):
    with pytest.raises(TypeError):
        DOORS[door](REFUSED[kind])


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64], ids=str)
def test_uniform_numbers_stay_below_their_upper_end(dtype):
    for seed in range(5):
        tg.manual_seed(seed)
        assert tg.rand(100_000, dtype=dtype).max().item() < 1
        for low, high in ((1.0, 2.0), (-1.0, 0.0), (0.0, 1e-3), (3.0, 3.0)):
            x = tg.empty(100_000, dtype=dtype)
            for fill in (x.uniform_, lambda a, b, x=x: tg.nn.init.uniform_(x, a, b)):
                fill(low, high)
                held = x.dtype.type(high)
                assert low <= x.min().item() <= x.max().item() <= held
                assert x.max().item() < held or low == high


def test_uniform_numbers_of_half_precision_are_equally_likely():
    values, counts = np.unique(tg.rand(400_000, dtype=tg.float16), return_counts=True)
    assert len(values) == 2048
    np.testing.assert_array_equal(np.diff(values.astype(float)), 1 / 2048)
    assert 100 < counts.min() <= counts.max() < 300


@pytest.mark.parametrize(
    ("start", "end", "steps", "expected"),
    [
        (0, inf, 1, [0.0]),
        (0, inf, 5, [nan, inf, nan, nan, nan]),
        (-inf, 0, 3, [nan, -inf, nan]),
        (inf, 1, 5, [nan, nan, inf, inf, nan]),
        (nan, 0, 2, [nan, nan]),
        (-3e38, 3e38, 3, [-3e38, 0.0, 3e38]),
    ],
)
def test_equal_steps_to_an_end_that_is_far(start, end, steps, expected):
    np.testing.assert_allclose(tg.linspace(start, end, steps).numpy(), np.float32(expected))
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(tg.logspace(start, end, steps).numpy(), np.float32(10.0) ** np.float32(expected))


def test_equal_steps_over_all_that_float64_has():
    assert tg.linspace(-1.5e308, 1.5e308, 3, dtype=tg.float64).tolist() == [-1.5e308, 0.0, 1.5e308]
    with pytest.raises(RuntimeError, match=r"1e\+300 cannot be converted to float32"):
        tg.linspace(0, 1e300, 3)


def test_a_long_range_is_an_array_at_once():
    np.testing.assert_array_equal(tg.tensor(range(2**17, -1, -1)).numpy(), np.arange(2**17, -1, -1))
    assert tg.tensor([range(2**17), range(1, 2**17 + 1)]).shape == (2, 2**17)
    assert tg.tensor(range(2**17), dtype=tg.float64)[-1].item() == 2**17 - 1
