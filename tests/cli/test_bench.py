"""`tinygrad-cnn bench`: figures that add up. That they are good is not a test's business."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import math
import os
import signal
import sys
import types

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import UserError, bench, main
from tinygrad_cnn.cli.bench import accuracy, alone, compared, networks
from tinygrad_cnn.cli.bench.networks import WORKLOADS, Workload
from tinygrad_cnn.cli.bench.ops import OPS
from tinygrad_cnn.cli.bench.turns import Job, Settings, Worker, take_turns


def settings(*against: str) -> Settings:
    return Settings(threads=1, rounds=2, quick=True, against=against, out=io.StringIO())


@pytest.fixture
def numpy_worker():
    with Worker("numpy", 1) as worker:
        yield worker


@pytest.fixture
def numpy_kernels(monkeypatch):
    """The worker's kernels are NumPy: it starts sooner, and nothing is compiled."""
    monkeypatch.setenv("TINYGRAD_CNN_KERNELS", "numpy")


# what is asked for


@pytest.mark.parametrize(
    ("words", "sections", "workloads"),
    [
        ("", {"machine", "ops", "train"}, [*WORKLOADS]),
        ("growth first", {"growth", "first"}, [*WORKLOADS]),
        ("lenet", {"train"}, ["lenet_b64"]),
        ("victorzhou", {"train"}, ["victorzhou_b1", "victorzhou_b64"]),
        ("machine mlp_b64", {"machine", "train"}, ["mlp_b64"]),
        ("infer lenet victorzhou_b1", {"infer"}, ["lenet_b64", "victorzhou_b1"]),
        ("accuracy vgg", {"accuracy"}, ["vgg_b32"]),
    ],
)
def test_chosen(words, sections, workloads):
    chosen = bench.chosen(words.split())
    assert chosen[0] == sections
    assert [*chosen[1]] == workloads


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("opps", "nothing called 'opps'"),
        ("--rounds 0", "--rounds: must be at least 1"),
        ("--rounds x", "invalid int value: 'x'"),
        ("--threads -1", "--threads: must be at least 1"),
        ("accuracy --seeds 0", "--seeds: must be at least 1"),
        ("--against jax", "invalid choice: 'jax'"),
    ],
)
def test_wrong_options(capsys, line, message):
    try:
        code = main(["bench", *line.split()])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_opponents(monkeypatch):
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    assert bench.opponents(None) == bench.opponents("none") == ()
    with pytest.raises(UserError, match="torch is not installed"):
        bench.opponents("torch-compile")
    monkeypatch.setattr(bench, "find_spec", lambda name: "there")
    assert bench.opponents(None) == ("torch",)
    assert bench.opponents("none") == ()
    assert bench.opponents("best") == bench.TORCH


# workers and turns


def test_worker_makes_and_runs(numpy_worker):
    job = numpy_worker.make("machine.numpy_product", "product", size=8)
    assert job.facts == {"flop": 2 * 8**3}
    assert 0 < job.seconds(3) < 1


def test_the_last_word_of_a_worker_that_fails(numpy_worker):
    with pytest.raises(UserError, match=r"numpy stopped in machine.copy \(exit code 1\): TypeError: .*threads"):
        numpy_worker.make("machine.copy", "copy", megabytes=1)


def test_worker_killed(numpy_worker):
    job = numpy_worker.make("machine.numpy_product", "product", size=8)
    os.kill(numpy_worker.process.pid, signal.SIGKILL)
    with pytest.raises(UserError, match=r"stopped in a round \(ended by SIGKILL\): no message"):
        job.seconds(1)


def test_turns():
    class Fake(Job):
        def seconds(self, calls):
            asked.append((self.name, calls))
            return self.made

    asked: list = []
    a, b = Fake(None, "a", {}, 0.02), Fake(None, "b", {}, 3.0)
    assert take_turns([a, b], 3, 0.1) == [[0.02] * 3, [3.0] * 3]
    assert asked[:4] == [("a", 1), ("a", 1), ("b", 1), ("b", 1)]
    assert asked[4:] == [("a", 5), ("b", 1), ("b", 1), ("a", 5), ("a", 5), ("b", 1)]


