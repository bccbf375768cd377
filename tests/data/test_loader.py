"""DataLoader: batches, order, workers and what they leave behind."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from small import Mapped

import tinygrad_cnn as tg
from tinygrad_cnn.data import (
    BatchSampler,
    DataLoader,
    Digits,
    IterableDataset,
    SequentialSampler,
    Subset,
    TensorDataset,
    get_worker_info,
)
from tinygrad_cnn.random import rng

WORKERS = [0, 1, 3]


class Shared(IterableDataset):
    """0 ... n - 1, shared out among the workers"""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))


def batches(loader):
    return [batch.tolist() for batch in loader]


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("DataLoader")]


def assert_no_threads():
    deadline = time.monotonic() + 5
    while threads():
        assert time.monotonic() < deadline, f"threads are left: {threads()}"
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    if threads():
        gc.collect()
    assert_no_threads()


# batches and their order


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0], [1], [2], [3], [4]]),
        ({"batch_size": 2}, [[0, 1], [2, 3], [4]]),
        ({"batch_size": 2, "drop_last": True}, [[0, 1], [2, 3]]),
        ({"batch_size": 9}, [[0, 1, 2, 3, 4]]),
        ({"batch_size": 9, "drop_last": True}, []),
        ({"batch_size": None}, [0, 1, 2, 3, 4]),
        ({"batch_size": 2, "sampler": [4, 0, 4]}, [[4, 0], [4]]),
        ({"batch_sampler": [[1], [0, 2]]}, [[1], [0, 2]]),
        ({"batch_sampler": BatchSampler(SequentialSampler(range(3)), 2, True)}, [[0, 1]]),
        ({"batch_size": 3, "collate_fn": lambda samples: np.array([sum(samples)])}, [[3], [7]]),
    ],
)
def test_batches(options, expected, workers):
    loader = DataLoader(Mapped(5, np.asarray), num_workers=workers, **options)
    assert batches(loader) == expected
    assert batches(loader) == expected
    assert len(loader) == len(expected)
    assert len(iter(loader)) == len(expected)


def test_an_empty_dataset_has_no_batches():
    assert batches(DataLoader(Mapped(0))) == []
    assert batches(DataLoader(Mapped(0), num_workers=2)) == []
    with pytest.raises(ValueError, match="num_samples=0"):  # as PyTorch has it: there is nothing to shuffle
        DataLoader(Mapped(0), shuffle=True)


@pytest.mark.parametrize("workers", WORKERS)
def test_shuffling_repeats_with_the_seed_whatever_the_number_of_workers(workers):
    def epochs(seed, workers):
        generator = tg.Generator().manual_seed(seed)
        loader = DataLoader(Mapped(50), batch_size=7, shuffle=True, generator=generator, num_workers=workers)
        return batches(loader), batches(loader)

    first, second = epochs(1, workers)
    assert sorted(i for batch in first for i in batch) == list(range(50))
    assert first != second
    assert epochs(1, 0) == (first, second)
    assert epochs(2, workers)[0] != first


def test_shuffling_draws_from_the_seed_of_the_library():
    loader = DataLoader(Mapped(50), batch_size=50, shuffle=True)
    tg.manual_seed(3)
    first = batches(loader)
    tg.manual_seed(3)
    assert batches(loader) == first


@pytest.mark.parametrize("workers", WORKERS)
def test_samples_become_tensors(workers):
    loader = DataLoader(Mapped(4, lambda i: (np.full((1, 2), i, np.float32), i, str(i))), 2, num_workers=workers)
    x, y, names = next(iter(loader))
    assert (x.shape, x.dtype, y.dtype, names) == ((2, 1, 2), np.float32, np.int64, ("0", "1"))


def test_without_batching_arrays_still_become_tensors():
    sample = next(iter(DataLoader(Mapped(1, lambda i: (np.zeros(2), i)), batch_size=None)))
    assert isinstance(sample[0], tg.Tensor)
    assert sample[1] == 0


def test_what_pytorch_scripts_read():
    ds = Mapped(4)
    loader = DataLoader(ds, batch_size=2, shuffle=True, num_workers=2, pin_memory=True)
    assert loader.dataset is ds
    assert (loader.batch_size, loader.num_workers, loader.prefetch_factor, loader.drop_last) == (2, 2, 2, False)
    assert isinstance(loader.batch_sampler, BatchSampler)
    with pytest.raises(ValueError, match="batch_size cannot be set"):
        loader.batch_size = 3


# samples by the batch


class Together(Mapped):
    def __getitems__(self, indices):
        return [("together", i) for i in indices]


def test_a_dataset_is_asked_for_whole_batches_where_it_can():
    assert list(DataLoader(Together(3), 2, collate_fn=list)) == [[("together", 0), ("together", 1)], [("together", 2)]]
    part = Subset(Together(9), [7, 8])
    assert list(DataLoader(part, 2, collate_fn=list)) == [[("together", 7), ("together", 8)]]


@pytest.mark.parametrize("collate", [None, lambda samples: [tg.stack(list(field)) for field in zip(*samples)]])
def test_columns_give_the_same_batches_as_samples(collate):
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    loader = DataLoader(TensorDataset(tg.tensor(x), tg.tensor(y)), 4, sampler=[5, 1, 0, 3, 2], collate_fn=collate)
    for (bx, by), rows in zip(loader, [[5, 1, 0, 3], [2]]):
        np.testing.assert_array_equal(bx.numpy(), x[rows])
        np.testing.assert_array_equal(by.numpy(), y[rows])


def test_tensors_are_indices_too():
    loader = DataLoader(Digits(), 2, sampler=tg.tensor([3, 1, 2]))
    assert [labels.tolist() for _, labels in loader] == [[int(Digits()[i][1]) for i in pair] for pair in ([3, 1], [2])]


# streams


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"batch_size": 2}, [[0, 1], [2, 3], [4]]),
        ({"batch_size": 2, "drop_last": True}, [[0, 1], [2, 3]]),
        ({"batch_size": None}, [0, 1, 2, 3, 4]),
        ({"batch_size": 2, "num_workers": 1}, [[0, 1], [2, 3], [4]]),
        ({"batch_size": 2, "num_workers": 2}, [[0, 2], [1, 3], [4]]),
        ({"batch_size": 1, "num_workers": 3}, [[0], [1], [2], [3], [4]]),
        ({"batch_size": 2, "num_workers": 2, "drop_last": True}, [[0, 2], [1, 3]]),
        ({"batch_size": 2, "num_workers": 4, "prefetch_factor": 5}, [[0, 4], [1], [2], [3]]),
    ],
)
def test_streams(options, expected):
    loader = DataLoader(Shared(5), collate_fn=np.asarray, **options)
    assert batches(loader) == expected
    assert batches(loader) == expected


def test_the_length_of_a_stream():
    assert len(DataLoader(Shared(5), batch_size=2)) == 3
    assert len(DataLoader(Shared(5), batch_size=2, drop_last=True)) == 2
    assert len(DataLoader(Shared(5), batch_size=None)) == 5


def test_an_endless_stream_is_read_no_further_than_asked():
    class Endless(IterableDataset):
        read = 0

        def __iter__(self):
            while True:
                self.read += 1
                yield self.read

    stream = Endless()
    it = iter(DataLoader(stream, batch_size=2, num_workers=1, prefetch_factor=3))
    assert next(it).tolist() == [1, 2]
    del it
    gc.collect()
    assert_no_threads()
    assert stream.read <= 8


# workers


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_are_fetched_ahead_and_only_so_far(workers):
    asked = []
    gate = threading.Semaphore(0)

    def fetch(i):
        asked.append(i)
        gate.release()
        return i

    it = iter(DataLoader(Mapped(100, fetch), num_workers=workers, prefetch_factor=4))
    for _ in range(4 * workers):
        assert gate.acquire(timeout=5)
    assert not gate.acquire(timeout=0.05)
    assert sorted(asked) == list(range(4 * workers))
    assert next(it).tolist() == [0]
    assert gate.acquire(timeout=5)


def test_workers_work_side_by_side():
    both = threading.Barrier(2)

    def meet(i):
        both.wait(timeout=5)
        return i

    assert batches(DataLoader(Mapped(4, meet), num_workers=2)) == [[0], [1], [2], [3]]


def test_the_order_is_kept_though_workers_are_not_equally_fast():
    loader = DataLoader(Mapped(12, lambda i: time.sleep(0.004 * (i % 3 == 0)) or i), 2, num_workers=3)
    assert [i for batch in batches(loader) for i in batch] == list(range(12))


def test_worker_info_and_worker_init():
    started = []
    ds = Mapped(6, lambda i: (get_worker_info().id, get_worker_info().num_workers, tg.initial_seed()))
    loader = DataLoader(ds, num_workers=3, worker_init_fn=started.append)
    ids, numbers, seeds = zip(*[[field.item() for field in batch] for batch in loader])
    assert ids == (0, 1, 2, 0, 1, 2)
    assert set(numbers) == {3}
    assert seeds[1] == seeds[0] + 1
    assert seeds[3:] == seeds[:3]
    assert sorted(started) == [0, 1, 2]
    assert get_worker_info() is None


@pytest.mark.parametrize("workers", WORKERS)
def test_random_numbers_in_a_dataset_repeat_with_the_seed(workers):
    def noise(seed):
        tg.manual_seed(seed)
        return batches(DataLoader(Mapped(20, lambda i: rng().random()), 3, num_workers=workers))

    assert noise(1) == noise(1) != noise(2)


def test_a_seed_set_in_a_worker_is_the_workers_own():
    tg.manual_seed(7)
    before = rng().random()
    list(DataLoader(Mapped(4), num_workers=2, worker_init_fn=lambda i: tg.manual_seed(0)))
    tg.manual_seed(7)
    assert rng().random() == before


def test_what_a_worker_seeds_leaves_the_programs_numbers_alone():
    def seeded(i):
        np.random.seed(i)
        random.seed(i)

    np.random.seed(7)
    random.seed(7)
    expected = np.random.rand(2).tolist(), random.random()
    np.random.seed(7)
    random.seed(7)
    list(DataLoader(Mapped(4), num_workers=2, worker_init_fn=seeded))
    assert (np.random.rand(2).tolist(), random.random()) == expected


@pytest.mark.parametrize("persistent", [False, True])
def test_persistent_workers_start_once(persistent):
    started = []
    loader = DataLoader(
        Mapped(6), 2, num_workers=2, persistent_workers=persistent, worker_init_fn=lambda i: started.append(i)
    )
    for _ in range(3):
        assert batches(loader) == [[0, 1], [2, 3], [4, 5]]
    next(iter(loader))
    assert len(started) == (2 if persistent else 8)
    assert len(threads()) == 2 or not persistent


def test_leaving_the_loop_ends_the_threads_and_withdraws_what_was_asked():
    asked = []
    for _ in DataLoader(Mapped(10_000, asked.append), collate_fn=list, num_workers=3, prefetch_factor=50):
        break
    assert_no_threads()
    assert len(asked) < 10_000


def test_two_loops_over_one_loader():
    loader = DataLoader(Mapped(4), 2, num_workers=2, persistent_workers=True)
    assert [(a.tolist(), b.tolist()) for a, b in zip(loader, loader)] == [([0, 1], [0, 1]), ([2, 3], [2, 3])]


class Picky(ValueError):
    def __init__(self, name, reason):
        super().__init__(f"{name}: {reason}")


def fails_at(n, error):
    def function(i):
        if i == n:
            raise error
        return i

    return function


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("broken"), ValueError, "DataLoader worker 1, at item 7: broken"),
        (KeyError("k"), KeyError, "DataLoader worker 1, at item 7: 'k'"),
        (FileNotFoundError(2, "no such file", "x.png"), FileNotFoundError, "at item 7: .*x.png"),
        (TimeoutError("slow disk"), TimeoutError, "at item 7: slow disk"),
        (Picky("a", "b"), RuntimeError, "at item 7: Picky: a: b"),
        (StopIteration("stop"), RuntimeError, "at item 7: StopIteration: stop"),
    ],
)
def test_errors_of_workers_name_the_item(error, kind, message):
    it = iter(DataLoader(Mapped(20, fails_at(7, error)), batch_size=4, num_workers=2, timeout=5))
    assert next(it).tolist() == [0, 1, 2, 3]
    with pytest.raises(kind, match=message) as caught:
        next(it)
    assert caught.value.__cause__ is error


def test_errors_without_workers_are_as_they_were_raised():
    error = ValueError("broken")
    with pytest.raises(ValueError, match=r"^broken$") as caught:
        list(DataLoader(Mapped(3, fails_at(1, error)), 2))
    assert caught.value is error


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DataLoader(Mapped(2, lambda i: object()), 2, num_workers=1),
            r"worker 0, at items \[0, 1\]: default_collate",
        ),
        (lambda: DataLoader(Mapped(1), num_workers=2, worker_init_fn=len), "DataLoader worker 0: object of type"),
    ],
)
def test_other_errors_of_workers(make, message):
    with pytest.raises(TypeError, match=message):
        list(make())


def test_an_error_in_a_stream_names_its_place():
    class Breaking(IterableDataset):
        def __iter__(self):
            yield from range(3)
            raise OSError("gone")

    with pytest.raises(OSError, match="worker 0, at item 3: gone"):
        list(DataLoader(Breaking(), 2, num_workers=1))


def test_timeout():
    release = threading.Event()
    it = iter(DataLoader(Mapped(2, lambda i: release.wait(5)), num_workers=1, timeout=0.02))
    with pytest.raises(RuntimeError, match=r"timed out after 0\.02 seconds"):
        next(it)
    release.set()


# what cannot be


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": True, "sampler": [0]}, "mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "mutually exclusive with batch_size"),
        ({"batch_sampler": [[0]], "shuffle": True}, "mutually exclusive with"),
        ({"batch_sampler": [[0]], "drop_last": True}, "mutually exclusive with"),
        ({"batch_size": None, "drop_last": True}, "no last batch"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"num_workers": -1}, "num_workers should not be negative, got -1"),
        ({"timeout": -1, "num_workers": 1}, "timeout should not be negative"),
        ({"prefetch_factor": 2}, "prefetch_factor=2 is an option of workers"),
        ({"persistent_workers": True}, "persistent_workers=True is an option of workers"),
        ({"multiprocessing_context": "spawn"}, "multiprocessing_context='spawn' is an option of workers"),
        ({"prefetch_factor": 0, "num_workers": 1}, "at least 1, got 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(Mapped(3), **options)


def test_a_timeout_without_workers_is_refused_when_the_loop_begins():
    loader = DataLoader(Mapped(3), timeout=5)
    assert loader.timeout == 5
    with pytest.raises(AssertionError, match="timeout=5 is for workers"):
        iter(loader)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_a_stream_has_no_sampler(options):
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Shared(3), **options)


# errors, and what comes after them


def drained(it):
    """All that comes of an iterator: batches, and the names of errors."""
    out = []
    while True:
        try:
            out.append(next(it).tolist())
        except StopIteration:
            return out
        except Exception as error:
            out.append(type(error).__name__)


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("bad", [(), (0,), (1, 2, 3, 4), (9,), tuple(range(10))])
def test_an_error_loses_no_other_item(workers, bad):
    def function(i):
        if i in bad:
            raise ValueError(i)
        return i

    it = iter(DataLoader(Mapped(10, function), num_workers=workers))
    assert drained(it) == ["ValueError" if i in bad else [i] for i in range(10)]
    assert drained(it) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_sampler_comes_in_its_turn(workers):
    def indices():
        yield from range(5)
        raise LookupError("no more")

    assert drained(iter(DataLoader(Mapped(9), sampler=indices(), num_workers=workers))) == [
        *([i] for i in range(5)),
        "LookupError",
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_stream_ends_it_alone(workers):
    class Breaks(IterableDataset):
        def __iter__(self):
            yield from range(3)
            if get_worker_info() is None or get_worker_info().id == 0:
                raise ValueError("broken")
            yield from range(3, 6)

    got = drained(iter(DataLoader(Breaks(), num_workers=workers)))
    assert sorted(map(str, got)) == sorted(map(str, [[0], [1], [2], "ValueError"] + [[i] for i in range(6) if workers]))


def test_a_batch_that_was_late_can_still_be_had():
    gate = threading.Event()
    it = iter(DataLoader(Mapped(3, lambda i: i if i != 1 or gate.wait() else -1), num_workers=1, timeout=0.05))
    assert next(it).tolist() == [0]
    with pytest.raises(RuntimeError, match="timed out"):
        next(it)
    gate.set()
    assert drained(it) == [[1], [2]]


@pytest.mark.parametrize("what", ["init", "iter"])
def test_a_worker_that_does_not_begin_is_late(what):
    gate = threading.Event()

    class Slow(IterableDataset):
        def __iter__(self):
            return iter([gate.wait()])

    options = {"worker_init_fn": lambda i: gate.wait()} if what == "init" else {}
    loader = DataLoader(Mapped(3) if what == "init" else Slow(), num_workers=1, timeout=0.05, **options)
    with pytest.raises(RuntimeError, match="timed out"):
        iter(loader)
    gate.set()


class Range(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))


def test_each_worker_has_a_dataset_of_its_own():
    """PyTorch's own example of a `worker_init_fn`; also through datasets made of datasets, and for map-style ones."""

    def init(worker):
        info = get_worker_info()
        for ds in [info.dataset, *getattr(info.dataset, "datasets", ())]:
            if hasattr(ds, "start"):
                share = -(-(ds.end - ds.start) // info.num_workers)
                ds.start += worker * share
                ds.end = min(ds.start + share, ds.end)

    ds = Range(3, 7)
    for _ in range(2):
        assert sorted(map(int, DataLoader(ds, num_workers=2, worker_init_fn=init))) == [3, 4, 5, 6]
    assert (ds.start, ds.end) == (3, 7)
    both = Range(0, 4) + Range(10, 13)
    assert sorted(map(int, DataLoader(both, num_workers=3, worker_init_fn=init))) == [0, 1, 2, 3, 10, 11, 12]

    def sign(worker):
        get_worker_info().dataset.function = lambda i: i if worker else -i

    mapped = Mapped(4)
    assert list(map(int, DataLoader(mapped, num_workers=2, worker_init_fn=sign))) == [0, 1, -2, 3]
    assert list(map(int, DataLoader(mapped, num_workers=2))) == [0, 1, 2, 3]


@pytest.mark.parametrize("where", ["__getitem__", "__iter__", "worker_init_fn"])
def test_a_worker_that_hangs_does_not_keep_the_process(where):
    program = f"""
import threading, time, tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader, IterableDataset
def hang(*_):
    threading.Event().wait()
class Mapped:
    def __len__(self): return 9
    def __getitem__(self, i): return hang() if i > 2 and {where!r} == "__getitem__" else i
class Stream(IterableDataset):
    def __iter__(self):
        yield 1
        hang()
loader = DataLoader(Stream() if {where!r} == "__iter__" else Mapped(), num_workers=2, timeout=0.2,
                    worker_init_fn=hang if {where!r} == "worker_init_fn" else None)
def loop():
    for _ in loader: pass
t = threading.Thread(target=loop, daemon=True)
t.start()
t.join(0.5)
print("end", flush=True)
"""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert time.monotonic() - start < 30
