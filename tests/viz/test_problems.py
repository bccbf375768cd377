"""The list of problems: what is healthy has none, and what is broken has the right first cause."""

from __future__ import annotations

import runpy
from pathlib import Path

import nets
import pytest
from test_watched_scripts import SCRIPTS, run

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.vision.models import resnet18
from tinygrad_cnn.viz.flow import Graph

DRAWN = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "graphs" / "draw.py"))["GRAPHS"]


def recorded(step, check=False):
    tg.manual_seed(0)
    with viz.record(check=check) as r:
        step()
    return r


@pytest.fixture(scope="module", autouse=True)
def kernels():
    tg.kernels.status()


@pytest.mark.parametrize("step", nets.HEALTHY, ids=lambda f: f.__name__)
def test_a_healthy_step_has_no_problem(step):
    assert viz.problems(recorded(step)) == []


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "resnet18" else ()) for n in DRAWN])
def test_the_examples_have_the_problems_that_they_show(name):
    kinds = {problem["kind"] for problem in viz.problems(recorded(lambda: DRAWN[name]().backward()))}
    assert kinds == {"dead": {"dead"}, "exploding": {"exploding"}, "nans": {"nan"}}.get(name, set())


@pytest.mark.slow
@pytest.mark.parametrize(("n", "size"), [(2, 32), (4, 64)])
def test_a_deep_network_has_no_problem(n, size):
    assert viz.problems(recorded(lambda: nets.learn(resnet18(num_classes=10), tg.randn(n, 3, size, size)))) == []


# What these scripts do is meant, and what is said of it is true.
TRUE = {
    "anomaly": {"nan"},
    "not_finite": {"nan"},
    "a_module_named_badly": {"unused"},  # the first of two results is dropped
    "teacher_and_average": {"unreached"},  # under no_grad
    "hooks_that_cut": {"no_gradient"},
    "saved_loaded_and_copied": {"zero"},  # a sum over what a batch norm gives does not feel its input
    "looked_at_from_inside": {"dead"},  # no gradient of this pass is not zero
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda f: f.__name__)
def test_scripts_have_no_problem_but_what_they_show(script):
    with viz.record(check=False) as r:
        run(script)
    kinds = {problem["kind"] for problem in viz.problems(r)}
    assert kinds <= TRUE.get(script.__name__, set())


@pytest.mark.parametrize(("step", "kind", "first"), nets.BROKEN, ids=lambda x: getattr(x, "__name__", ""))
def test_what_is_broken_is_found_with_its_first_cause(step, kind, first):
    r = recorded(step, check=True)
    found = [problem for problem in viz.problems(r) if problem["kind"] == kind]
    assert [problem["chain"][-1]["node"] for problem in found][:1] == [first]
    assert r.document["problems"] == viz.problems(r.document)
    ids = {node["id"] for node in r.document["nodes"]} | {None}
    assert all({problem["node"], *(cause["node"] for cause in problem["chain"])} <= ids for problem in found)


def test_nan_is_followed_through_values_that_meet_again():
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    with viz.record(check=False) as r:
        out = x.log()
        for _ in range(30):
            out = out * 1.5 + out
        out.sum().backward()
    forward = viz.problems(r)[0]
    assert forward["node"] == forward["chain"][-1]["node"] == "log"
    assert len(forward["chain"]) == 7
    assert forward["chain"][3]["text"].startswith("and so on, through ")


def test_what_is_unpacked_and_not_used():
    x = tg.randn(4, 6).requires_grad_()
    with viz.record(check=False) as r:
        q, k, v = x.chunk(3, 1)  # noqa: RUF059  (what is looked for)
        (q * k).sum().backward()
        a, _ = x.chunk(2, 1)
        a.sum().backward()
        x.chunk(2, 1)[0].sum().backward()
    (problem,) = viz.problems(r)
    assert problem["kind"] == "unused"
    assert problem["text"].startswith("v, output 2 of split_with_sizes at line ")


def test_many_parameters_of_one_cause_are_one_problem():
    net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(5)])
    for layer in net:
        layer.bias.requires_grad_(False)
    (problem,) = viz.problems(recorded(lambda: net(tg.ones(1, 2)).sum().backward()))
    assert problem["text"] == "0.bias, 1.bias, 2.bias and 2 more are frozen: requires_grad is False"


def test_frozen_parameters_of_a_module_that_runs_first_have_their_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False))
    r = recorded(lambda: net(tg.ones(1, 2)).sum().backward())
    (problem,) = viz.problems(r)
    assert problem["node"] == "1.bias"
    assert "✂ frozen" in viz.dot(r).source


def test_what_comes_back_in_later_passes_is_told_once():
    net = nets.stack(2)
    with tg.no_grad():
        net[2].bias.fill_(-100.0)
    r = recorded(lambda: [nets.learn(net, tg.randn(8, 16)) for _ in range(3)])
    assert [problem["kind"] for problem in viz.problems(r)] == ["dead"]


def test_a_layer_that_is_off_in_one_pass_alone_is_no_problem():
    x = tg.ones(3, requires_grad=True)
    with viz.record(check=False) as r:
        for k in range(3):
            (x * k).sum().backward()
    assert viz.problems(r) == []


def test_an_error_in_the_search_leaves_the_document(monkeypatch):
    def broken(*_):
        raise LookupError("not here")

    monkeypatch.setattr(Graph, "called", broken)
    r = recorded(nets.dead_relu)
    assert r.document["nodes"]
    assert r.document["notes"] == ["_finish: LookupError: not here"]
    assert r.timings["forward"]


def test_text_tells_the_problems(tmp_path):
    r = recorded(nets.dead_relu)
    shown = viz.text(r, width=90)
    assert "1 problem" in shown
    assert "1. dead: relu in ReLU 3" in shown
    assert shown.count("<- the gradient of 0.weight") == 1
    assert max(map(len, shown.splitlines())) <= 90
    path = viz.save(r.document, tmp_path / "dead.json")
    assert viz.load(path) == r.document
