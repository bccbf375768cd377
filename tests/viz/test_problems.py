"""The list of problems: what is healthy has none, and what is broken has the right first cause."""

from __future__ import annotations

import runpy
from pathlib import Path

import nets
import pytest
from test_watched_scripts import SCRIPTS, run

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.vision.models import resnet18

DRAWN = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "graphs" / "draw.py"))["GRAPHS"]


def recorded(step, **options):
    tg.manual_seed(0)
    with viz.record(check=False, **options) as r:
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


TRULY_BAD = {"anomaly": "nan", "not_finite": "nan"}  # the script computes NaN


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda f: f.__name__)
def test_scripts_have_no_problem(script):
    with viz.record(check=False) as r:
        run(script)
    kinds = {problem["kind"] for problem in viz.problems(r)}
    assert kinds == ({TRULY_BAD[script.__name__]} if script.__name__ in TRULY_BAD else set())


@pytest.mark.parametrize(("step", "kind", "first"), nets.BROKEN, ids=lambda x: getattr(x, "__name__", ""))
def test_what_is_broken_is_found_with_its_first_cause(step, kind, first):
    r = recorded(step)
    found = [problem for problem in viz.problems(r) if problem["kind"] == kind]
    assert [problem["chain"][-1]["node"] for problem in found][:1] == [first]
    assert r.document["problems"] == viz.problems(r.document)
    ids = {node["id"] for node in r.document["nodes"]} | {None}
    assert all({problem["node"], *(cause["node"] for cause in problem["chain"])} <= ids for problem in found)