# networks


@pytest.mark.parametrize("workload", [*WORKLOADS.values(), networks.BASE], ids=lambda w: f"{w.network}_b{w.batch}")
def test_networks_take_their_images(workload):
    net = networks.build(tg, workload)
    with tg.no_grad():
        assert net.eval()(tg.zeros(2, *workload.image)).shape == (2, workload.classes)


def test_the_model_zoo_is_built_of_the_layers_of_any_library(monkeypatch):
    other = types.ModuleType("elsewhere")
    other.nn, other.flatten = types.SimpleNamespace(**vars(tg.nn)), tg.flatten
    other.nn.Linear = type("OtherLinear", (tg.nn.Linear,), {})
    monkeypatch.setitem(sys.modules, "elsewhere", other)
    net = networks.build(other, WORKLOADS["lenet_b64"])
    assert {type(m) for m in net if isinstance(m, tg.nn.Linear)} == {other.nn.Linear}
    assert tg.vision.models.nn is tg.nn
    networks.build(other, WORKLOADS["resnet18_b8"]).eval()(tg.zeros(1, 3, 32, 32))


def test_losses_must_agree():
    assert compared.equal([2.0, 1.0], [2.0001, 1.005])
    assert not compared.equal([2.0], [2.001])
    assert not compared.equal([1.0, math.nan], [1.0, math.nan])


def test_figures_of_a_row():
    def job(library, losses):
        return Job(argparse.Namespace(library=library), "train", {"losses": losses, "step_mb": 3.0}, 0.0)

    workload = Workload("mlp", 10, (1, 2, 2))
    jobs = [job("tinygrad_cnn", [1.0]), job("torch", [1.0]), job("torch-compile", [1.0])]
    row = compared._row("mlp", workload, jobs, [[0.1, 0.1, 0.4], [0.5, 0.5, 0.5], [0.2, 0.1, 0.2]])
    assert row["ms"] == pytest.approx(100)
    assert row["images_per_second"] == pytest.approx(100)
    assert (row["torch"], row["torch_ms"]) == ("torch-compile", pytest.approx(200))
    assert (row["ratio_low"], row["ratio"], row["ratio_high"]) == pytest.approx((0.75, 1, 1.5))
    jobs[2] = job("torch-compile", [1.1])
    row = compared._row("mlp", workload, jobs, [[0.1], [0.2], [0.3]])
    assert row["same_loss"] is False
    assert "ratio" not in row


def test_one_factor_at_a_time():
    full = Settings(threads=6, rounds=1, quick=False, against=(), out=io.StringIO())
    rows = compared.variants(full)
    assert [(what, value) for what, value, *_ in rows if what == "threads"] == [("threads", v) for v in (1, 2, 4)]
    for _, _, _, workload, threads in rows[1:]:
        mine = {**workload.described(), **workload.sizes, "threads": threads}
        base = {**networks.BASE.described(), **networks.BASE.sizes, "threads": 6}
        assert len([key for key in base if mine[key] != base[key] and key != "sizes"]) == 1


# all of it


@pytest.mark.slow
def test_json(capsys, numpy_kernels):
    assert (
        main(["bench", "machine", "ops", "mlp", "train", "infer", "first", "--quick", "--against", "none", "--json"])
        == 0
    )
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [*found] == ["threads", "rounds", "against", "torch", "machine", "ops", "train", "infer", "first"]
    assert found["machine"]["kernels"]["kernels"] == "numpy"
    assert min(found["machine"][key] for key in ("sgemm_gflops", "numpy_sgemm_gflops", "copy_gb_per_s")) > 0
    assert [row["op"] for row in found["ops"]] == [*alone.QUICK]
    conv = found["ops"][0]
    assert conv["rate"] == pytest.approx(OPS[conv["op"]].flop / conv["ms"] / 1e6)
    assert {"GFLOP/s", "GB/s"} == {row["unit"] for row in found["ops"]}
    (step,) = found["train"]
    assert step["images_per_second"] == pytest.approx(64 / (step["ms"] / 1e3))
    assert "ratio" not in step
    assert [row["workload"] for row in found["infer"]] == ["mlp_b1"]
    assert found["first"][0]["ms"] > step["ms"]
    assert "training step" in err


