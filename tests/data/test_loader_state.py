"""A DataLoader's state: a loop that goes on gives the batches that were still to come, to the last bit."""

from __future__ import annotations

import functools
import json
import random

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)

N = 10


class Noisy(Dataset):
    """i, and a random number"""

    def __len__(self):
        return N

    def __getitem__(self, i):
        return i, tg.rand(1).item()


class NoisyByTheBatch(Noisy):
    def __getitems__(self, indices):
        return [(i, x) for i, x in zip(indices, tg.rand(len(indices)).tolist())]


class WithGenerator(Noisy):
    """draws from what it holds itself"""

    def __init__(self):
        self.noise = {"generator": tg.Generator().manual_seed(3), "numpy": [np.random.default_rng(4)]}

    def __getitem__(self, i):
        return i, tg.rand(1, generator=self.noise["generator"]).item() + self.noise["numpy"][0].random()


class Counting(Noisy):
    """Samples by number, of a dataset that changes with each, and knows it."""

    count = 0

    def __getitem__(self, i):
        self.count += 1
        return i, self.count

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def share():
    worker = get_worker_info()
    return (0, 1) if worker is None else (worker.id, worker.num_workers)


class Stream(IterableDataset):
    """Each worker reads its share; the first one has a shorter one."""

    def __iter__(self):
        mine, n = share()
        for i in range(mine, N, n):
            if n == 1 or mine or i < 4:
                yield i, tg.rand(1).item()


class ShuffledStream(IterableDataset):
    """draws when it begins"""

    def __iter__(self):
        mine, n = share()
        return iter([(i, tg.rand(1).item()) for i in tg.randperm(N).tolist()[mine::n]])


class KnowingStream(IterableDataset):
    """knows where it is"""

    at = 0

    def __iter__(self):
        mine, n = share()
        while self.at < len(range(mine, N, n)):
            self.at += 1
            yield mine + n * (self.at - 1), tg.rand(1).item()
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


