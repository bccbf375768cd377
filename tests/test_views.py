"""Every kind of view and every kind of change: gradients and refusals are PyTorch's.

A program makes y of x, v as a view of y, changes y or v in place and goes backward from both, with the view or the
change under no_grad or not. `views.txt` holds PyTorch's answers, one line for a view and a change: the gradient of x
in each of the four cases. Where torch is installed, `python test_views.py` in this folder writes them anew.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import warnings
from pathlib import Path

import pytest

import tinygrad_cnn as tg

ANSWERS = Path(__file__).parent / "views.txt"
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
PAIRS = list(itertools.product(VIEWS, CHANGES))
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
        return None
    return x.grad.flatten().tolist()


def written(answer):
    return "refused" if answer is None else " ".join(f"{g:.7g}" for g in answer)


def read(answer):
    return None if answer == "refused" else [float(g) for g in answer.split()]


RECORDED = dict(zip(PAIRS, ANSWERS.read_text().splitlines() if ANSWERS.exists() else [], strict=False))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_and_every_change(view):
    assert len(RECORDED) == len(PAIRS)
    for change in CHANGES:
        for mode, answer in zip(MODES, RECORDED[view, change].split(" / "), strict=True):
            expected, got = read(answer), gradient(tg, view, change, *mode)
            same = got is None if expected is None else got is not None and got == pytest.approx(expected, rel=1e-5)
            assert same, f"{view} ; {change}, unrecorded {mode}: {got}, in PyTorch {answer}"


if __name__ == "__main__":
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines = [" / ".join(written(gradient(torch, *pair, *mode)) for mode in MODES) for pair in PAIRS]
    ANSWERS.write_text("\n".join(lines) + "\n")
    sys.stdout.write(f"{len(lines)} lines\n")
