"""Plain values between ranks, as JSON: a message can bring values, never code, unlike PyTorch's, which are pickles.

Plain are None, bool, int, float, str, lists, and dicts whose keys are str. Anything else is a TypeError that says where
it stands: what came back would be something else.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .collectives import bring_together, move_out, root_of
from .group import Group, ProcessGroup, member
from .point_to_point import _other, receive_array, send_array
from .staged import as_bytes


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Group = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """The elements of every rank's list become those of rank src (0 if not said); all lists are of one length.

    >>> from tinygrad_cnn import distributed as dist
    >>> dist.init_process_group()
    >>> dist.broadcast_object_list([{"epoch": 3}], src=0)
    >>> dist.broadcast_object_list([{3}], src=0)
    Traceback (most recent call last):
    TypeError: broadcast_object_list: object_list[0] is a set; messages are JSON of plain values: ...
    >>> dist.destroy_process_group()
    """
    name = "broadcast_object_list"
    chosen = member(name, group)
    if chosen is None:
        return
    root = root_of(name, "src", chosen, src, group_src, default=0)
    _check_list(name, "object_list", object_list)
    here = chosen.rank == root
    data = _encoded(name, "object_list", object_list) if here else np.zeros(0, np.uint8)
    call = f"{name}({len(object_list)} objects, src={chosen.ranks[root]})"
    data = _sized(chosen, call, data, root)
    move_out(chosen, f"{call}: the objects", data, root)
    if not here:
        object_list[:] = _decoded(data)


def all_gather_object(object_list: list[Any], obj: Any, group: Group = None) -> None:
    """object_list[r] becomes the obj of rank r, on every rank.

    >>> from tinygrad_cnn import distributed as dist
    >>> dist.init_process_group()
    >>> found = [None]
    >>> dist.all_gather_object(found, {"loss": 0.5})
    >>> found
    [{'loss': 0.5}]
    >>> dist.destroy_process_group()
    """
    chosen = member("all_gather_object", group)
    if chosen is None:
        return
    _check_list("all_gather_object", "object_list", object_list, chosen.size)
    object_list[:] = gathered(chosen, "all_gather_object", obj)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Group = None,
    group_dst: int | None = None,
) -> None:
    """On rank dst (0 if not said) object_gather_list[r] becomes the obj of rank r; the others give no list."""
    chosen = member("gather_object", group)
    if chosen is None:
        return
    root = root_of("gather_object", "dst", chosen, dst, group_dst, default=0)
    if chosen.rank == root:
        if object_gather_list is None:
            raise ValueError("gather_object: Argument ``object_gather_list`` must be specified on destination rank.")
        _check_list("gather_object", "object_gather_list", object_gather_list, chosen.size)
    elif object_gather_list:
        raise ValueError("gather_object: ``object_gather_list`` must NOT be specified on non-destination ranks.")
    found = gathered(chosen, f"gather_object(dst={chosen.ranks[root]})", obj)
    if chosen.rank == root and object_gather_list is not None:
        object_gather_list[:] = found


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Group = None,
    group_src: int | None = None,
) -> None:
    """The output list of rank r begins with scatter_object_input_list[r] of rank src (0 if not said) from then on."""
    name = "scatter_object_list"
    chosen = member(name, group)
    if chosen is None:
        return
    _check_list(name, "scatter_object_output_list", scatter_object_output_list)
    if not scatter_object_output_list:
        raise ValueError(f"{name}: scatter_object_output_list must be a list of size at least 1")
    root = root_of(name, "src", chosen, src, group_src, default=0)
    objects = [None] * chosen.size
    if chosen.rank == root:
        if scatter_object_input_list is None:
            raise ValueError(f"{name}: source rank must provide non-None scatter_object_input_list")
        _check_list(name, "scatter_object_input_list", scatter_object_input_list, chosen.size)
        objects = scatter_object_input_list
    whole: list[Any] = list(objects)
    broadcast_object_list(whole, group=chosen, group_src=root)
    scatter_object_output_list[0] = whole[chosen.rank]


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: Group = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Send the elements of a list to rank dst, which takes them by recv_object_list with a list of this length."""
    name = "send_object_list"
    chosen = member(name, group)
    if chosen is None:
        return
    to = _other(name, "dst", chosen, dst, group_dst)
    _check_list(name, "object_list", object_list)
    data = _encoded(name, "object_list", object_list)
    for part in (np.array([len(data)], np.int64), data):
        send_array(chosen, name, part, to, OBJECTS).wait()


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Group = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """The elements of the list become those of send_object_list on rank src, or any if None; returns who sent."""
    name = "recv_object_list"
    chosen = member(name, group)
    if chosen is None:
        return -1
    source = None if src is None and group_src is None else _other(name, "src", chosen, src, group_src)
    _check_list(name, "object_list", object_list)
    size = np.zeros(1, np.int64)
    work = receive_array(chosen, name, size, source, OBJECTS)
    work.wait()
    source = work._source_rank()
    data = np.zeros(int(size[0]), np.uint8)
    receive_array(chosen, name, data, source, OBJECTS).wait()
    found = _decoded(data)
    if len(found) != len(object_list):
        raise ValueError(
            f"{name}: {chosen.named(source)} sent {len(found)} objects, object_list has {len(object_list)}"
        )
    object_list[:] = found
    return chosen.ranks[source]


