"""Early stopping, the best weights, a log of JSON lines: what they decide, and that a resumed run decides the same."""

from __future__ import annotations

import math
import signal
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.checkpoint import load_checkpoint, save_checkpoint
from tinygrad_cnn.training import JSONL, EarlyStopping, KeepBest, read_jsonl

NAN, INF = math.nan, math.inf


# stopping


@pytest.mark.parametrize(
    ("options", "metrics", "stops_at"),
    [
        ({"patience": 1}, [2.0, 1.0, 1.0], 2),
        ({"patience": 2}, [2.0, 3.0, 1.0, 1.5, 1.2], 4),
        ({"patience": 2}, [2.0, 1.0, 0.5, 0.4], None),
        ({"patience": 2, "mode": "max"}, [0.1, 0.2, 0.2, 0.1], 3),
        ({"patience": 2, "min_delta": 0.5}, [2.0, 1.6, 1.5, 1.4], 2),  # 1.5 is exactly 0.5 better: not more
        ({"patience": 2, "min_delta": 0.5}, [2.0, 1.6, 1.49, 1.4], None),
        ({"patience": 2}, [NAN, NAN, 1.0], 1),
        ({"patience": 3}, [NAN, NAN, 5.0, 4.0, NAN, INF, NAN], 6),
        ({"patience": 2, "mode": "max"}, [NAN, -INF, 1.0], 1),
        ({"patience": 2}, [-INF, -INF, 0.0], 2),
    ],
)
def test_it_stops_when_patience_is_over(options, metrics, stops_at):
    stopper = EarlyStopping(**options)
    told = [stopper.step(metric) for metric in metrics]
    assert (told.index(True) if True in told else None) == stops_at


def test_a_stopped_run_may_go_on():
    stopper = EarlyStopping(patience=1)
    assert [stopper.step(x) for x in [2.0, 3.0, 3.0, 1.0]] == [False, True, True, False]


def test_metrics_are_numbers_of_any_kind():
    stopper = EarlyStopping()
    loss = (tg.ones(2, requires_grad=True) * 2).sum()
    for metric in (loss, np.float32(3.0), 2):
        stopper.step(metric)
    assert (stopper.best, type(stopper.best)) == (2.0, float)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(patience=0), "patience must be 1 or more, got 0"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta must be 0 or more, got -1"),
        (lambda: EarlyStopping(min_delta=NAN), "min_delta must be 0 or more, got nan"),
        (lambda: EarlyStopping(mode="least"), "mode 'least' is unknown"),
        (lambda: KeepBest(tg.nn.Linear(1, 1), mode="most"), "KeepBest: mode 'most' is unknown"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError):
        EarlyStopping(patience=1.5)


# the best weights


def test_the_best_weights_come_back():
    net = tg.nn.BatchNorm1d(2)
    best = KeepBest(net)
    with pytest.raises(RuntimeError, match="nothing was kept"):
        best.restore()
    for i, loss in enumerate([NAN, 3.0, 1.0, NAN, 1.0, 2.0]):
        net.weight.data.fill_(float(i))
        net.running_mean.fill_(float(-i))
        assert best.step(loss) == (i in (1, 2))
    best.restore()
    assert (best.best, net.weight.tolist(), net.running_mean.tolist()) == (1.0, [2, 2], [-2, -2])
    net.weight.data.fill_(9.0)  # which is not that of the copy
    best.restore()
    assert net.weight.tolist() == [2, 2]


# resuming


def _tools(path):
    net = tg.nn.Linear(1, 1)
    return net, EarlyStopping(patience=3), KeepBest(net), JSONL(path)


def _run(net, stopper, best, log, losses):
    told = []
    for loss in losses:
        net.weight.data.fill_(loss)
        log.write(epoch=log.lines, loss=loss)
        told.append((best.step(loss), stopper.step(loss)))
    return told


def test_a_resumed_run_decides_as_one_that_was_not_stopped(tmp_path):
    losses = [4.0, NAN, 2.0, 3.0, 1.0, 2.0, 2.0, 2.0, 0.5]
    for stopped in range(len(losses)):
        straight = _tools(tmp_path / "straight.jsonl")
        told = _run(*straight, losses)
        first = _tools(tmp_path / "log.jsonl")
        seen = _run(*first, losses[:stopped])
        names = ("stopper", "best", "log")
        save_checkpoint(tmp_path / "x", first[0], **dict(zip(names, first[1:])))
        _run(*first, losses[stopped : stopped + 2])  # what is lost
        second = _tools(tmp_path / "log.jsonl")
        load_checkpoint(tmp_path / "x", second[0], **dict(zip(names, second[1:])))
        assert seen + _run(*second, losses[stopped:]) == told
        second[2].restore()
        assert second[0].weight.item() == 0.5
        assert (tmp_path / "log.jsonl").read_bytes() == (tmp_path / "straight.jsonl").read_bytes()
        (tmp_path / "log.jsonl").unlink()
        (tmp_path / "straight.jsonl").unlink()


