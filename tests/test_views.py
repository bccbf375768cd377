"""Every kind of view and every kind of change: gradients and refusals are PyTorch's.

A program makes y of x, v as a view of y, changes y or v in place and goes backward from both, with the view or the
change under no_grad or not. What is compared is the gradient of x in each of the four cases.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings

import pytest

VIEWS = [
    "y[0]", "y[:, 1:]", "y[0][1:]", "y[None, ..., 0]", "y.view(4)", "y.t()", "y.diagonal()", "y.unsqueeze(0)",
    "y.reshape(4)[1:3]", "y.narrow(0, 0, 1)", "y.T[0]", "y.movedim(0, 1)", "y.flatten()", "y.detach()", "y.data",
    "y.clone()", "y",
]  # fmt: skip
CHANGES = [
    "y.mul_(2)", "v.mul_(3)", "v.add_(x.sum())", "y[0] = 5.", "y[1] = x[0]", "v[0] = x.sum()", "v.zero_()", "y.exp_()",
    "v.copy_(x.sum().expand_as(v))", "y.mul_(v.sum())", "v.mul_(y.sum())", "y.detach().mul_(2)", "y.data.mul_(2)",
    "v.detach().zero_()", "y.detach_()", "y += x", "v.fill_(2.)", "y[y > 1.5] = 0.",
]  # fmt: skip
MODES = list(itertools.product([False, True], repeat=2))


def gradient(t, view, change, view_unrecorded, change_unrecorded):
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    names = {"x": x, "y": x * 1}
    try:
        with t.no_grad() if view_unrecorded else contextlib.nullcontext():
            names["v"] = eval(view, names)
        with t.no_grad() if change_unrecorded else contextlib.nullcontext():
            exec(change, names)
        y, v = names["y"], names["v"]
        ((y * y).sum() + (v * v).sum() + x.sum() / 4).backward()
    except RuntimeError:
        return "refused"
    return x.grad


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_and_every_change(pytorch, view):
    def gradients(m):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {change: [gradient(m, view, change, *mode) for mode in MODES] for change in CHANGES}

    pytorch.agrees(gradients, rtol=1e-5)