OBJECTS = 31_999  # the tag of their messages; MPI promises tags up to 32,767


def gathered(chosen: ProcessGroup, call: str, obj: Any) -> list[Any]:
    """The objects of all ranks."""
    data = _encoded(call, "obj", obj)
    sizes = np.zeros((chosen.size, 1), np.int64)
    bring_together(chosen, f"{call}: their sizes", np.array([len(data)], np.int64), sizes, lambda: None)
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(data)] = data
    room = np.zeros((chosen.size, len(padded)), np.uint8)
    bring_together(chosen, f"{call}: {len(padded)} bytes each", padded, room, lambda: None)
    return [_decoded(row[:size]) for row, (size,) in zip(room, sizes, strict=True)]


def _sized(chosen: ProcessGroup, call: str, data: np.ndarray, root: int) -> np.ndarray:
    """Room for the data of the root on every rank; on the root, the data."""
    size = np.array([len(data)], np.int64)
    move_out(chosen, call, size, root)
    return data if chosen.rank == root else np.zeros(int(size[0]), np.uint8)


def _check_list(name: str, what: str, objects: Any, count: int | None = None) -> None:
    if not isinstance(objects, list):
        raise TypeError(f"{name}: {what} must be a list, got {type(objects).__name__}")
    if count is not None and len(objects) != count:
        raise ValueError(f"{name}: {what} has {len(objects)} elements; it needs {count}, one for each rank")


def _encoded(name: str, what: str, value: Any) -> np.ndarray:
    _check_plain(name, what, value)
    return as_bytes(np.frombuffer(json.dumps(value).encode(), np.uint8))


def _decoded(data: np.ndarray) -> Any:
    return json.loads(data.tobytes())


def _check_plain(name: str, where: str, value: Any) -> None:
    if type(value) is list:
        for i, v in enumerate(value):
            _check_plain(name, f"{where}[{i}]", v)
    elif type(value) is dict:
        for k, v in value.items():
            if type(k) is not str:
                raise TypeError(f"{name}: {where} has the key {k!r}; keys of JSON are str, write {str(k)!r}")
            _check_plain(name, f"{where}[{k!r}]", v)
    elif value is not None and type(value) not in (bool, int, float, str):
        cure = "; write list(...)" if isinstance(value, tuple) else ""
        raise TypeError(
            f"{name}: {where} is a {type(value).__name__}; messages are JSON of plain values: None, bool, int, float, "
            f"str, lists, and dicts with keys of str{cure}"
        )
