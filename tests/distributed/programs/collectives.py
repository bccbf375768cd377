"""Every collective, held against what NumPy makes of the arrays of all ranks, which each rank knows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn.distributed import ReduceOp

dist.init_process_group("mpi")
RANK, SIZE = dist.get_rank(), dist.get_world_size()
LAST = SIZE - 1
assert dist.is_initialized()
assert dist.get_backend() == "mpi"

COMBINED = {
    ReduceOp.SUM: lambda x: x.sum(0, dtype=x.dtype),
    ReduceOp.AVG: lambda x: x.sum(0) / len(x),
    ReduceOp.MIN: lambda x: x.min(0),
    ReduceOp.MAX: lambda x: x.max(0),
    ReduceOp.PRODUCT: lambda x: x.prod(0),
}
SHAPES = [(), (0,), (5,), (3, 4), (7, 11, 13)]
DTYPES = [tg.float32, tg.float64, tg.float16, tg.int64, tg.int32, tg.uint8, tg.bool]


def everyones(shape, dtype, seed=0):
    """What all ranks have, (N, *shape): small whole numbers, so that every sum is exact."""
    least = 0 if dtype is tg.bool else 1
    return np.random.default_rng([seed, *shape]).integers(least, 4, (SIZE, *shape)).astype(dtype)


def same(tensor, expected):
    np.testing.assert_array_equal(tensor.numpy(), expected)


def defined(op, dtype):
    return dtype.kind == "f" or op is not ReduceOp.AVG


way = False  # whether by a Work
for dtype in DTYPES:
    for shape in SHAPES if dtype is tg.float32 else SHAPES[3:4]:
        all_of_them = everyones(shape, dtype)
        ways = (False, True) if shape == (3, 4) else (not way,)
        for way in ways:
            x = tg.tensor(all_of_them[RANK])
            work = dist.broadcast(x, src=LAST, async_op=way)
            assert way is (work is not None)
            assert not way or work.wait()
            same(x, all_of_them[LAST])

            found = [tg.zeros(shape, dtype=dtype) for _ in range(SIZE)]
            work = dist.all_gather(found, tg.tensor(all_of_them[RANK]), async_op=way)
            assert not way or work.wait()
            same(tg.stack(found), all_of_them)

            into = tg.zeros((SIZE, *shape), dtype=dtype)
            work = dist.all_gather_into_tensor(into, tg.tensor(all_of_them[RANK]), async_op=way)
            assert not way or work.wait()
            same(into, all_of_them)

            found = [tg.zeros(shape, dtype=dtype) for _ in range(SIZE)] if RANK == 0 else None
            work = dist.gather(tg.tensor(all_of_them[RANK]), found, async_op=way)
            assert not way or work.wait()
            if RANK == 0:
                same(tg.stack(found), all_of_them)

            x = tg.zeros(shape, dtype=dtype)
            blocks = [tg.tensor(a) for a in all_of_them] if RANK == LAST else None
            work = dist.scatter(x, blocks, src=LAST, async_op=way)
            assert not way or work.wait()
            same(x, all_of_them[RANK])

            for op, combined in COMBINED.items():
                x = tg.tensor(all_of_them[RANK])
                if not defined(op, np.dtype(dtype)):
                    with pytest.raises(TypeError, match=op.name):
                        dist.all_reduce(x, op=op)
                    continue
                expected = combined(all_of_them).astype(dtype)
                work = dist.all_reduce(x, op=op, async_op=way)
                assert not way or work.wait()
                same(x, expected)

                x = tg.tensor(all_of_them[RANK])
                work = dist.reduce(x, dst=LAST, op=op, async_op=way)
                assert not way or work.wait()
                same(x, expected if RANK == LAST else all_of_them[RANK])

                x = tg.zeros(shape, dtype=dtype)
                blocks = everyones((SIZE, *shape), dtype, 1)
                work = dist.reduce_scatter(x, [tg.tensor(b) for b in blocks[RANK]], op=op, async_op=way)
                assert not way or work.wait()
                same(x, combined(blocks[:, RANK]).astype(dtype))

                work = dist.reduce_scatter_tensor(x.zero_(), tg.tensor(blocks[RANK]), op=op, async_op=way)
                assert not way or work.wait()
                same(x, combined(blocks[:, RANK]).astype(dtype))

# joined along axis 0, rather than stacked
x = tg.zeros(2 * SIZE, 3)
dist.all_gather_into_tensor(x, tg.full((2, 3), float(RANK)))
same(x[:, 0], np.arange(SIZE).repeat(2))

# memory that is not in one piece; a changed tensor is known to have changed
everyone = np.arange(SIZE * 12.0).reshape(SIZE, 3, 4)
whole = tg.tensor(everyone[RANK].T)
x = whole.t()
version = x._version
dist.all_reduce(x)
same(whole, everyone.sum(0).T)
assert x._version > version
rows = tg.zeros(4, 6)
dist.all_reduce(rows[:, ::2].fill_(RANK + 1.0))
assert rows.sum().item() == 12 * SIZE * (SIZE + 1) / 2

# equal to the bit on every rank, and in every run
noise = tg.tensor(np.random.default_rng(RANK).normal(size=100_003).astype(np.float32))
dist.all_reduce(noise)
bits = [None] * SIZE
dist.all_gather_object(bits, noise.numpy().tobytes().hex()[:2000])
assert bits == bits[:1] * SIZE

# several on their way at once
many = [tg.full((1000 * (i + 1),), float(RANK + i)) for i in range(5)]
works = [dist.all_reduce(x, async_op=True) for x in many]
for i, (work, x) in enumerate(zip(works, many, strict=True)):
    work.wait()
    assert set(x.tolist()) == {sum(r + i for r in range(SIZE))}

# from one to another
if SIZE > 1:
    right, left = (RANK + 1) % SIZE, (RANK - 1) % SIZE
    x, y = tg.full((3,), float(RANK)), tg.zeros(3)
    work = dist.isend(x, right, tag=7)
    assert dist.recv(y, left, tag=7) == left
    work.wait()
    assert y.tolist() == [left] * 3
    if RANK == 0:
        seen = {dist.recv(y) for _ in range(SIZE - 1)}
        assert seen == set(range(1, SIZE))
        dist.send_object_list([{"a": [1, None]}, "b"], dst=LAST)
    else:
        dist.send(x, 0)
    if RANK == LAST:
        things = [None, None]
        assert dist.recv_object_list(things, src=0) == 0
        assert things == [{"a": [1, None]}, "b"]
dist.barrier(timeout=timedelta(seconds=60))
assert dist.barrier(async_op=True).wait()

# plain values
things = [{"rank": RANK, "nested": [1.5, None, True, "é"]}, RANK]
dist.broadcast_object_list(things, src=LAST)
assert things == [{"rank": LAST, "nested": [1.5, None, True, "é"]}, LAST]
things = [None] * SIZE
dist.all_gather_object(things, ["x" * RANK, RANK])
assert things == [["x" * r, r] for r in range(SIZE)]
things = [None] * SIZE if RANK == 0 else None
dist.gather_object({"rank": RANK}, things)
assert RANK or things == [{"rank": r} for r in range(SIZE)]
got = [None]
dist.scatter_object_list(got, [f"for {r}" for r in range(SIZE)] if RANK == 0 else None)
assert got == [f"for {RANK}"]

# smaller groups
even = dist.new_group(range(0, SIZE, 2))
backwards = dist.new_group(list(range(SIZE))[::-1], sort_ranks=False)
x = tg.full((2,), float(RANK))
if RANK % 2:
    assert even is dist.GroupMember.NON_GROUP_MEMBER
    assert dist.get_rank(even) == dist.get_world_size(even) == -1
    assert dist.all_reduce(x, group=even) is None
    assert x.tolist() == [RANK] * 2
else:
    members = list(range(0, SIZE, 2))
    assert dist.get_process_group_ranks(even) == members
    assert dist.get_rank(even) == RANK // 2
    assert dist.get_global_rank(even, RANK // 2) == RANK
    dist.all_reduce(x, group=even)
    assert x.tolist() == [sum(members)] * 2
    dist.broadcast(x.fill_(RANK), group_src=len(members) - 1, group=even)
    assert x.tolist() == [members[-1]] * 2
assert dist.get_rank(backwards) == LAST - RANK
got = [tg.zeros(1) for _ in range(SIZE)]
dist.all_gather(got, tg.tensor([float(RANK)]), group=backwards)
assert tg.cat(got).tolist() == list(range(SIZE))[::-1]
dist.destroy_process_group(backwards)

dist.destroy_process_group()
assert not dist.is_initialized()
dist.init_process_group()  # and once more
dist.all_reduce(x.fill_(1))
assert x.tolist() == [SIZE] * 2
dist.destroy_process_group()
if RANK == 0:
    print(f"{SIZE} ranks are done")
