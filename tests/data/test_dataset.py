"""Datasets: looking up, joining, taking apart."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_cnn.data.dataset import Columns


class Letters(Dataset):
    def __init__(self, text):
        self.text = text

    def __len__(self):
        return len(self.text)

    def __getitem__(self, i):
        return self.text[i]


class Stream(IterableDataset):
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


@pytest.fixture
def pairs():
    return TensorDataset(tg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), tg.tensor([7, 8, 9]))


def test_tensor_dataset_looks_up(pairs):
    x, y = pairs[1]
    assert len(pairs) == 3
    assert (x.tolist(), y.tolist()) == ([2.0, 3.0], 8)
    x, y = pairs[0:2]
    assert (x.tolist(), y.tolist()) == ([[0.0, 1.0], [2.0, 3.0]], [7, 8])
    x, y = pairs[-1]
    assert y.item() == 9


def test_tensor_dataset_takes_arrays_without_copying_them():
    a = np.arange(4)
    ds = TensorDataset(a)
    a[2] = 9
    assert ds[2][0].item() == 9


def test_tensor_dataset_keeps_the_graph():
    x = tg.ones(3, 2, requires_grad=True)
    TensorDataset(x)[1][0].sum().backward()
    assert x.grad.tolist() == [[0, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ((), "at least one tensor"),
        ((np.zeros(3), np.zeros((2, 3))), r"size mismatch.*\(3,\), \(2, 3\)"),
        ((np.zeros(()),), "size mismatch"),
    ],
)
def test_tensor_dataset_refuses(tensors, message):
    with pytest.raises(AssertionError if tensors else ValueError, match=message):
        TensorDataset(*tensors)


def test_getitems_is_a_batch_and_a_sequence_of_samples(pairs):
    batch = pairs.__getitems__([2, 0])
    assert isinstance(batch, Columns)
    assert batch.fields[0].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert [(x.tolist(), y.item()) for x, y in batch] == [([4.0, 5.0], 9), ([0.0, 1.0], 7)]
    assert len(batch) == 2


def test_subset(pairs):
    part = Subset(Letters("abcdef"), [5, 0, 2])
    assert [part[i] for i in range(len(part))] == ["f", "a", "c"]
    assert part[-1] == "c"
    assert not hasattr(part, "__getitems__")
    part = Subset(pairs, [2, 1])
    assert part.__getitems__([1, 0]).fields[1].tolist() == [8, 9]
    assert part[[0, 1]][1].tolist() == [9, 8]
    with pytest.raises(IndexError):
        part[2]


@pytest.mark.parametrize("index", range(-6, 6))
def test_concat_is_the_concatenation(index):
    assert (Letters("ab") + Letters("") + Letters("cdef"))[index] == "abcdef"[index]


def test_concat_knows_its_ends():
    with pytest.raises(IndexError, match="index 6 is out of range for 6"):
        ConcatDataset([Letters("ab"), Letters("cdef")])[6]
    with pytest.raises(ValueError, match="index -7 counts back further than the 6"):
        ConcatDataset([Letters("ab"), Letters("cdef")])[-7]


def test_concat_sizes_and_refusals():
    assert ConcatDataset([Letters("ab"), Letters("c")]).cumulative_sizes == [2, 3]
    with pytest.raises(AssertionError, match="empty"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ChainDataset"):
        ConcatDataset([Stream(1)])
    with pytest.raises(AssertionError, match="ConcatDataset"):
        ChainDataset([Letters("a")])


def test_chain():
    both = Stream(1, 2) + Stream(3)
    assert list(both) == [1, 2, 3]
    assert len(both) == 3


def test_what_a_subclass_forgot_is_named():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(IterableDataset())


@pytest.mark.parametrize(
    ("n", "lengths", "sizes"),
    [
        (10, [7, 3], [7, 3]),
        (10, [0, 10], [0, 10]),
        (10, [0.5, 0.5], [5, 5]),
        (10, [0.5, 0.25, 0.25], [6, 2, 2]),
        (10, [1 / 3, 1 / 3, 1 / 3], [4, 3, 3]),
        (11, [0.9, 0.1], [10, 1]),
        (1, [1], [1]),
    ],
)
def test_random_split_sizes(n, lengths, sizes):
    parts = random_split(Letters("x" * n), lengths)
    assert [len(p) for p in parts] == sizes
    assert sorted(i for p in parts for i in p.indices) == list(range(n))


@pytest.mark.parametrize("n", [10, 11, 100])
@pytest.mark.parametrize("lengths", [[0.7, 0.2, 0.1], [0.34, 0.33, 0.33], [0.25] * 4])
def test_random_split_agrees_with_pytorch_on_sizes(pytorch, n, lengths):
    pytorch.agrees(lambda m: [len(part) for part in m.utils.data.random_split(range(n), lengths)])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([7, 4], "sum 11 .* does not equal the length 10"), ([0.5, 0.4], "does not equal"), ([1.5, -0.5], "fraction 1.5")],
)
def test_random_split_refuses(lengths, message):
    with pytest.raises(ValueError, match=message):
        random_split(Letters("x" * 10), lengths)


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match="index 1 is empty"):
        random_split(Letters("xx"), [0.9, 0.1])


def test_random_split_repeats_with_its_seed():
    def split(seed):
        return random_split(range(50), [25, 25], generator=tg.Generator().manual_seed(seed))[0].indices

    assert split(1) == split(1) != split(2)
    tg.manual_seed(5)
    first = random_split(range(50), [25, 25])[0].indices
    tg.manual_seed(5)
    assert random_split(range(50), [25, 25])[0].indices == first


def test_stacks():
    letters, numbers = ["a", "b"], [1, 2]
    assert [StackDataset(letters, numbers)[i] for i in (0, -1)] == [("a", 1), ("b", 2)]
    assert len(StackDataset(n=numbers)) == 2
    for args, kwargs, words in [((), {}, "got none"), ((letters,), {"n": numbers}, "both at once"),
                                ((letters, [1]), {}, r"one length, got \[2, 1\]")]:  # fmt: skip
        with pytest.raises(ValueError, match=words):
            StackDataset(*args, **kwargs)