def test_a_checkpoint_that_does_not_fit_takes_nothing_from_the_log(tmp_path):
    net, _, _, log = _tools(tmp_path / "log.jsonl")
    log.write(step=1)
    save_checkpoint(tmp_path / "x", net, log=log, other=tg.optim.SGD(net.parameters(), lr=0.1))
    log.write(step=2)
    whole = log.path.read_bytes()
    with pytest.raises((RuntimeError, ValueError, KeyError)):
        load_checkpoint(tmp_path / "x", net, log=log, other=EarlyStopping())
    log.write(step=3)
    assert log.path.read_bytes() == whole + b'{"step": 3}\n'
    load_checkpoint(tmp_path / "x", net, log=log)
    assert log.path.read_bytes() == whole + b'{"step": 3}\n'
    log.write(step=4)
    assert read_jsonl(log.path) == [{"step": 1}, {"step": 4}]


def test_a_state_of_something_else_is_refused_and_changes_nothing(tmp_path):
    log = JSONL(tmp_path / "log")
    log.write(step=1)
    for tool in (EarlyStopping(), KeepBest(tg.nn.Linear(1, 1)), log):
        before = tool.state_dict()
        with pytest.raises(KeyError, match=r"the state has no"):
            tool.load_state_dict({})
        with pytest.raises(TypeError, match=r"expected the dict of state_dict\(\), got a list"):
            tool.load_state_dict([])
        assert tool.state_dict() == before
    for tool in (EarlyStopping(mode="max"), KeepBest(tg.nn.Linear(1, 1), mode="max")):
        least = EarlyStopping().state_dict() | KeepBest(tg.nn.Linear(1, 1)).state_dict()
        with pytest.raises(ValueError, match="was saved with mode 'min', here it is 'max'"):
            tool.load_state_dict(least)
        assert tool.best == -INF
    with pytest.raises(ValueError, match=r"of 3 lines, but .*log has 1"):
        log.load_state_dict({"lines": 3})
    assert read_jsonl(log.path) == [{"step": 1}]


# lines


def test_what_is_written_is_read(tmp_path):
    log = JSONL(tmp_path / "log")
    log.write({"val/loss": tg.tensor(0.5)}, step=np.int64(3), lr=np.float32(0.25), note="ä\n", none=None, ok=True)
    log.write(nested={"a": [NAN, (INF, -INF)]}, array=np.array([1.0, NAN]), tensor=tg.ones(2, 1), np=np.float64(NAN))
    text = log.path.read_text(encoding="ascii")
    assert text.count("\n") == 2
    assert "NaN" not in text
    assert "Infinity" not in text
    first, second = read_jsonl(log.path)
    assert first == {"val/loss": 0.5, "step": 3, "lr": 0.25, "note": "ä\n", "none": None, "ok": True}
    np.testing.assert_equal(
        second, {"nested": {"a": [NAN, [INF, -INF]]}, "array": [1.0, NAN], "tensor": [[1.0], [1.0]], "np": NAN}
    )


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path):
    log = JSONL(tmp_path / "log")
    log.write(step=1)
    for value in (object(), {1, 2}, 1j):
        with pytest.raises(TypeError):
            log.write(step=2, value=value)
    assert (log.lines, read_jsonl(log.path)) == (1, [{"step": 1}])


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path):
    resource = pytest.importorskip("resource")  # files may grow to a size: writes stop there, as on a full disk
    log = JSONL(tmp_path / "log")
    log.write(step=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            log.write(step=2, text="x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.write(step=2)
    assert (log.lines, read_jsonl(log.path)) == (2, [{"step": 1}, {"step": 2}])


def test_any_torn_last_line_is_left_out_and_cut_off(tmp_path):
    path = tmp_path / "log"
    log = JSONL(path)
    log.write(step=1)
    first = path.stat().st_size
    log.write(step=2, text="ä")
    whole = path.read_bytes()
    for end in range(first, len(whole)):
        for zeros in (b"", b"\0" * 9):  # which some filesystems leave after a power cut
            path.write_bytes(whole[:end] + zeros)
            assert read_jsonl(path) == [{"step": 1}]
            again = JSONL(path)
            again.write(step=3)
            assert (again.lines, read_jsonl(path)) == (2, [{"step": 1}, {"step": 3}])


def test_a_damaged_line_and_a_file_of_another_kind_are_named(tmp_path):
    path = tmp_path / "log"
    for damaged in (b"{'step': 2}", b"[1]", b"\xff\xfe", b"", b"[" * 100_000):
        path.write_bytes(b'{"step": 1}\n' + damaged + b'\n{"step": 3}\n')
        with pytest.raises(ValueError, match="log, line 2 is no JSON object"):
            read_jsonl(path)
    path.write_bytes(b"PK\3\4 and so on")
    with pytest.raises(ValueError, match="is no file of JSON objects"):
        JSONL(path)
    assert path.read_bytes() == b"PK\3\4 and so on"
    with pytest.raises(FileNotFoundError):
        JSONL(tmp_path / "nowhere" / "log")


WRITER = """
import sys
from tinygrad_cnn.training import JSONL
log = JSONL(sys.argv[1])
print("ready", flush=True)
while True:
    log.write(step=log.lines, text="x" * 5000)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no processes that can be killed so")
def test_a_killed_process_leaves_whole_lines(tmp_path):
    path = tmp_path / "log"
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        writer.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(0.05)
        writer.kill()
        writer.communicate()
        rows = read_jsonl(path)
        assert rows
        assert [row["step"] for row in rows] == list(range(len(rows)))
