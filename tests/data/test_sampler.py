"""Samplers: which indices, in which order, how many."""

from __future__ import annotations

from collections import Counter

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def test_sequential():
    sampler = SequentialSampler("abc")
    assert (list(sampler), len(sampler)) == ([0, 1, 2], 3)


@pytest.mark.parametrize("n", [1, 2, 100])
def test_random_is_a_permutation(n):
    sampler = RandomSampler(range(n))
    assert sorted(sampler) == list(range(n))
    assert len(sampler) == n


def test_random_differs_between_epochs_and_repeats_with_its_seed():
    sampler = RandomSampler(range(100))
    tg.manual_seed(3)
    first, second = list(sampler), list(sampler)
    tg.manual_seed(3)
    assert (list(sampler), list(sampler)) == (first, second)
    assert first != second


def test_random_draws_from_its_generator_alone():
    before = tg.get_rng_state()
    order = list(RandomSampler(range(20), generator=tg.Generator().manual_seed(1)))
    assert order == list(RandomSampler(range(20), generator=tg.Generator().manual_seed(1)))
    assert tg.get_rng_state() == before


@pytest.mark.parametrize(("num_samples", "counts"), [(2, {1: 2}), (5, {1: 5}), (7, {1: 3, 2: 2})])
def test_random_begins_again(num_samples, counts):
    sampler = RandomSampler(range(5), num_samples=num_samples)
    assert Counter(Counter(sampler).values()) == counts
    assert len(sampler) == num_samples


def test_random_with_replacement():
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=1000))
    assert set(drawn) == {0, 1, 2}
    assert all(250 < count < 420 for count in Counter(drawn).values())
    assert all(type(i) is int for i in drawn)


def test_subset_random():
    sampler = SubsetRandomSampler([3, 5, 8])
    assert (sorted(sampler), len(sampler)) == ([3, 5, 8], 3)


def test_weighted():
    drawn = Counter(WeightedRandomSampler([0, 1, 0, 3], 4000))
    assert set(drawn) == {1, 3}
    assert 0.7 < drawn[3] / 4000 < 0.8
    assert sorted(WeightedRandomSampler(tg.tensor([0.5, 0.0, 0.1]), 2, replacement=False)) == [0, 2]


@pytest.mark.parametrize(
    ("n", "batch_size", "drop_last", "batches"),
    [
        (5, 2, False, [[0, 1], [2, 3], [4]]),
        (5, 2, True, [[0, 1], [2, 3]]),
        (4, 2, True, [[0, 1], [2, 3]]),
        (1, 3, True, []),
        (0, 3, False, []),
    ],
)
def test_batches(n, batch_size, drop_last, batches):
    sampler = BatchSampler(SequentialSampler(range(n)), batch_size, drop_last)
    assert (list(sampler), len(sampler)) == (batches, len(batches))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomSampler("ab", replacement=1), TypeError, "replacement should be a boolean"),
        (lambda: RandomSampler("ab", num_samples=-1), ValueError, "num_samples=-1"),
        (lambda: RandomSampler("ab", num_samples=1.5), ValueError, "num_samples=1.5"),
        (lambda: WeightedRandomSampler([1, 2], 0), ValueError, "num_samples=0"),
        (lambda: RandomSampler([1, 2], num_samples=0), ValueError, "num_samples=0"),
        (lambda: RandomSampler([1, 2], True, -1), ValueError, "num_samples=-1"),
        (lambda: RandomSampler([]), ValueError, "num_samples=0"),
        (lambda: WeightedRandomSampler([1, 2], None), ValueError, "num_samples=None"),
        (lambda: WeightedRandomSampler([[1, 2]], 1), ValueError, r"1d sequence, got shape \(1, 2\)"),
        (lambda: WeightedRandomSampler([1, -2], 1), ValueError, "not negative"),
        (lambda: WeightedRandomSampler([0, 0], 1), ValueError, "not all 0"),
        (lambda: WeightedRandomSampler([float("nan"), 1], 1), ValueError, "finite"),
        (lambda: WeightedRandomSampler([1, 0], 2, replacement=False), ValueError, "as many positive weights, got 1"),
        (lambda: BatchSampler([1], 0, False), ValueError, "batch_size=0"),
        (lambda: BatchSampler([1], True, False), ValueError, "batch_size=True"),
        (lambda: BatchSampler([1], 1, 1), ValueError, "drop_last=1"),
        (lambda: iter(Sampler()), NotImplementedError, "__iter__"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()