class KnowingIterator:
    def __init__(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at >= N:
            raise StopIteration
        self.at += 1
        return self.at - 1, tg.rand(1).item()

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


class StreamOfKnowing(IterableDataset):
    def __iter__(self):
        return KnowingIterator()


class OneByOne(Sampler):
    """draws each index when it is asked for it, from the library's generator or one of its own"""

    def __init__(self, generator=None):
        self.generator = generator

    def __iter__(self):
        for _ in range(N):
            yield int(tg.randint(N, (1,), generator=self.generator).item())

    def __len__(self):
        return N


class Others(OneByOne):
    """draws from generators that are not the library's"""

    def __init__(self):
        self.numpy, self.old = np.random.default_rng(3), np.random.RandomState(4)
        self.python = [random.Random(5)]

    def __iter__(self):
        for _ in range(N):
            yield (int(self.numpy.integers(N)) + int(self.old.randint(N)) + self.python[0].randrange(N)) % N


class Knowing(OneByOne):
    """knows where it is"""

    order, at = None, 0

    def __iter__(self):
        if self.order is None:
            self.order = tg.randperm(N, generator=self.generator).tolist()
        while self.at < N:
            self.at += 1
            yield self.order[self.at - 1]
        self.order, self.at = None, 0

    def state_dict(self):
        return {"order": self.order, "at": self.at}

    def load_state_dict(self, state):
        self.order, self.at = state["order"], state["at"]


def g():
    return tg.Generator().manual_seed(4)


LOADERS = {
    "in order": lambda **w: DataLoader(Noisy(), 3, **w),
    "shuffled": lambda **w: DataLoader(Noisy(), 3, shuffle=True, **w),
    "shuffled by the batch": lambda **w: DataLoader(NoisyByTheBatch(), 5, shuffle=True, **w),
    "a generator": lambda **w: DataLoader(Noisy(), 3, shuffle=True, generator=g(), **w),
    "without batches": lambda **w: DataLoader(Noisy(), None, shuffle=True, **w),
    "the last left out": lambda **w: DataLoader(Noisy(), 3, shuffle=True, drop_last=True, **w),
    "weighted": lambda **w: DataLoader(Noisy(), 3, sampler=WeightedRandomSampler(range(1, 11), 8), **w),
    "weighted, a generator": lambda **w: DataLoader(
        Noisy(), 3, sampler=WeightedRandomSampler(range(1, 11), 8, generator=g()), **w
    ),
    "replacement": lambda **w: DataLoader(Noisy(), 3, sampler=RandomSampler(range(N), True, 7), **w),
    "longer than the dataset": lambda **w: DataLoader(Noisy(), 3, sampler=RandomSampler(range(N), num_samples=25), **w),
    "longer, a generator": lambda **w: DataLoader(
        Noisy(), 3, sampler=RandomSampler(range(N), num_samples=25, generator=g()), **w
    ),
    "a subset": lambda **w: DataLoader(Noisy(), 3, sampler=SubsetRandomSampler([1, 5, 7, 8]), **w),
    "distributed": lambda **w: DataLoader(Noisy(), 2, sampler=DistributedSampler(range(N), 2, 1), **w),
    "a batch sampler": lambda **w: DataLoader(
        Noisy(), batch_sampler=BatchSampler(RandomSampler(range(N)), 4, False), **w
    ),
    "a list of batches": lambda **w: DataLoader(Noisy(), batch_sampler=[[1, 2], [3], [4, 5, 6]], **w),
    "one by one": lambda **w: DataLoader(Noisy(), 3, sampler=OneByOne(), **w),
    "one by one, a generator": lambda **w: DataLoader(Noisy(), 3, sampler=OneByOne(g()), **w),
    "other generators": lambda **w: DataLoader(Noisy(), 3, sampler=Others(), **w),
    "a sampler that knows": lambda **w: DataLoader(Noisy(), 3, sampler=Knowing(), **w),
    "a sampler that knows, a generator": lambda **w: DataLoader(Noisy(), 5, sampler=Knowing(g()), **w),
    "a stream": lambda **w: DataLoader(Stream(), 3, **w),
    "a stream, the last left out": lambda **w: DataLoader(Stream(), 2, drop_last=True, **w),
    "a stream without batches": lambda **w: DataLoader(Stream(), None, **w),
    "a shuffled stream": lambda **w: DataLoader(ShuffledStream(), 3, **w),
    "a stream that knows": lambda **w: DataLoader(KnowingStream(), 3, **w),
    "a stream whose iterator knows": lambda **w: DataLoader(StreamOfKnowing(), 3, **w),
    "a dataset that knows": lambda **w: DataLoader(Counting(), 3, shuffle=True, **w),
    "a dataset with generators": lambda **w: DataLoader(WithGenerator(), 3, shuffle=True, **w),
}
BY_WORKER = {name for name in LOADERS if "stream" in name} | {"a dataset that knows"}
ALONE = {"a dataset with generators"}  # which workers would share
WORKERS = [
    {},
    {"num_workers": 1},
    {"num_workers": 3, "prefetch_factor": 3},
    {"num_workers": 2, "persistent_workers": True},
]


def plain(batch):
    return [np.asarray(field).tolist() for field in batch]


def epochs(loader, first, last, each=lambda epoch, out: None):
    """What a training loop sees that draws random numbers itself; `each` is called after each batch and each epoch."""
    out = []
    for epoch in range(first, last):
        if isinstance(loader.sampler, DistributedSampler):
            loader.sampler.set_epoch(epoch)
        for batch in loader:
            out.append([plain(batch), tg.rand(1).item()])
            each(epoch, out)
        each(epoch + 1, out)
    return out


@pytest.mark.parametrize(
    ("name", "workers"),
    [(name, workers) for name in LOADERS for workers in WORKERS if not workers or name not in ALONE],
)
def test_a_loop_goes_on_from_any_batch(name, workers):
    make = LOADERS[name]
    tg.manual_seed(1)
    loader = make(**workers)
    stops = [(0, 0, loader.state_dict(), tg.get_rng_state())]

    def stop(epoch, out):
        state = loader.state_dict()
        assert json.loads(json.dumps(state)) == state
        stops.append((epoch, len(out), state, tg.get_rng_state()))

    straight = epochs(loader, 0, 2, stop)
    assert len(straight) == stops[-1][1] > 3
    for epoch, n, state, rng in stops:
        tg.manual_seed(2)
        again = make(**workers)
        again.load_state_dict(state)
        assert again.state_dict() == state
        tg.set_rng_state(rng)
        assert epochs(again, epoch, 2) == straight[n:]


@pytest.mark.parametrize("name", sorted(LOADERS.keys() - BY_WORKER - ALONE))
def test_one_seed_gives_one_run_with_any_number_of_workers(name):
    """Also where the run goes on with another number of them."""

    def kept(loader, states, epoch, out):
        if len(out) == 2 and epoch == 0:
            states.append((loader.state_dict(), tg.get_rng_state()))

    runs, states = [], []
    for workers in WORKERS:
        tg.manual_seed(1)
        loader = LOADERS[name](**workers)
        runs.append(epochs(loader, 0, 2, functools.partial(kept, loader, states)))
    assert runs[1:] == runs[:-1]
    for (state, rng), workers in zip(states, reversed(WORKERS)):
        again = LOADERS[name](**workers)
        again.load_state_dict(state)
        tg.set_rng_state(rng)
        assert epochs(again, 0, 2) == runs[0][2:]


@pytest.mark.parametrize("name", sorted(name for name in BY_WORKER if "stream" in name))
def test_one_worker_reads_a_stream_as_the_loop_does(name):
    runs = []
    for workers in WORKERS[:2]:
        tg.manual_seed(1)
        runs.append(epochs(LOADERS[name](**workers), 0, 2))
    assert runs[0] == runs[1]


def test_a_state_is_of_the_loop_begun_last_also_when_it_was_left():
    loader = DataLoader(Noisy(), 2, shuffle=True)
    for i, _ in enumerate(loader):
        if i == 1:
            break
    state = loader.state_dict()
    assert state["epoch"]["handed"] == 2
    rest = DataLoader(Noisy(), 2, shuffle=True)
    rest.load_state_dict(state)
    assert (len(list(rest)), len(list(rest))) == (3, 5)


def test_a_generator_that_others_draw_from_too():
    """It goes on from where it was, not from where the order has left it."""

    def run(loader, shared):
        return [[plain(batch), tg.rand(1, generator=shared).item()] for _ in range(2) for batch in loader]

    for workers in ({}, {"num_workers": 2}):
        shared = g()
        loader = DataLoader(Noisy(), 3, shuffle=True, generator=shared, **workers)
        it = iter(loader)
        start = [[plain(next(it)), tg.rand(1, generator=shared).item()] for _ in range(2)]
        state = json.loads(json.dumps(loader.state_dict()))
        del it
        again = g()
        rest = DataLoader(Noisy(), 3, shuffle=True, generator=again, **workers)
        rest.load_state_dict(state)
        whole = g()
        assert start + run(rest, again) == run(DataLoader(Noisy(), 3, shuffle=True, generator=whole), whole)


def test_a_loop_of_its_own_draws_nothing_from_augmentation():
    """The random numbers of a dataset are not those of the loop around it."""
    tg.manual_seed(1)
    seen = [tg.rand(1).item() for _ in DataLoader(Noisy(), 2)]
    tg.manual_seed(1)
    assert seen == [tg.rand(1).item() for _ in DataLoader(range(N), 2)]


# what does not fit


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: DataLoader(Noisy(), 4, shuffle=True), "batch_size: 3 there, 4 here"),
        (lambda: DataLoader(Noisy(), 3, shuffle=True, drop_last=True), "drop_last: False there, True here"),
        (lambda: DataLoader(range(11), 3, shuffle=True), r"len\(dataset\): 10 there, 11 here"),
        (lambda: DataLoader(Noisy(), 3), "RandomSampler.* there, .*SequentialSampler.* here"),
        (lambda: DataLoader(Noisy(), 3, sampler=RandomSampler(range(N), num_samples=7)), "num_samples=10.*_samples=7"),
        (lambda: DataLoader(Noisy(), 3, sampler=RandomSampler(range(N), True)), "replacement=False.*replacement=True"),
        (lambda: DataLoader(Noisy(), 3, shuffle=True, generator=g()), r"generators: \['default'\] there, \['gen"),
        (lambda: DataLoader(Stream(), 3), "dataset: None there, a stream here"),
    ],
)  # fmt: skip
def test_a_state_of_other_settings_changes_nothing(made, message):
    tg.manual_seed(1)
    loader = DataLoader(Noisy(), 3, shuffle=True)
    it = iter(loader)
    next(it)
    state = loader.state_dict()
    tg.manual_seed(2)
    other = made()
    before = other.state_dict()
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(state)
    assert other.state_dict() == before
    tg.manual_seed(2)
    assert list(map(repr, other)) == (tg.manual_seed(2), list(map(repr, made())))[1]


