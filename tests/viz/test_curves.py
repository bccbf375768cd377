"""The history of a run, and the confusion matrix."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import viz


def history():
    h = viz.History()
    h.step(loss=tg.tensor(2.0), gradients={"conv": 1.5, "fc": None})
    h.step(loss=np.float32(1.0), gradients={"conv": 0.5, "new": 2})
    h.epoch(loss=1.5, accuracy=0.25, lr=0.1)
    h.epoch(loss=math.nan, test_loss=math.inf)
    return h


def test_values():
    h = history()
    assert h.names() == ["loss", "accuracy", "lr", "test_loss"]
    np.testing.assert_array_equal(h.values("loss"), [1.5, math.nan])
    np.testing.assert_array_equal(h.values("test_loss"), [math.nan, math.inf])
    np.testing.assert_array_equal(h.values("loss", "steps"), [2, 1])


def test_gradients():
    layers, norms = history().gradients()
    assert layers == ["conv", "fc", "new"]
    np.testing.assert_array_equal(norms, [[1.5, 0.5], [math.nan] * 2, [math.nan, 2]])
    layers, norms = viz.History().gradients("epochs")
    assert (layers, norms.shape) == ([], (0, 0))


def test_there_and_back():
    h = history()
    text = h.to_json()
    again = viz.History.from_json(text)
    assert again == h
    assert again.to_json() == text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert viz.History.from_dict(viz.History().to_dict()) == viz.History()
    assert h != viz.History()


def test_csv():
    rows = list(csv.reader(io.StringIO(history().to_csv())))
    assert rows == [
        ["epoch", "loss", "accuracy", "lr", "test_loss"],
        ["1", "1.5", "0.25", "0.1", ""],
        ["2", "NaN", "", "", "Infinity"],
    ]
    rows = list(csv.reader(io.StringIO(history().to_csv("steps"))))
    assert rows[0] == ["step", "loss", "gradient conv", "gradient fc", "gradient new"]
    assert rows[1:] == [["1", "2.0", "1.5", "", ""], ["2", "1.0", "0.5", "", "2.0"]]
    assert viz.History().to_csv() == "epoch\n"


def test_csv_of_a_name_with_commas_and_quotes():
    h = viz.History()
    h.epoch(**{'a,"b"\n': 1})
    assert next(csv.reader(io.StringIO(h.to_csv()))) == ["epoch", 'a,"b"\n']


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda h: h.step(loss="low"), TypeError, "one number"),
        (lambda h: h.epoch(loss=tg.ones(2)), TypeError, "one number"),
        (lambda h: h.step(gradients=[1.0]), TypeError, "gradients"),
        (lambda h: h.values("acc"), KeyError, "there are loss"),
        (lambda h: h.values("loss", "runs"), ValueError, "'epochs' or 'steps'"),
        (lambda h: viz.History.from_dict({}), ValueError, "schema"),
        (lambda h: viz.History.from_dict([]), ValueError, "list"),
        (lambda h: viz.History.from_dict({**h.to_dict(), "steps": 3}), ValueError, "steps must be a list"),
        (lambda h: viz.History.from_dict({**h.to_dict(), "steps": [{"loss": []}]}), TypeError, "one number"),
    ],
)
def test_errors_of_history(call, error, match):
    h = history()
    before = h.to_dict()
    with pytest.raises(error, match=match):
        call(h)
    assert h.to_dict() == before


# the confusion matrix

LABELS, PREDICTIONS = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 0, 2]


def test_counts_and_images():
    found = viz.confusion_matrix(tg.tensor(PREDICTIONS), tg.tensor(LABELS), ["a", "b", "c"])
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert found.images(2, 2).tolist() == [3, 5]
    assert sum(len(found.images(t, p)) for t in range(3) for p in range(3)) == 6
    assert found.accuracy == pytest.approx(4 / 6)
    np.testing.assert_allclose(found.precision, [1 / 2, 1 / 2, 1])
    np.testing.assert_allclose(found.recall, [1 / 2, 1, 2 / 3])
    np.testing.assert_allclose(found.f1, [1 / 2, 2 / 3, 4 / 5])
    assert json.loads(json.dumps(found.to_dict()))["cells"][1] == [0, 1, [1]]
    assert str(found).splitlines()[0].split() == ["a", "b", "c", "recall"]


def test_logits():
    found = viz.confusion_matrix(np.array([[0.0, 1.0, 0.5], [0.0, 1.0, 3.0]]), [1, 0])
    assert found.counts.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert found.classes == ["0", "1", "2"]


def test_classes_without_images_are_nan_not_zero():
    found = viz.confusion_matrix([0], [0], 3)
    assert np.isnan(found.precision[1:]).all()
    assert np.isnan(found.recall[1:]).all()
    assert np.isnan(found.f1[1:]).all()


def test_no_images():
    found = viz.confusion_matrix([], [], 2)
    assert found.counts.tolist() == [[0, 0], [0, 0]]
    assert math.isnan(found.accuracy)
    assert viz.confusion_matrix([], []).counts.shape == (0, 0)
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("input", "target", "classes", "error", "match"),
    [
        ([0], [0, 1], None, ValueError, r"\(1,\) and \(2,\)"),
        (
            [0],
            [[0.2, 0.8]],
            None,
            ValueError,
            r"expected input \(N,\) or \(N,K\) and target \(N,\), got \(1,\) and \(1, 2\)",
        ),
        ([0], [0.5], None, TypeError, "integers"),
        ([0], [2], 2, ValueError, "class 2 does not exist"),
        ([-1], [0], None, ValueError, "class -1 does not exist"),
    ],
)
def test_errors_of_the_confusion_matrix(input, target, classes, error, match):
    with pytest.raises(error, match=match):
        viz.confusion_matrix(input, target, classes)


def test_the_arguments_are_those_of_the_metric():
    counts = viz.confusion_matrix(PREDICTIONS, LABELS).counts
    assert counts.tolist() == tg.metrics.confusion_matrix(PREDICTIONS, LABELS).tolist()
    assert counts.tolist() != counts.T.tolist()
