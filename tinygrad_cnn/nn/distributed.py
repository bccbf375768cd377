"""DistributedDataParallel: every rank computes the gradients of its part of a batch, and all take the average.

    rank r:   g_r = ∇ mean loss of its B/N images           all:   (g_0 + ... + g_{N-1}) / N = ∇ mean loss of all B

So N ranks do what one would with a batch N times as large. The gradients are sent while backward still runs:

- **Hooks** tell when a gradient is ready, by `register_post_accumulate_grad_hook`, which anyone can use; the engine
  knows nothing of ranks. Modules are left as they are.
- **Buckets** are what is sent together, when the last gradient of it is ready; in the reverse order of the parameters,
  in which backward comes by them, and in the same order on all ranks.
- **No copies**: a large gradient is averaged where it lies, in the memory of `.grad`. Small ones are packed, since a
  message costs more than copying a few kilobytes. With `gradient_as_bucket_view` every `.grad` is a part of its
  bucket's memory, and a bucket is one message.
- **The end of backward** is where the last gradient arrives: there it waits for what is still on its way, so that
  `.grad` is the average when `backward()` returns; clipping and optimizers need to know nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays.blocks import block
from ..arrays.quiet import quietly
from ..distributed.collectives import add_up, move_out
from ..distributed.group import Group, ProcessGroup, member
from ..distributed.objects import gathered
from ..distributed.reduce_op import ReduceOp
from ..distributed.staged import shown
from ..distributed.work import Work
from ..engine.modes import mode
from ..engine.tensor import Tensor, wrap
from ..engine.walk import ancestry
from .module import Module
from .parameter import Parameter

MiB = 1 << 20
FIRST_BUCKET = 1 * MiB  # soon full, so that sending begins early
LARGE = 1 << 16  # bytes of a gradient that is sent by itself


class Bucket:
    """Parameters whose gradients are sent together, all of one dtype."""

    def __init__(self, places: list[tuple[int, str, Parameter]], in_one: bool):
        self.places = places
        self.dtype = places[0][2].dtype
        self.in_one = in_one
        joined = [p for _, _, p in places if in_one or p._array.nbytes < LARGE]
        self.flat = np.zeros(sum(p._array.size for p in joined), self.dtype)
        self.slices: dict[Parameter, np.ndarray] = {}  # of the parameters that are joined: their part of `flat`
        end = 0
        for p in joined:
            start, end = end, end + p._array.size
            self.slices[p] = self.flat[start:end].reshape(p._array.shape)
        self.begin()

    def begin(self) -> None:
        """Wait for all gradients anew."""
        self.missing = {p for _, _, p in self.places}
        self.works: list[Work] = []
        self.sent: dict[Parameter, np.ndarray] = {}

    def messages(self) -> list[int]:
        """The bytes of each message that it is sent as."""
        alone = [p._array.nbytes for _, _, p in self.places if p not in self.slices]
        return alone + ([self.flat.nbytes] if self.flat.size else [])

    def adopt(self, p: Parameter) -> None:
        """Let the gradient lie in the bucket's memory."""
        part = self.slices[p]
        if p.grad is None or p.grad._array is not part:
            np.copyto(part, 0 if p.grad is None else p.grad._array)
            p.grad = wrap(part)

    def send(self, group: ProcessGroup, number: int) -> None:
        """Begin to average; the gradients are not to be touched before `receive`."""
        for _, name, p in self.places:
            part = self.slices.get(p)
            array = np.zeros_like(p._array) if p.grad is None else p.grad._array
            self.sent[p] = array
            if part is None:
                self._start(group, f"gradient of {name}", array)
            elif part is not array:
                np.copyto(part, array)
        if self.flat.size:
            self._start(group, f"gradients of bucket {number}", self.flat)

    def _start(self, group: ProcessGroup, what: str, array: np.ndarray) -> None:
        work = add_up(group, f"{what}, all_reduce({shown(array)}, op=AVG)", array, ReduceOp.AVG, async_op=True)
        self.works.append(work)  # type: ignore[arg-type]

    def receive(self, used: np.ndarray | None) -> None:
        """Wait for the averages, and put them into `.grad` where they are not there already."""
        for work in self.works:
            work.wait()
        for i, _, p in self.places:
            array, part = self.sent[p], self.slices.get(p)
            if used is not None and not used[i]:
                continue  # no rank has used it: it keeps the gradient that it had, or none
            if part is not None and part is not array:
                np.copyto(array, part)
            if p.grad is None:
                p.grad = wrap(array)
            p.grad.version().bump("DistributedDataParallel")
        self.begin()