def test_indices_that_are_no_numbers_have_no_part_in_the_order_that_is_checked():
    class Named:
        def __getitem__(self, key):
            return f"sample {key}"

    batches = [["a", "b"], [1, "c"], [("x", 2)], ["d"]]
    loader = DataLoader(Named(), batch_sampler=batches)
    it = iter(loader)
    start = [next(it), next(it)]
    again = DataLoader(Named(), batch_sampler=batches)
    again.load_state_dict(loader.state_dict())
    assert start + list(again) == list(DataLoader(Named(), batch_sampler=batches))


def test_a_stream_is_shared_out_among_as_many_workers():
    loader = DataLoader(Stream(), 3, num_workers=2)
    with pytest.raises(ValueError, match="num_workers: 2 there, 3 here"):
        DataLoader(Stream(), 3, num_workers=3).load_state_dict(loader.state_dict())


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (WeightedRandomSampler([0] + [1] * 9, 9, False), WeightedRandomSampler([1] * 9 + [0], 9, False)),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], [9, 8, 7]),
    ],
)
def test_another_order_is_noticed(there, here):
    tg.manual_seed(1)
    loader = DataLoader(Noisy(), 3, sampler=there)
    it = iter(loader)
    for _ in range(3):
        next(it)
    state = loader.state_dict()
    tg.manual_seed(2)
    other = DataLoader(Noisy(), 3, sampler=here)
    before = other.state_dict()
    with pytest.raises(RuntimeError, match=r"other indices|ends before"):
        other.load_state_dict(state)
    assert other.state_dict() == before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda state: [1], TypeError),
        (lambda state: {}, TypeError),
        (lambda state: {**state, "version": 99}, ValueError),
        (lambda state: {**state, "settings": 3}, TypeError),
        (lambda state: {**state, "epoch": {"seed": 1}}, ValueError),
        (lambda state: {**state, "epoch": [1]}, ValueError),
        (lambda state: {**state, "generators": {"default": {"seed": 1, "numpy": {}}}}, ValueError),
        (lambda state: {**state, "generators": {"default": 3}}, ValueError),
    ],
)
def test_what_is_no_state(change, error):
    loader = DataLoader(Noisy(), 3, shuffle=True)
    next(iter(loader))
    state, rng = loader.state_dict(), tg.get_rng_state()
    with pytest.raises(error, match=r"DataLoader.load_state_dict: "):
        loader.load_state_dict(change(state))
    assert loader.state_dict() == state
    assert tg.get_rng_state() == rng


