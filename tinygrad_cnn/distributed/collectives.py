"""What all ranks of a group do together with tensors, by PyTorch's names; results come in the tensors given.

N ranks; each has a tensor x_r.

    all_reduce       every rank gets x_0 + x_1 + ...       reduce           one rank does
    all_gather       every rank gets [x_0, x_1, ...]       gather           one rank does
    broadcast        every rank gets x_src                 scatter          rank r gets the r-th of a list of src
    reduce_scatter   rank r gets the sum of the r-th blocks of all

Nothing of it is recorded for backward. Every rank of the group makes the same calls in the same order, with equal
shapes and dtypes: a DistBackendError says who did not. With `async_op=True` a Work is returned at once, and the
tensors are not to be touched until its `wait()`. A rank that is not in the group does nothing and gets None. Errors in
the arguments are a TypeError or a ValueError, and nothing has been sent then.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .group import Group, ProcessGroup, get_group_rank, member
from .reduce_op import ReduceOp
from .staged import Staged, as_bytes, changed, given, given_list, shown
from .work import Work


def barrier(
    group: Group = None, async_op: bool = False, device_ids: Any = None, timeout: timedelta | None = None
) -> Work | None:
    """Wait until every rank has come here. timeout: in place of the group's own; 0 waits for ever."""
    chosen = member("barrier", group)
    if chosen is None:
        return None
    return chosen.run("barrier()", lambda comm: comm.Ibarrier(), async_op=async_op, timeout=timeout)


