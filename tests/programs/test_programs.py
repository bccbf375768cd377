"""Random programs do here what they do in PyTorch: values, dtypes, shapes, gradients, flags, and what is refused.

`programs.txt` holds 300 small programs and `runs.txt` 32 of training, with a blank line between two; `python maker.py
choose` and `python runs.py choose` in this folder choose others, whose answers are then recorded (`tests/oracle.py`).
Where torch is installed, TINYGRAD_CNN_RANDOM_PROGRAMS=5000 and TINYGRAD_CNN_RANDOM_RUNS=200 ask for as many more, each
time other ones, and run them beside it. What fails is printed as the fewest lines that still do, to be run as they are.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
import runs
from play import Outcome, Seen, differs, play, runnable

from tinygrad_cnn.kernels import use

PROGRAMS, RUNS = (
    [re.split(r"\n(?! )", program) for program in (Path(__file__).parent / name).read_text().strip().split("\n\n")]
    for name in ("programs.txt", "runs.txt")
)


def told(x: Any) -> Any:
    """An outcome, and what it saw, as an answer; without the words of an error."""
    if isinstance(x, Outcome):
        return {"seen": {name: told(v) for name, v in x.seen.items()}, "refused": x.refused}
    return {**x._asdict(), "grad": told(x.grad)} if isinstance(x, Seen) else x


def heard(answer: Any) -> Any:
    """The outcome again."""
    if isinstance(answer, dict) and "seen" in answer:
        return Outcome({name: heard(v) for name, v in answer["seen"].items()}, answer["refused"], "refused in PyTorch")
    if isinstance(answer, dict):
        return Seen(**{**answer, "shape": tuple(answer["shape"]), "grad": heard(answer["grad"])})
    return tuple(answer) if isinstance(answer, list) else answer


def check(lines, answer):
    what = differs(heard(answer), play(lines, "tinygrad_cnn"))
    assert not what, f"{runnable(lines)}\n{what}"


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_recorded_program(pytorch, number):
    check(PROGRAMS[number], pytorch(lambda torch: told(play(PROGRAMS[number], torch.__name__))))


@pytest.fixture
def truth(pytorch):
    """truth(number): what PyTorch says of a run in double precision, and how far off that may be."""

    def ask(number):
        return pytorch(
            lambda torch: told(runs.expected(RUNS[number])),
            name=f"run {number}",
            differ=lambda fresh, recorded: differs(heard(recorded), heard(fresh)),
        )

    return ask


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(RUNS)))
def test_recorded_run(truth, number):
    check(RUNS[number], truth(number))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(RUNS), 3))
def test_recorded_run_by_numpy(truth, number):
    with use("numpy"):
        check(RUNS[number], truth(number))


ASKED = {kind: int(os.environ.get(f"TINYGRAD_CNN_RANDOM_{kind.upper()}", "0")) for kind in ("programs", "runs")}

if any(ASKED.values()):

    @pytest.mark.parametrize("kind", [kind for kind in ASKED if ASKED[kind]])
    def test_fresh(kind):
        import maker

        first = random.randrange(10**9)
        found = list((maker if kind == "programs" else runs).faults(range(first, first + ASKED[kind])))
        assert not found, "\n".join(found)