class Fussy(Knowing):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        if state["at"] == 3:
            raise OSError("not there")


def test_an_error_of_the_samplers_own_changes_nothing():
    loader = DataLoader(Noisy(), 3, sampler=Fussy(g()))
    it = iter(loader)
    next(it)
    state = loader.state_dict()
    other = DataLoader(Noisy(), 3, sampler=Fussy(g()))
    before = other.state_dict()
    with pytest.raises(OSError, match="not there"):
        other.load_state_dict(state)
    assert other.state_dict() == before


def test_persistent_workers_begin_with_the_seed_that_they_had():
    def loader():
        ds = Noisy()
        ds.__class__ = type("Seeds", (Noisy,), {"__getitem__": lambda self, i: (i, get_worker_info().seed % 2**31)})
        return DataLoader(ds, 2, num_workers=2, persistent_workers=True)

    tg.manual_seed(1)
    first = loader()
    whole = [plain(batch) for _ in range(2) for batch in first]
    state = first.state_dict()
    whole += [plain(batch) for batch in first]
    tg.manual_seed(5)
    again = loader()
    again.load_state_dict(state)
    assert [plain(batch) for batch in again] == whole[10:]


def test_a_worker_init_fn_seeds_what_its_worker_draws_from():
    def run(seed):
        tg.manual_seed(seed)
        loader = DataLoader(Noisy(), 2, num_workers=2, worker_init_fn=lambda i: tg.manual_seed(i))
        return [plain(batch) for batch in loader]

    assert run(1) == run(2)
    first = run(1)
    assert len({x for _, numbers in first for x in numbers}) == N
