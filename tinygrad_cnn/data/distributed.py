"""DistributedSampler: each rank takes its share of a dataset, none of another's, in an order that all agree on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..distributed.group import get_rank, get_world_size
from ..random import Generator
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index from `rank` on, of an order that depends on seed and epoch alone.

    num_replicas, rank: by default those of the process group. All ranks get equally many, ⌈n / N⌉: the order is
    continued with its own beginning until it can be divided, or with drop_last cut to ⌊n / N⌋ each. shuffle: in a
    random order, another one in each epoch, if `set_epoch` tells which it is; otherwise from first to last.

    ValueError for a rank outside of 0 to num_replicas - 1.

    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False, drop_last=True)) for rank in (0, 1)]
    [[0, 2], [1, 3]]
    """

    _settings = ("num_replicas", "rank", "shuffle", "seed", "drop_last")

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ):
        num_replicas = get_world_size() if num_replicas is None else num_replicas
        rank = get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"DistributedSampler: Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        if self.shuffle:
            order = Generator().manual_seed(self.seed + self.epoch).numpy.permutation(n).tolist()
        else:
            order = list(range(n))
        whole = order * -(-self.total_size // n) if n else []
        return iter(whole[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch before it begins: each has an order of its own."""
        self.epoch = epoch
