"""Random programs do here what they do in PyTorch: values, dtypes, shapes, gradients, flags, and what is refused.

`programs.txt` holds 300 small programs and `runs.txt` 32 of training, with PyTorch's answers; `python maker.py record`
and `python runs.py record` in this folder write them anew. Where torch is installed, TINYGRAD_CNN_RANDOM_PROGRAMS=5000
and TINYGRAD_CNN_RANDOM_RUNS=200 ask for as many others, each time other ones, and run them beside it. What fails is
printed as the fewest lines that still do, to be run as they are.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from answers import read
from play import differs, play, runnable

from tinygrad_cnn.kernels import only_reference

PROGRAMS, RUNS = (read(Path(__file__).parent / name) for name in ("programs.txt", "runs.txt"))


def check(recorded):
    lines, answer = recorded
    what = differs(answer, play(lines, "tinygrad_cnn"))
    assert not what, f"{runnable(lines)}\n{what}"


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_recorded_program(number):
    check(PROGRAMS[number])


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(RUNS)))
def test_recorded_run(number):
    check(RUNS[number])


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(RUNS), 3))
def test_recorded_run_by_the_reference(number):
    with only_reference():
        check(RUNS[number])


ASKED = {kind: int(os.environ.get(f"TINYGRAD_CNN_RANDOM_{kind.upper()}", "0")) for kind in ("programs", "runs")}

if any(ASKED.values()):

    @pytest.mark.parametrize("kind", [kind for kind in ASKED if ASKED[kind]])
    def test_fresh(kind):
        import maker
        import runs

        first = random.randrange(10**9)
        found = list((maker if kind == "programs" else runs).faults(range(first, first + ASKED[kind])))
        assert not found, "\n".join(found)