class DistributedDataParallel(Module):
    """The module, trained by all ranks of a process group together; each calls it with a batch of its own.

    module: the same on every rank: parameters and buffers are compared by name, shape and dtype, then those of rank 0
    are given to all (`init_sync`). process_group: None for all ranks. bucket_cap_mb: how many MiB of gradients are
    sent together, 25 if None. find_unused_parameters: look through the graph of each output for parameters that it
    does not depend on, which get no gradient here, and perhaps one on another rank. gradient_as_bucket_view: let each
    `.grad` be a part of its bucket's memory: one message a bucket, and no copy where `.grad` is zeroed rather than set
    to None. broadcast_buffers: after each training forward, buffers (as running statistics) become those of rank 0.
    check_finite: end all ranks where a gradient of this one has NaN or Inf, before others are spoilt by it. The other
    arguments are there for PyTorch's scripts.

    Batch norm measures each rank's batch alone, unless SyncBatchNorm.convert_sync_batchnorm has changed the module.
    Gradients are those of the mean over all ranks if the loss is a mean and all batches are of one size.

    RuntimeError where there is no parameter to train, where the ranks' parameters differ, at the next forward if a
    parameter got no gradient and unused ones are not looked for, and where a gradient is not finite. ValueError before
    `init_process_group`.

    >>> import tinygrad_cnn as tg
    >>> tg.distributed.init_process_group()
    >>> net = DistributedDataParallel(tg.nn.Linear(2, 1))
    >>> net(tg.ones(3, 2)).sum().backward()
    >>> net.module.weight.grad.tolist(), list(net.state_dict())
    ([[3.0, 3.0]], ['module.weight', 'module.bias'])
    >>> tg.distributed.destroy_process_group()
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Group = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        *,
        check_finite: bool = True,
    ):
        super().__init__()
        name = type(self).__name__
        group = member(name, process_group)
        if group is None:
            raise ValueError(f"{name}: this rank is not in the process_group")
        if bucket_cap_mb is not None and bucket_cap_mb <= 0:
            raise ValueError(f"{name}: bucket_cap_mb must be positive, got {bucket_cap_mb}")
        named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise RuntimeError(f"{name}: the module has no parameter that requires a gradient; call it as it is")
        self.module = module
        self.process_group = group
        self.broadcast_buffers = True if broadcast_buffers is None else broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.check_finite = check_finite
        self.require_backward_grad_sync = True
        _compare(group, module)
        if init_sync:
            _give_all(group, "parameters and buffers", [*module.parameters(), *module.buffers()])()
        cap = 25 if bucket_cap_mb is None else bucket_cap_mb
        self.buckets = _filled(named, cap * MiB, gradient_as_bucket_view)
        self._bucket = {p: bucket for bucket in self.buckets for _, _, p in bucket.places}
        self._names = {p: n for n, p in named}
        self._begin()
        self._syncing = False  # whether the backward of the last forward is to average
        self._buffers_arrive: Any = None
        for p in self._bucket:
            p.register_post_accumulate_grad_hook(self._ready)
        self.register_forward_pre_hook(_before)
        self.register_forward_hook(_after)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @block
    def no_sync(self) -> Iterator[None]:
        """Forward and backward in here add to each rank's own `.grad`; the next backward outside averages the sums."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    # a round: from the first gradient of a backward to the last

    def _begin(self) -> None:
        self._next = 0  # the bucket to be sent next
        self._used: np.ndarray | None = None
        self._used_work: Work | None = None
        self._arrived = 0

    def _prepare(self) -> None:
        """Before a forward."""
        self._syncing = mode.grad and self.require_backward_grad_sync
        if not self._syncing:
            return
        if self._arrived:
            left = [self._names[p] for bucket in self.buckets[self._next :] for p in bucket.missing]
            raise RuntimeError(
                "DistributedDataParallel: Expected to have finished reduction in the prior iteration before starting a "
                f"new one: no gradient arrived at {', '.join(left)}; use these parameters in the loss, or give "
                "find_unused_parameters=True"
            )
        self._take_buffers()
        for bucket in self.buckets:
            bucket.begin()
        self._begin()

    def _look(self, output: Any) -> None:
        """After a forward: which parameters it has used, and the buffers that it has left."""
        if not self._syncing:
            return
        if self.find_unused_parameters:
            nodes = [t.grad_fn or t.accumulator() for t in _tensors(output) if t.requires_grad]
            reached = {getattr(node, "variable", None) for node in ancestry(nodes)}
            self._used = np.array([p in reached for p in self._names], np.int32)
            for p, bucket in self._bucket.items():
                if p not in reached:
                    bucket.missing.discard(p)
        buffers = list(self.module.buffers())
        if self.broadcast_buffers and self.training and buffers and self.process_group.size > 1:
            self._buffers_arrive = _give_all(self.process_group, "buffers", buffers)

    def _take_buffers(self) -> None:
        arrive, self._buffers_arrive = self._buffers_arrive, None
        if arrive is not None:
            arrive()

    def _ready(self, p: Parameter) -> None:
        """The hook: this parameter's gradient is complete."""
        bucket = self._bucket[p]
        if bucket.in_one:
            bucket.adopt(p)
        if not self._syncing:
            return
        name = self._names[p]
        if p not in bucket.missing:
            raise RuntimeError(
                f"DistributedDataParallel: Expected to mark a variable ready only once: {name} got a gradient twice "
                "before all parameters had one; add the losses up and call backward once, or use no_sync()"
            )
        if self.check_finite:
            self._refuse_spoilt(name, p.grad._array)
        group = self.process_group
        if self._used is not None and not self._arrived:
            self._used_work = add_up(group, "which parameters are used", self._used, ReduceOp.MAX, async_op=True)
        self._arrived += 1
        bucket.missing.discard(p)
        while self._next < len(self.buckets) and not self.buckets[self._next].missing:
            self.buckets[self._next].send(group, self._next)
            self._next += 1
        if self._next == len(self.buckets):
            self._finish()
        elif group.pending:
            group.progress()

    def _finish(self) -> None:
        self._take_buffers()
        if self._used_work is not None:
            self._used_work.wait()
        for bucket in self.buckets:
            bucket.receive(self._used)
        self._begin()

    def _refuse_spoilt(self, name: str, gradient: np.ndarray) -> None:
        flat = gradient.reshape(-1)
        if not quietly(_all_finite, flat):
            group = self.process_group
            raise RuntimeError(
                f"DistributedDataParallel: the gradient of {name}, {shown(gradient)}, has "
                f"{int(np.isnan(flat).sum())} NaN and {int(np.isinf(flat).sum())} infinite numbers on "
                f"{group.named(group.rank)}; nothing of it was sent. check_finite=False lets them pass"
            )


