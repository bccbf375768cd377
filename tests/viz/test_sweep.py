"""A sweep: one document of many values, and its page with a slider that needs no server."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz.valid import check


def small_net():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.5), nn.ReLU(), nn.Linear(2, 2))
    x, y = tg.randn(4, 3), tg.tensor([0, 1, 1, 0])
    return model, lambda: F.cross_entropy(model(x), y)


def test_each_document_is_what_a_recording_of_it_is():
    model, loss = small_net()
    values = [-1.0, 0.0, 2.0]
    sweep = viz.sweep(loss, model[0].weight, values, (1, 2), model=model)
    state = tg.get_rng_state()
    for value, document in zip(values, sweep.documents(), strict=True):
        with tg.no_grad():
            model[0].weight[1, 2] = value
        tg.set_rng_state(state)
        with viz.record(model) as r:
            loss().backward()
        norms = [[s["norm"] for s in d["passes"][0]["steps"]] for d in (document, r.document)]
        assert norms[0] == norms[1]
        check(document)


def test_nothing_is_changed_by_it():
    model, loss = small_net()
    loss().backward()
    state = tg.get_rng_state()
    grads = [p.grad for p in model.parameters()]
    before = [t.numpy().copy() for t in [*grads, *(p.detach() for p in model.parameters()), *model.buffers()]]
    viz.sweep(loss, model[0].bias, np.linspace(-1, 1, 3), 1, model=model)
    assert [p.grad for p in model.parameters()] == grads or all(p.grad is g for p, g in zip(model.parameters(), grads))
    after = [*(p.grad for p in model.parameters()), *(p.detach() for p in model.parameters()), *model.buffers()]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
    assert np.array_equal(tg.get_rng_state(), state)


def test_the_function_may_go_backward_itself():
    w = tg.tensor(2.0, requires_grad=True)

    def both():
        loss = w * w
        loss.backward()
        return loss

    sweep = viz.sweep(both, w, [1.0, 3.0])
    assert [d["passes"][0]["steps"][-1]["norm"] for d in sweep.documents()] == [2, 6]
    assert w.grad is None


def test_the_document_is_valid_and_reads_back(tmp_path):
    model, loss = small_net()
    sweep = viz.sweep(loss, model[0].bias, [0.0, 1.0], 0, model=model)
    assert sweep.document["sweep"]["node"] == "0.bias"
    assert sweep.document["sweep"]["frames"][sweep.document["sweep"]["at"]] == []
    assert viz.load(viz.save(sweep.document, tmp_path / "a.json")) == sweep.document


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda s: s["frames"].pop(), "as many frames as values"),
        (lambda s: s.update(node="lost"), "there is no node 'lost'"),
        (lambda s: s["frames"][1 - s["at"]].append([["nodes", 0, "lost", 1], 0]), r"frames/\d"),
        (lambda s: s["frames"][1 - s["at"]].append([["passes", 0, "steps", 0, "gradient"], 9999]), r"frames/\d"),
        (lambda s: s.update(at=2), "at"),
    ],
)
def test_a_damaged_sweep_is_refused(tmp_path, damage, said):
    w = tg.tensor([2.0], requires_grad=True)
    document = viz.sweep(lambda: (w * w).sum(), w, [1.0, 3.0]).document
    damage(document["sweep"])
    viz.save(document, tmp_path / "a.json")
    with pytest.raises(ValueError, match=said):
        viz.load(tmp_path / "a.json")


def one():
    return tg.ones(2, requires_grad=True)


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda w: dict(function=w.sum, leaf=3.0, values=[1.0]), TypeError, "expected a Tensor as the leaf, got float"),
        (lambda w: dict(function=w.sum, leaf=w * 2, values=[1.0], index=0), ValueError, "a result of MulBackward0"),
        (lambda w: dict(function=w.sum, leaf=tg.tensor([1]), values=[1.0]), ValueError, "of int64"),
        (lambda w: dict(function=w.sum, leaf=w, values=[], index=0), ValueError, "expected some finite values"),
        (lambda w: dict(function=w.sum, leaf=w, values=[float("nan")], index=0), ValueError, "finite"),
        (lambda w: dict(function=w.sum, leaf=w, values=[1.0]), ValueError, r"index \(\) is no element .* \(2,\)"),
        (lambda w: dict(function=w.sum, leaf=w, values=[1.0], index=2), ValueError, r"index \(2,\)"),
        (lambda w: dict(function=w.sum, leaf=one(), values=[1.0], index=0), ValueError, "does not depend on"),
        (lambda w: dict(function=lambda: 1.0, leaf=w, values=[1.0], index=0), TypeError, "returned a float"),
        (
            lambda w: dict(function=lambda: w.sum() if w[0] > 0 else w.prod(), leaf=w, values=[-1.0, 1.0], index=0),
            ValueError,
            "the graph is another one",
        ),
    ],
)  # fmt: skip
def test_mistakes(make, kind, said):
    w = one()
    with pytest.raises(kind, match=said):
        viz.sweep(**make(w))
    assert w.tolist() == [1, 1]
