"""DistributedDataParallel on real ranks: N of them train as one process does, bit for bit the same in every run."""

from __future__ import annotations

import pytest
from ranks import needs_mpi, ranks, said

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn import nn
from tinygrad_cnn.data import DistributedSampler


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_n_ranks_train_as_one_process_and_equal_to_the_bit_in_every_run(n):
    first = said(ranks(n, "training"))
    assert len(first.strip()) == 64  # a hash of all weights
    if n == 3:
        assert said(ranks(n, "training")) == first


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3])
def test_parallel(n):
    assert said(ranks(n, "parallel")) == f"{n} ranks are done\n"


def test_before_there_is_a_group_it_says_what_to_do():
    with pytest.raises(ValueError, match=r"DistributedDataParallel: Default process group .* call init_process_group"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="please make sure to call init_process_group"):
        DistributedSampler(range(3))


def test_hooks_of_the_user_see_the_average_once():
    """A hook that was registered later is called when the gradient has been averaged, if it was the last to arrive."""
    dist.init_process_group()
    seen = []
    net = nn.parallel.DistributedDataParallel(nn.Linear(2, 1, bias=False))
    net.module.weight.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    net(tg.ones(1, 2)).sum().backward()
    assert seen == [[[1.0, 1.0]]]
    dist.destroy_process_group()


# what PyTorch 2.13 gives without shuffling: (samples, ranks, drop_last) -> the indices of each rank
SHARES = [
    (7, 2, False, [[0, 2, 4, 6], [1, 3, 5, 0]]),
    (7, 2, True, [[0, 2, 4], [1, 3, 5]]),
    (6, 3, True, [[0, 3], [1, 4], [2, 5]]),
    (2, 5, False, [[0], [1], [0], [1], [0]]),
    (3, 8, False, [[0], [1], [2], [0], [1], [2], [0], [1]]),
    (2, 3, True, [[], [], []]),
]


@pytest.mark.parametrize(("samples", "n", "drop_last", "shares"), SHARES)
def test_shares_are_pytorchs(samples, n, drop_last, shares):
    made = [DistributedSampler(range(samples), n, r, shuffle=False, drop_last=drop_last) for r in range(n)]
    assert [list(sampler) for sampler in made] == shares
    assert [len(sampler) for sampler in made] == [len(share) for share in shares]


def test_an_epoch_has_an_order_which_all_ranks_share():
    def order(epoch, seed=0):
        made = [DistributedSampler(range(10), 2, rank, seed=seed) for rank in (0, 1)]
        for sampler in made:
            sampler.set_epoch(epoch)
        return [list(sampler) for sampler in made]

    assert order(1) == order(1) != order(2) == order(1, seed=1)
    assert sorted([i for share in order(3) for i in share]) == list(range(10))


def test_a_sampler_for_a_rank_that_there_is_not():
    with pytest.raises(ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"):
        DistributedSampler(range(3), 2, 2)


def test_conversion_takes_parameters_and_statistics_over():
    net = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.BatchNorm1d(2, eps=0.1, momentum=None), nn.ReLU())).eval()
    before = net.state_dict()
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert synced is net
    norm = synced[1][0]
    assert type(norm) is nn.SyncBatchNorm
    assert (norm.eps, norm.momentum, norm.training) == (0.1, None, False)
    assert all(a is b or a.data_ptr() == b.data_ptr() for a, b in zip(before.values(), net.state_dict().values()))
    assert synced.train()(tg.randn(4, 3)).shape == (4, 2)  # in a world of one it is batch norm
    assert type(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm2d(3, affine=False))) is nn.SyncBatchNorm