@pytest.mark.slow
def test_growth_in_memory(numpy_kernels):
    base, batch = compared.growth(settings())
    assert (base["factor"], batch["factor"]) == (1, 0.25)
    if base["step_mb"] is not None:
        assert batch["step_mb"] < base["step_mb"]
        assert batch["memory"] == pytest.approx(batch["step_mb"] / base["step_mb"], rel=0.3)


@pytest.mark.slow
def test_accuracy(capsys):
    assert main(["bench", "accuracy", "lenet", "--seeds", "2", "--threads", "1", "--against", "none", "--json"]) == 0
    out, err = capsys.readouterr()
    (row,) = json.loads(out)["accuracy"]
    assert (row["workload"], row["seeds"]) == ("lenet_b16", 2)
    for library in ("tinygrad_cnn", accuracy.NUMPY):
        summary = row[library]
        assert 1e-8 < min(summary["errors"]) <= summary["median"] <= max(summary["errors"]) == summary["worst"]
        assert summary["large"] == sum(e > 1e-4 for e in summary["errors"])
    assert "torch" not in row
    assert err.splitlines()[-2].split()[:4] == ["gradients", "ours", "median", "ours"]
    assert err.splitlines()[-1].split()[0] == "lenet_b16"


def test_accuracy_of_nothing():
    with pytest.raises(UserError, match="accuracy looks at the gradients of lenet, "):
        accuracy.accuracy(settings(), {"mlp_b64": WORKLOADS["mlp_b64"]})


@pytest.mark.slow
def test_a_network_learns_by_exact_gradients(tmp_path):
    """Where a convolution is not exact enough, a ReLU or a maximum moves in most runs: the error is then 1e-3."""
    errors = []
    for seed in range(3):
        found = {}
        for dtype in ("float32", "float64"):
            path = tmp_path / f"{seed}{dtype}.npz"
            described = networks.ACCURACY["vgg"].described()
            networks.gradients("tinygrad_cnn", described, tg.get_num_threads(), seed, dtype, str(path))
            with np.load(path) as file:
                found[dtype] = dict(file)
        errors.append(accuracy.error(found["float32"], found["float64"]))
    assert np.median(errors) < 5e-6, errors


@pytest.mark.slow
def test_every_op_can_be_made():
    with Worker("tinygrad_cnn", 1) as worker:
        for name in OPS:
            assert worker.make("ops.make", "op", name=name, threads=1, direct=False).facts["algorithm"]


@pytest.mark.slow
def test_direct_convolution_apart():
    pytest.importorskip("numba")
    name = "conv 3×3 256→256, 32×8² to weight"
    found = []
    for direct in (False, True):
        with Worker("tinygrad_cnn", 1) as worker:
            found.append(worker.make("ops.make", "op", name=name, threads=1, direct=direct).facts["algorithm"])
    assert found == ["winograd", "direct"]


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """The worker finds PyTorch; where it is not installed, this library by its name."""
    if importlib.util.find_spec("torch") is None:
        (tmp_path / "torch.py").write_text(
            "import sys, tinygrad_cnn.nn.functional, tinygrad_cnn.optim\n"
            "names = [name for name in sys.modules if name.split('.')[0] == 'tinygrad_cnn']\n"
            "sys.modules |= {name.replace('tinygrad_cnn', 'torch'): sys.modules[name] for name in names}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("numpy_kernels", "torch")
@pytest.mark.parametrize("library", ["torch", "torch-channels-last"])
def test_against_torch(library):
    for section in (compared.train, compared.infer, compared.first):
        (row,) = section(settings(library), {"lenet_b64": WORKLOADS["lenet_b64"]})[:1]
        assert row["same_loss"] is True
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert row["torch"] == library


def test_a_table_for_people(capsys, numpy_kernels):
    assert main(["bench", "--quick", "--against", "none", "victorzhou_b1", "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "threads: 1, rounds: 2"
    assert lines[2].split() == ["training", "step", "ms", "images/s", "MB"]
    assert lines[3].startswith("victorzhou_b1 ")
    assert err == ""
