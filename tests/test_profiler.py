"""The profiler: what it notes, how it tells it, and which steps it records, beside PyTorch's."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.engine.modes import mode


@pytest.fixture
def step():
    """A step of a small network."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 2)))

    def run():
        net(tg.ones(5, 3)).sum().backward()

    return run


def test_each_op_is_noted_forward_and_backward(step):
    with tg.profiler.profile(record_shapes=True, profile_memory=True) as p, tg.profiler.record_function("whole"):
        step()
    names = [e.name for e in p.events()]
    assert names == "whole linear tanh linear sum SumBackward0 LinearBackward0 TanhBackward0 LinearBackward0".split()
    whole, first, tanh = p.events()[:3]
    assert [e.cpu_parent for e in (whole, first, tanh)] == [None, whole, whole]
    assert first.input_shapes[:2] == [[5, 3], [4, 3]]
    assert tanh.cpu_memory_usage == tanh.self_cpu_memory_usage == 5 * 4 * 4
    assert tanh.module == "Sequential.Sequential.Tanh"
    assert [e.module for e in p.events() if e.name == "TanhBackward0"] == ["Sequential.Sequential.Tanh"]
    assert whole.cpu_time_total > sum(e.cpu_time_total for e in p.events()[1:]) > 0
    assert whole.self_cpu_memory_usage == 0
    assert p.events().self_cpu_time_total == pytest.approx(whole.cpu_time_total)


def test_averages_by_name_shape_and_module(step):
    with tg.profiler.profile(record_shapes=True, with_modules=True) as p:
        step()
    found = {e.key: e for e in p.key_averages()}
    assert found["linear"].count == 2
    assert found["linear"].cpu_time == found["linear"].cpu_time_total / 2
    assert found["nn.Module: Linear"].count == 2
    both = found["linear"].cpu_time_total + found["LinearBackward0"].cpu_time_total
    assert found["nn.Module: Linear"].cpu_time_total == pytest.approx(both)
    assert found["nn.Module: Sequential"].self_cpu_time_total == 0
    shapes = [e.input_shapes[1] for e in p.key_averages(group_by_input_shape=True) if e.key == "linear"]
    assert shapes == [[4, 3], [2, 4]]


def test_the_table_is_sorted_and_cut(step):
    with tg.profiler.profile() as p:
        step()
    lines = p.key_averages().table(sort_by="count", row_limit=2, header="HEAD").splitlines()
    assert lines[0] == "HEAD"
    assert lines[2].split() == "Name Self CPU % Self CPU CPU total % CPU total CPU time avg # of Calls".split()
    assert {line.split()[0] for line in lines[4:6]} == {"linear", "LinearBackward0"}
    assert lines[-1].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError, match="expected sort_by to be one of"):
        p.key_averages().table(sort_by="nonsense")


def test_nothing_is_watched_outside(step):
    with tg.profiler.profile():
        assert mode.tracer is not None
    assert mode.tracer is None
    assert not mode.watch
    named = tg.profiler.record_function("f")(lambda x: x + 1)
    assert named(1) == 2
    with tg.autograd.profiler.profile(enabled=False) as p:
        step()
    assert p is None


def test_an_op_that_fails_ends(step):
    with tg.profiler.profile() as p:
        with pytest.raises(RuntimeError):
            tg.ones(2) @ tg.ones(3)
        step()
    assert mode.tracer is None
    assert p.events()[1].cpu_parent is None or p.events()[1].cpu_parent.name == "matmul"
    assert sum(e.name == "linear" for e in p.events()) == 2


def test_a_tracer_that_was_there_is_told_as_well(step):
    from tinygrad_cnn import viz

    with viz.record() as record, tg.profiler.profile() as p:
        step()
    assert "LinearBackward0" in {e.name for e in p.events()}
    assert "tanh" in viz.text(record)
    assert "backward" in viz.text(record)


PLANS = [
    (dict(wait=1, warmup=1, active=2, repeat=2), [(4, [2, 3]), (8, [6, 7])]),
    (dict(wait=0, warmup=1, active=1), [(2, [1]), (4, [3]), (6, [5]), (8, [7]), (9, [9])]),
    (dict(wait=1, warmup=1, active=9, skip_first=2), [(9, [4, 5, 6, 7, 8, 9])]),
]


@pytest.mark.parametrize(("plan", "expected"), PLANS, ids=str)
def test_steps_are_chosen(plan, expected):
    """When the profile is told of, and the steps that were recorded."""
    told = []

    def ready(p):
        told.append((p.step_num, [int(e.name[13:]) for e in p.events() if e.key == "ProfilerStep*"]))

    with tg.profiler.profile(schedule=tg.profiler.schedule(**plan), on_trace_ready=ready) as p:
        for _ in range(9):
            tg.ones(2).exp()
            p.step()
    assert told == expected


@pytest.mark.parametrize("plan", [plan for plan, _ in PLANS], ids=str)
def test_schedules_are_pytorchs(pytorch, plan):
    def question(m):
        schedule = import_module(f"{m.__name__}.profiler").schedule(**plan)
        return [schedule(step).name for step in range(14)]

    assert question(tg) == pytorch(question)


def test_a_schedule_without_warmup_warns():
    with pytest.warns(UserWarning, match="won't be using warmup"):
        tg.profiler.schedule(wait=0, warmup=0, active=2)
    with pytest.raises(ValueError, match="active of at least 1"):
        tg.profiler.schedule(wait=0, warmup=1, active=0)


def test_a_trace_is_written(step, tmp_path):
    with tg.profiler.profile(on_trace_ready=tg.profiler.tensorboard_trace_handler(str(tmp_path), "worker")):
        step()
    (file,) = tmp_path.glob("worker.*.pt.trace.json")
    events = json.loads(file.read_text())["traceEvents"]
    assert [e["name"] for e in events][:2] == ["linear", "tanh"]
    assert all(e["ph"] == "X" and e["dur"] >= 0 for e in events)
