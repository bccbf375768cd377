"""The collectives, on real ranks; and what they say of mistakes, in a world of one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from ranks import needs_mpi, ranks, said

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_on_real_ranks(n):
    assert said(ranks(n, "collectives")) == f"{n} ranks are done\n"


@pytest.fixture
def world():
    dist.init_process_group()
    yield
    dist.destroy_process_group()


BEFORE = {
    "get_rank": lambda: dist.get_rank(),
    "get_world_size": lambda: dist.get_world_size(),
    "barrier": lambda: dist.barrier(),
    "all_reduce": lambda: dist.all_reduce(tg.ones(1)),
    "broadcast": lambda: dist.broadcast(tg.ones(1), src=0),
    "new_group": lambda: dist.new_group([0]),
    "destroy_process_group": lambda: dist.destroy_process_group(),
    "all_gather_object": lambda: dist.all_gather_object([None], 1),
}


@pytest.mark.parametrize("name", BEFORE)
def test_before_there_is_a_group_it_says_what_to_do(name):
    message = f"{name}: Default process group has not been initialized, please make sure to call init_process_group"
    with pytest.raises(ValueError, match=message):
        BEFORE[name]()


ONE, TWO = tg.ones(2), tg.ones(2, 2)
MISTAKES = [
    (lambda: dist.init_process_group(), ValueError, "twice"),
    (lambda: dist.all_reduce([1.0]), TypeError, "all_reduce: expected parameter `tensor` to be a Tensor, got list"),
    (lambda: dist.all_reduce(ONE, op="sum"), TypeError, "op must be a ReduceOp"),
    (lambda: dist.all_reduce(tg.ones(1).expand(3)), RuntimeError, r"read-only \(or expanded\): .clone\(\) it first"),
    (lambda: dist.all_reduce(ONE, group="world"), TypeError, "group must be what new_group returned"),
    (lambda: dist.all_reduce(tg.arange(2), op=dist.ReduceOp.AVG), TypeError, "AVG of int64"),
    (lambda: dist.broadcast(ONE), ValueError, "must specify src or group_src"),
    (lambda: dist.broadcast(ONE, src=1), ValueError, "src is 1: rank 1 is not in the group"),
    (lambda: dist.broadcast(ONE, src=0, group_src=0), ValueError, "can't specify both"),
    (lambda: dist.reduce(ONE), ValueError, "must specify dst or group_dst"),
    (lambda: dist.all_gather([], ONE), ValueError, "tensor_list has 0 tensors; it needs 1"),
    (lambda: dist.all_gather(ONE, ONE), TypeError, "tensor_list` to be a list of Tensors"),
    (lambda: dist.all_gather([TWO], ONE), ValueError, r"tensor_list\[0\] has shape \(2, 2\), it must have \(2,\)"),
    (lambda: dist.all_gather([tg.ones(2, dtype=tg.float64)], ONE), TypeError, r"tensor_list\[0\] is float64"),
    (lambda: dist.all_gather_into_tensor(tg.ones(3), ONE), ValueError, r"output_tensor has shape \(3,\)"),
    (lambda: dist.gather(ONE), ValueError, "must be specified on destination rank"),
    (lambda: dist.scatter(ONE), ValueError, "must be specified on source rank"),
    (lambda: dist.reduce_scatter_tensor(ONE, tg.ones(3)), ValueError, r"input has shape \(3,\)"),
    (lambda: dist.send(ONE, 0), ValueError, "this rank itself"),
    (lambda: dist.send(ONE, 1), ValueError, "rank 1 is not in the group"),
    (lambda: dist.recv(ONE), ValueError, "no other rank"),
    (lambda: dist.new_group([0, 0]), ValueError, "must be different numbers from 0 to 0"),
    (lambda: dist.new_group([0], backend="nccl"), ValueError, '"mpi" alone'),
    (lambda: dist.broadcast_object_list([(1, 2)]), TypeError, r"object_list\[0\] is a tuple.*write list"),
    (lambda: dist.broadcast_object_list([{"a": [ONE]}]), TypeError, r"object_list\[0\]\['a'\]\[0\] is a Tensor"),
    (lambda: dist.broadcast_object_list([{1: 2}]), TypeError, "the key 1; keys of JSON are str, write '1'"),
    (lambda: dist.all_gather_object([], 1), ValueError, "object_list has 0 elements; it needs 1"),
    (lambda: dist.scatter_object_list([], [1]), ValueError, "a list of size at least 1"),
    (lambda: dist.get_global_rank(dist.group.WORLD, 1), ValueError, "group rank 1 is not in the group"),
]


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES)
def test_mistakes(world, call, error, message):
    with pytest.raises(error, match=message):
        call()


WRONG_STARTS = [
    (dict(backend="nccl"), ValueError, '"mpi" alone'),
    (dict(init_method="tcp://localhost:1"), ValueError, "leave out init_method"),
    (dict(world_size=2), ValueError, "world_size is 2, MPI says 1"),
    (dict(rank=3), ValueError, "rank is 3, MPI says 0"),
    (dict(timeout=3), TypeError, "datetime.timedelta"),
    (dict(timeout=timedelta(seconds=-1)), TypeError, "not negative"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_STARTS)
def test_wrong_starts(arguments, error, message):
    with pytest.raises(error, match=message):
        dist.init_process_group(**arguments)
    assert not dist.is_initialized()


def test_without_mpi_it_is_a_world_of_one():
    code = """
import sys
sys.modules["mpi4py"] = None  # as if it were not installed
import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
assert dist.is_available() and not dist.is_mpi_available()
dist.init_process_group("mpi")
x = tg.ones(2)
dist.all_reduce(x)
print(dist.get_rank(), dist.get_world_size(), x.tolist())
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout == "0 1 [1.0, 1.0]\n", done.stderr


def test_whoever_runs_alone_does_not_open_mpi():
    code = """
import sys
from tinygrad_cnn import distributed as dist
dist.init_process_group()
print("mpi4py" in sys.modules, dist.get_world_size())
"""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PMI", "OMPI", "MPI"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=alone)
    assert done.stdout == "False 1\n", done.stderr


def test_several_processes_without_mpi_are_told_what_to_install(monkeypatch):
    module = importlib.import_module("tinygrad_cnn.distributed.group")  # of which the package has a class, too
    monkeypatch.setattr(module, "mpi", lambda: (None, "No module named 'mpi4py'"))
    monkeypatch.setenv("PMI_SIZE", "4")
    with pytest.raises(RuntimeError, match=r"4 processes were started, .*pip install \"tinygrad_cnn\[mpi\]\""):
        dist.init_process_group()


def test_what_was_saved_for_backward_is_known_to_have_changed(world):
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    dist.all_reduce(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()