def _all_finite(numbers: np.ndarray) -> bool:
    """Whether none is NaN or infinite; their squares are sooner looked at, but they may overflow."""
    return bool(np.isfinite(np.dot(numbers, numbers)) or np.isfinite(numbers).all())


def _before(module: Any, args: tuple) -> None:
    module._prepare()


def _after(module: Any, args: tuple, output: Any) -> None:
    module._look(output)


def _filled(named: list[tuple[str, Parameter]], cap: float, in_one: bool) -> list[Bucket]:
    """The parameters, last first, in buckets of up to `cap` bytes and one dtype; the first is smaller."""
    buckets: list[Bucket] = []
    places: list[tuple[int, str, Parameter]] = []
    size, room = 0, min(cap, FIRST_BUCKET)
    for i, (name, p) in reversed(list(enumerate(named))):
        if places and (size >= room or p.dtype != places[0][2].dtype):
            buckets.append(Bucket(places, in_one))
            places, size, room = [], 0, cap
        places.append((i, name, p))
        size += p._array.nbytes
    return [*buckets, Bucket(places, in_one)]


def _compare(group: ProcessGroup, module: Module) -> None:
    """Raise, on every rank, where the ranks' parameters or buffers differ in name, shape or dtype."""
    if group.size == 1:
        return
    mine = [
        [kind, name, list(t.shape), str(t.dtype), t.requires_grad]
        for kind, members in (("parameter", module.named_parameters()), ("buffer", module.named_buffers()))
        for name, t in members
    ]
    ranks = gathered(group, "DistributedDataParallel: names and shapes", mine)
    for rank, theirs in enumerate(ranks):
        if theirs == ranks[0]:
            continue
        n = min(len(theirs), len(ranks[0]))
        i = next((i for i in range(n) if theirs[i] != ranks[0][i]), n)
        raise RuntimeError(
            f"DistributedDataParallel: the module differs between ranks: {group.named(0)} has "
            f"{_described(ranks[0], i)}, {group.named(rank)} has {_described(theirs, i)}; make it in the same way on "
            "all of them"
        )


def _described(members: list, i: int) -> str:
    if i == len(members):
        return "no more"
    kind, name, shape, dtype, trained = members[i]
    return f"{kind} {name} {dtype} {tuple(shape)}" + ("" if trained or kind == "buffer" else " without a gradient")


def _give_all(group: ProcessGroup, what: str, tensors: list[Any]) -> Any:
    """Begin to give the tensors of rank 0 to all, a message for each dtype; what is returned puts them in place."""
    packs = []
    for dtype in dict.fromkeys(t.dtype for t in tensors):
        chosen = [t for t in tensors if t.dtype == dtype]
        flat = np.concatenate([t._array.reshape(-1) for t in chosen])
        call = f"DistributedDataParallel: {what}, broadcast({shown(flat)}, src={group.ranks[0]})"
        packs.append((move_out(group, call, flat, 0, async_op=True), chosen, flat))

    def arrive() -> None:
        for work, chosen, flat in packs:
            work.wait()  # type: ignore[union-attr]
            end = 0
            for t in chosen if group.rank else ():
                start, end = end, end + t._array.size
                np.copyto(t._array, flat[start:end].reshape(t._array.shape))
                t.version().bump("DistributedDataParallel")

    return arrive


def _tensors(output: Any) -> Iterator[Tensor]:
    """The tensors in what a forward returned."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, list | tuple):
        for value in output:
            yield from _tensors(value)
