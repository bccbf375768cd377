"""A zoo of small scripts, each run alone and under a recorder: what they compute is the same to the last bit."""

from __future__ import annotations

import importlib
import inspect
import itertools
import random

import numpy as np
import pytest
import watched_functions
import watched_scripts
import watched_training
from graphs import cycle
from watched_functions import Inherited, functions
from watched_scripts import (
    a_module_that_refuses_to_be_looked_at,
    change_a_view,
    detach_and_two_backwards,
    leaf,
    one_number,
)

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.engine.modes import mode
from tinygrad_cnn.viz import fold, valid

SCRIPTS = [
    f
    for module in (watched_scripts, watched_functions, watched_training)
    for f in vars(module).values()
    if inspect.isfunction(f) and f.__module__ == module.__name__ and not inspect.signature(f).parameters
]


def bits(value):
    if isinstance(value, (tg.Tensor, np.ndarray)):
        array = np.asarray(value.detach().numpy() if isinstance(value, tg.Tensor) else value)
        return array.dtype, array.shape, array.tobytes()
    return value


def run(script):
    tg.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    return [bits(v) for v in script()]


@pytest.fixture(scope="module", autouse=True)
def kernels():
    """All kernels there from the first call on: small calls run on NumPy until then, with other last digits."""
    tg.kernels.status()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda f: f.__name__)
def test_a_recorder_changes_nothing(script):
    expected = run(script)
    with viz.record() as r:
        seen = run(script)
    assert seen == expected
    assert mode.tracer is None
    document = r.document
    assert "notes" not in document or script is a_module_that_refuses_to_be_looked_at
    assert viz.to_json(document)
    assert viz.text(document)
    assert viz.dot(document).source
    assert "?" not in viz.text(document)
    valid.check(document)
    worked = [c["worked"] for one in document["passes"] for s in one["steps"] for c in s["inputs"] if "worked" in c]
    assert "differs" not in [w["check"] for w in worked]
    for depth in range(fold.depth_of(document) + 1):
        assert cycle(fold.view(document, depth)) is None


class Broken(RuntimeError):
    pass


def every(k, f):
    """`f`, but each k-th call of it raises."""
    count = itertools.count(1)

    def sometimes(*args, **kwargs):
        if next(count) % k == 0:
            raise Broken("recorder")
        return f(*args, **kwargs)

    return sometimes


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(
    "where",
    [
        "recorder.record._origin", "recorder.record._grey", "recorder.Walk.__init__", "recorder.Walk._look",
        "recorder.Walk._contribution", "recorder.Walk._work", "recorder.Walk.name", "recorder.document_of",
        "structure.Structure.remember", "structure.Structure._describe", "structure.Structure.finish",
        "structure.Structure._edge_to", "samples.Sample.__init__", "samples.Samples.document", "names.Names.module",
    ],
)  # fmt: skip
def test_an_error_of_the_recorder_becomes_a_note(where, k, monkeypatch):
    def script():
        return [*detach_and_two_backwards(), *change_a_view(), *functions()]

    expected = run(script)
    file, name = where.split(".", 1)
    owner = importlib.import_module(f"tinygrad_cnn.viz.{file}")
    *kind, name = name.split(".")
    owner = getattr(owner, kind[0]) if kind else owner
    monkeypatch.setattr(owner, name, every(k, getattr(owner, name)))
    with viz.record() as r:
        seen = run(script)
    monkeypatch.undo()
    assert seen == expected
    document = r.document
    assert all("Broken: recorder" in note for note in document.get("notes", []))
    assert viz.to_json(document)
    assert viz.text(document)
    assert viz.dot(document).source
    assert r.timings


def test_a_note_is_shown():
    with viz.record() as r:
        run(a_module_that_refuses_to_be_looked_at)
    assert r.document["notes"] == ["walk: LookupError: not now"]
    assert "not recorded: walk: LookupError: not now" in viz.text(r)


def test_errors_of_the_script_pass():
    def script(error):
        run(change_a_view)
        raise error

    for error in (ZeroDivisionError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), viz.record() as r:
            script(error)
        assert len(r.document["passes"]) == 1
        assert mode.tracer is None


def test_ports_have_the_names_that_forward_gives_them():
    with viz.record() as r:
        Inherited.apply(leaf(2), leaf(2)).sum().backward()
    found = next(n for n in r.document["nodes"] if n["op"] == "Inherited")
    assert [e["port"] for e in found["inputs"]] == ["x", "y"]


def test_what_was_detached_first_is_a_node_of_the_second_pass():
    with viz.record() as r:
        run(detach_and_two_backwards)
    first, second = r.document["passes"]
    assert "exp" not in [s["node"] for s in first["steps"]]
    assert "exp" in [s["node"] for s in second["steps"]]
    assert [n["id"] for n in r.document["nodes"] if n["op"] == "exp"] == ["exp"]


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
@pytest.mark.parametrize("size", [64, 5000])
def test_a_finite_gradient_has_a_finite_norm_and_is_not_zero(dtype, size):
    large, small = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    for value in (large, large / 1e4, small):
        x = tg.full((size,), float(value) / size, dtype=tg.float64).to(dtype).requires_grad_()
        with viz.record(check=False) as r:
            (x * 1).backward(tg.full((size,), float(value), dtype=dtype))
        assert r.document["bad"]["backward"] == [None]
        norms = [s["norm"] for s in r.document["passes"][0]["steps"]]
        assert norms == [pytest.approx(min(float(value) * size**0.5, np.finfo(float).max), rel=1e-5, abs=1e-323)] * 2


def test_a_recorder_can_be_used_again():
    r = viz.record()
    for script in (one_number, change_a_view):
        expected = run(script)
        with r:
            assert run(script) == expected
        assert len(r.document["passes"]) == 1
        assert "notes" not in r.document
    with pytest.raises(RuntimeError, match="recording already"), r, r:
        pass
    assert mode.tracer is None
    assert r.document["passes"] == []