def broadcast(
    tensor: Tensor, src: int | None = None, group: Group = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Every tensor becomes that of rank src (its number in the world; group_src: in the group).

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn import distributed as dist
    >>> dist.init_process_group()
    >>> dist.broadcast(tg.ones(2), src=0)
    >>> dist.destroy_process_group()
    """
    chosen = member("broadcast", group)
    if chosen is None:
        return None
    root = root_of("broadcast", "src", chosen, src, group_src)
    take = given if chosen.rank == root else changed
    array = take("broadcast", "tensor", tensor)
    return move_out(chosen, f"broadcast({shown(array)}, src={chosen.ranks[root]})", array, root, async_op)


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False) -> Work | None:
    """Every tensor becomes the sum (or op) of all, element by element; equal on all ranks to the bit.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn import distributed as dist
    >>> dist.init_process_group()
    >>> x = tg.ones(2)
    >>> dist.all_reduce(x, op=dist.ReduceOp.AVG)
    >>> x.tolist()
    [1.0, 1.0]
    >>> dist.destroy_process_group()
    """
    chosen = member("all_reduce", group)
    if chosen is None:
        return None
    array = _reducible("all_reduce", tensor, op)
    return add_up(chosen, f"all_reduce({shown(array)}, op={op.name})", array, op, async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: Group = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """The tensor of rank dst becomes the sum (or op) of all; the others stay as they are."""
    chosen = member("reduce", group)
    if chosen is None:
        return None
    root = root_of("reduce", "dst", chosen, dst, group_dst)
    array = _reducible("reduce", tensor, op, receives=chosen.rank == root)
    staged = Staged(array, adds=True)
    here = chosen.rank == root
    send, recv = (chosen.in_place, staged.data) if here else (staged.data, None)
    call = f"reduce({shown(array)}, dst={chosen.ranks[root]}, op={op.name})"

    def finish() -> None:
        if here:
            _finish_sum(chosen, staged, op)

    return chosen.run(call, lambda comm: comm.Ireduce(send, recv, chosen.op(op), root), finish, async_op)


def all_gather(tensor_list: list, tensor: Tensor, group: Group = None, async_op: bool = False) -> Work | None:
    """tensor_list[r] becomes the tensor of rank r; all are of one shape.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn import distributed as dist
    >>> dist.init_process_group()
    >>> found = [tg.zeros(2)]
    >>> dist.all_gather(found, tg.ones(2))
    >>> found[0].tolist()
    [1.0, 1.0]
    >>> dist.destroy_process_group()
    """
    chosen = member("all_gather", group)
    if chosen is None:
        return None
    array = given("all_gather", "tensor", tensor)
    outs = given_list("all_gather", "tensor_list", tensor_list, chosen.size, array, receives=True)
    room = np.empty((chosen.size, *array.shape), array.dtype)
    return bring_together(chosen, f"all_gather({shown(array)})", array, room, lambda: _spread(room, outs), async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Group = None, async_op: bool = False
) -> Work | None:
    """output_tensor becomes the input_tensors of all ranks, joined or stacked along axis 0: (n,...) -> (N·n,...)"""
    chosen = member("all_gather_into_tensor", group)
    if chosen is None:
        return None
    array = given("all_gather_into_tensor", "input_tensor", input_tensor)
    out = changed("all_gather_into_tensor", "output_tensor", output_tensor, like=array)
    _check_blocks("all_gather_into_tensor", "output_tensor", out, array, chosen.size)
    staged = Staged(out)
    call = f"all_gather_into_tensor({shown(out)}, {shown(array)})"
    return bring_together(chosen, call, array, staged.data, staged.back, async_op)


def gather(
    tensor: Tensor,
    gather_list: list | None = None,
    dst: int | None = None,
    group: Group = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """On rank dst (0 if not said) gather_list[r] becomes the tensor of rank r; the others give no list."""
    chosen = member("gather", group)
    if chosen is None:
        return None
    array = given("gather", "tensor", tensor)
    root = root_of("gather", "dst", chosen, dst, group_dst, default=0)
    call = f"gather({shown(array)}, dst={chosen.ranks[root]})"
    send = as_bytes(np.ascontiguousarray(array))
    if chosen.rank != root:
        if gather_list:
            raise ValueError("gather: Argument ``gather_list`` must NOT be specified on non-destination ranks.")
        return chosen.run(call, lambda comm: comm.Igather(send, None, root), async_op=async_op)
    if not gather_list:
        raise ValueError("gather: Argument ``gather_list`` must be specified on destination rank.")
    outs = given_list("gather", "gather_list", gather_list, chosen.size, array, receives=True)
    room = np.empty((chosen.size, *array.shape), array.dtype)
    start = lambda comm: comm.Igather(send, as_bytes(room), root)
    return chosen.run(call, start, lambda: _spread(room, outs), async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list | None = None,
    src: int | None = None,
    group: Group = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor of rank r becomes scatter_list[r] of rank src (0 if not said); the others give no list."""
    chosen = member("scatter", group)
    if chosen is None:
        return None
    root = root_of("scatter", "src", chosen, src, group_src, default=0)
    array = changed("scatter", "tensor", tensor)
    room = None
    if chosen.rank == root:
        if not scatter_list:
            raise ValueError("scatter: Argument ``scatter_list`` must be specified on source rank.")
        blocks = given_list("scatter", "scatter_list", scatter_list, chosen.size, array, receives=False)
        room = as_bytes(np.stack(blocks))
    elif scatter_list:
        raise ValueError("scatter: Argument ``scatter_list`` must NOT be specified on non-source ranks.")
    staged = Staged(array)
    call = f"scatter({shown(array)}, src={chosen.ranks[root]})"
    return chosen.run(call, lambda comm: comm.Iscatter(room, as_bytes(staged.data), root), staged.back, async_op)


def reduce_scatter(
    output: Tensor, input_list: list, op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False
) -> Work | None:
    """output of rank r becomes the sum (or op) of the input_list[r] of all ranks."""
    chosen = member("reduce_scatter", group)
    if chosen is None:
        return None
    out = _reducible("reduce_scatter", output, op)
    blocks = given_list("reduce_scatter", "input_list", input_list, chosen.size, out, receives=False)
    return _reduce_scatter(chosen, f"reduce_scatter({shown(out)}, op={op.name})", out, np.stack(blocks), op, async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False
) -> Work | None:
    """output of rank r becomes the sum (or op) of the r-th of N blocks of all inputs: (N·n,...) -> (n,...)"""
    chosen = member("reduce_scatter_tensor", group)
    if chosen is None:
        return None
    out = _reducible("reduce_scatter_tensor", output, op)
    array = given("reduce_scatter_tensor", "input", input, like=out)
    _check_blocks("reduce_scatter_tensor", "input", array, out, chosen.size)
    blocks = array.reshape(chosen.size, *out.shape)
    return _reduce_scatter(chosen, f"reduce_scatter_tensor({shown(out)}, op={op.name})", out, blocks, op, async_op)


# on arrays


def move_out(chosen: ProcessGroup, call: str, array: np.ndarray, root: int, async_op: bool = False) -> Work | None:
    """broadcast."""
    staged = Staged(array)
    finish = staged.back if chosen.rank != root else lambda: None
    return chosen.run(call, lambda comm: comm.Ibcast(as_bytes(staged.data), root), finish, async_op)


def add_up(chosen: ProcessGroup, call: str, array: np.ndarray, op: ReduceOp, async_op: bool = False) -> Work | None:
    """all_reduce."""
    staged = Staged(array, adds=True)
    start = lambda comm: comm.Iallreduce(chosen.in_place, staged.data, chosen.op(op))
    return chosen.run(call, start, lambda: _finish_sum(chosen, staged, op), async_op)


def bring_together(
    chosen: ProcessGroup, call: str, array: np.ndarray, room: np.ndarray, finish: Any, async_op: bool = False
) -> Work | None:
    """all_gather: room, N times as large as the array, gets those of all ranks."""
    send = as_bytes(np.ascontiguousarray(array))
    return chosen.run(call, lambda comm: comm.Iallgather(send, as_bytes(room)), finish, async_op)


def root_of(
    name: str, what: str, chosen: ProcessGroup, rank: int | None, group_rank: int | None, default: int | None = None
) -> int:
    """The number in the group of the one rank that a call is about."""
    if rank is not None and group_rank is not None:
        raise ValueError(f"{name}: can't specify both {what} and group_{what}")
    if group_rank is not None:
        if not 0 <= group_rank < chosen.size:
            raise ValueError(f"{name}: group_{what} is {group_rank}, the group has {chosen.size} ranks")
        return group_rank
    rank = default if rank is None else rank
    if rank is None:
        raise ValueError(f"{name}: must specify {what} or group_{what}")
    try:
        return get_group_rank(chosen, rank)
    except ValueError as error:
        raise ValueError(f"{name}: {what} is {rank}: {error}") from None


def _reducible(name: str, tensor: Any, op: Any, receives: bool = True) -> np.ndarray:
    if not isinstance(op, ReduceOp):
        raise TypeError(f"{name}: op must be a ReduceOp (SUM, AVG, MIN, MAX, PRODUCT), got {op!r}")
    op.check(name, given(name, "tensor", tensor).dtype)
    return changed(name, "tensor", tensor) if receives else tensor._array


def _reduce_scatter(
    chosen: ProcessGroup, call: str, out: np.ndarray, blocks: np.ndarray, op: ReduceOp, async_op: bool
) -> Work | None:
    staged, send = Staged(out, adds=True), Staged(blocks, adds=True)
    start = lambda comm: comm.Ireduce_scatter_block(send.data, staged.data, chosen.op(op))
    return chosen.run(call, start, lambda: _finish_sum(chosen, staged, op), async_op)


def _finish_sum(chosen: ProcessGroup, staged: Staged, op: ReduceOp) -> None:
    if op is ReduceOp.AVG:
        np.divide(staged.data, chosen.size, out=staged.data)
    staged.back()


def _spread(room: np.ndarray, outs: list[np.ndarray]) -> None:
    for block, out in zip(room, outs, strict=True):
        np.copyto(out, block)


def _check_blocks(name: str, what: str, whole: np.ndarray, block: np.ndarray, count: int) -> None:
    joined = (count * block.shape[0], *block.shape[1:]) if block.ndim else (count,)
    if whole.shape not in (joined, (count, *block.shape)):
        raise ValueError(
            f"{name}: {what} has shape {whole.shape}; for {count} ranks and blocks {block.shape} it must have {joined} "
            f"or {(count, *block.shape)}"
        )
