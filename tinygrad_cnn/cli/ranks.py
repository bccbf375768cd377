"""What of a training this process does: all of it, or with `train --distributed` the share of its rank.

Batch, order and shares are such that the same images are in the k-th step of an epoch however many ranks there are.
"""

from __future__ import annotations

import sys
from typing import Any

from ..stopping import stop
from . import UserError


class Ranks:
    """The ranks of `tinygrad-cnn launch`; one, where --distributed is not given or nobody has launched."""

    def __init__(self, together: bool):
        self.together = together
        self.rank, self.size = 0, 1
        if self.together:
            from .. import distributed as dist

            dist.init_process_group()
            self.rank, self.size = dist.get_rank(), dist.get_world_size()
            stop.again = False  # a second Ctrl-C is for those who have launched them
        self.first = self.rank == 0  # the one that prints, saves and reports
        self.here = f" on rank {self.rank}" if self.size > 1 else ""

    def fail(self, error: Exception) -> None:
        """End all ranks, for a mistake or a mishap of this one; nothing where it is alone."""
        if self.size > 1:
            print(f"tinygrad-cnn train: {error}", file=sys.stderr)
            sys.exit(2)
        self.close()

    def close(self) -> None:
        """Leave the others, who have come to their end as well."""
        if self.together:
            from .. import distributed as dist

            dist.destroy_process_group()

    def shared(self, model: Any) -> tuple[Any, Any]:
        """The model, with batch norms over all ranks, and what is called in its place to train it."""
        if not self.together:
            return model, model
        from .. import nn

        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return model, nn.parallel.DistributedDataParallel(model, check_finite=False)  # each step is judged as a whole

    def loader(self, dataset: Any, batch_size: int, seed: int, workers: int) -> Any:
        """Batches of this rank: a share of each batch_size images."""
        from ..data import DataLoader, DistributedSampler

        if batch_size % self.size:
            raise UserError(
                f"--batch-size: {batch_size} images a step cannot be shared out among {self.size} ranks; "
                f"take a multiple of {self.size}"
            )
        if not self.together:
            return DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=workers)
        sampler = DistributedSampler(dataset, seed=seed)
        return DataLoader(dataset, batch_size=batch_size // self.size, sampler=sampler, num_workers=workers)

    def begin(self, loader: Any, seed: int, epoch: int) -> None:
        """An epoch: an order of its own that all ranks share, and random numbers that no two share."""
        if self.together:
            from .. import manual_seed

            loader.sampler.set_epoch(epoch)
            manual_seed((seed * 1_000_003 + epoch) * 65_536 + self.rank)

    def gathered(self, mine: dict[str, Any]) -> list[dict[str, Any]]:
        """What each rank has, for the first one."""
        found: list[Any] = [mine] * self.size
        if self.size > 1:
            from .. import distributed as dist

            dist.gather_object(mine, found if self.first else None)
        return found

    def meet(self) -> None:
        """Wait until all ranks are here."""
        if self.size > 1:
            from .. import distributed as dist

            dist.barrier()

    def any(self, here: bool) -> bool:
        """Whether this holds on one of the ranks."""
        return self.summed(int(here))[0] > 0

    def summed(self, *numbers: Any) -> tuple:
        """Each number, added up over the ranks."""
        if self.size == 1:
            return numbers
        from .. import distributed as dist
        from .. import float64, tensor

        total = tensor(numbers, dtype=float64)
        dist.all_reduce(total)
        return tuple(type(n)(t) for n, t in zip(numbers, total.tolist(), strict=True))
