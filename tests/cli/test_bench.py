"""`tinygrad-cnn bench`: figures that add up. That they are good is not a test's business."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import io
import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import kernels
from tinygrad_cnn.cli import UserError, bench, main
from tinygrad_cnn.cli.bench import accuracy, alone, compared, fresh, in_torch, layers, networks, overhead, targets
from tinygrad_cnn.cli.bench.networks import NETWORKS, RESNETS, TEXTS, THIRTEEN, WORKLOADS, Workload
from tinygrad_cnn.cli.bench.ops import OPS
from tinygrad_cnn.cli.bench.turns import FIRST, Job, Settings, Worker, take_turns


def settings(*against: str) -> Settings:
    return Settings(threads=1, rounds=2, quick=True, against=against, out=io.StringIO())


@pytest.fixture
def numpy_worker():
    with Worker("numpy", 1) as worker:
        yield worker


@pytest.fixture
def numpy_kernels(monkeypatch):
    """The kernels of this process and of its workers are NumPy: these start sooner, and nothing is compiled."""
    monkeypatch.setenv("TINYGRAD_CNN_KERNELS", "numpy")
    with kernels.use("numpy"):
        yield


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
        ("targets", {"targets", *targets.SECTIONS}, [*WORKLOADS]),
        ("targets narrow", {"targets", *targets.SECTIONS}, ["narrow_b16"]),
        ("train targets mlp", {"train", "targets"}, ["mlp_b64"]),
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
        ("--against caffe", "invalid choice: 'caffe'"),
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
    there: set = set()
    monkeypatch.setattr(bench, "find_spec", lambda name: name in there or None)
    assert bench.opponents(None) == bench.opponents("none") == ()
    with pytest.raises(UserError, match="--against torch-compile: torch is not installed; pip install torch"):
        bench.opponents("torch-compile")
    with pytest.raises(UserError, match="--against best: none of torch, tensorflow, jax is installed"):
        bench.opponents("best")
    there.add("jax")
    assert bench.opponents(None) == ()
    assert bench.opponents("best") == bench.opponents("jax") == ("jax",)
    there |= {"torch", "tensorflow"}
    assert bench.opponents(None) == ("torch",)
    assert bench.opponents("none") == ()
    assert bench.opponents("best") == (*bench.PEERS,)


def test_version():
    assert bench.version("numpy") == np.__version__


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
    assert asked[:4] == [("a", FIRST), ("a", 1), ("b", FIRST), ("b", 1)]
    assert asked[4:] == [("a", 5), ("b", 1), ("b", 1), ("a", 5), ("a", 5), ("b", 1)]


# networks


@pytest.mark.usefixtures("numpy_kernels")
@pytest.mark.parametrize("workload", [*WORKLOADS.values(), networks.BASE], ids=lambda w: f"{w.network}_b{w.batch}")
def test_networks_take_their_images(workload):
    weights = workload.weights(layers.drawn_wide, np.random.default_rng(0))
    net = in_torch.build(tg, workload, weights)
    for p, values in zip(net.parameters(), weights, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), values)
    shapes = [end for *_, end in layers.walk(workload.layers(), workload.image)]
    x, labels = map(tg.tensor, dataclasses.replace(workload, batch=2).images(np.random.default_rng(0)))
    with tg.no_grad():
        assert net.eval()(x).shape == (len(labels), workload.classes) == (len(labels), *shapes[-1])


@pytest.mark.parametrize("name", sorted({*NETWORKS} & {*tg.vision.models.list_models()}))
def test_networks_are_those_of_the_model_zoo(name):
    w = next(w for w in WORKLOADS.values() if w.network == name)
    theirs = tg.vision.models.get_model(name, input_shape=w.image, num_classes=w.classes)
    weights = w.weights(layers.drawn_by_default, np.random.default_rng(0))
    ours = in_torch.build(tg, w, weights)
    with tg.no_grad():
        for p, values in zip(theirs.parameters(), weights, strict=True):
            p.copy_(tg.tensor(values))
        x = tg.randn(2, *w.image)
        np.testing.assert_allclose(ours.eval()(x).numpy(), theirs.eval()(x).numpy(), rtol=1e-4, atol=1e-6)


def test_thirteen_workloads_and_the_layers_that_they_hold():
    def kinds(described):
        for layer in described:
            yield layer if isinstance(layer, layers.Activation) else type(layer)
            if isinstance(layer, layers.Residual):
                yield from kinds([*layer.body, *layer.shortcut])

    assert len(THIRTEEN) == 13
    assert {*THIRTEEN, *RESNETS, *TEXTS} == {*WORKLOADS}
    assert {kind for w in THIRTEEN.values() for kind in kinds(w.layers())} == {
        *(layers.Conv, layers.Depthwise, layers.BatchNorm, layers.MaxPool, layers.Mean, layers.Linear, layers.Dropout),
        *(layers.Residual, networks.RELU, networks.TANH, networks.SIGMOID, networks.GELU),
    }


TRANSLATED = [
    ("train", Workload("keras_mnist", 3, (1, 10, 12))),  # dropout, and a matrix whose rows depend on the layout
    ("train", Workload("separable", 2, (3, 16, 16))),
    ("train", Workload("smooth", 2, (1, 8, 12))),
    ("train", Workload("residual", 2, (3, 9, 11))),  # odd sizes and strides
    ("infer", Workload("resnet18", 1, (3, 33, 40))),  # pooling with zeros around
]


@pytest.mark.slow
@pytest.mark.parametrize("library", ["torch", "tensorflow", "jax"])
def test_every_library_builds_the_same_network(library, numpy_kernels):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    with Worker("tinygrad_cnn", 1) as ours, Worker(library, 1) as theirs:
        for maker, workload in TRANSLATED:
            losses = []
            for worker in (ours, theirs):
                what = {"library": worker.library, "workload": workload.described(), "threads": 1}
                losses.append(worker.make(f"steps.{maker}", "job", **what).facts["losses"])
            np.testing.assert_allclose(*losses, rtol=1e-3, err_msg=workload.network)
            assert len({*losses[0]}) == len(losses[0]), "the steps teach nothing"


def test_losses_must_agree():
    assert compared.equal([2.0, 1.0], [2.0001, 1.005])
    assert not compared.equal([2.0], [2.001])
    assert not compared.equal([1.0, math.nan], [1.0, math.nan])


def job(library, losses):
    return Job(argparse.Namespace(library=library), "train", {"losses": losses, "step_mb": 3.0}, 0.0)


def test_figures_of_a_row():
    workload = Workload("mlp", 10, (1, 2, 2))
    libraries = ["tinygrad_cnn", "tinygrad_cnn-compile", "torch", "torch-compile", "jax"]
    jobs = [job(library, [1.0]) for library in libraries]
    times = [[0.1, 0.1, 0.4], [0.1, 0.1, 0.1], [0.5, 0.5, 0.5], [0.2, 0.1, 0.2], [0.05, 0.2, 0.05]]
    row = compared._row("mlp", workload, jobs, times)
    assert row["ms"] == pytest.approx(100)
    assert row["images_per_second"] == pytest.approx(100)
    assert (row["torch"], row["torch_ms"]) == ("torch-compile", pytest.approx(200))
    assert (row["ratio_low"], row["ratio"], row["ratio_high"]) == pytest.approx((0.75, 1, 1.5))
    assert row["best"] == "jax"
    assert row["libraries"]["jax"] == {"ms": pytest.approx(50), "step_mb": 3.0}
    middles = {name: middle for name, (_, middle, _) in row["ratios"].items()}
    assert middles == pytest.approx({"eager/torch": 0.2, "compile/torch": 0.2, "eager/best": 2, "compile/best": 2})
    jobs[3] = job("torch-compile", [1.1])
    row = compared._row("mlp", workload, jobs, [[0.1]] * 5)
    assert row["same_loss"] is False
    assert "ratio" not in row
    assert "ratios" not in row


@pytest.mark.parametrize("against", [(), ("torch",), ("jax",), (*bench.PEERS,)], ids=len)
@pytest.mark.parametrize("maker", ["train", "infer", "first", "growth"])
def test_every_column_has_a_figure(maker, against):
    full = Settings(threads=1, rounds=1, quick=False, against=against, out=io.StringIO())
    ways = [*compared.WAYS.values()][: 2 if maker in compared.COMPILABLE else 1]
    jobs = [job(library, [1.0]) for library in (*ways, *against)]
    row = compared._row("mlp", Workload("mlp", 10, (1, 2, 2)), jobs, [[0.1, 0.2]] * len(jobs))
    row |= dict.fromkeys(("factor", "time", "memory"), 1.0)
    shown = compared._shown(row)
    assert [heading for heading in compared._columns(maker, full) if shown.get(heading) is None] == []


def test_targets_of_what_was_found():
    def row(name, **ratios):
        measured = {library: {"ms": 1.0, "step_mb": 20.0} for library in compared.WAYS.values()}
        return {
            "workload": name,
            "libraries": measured,
            "ratios": {k.replace("_", "/"): [0, r, 9] for k, r in ratios.items()},
        }

    found = {
        "train": [row(name, eager_torch=0.4, compile_torch=0.3, compile_best=0.8) for name in THIRTEEN],
        "overhead": [{"chain": "forward", "eager/torch": 2.0}, {"chain": "forward and backward", "eager/torch": 0.7}],
        "fresh": [{"workload": fresh.COMMAND, "seconds": 4.0, "ratio": 2.0}, {"workload": "mlp_b64", "ratio": 1.0}],
    }
    found["train"][2]["ratios"]["eager/torch"][1] = 0.9
    rows = {r["what"]: r for r in targets.targets(settings(), found)}
    met = {what: r["met"] for what, r in rows.items() if r["met"] is not None}
    assert met == {
        "training step, eager / PyTorch: mean": False,
        "training step, eager / PyTorch: worst": False,
        "training step, compile / PyTorch: mean": True,
        "training step, compile / PyTorch: worst": True,
        "training step, compile / PyTorch, batch 1: worst": True,
        "training step, compile / fastest of all others: worst": True,
        "400 ops, forward and backward / PyTorch": True,
        "tinygrad-cnn train, empty cache, seconds after the import": False,
        "first step, empty cache / NumPy kernels: worst": True,
        "memory of the thirteen steps, eager, MB": True,
        "memory of the thirteen steps, compile, MB": True,
    }
    assert rows["training step, eager / PyTorch: worst"]["where"] == [*THIRTEEN][2]
    assert rows["inference, batch 1, eager / PyTorch: mean"]["figure"] is None
    shares = [{"op": name, "of_limit": 0.8 - 0.2 * (k == 1)} for k, name in enumerate(n for n in OPS if OPS[n].million)]
    worst = {r["what"]: r for r in targets.targets(settings(), {"ops": shares})}[
        "ops of 1 M numbers, share of the limit: worst"
    ]
    assert (worst["figure"], worst["met"], worst["where"]) == (pytest.approx(0.6), False, shares[1]["op"])


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
    sections = ["machine", "ops", "train", "infer", "first", "overhead", "targets"]
    assert main(["bench", "mlp", *sections, "--quick", "--against", "none", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [*found] == ["threads", "rounds", "against", "torch", "versions", *sections]
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
    assert {row["met"] for row in found["targets"]} == {None}
    assert "training step" in err


@pytest.mark.slow
def test_growth_in_memory(numpy_kernels):
    base, batch = compared.growth(settings())
    assert (base["factor"], batch["factor"]) == (1, 0.25)
    if base["step_mb"] is not None:
        assert batch["step_mb"] < base["step_mb"]
        assert batch["memory"] == pytest.approx(batch["step_mb"] / base["step_mb"], rel=0.3)


@pytest.mark.slow
def test_a_first_run(monkeypatch, numpy_kernels):
    monkeypatch.setattr(fresh, "COMMAND", "tinygrad-cnn train --epochs 1 --limit 64")
    command, step = fresh.fresh(settings(), {"mlp_b64": WORKLOADS["mlp_b64"]})
    assert command["workload"] == fresh.COMMAND
    assert command["seconds"] > step["seconds"] > 0
    assert step["ratio"] > 0


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs Linux")
def test_who_fills_an_empty_cache_ends_with_it():
    with fresh.empty_cache() as folder:
        command = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
        env = {**os.environ, "NUMBA_CACHE_DIR": folder}
        filling = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        filling.stdout.read(1)
    filling.stdout.close()
    assert filling.wait(10) == -signal.SIGKILL
    assert not os.path.exists(folder)


@pytest.mark.slow
def test_overhead_in_every_way(numpy_kernels):
    rows = overhead.overhead(settings())
    assert [row["chain"] for row in rows] == ["forward, no_grad", "forward", "forward and backward"]
    assert all(row["tinygrad_cnn µs/op"] > 0 for row in rows)


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
            in_torch.gradients("tinygrad_cnn", described, tg.get_num_threads(), seed, dtype, str(path))
            with np.load(path) as file:
                found[dtype] = dict(file)
        errors.append(accuracy.error(found["float32"], found["float64"]))
    assert np.median(errors) < 5e-6, errors


@pytest.mark.slow
def test_every_op_can_be_made(numpy_kernels):
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
def test_against_torch():
    ways = ("torch", "torch-channels-last")
    for section in (compared.train, compared.infer, compared.first):
        (row,) = section(settings(*ways), {"lenet_b64": WORKLOADS["lenet_b64"]})[:1]
        assert row["same_loss"] is True
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert {*ways} <= {*row["libraries"]}
        assert row["torch"] == row["best"] == min(ways, key=lambda library: row["libraries"][library]["ms"])


@pytest.mark.slow
def test_a_table_for_people(capsys, numpy_kernels):
    assert main(["bench", "--quick", "--against", "none", "victorzhou_b1", "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "threads: 1, rounds: 2"
    headings = "training step  eager ms  compile ms  images/s  eager MB  compile MB"
    assert lines[2].split() == headings.split()
    assert lines[3].startswith("victorzhou_b1 ")
    assert err == ""
