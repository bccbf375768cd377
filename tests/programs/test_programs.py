"""Random programs do here what they do in PyTorch: values, dtypes, shapes, gradients, flags, and what is refused.

`programs.txt` holds 300 with PyTorch's answers; `python tests/programs/maker.py record` writes it anew. Where torch is
installed, TINYGRAD_CNN_RANDOM_PROGRAMS=5000 makes as many others, each time other ones, and runs them beside it. What
fails is printed as the fewest lines that still do, to be run as they are.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from answers import read
from play import differs, play, runnable

RECORDED = read(Path(__file__).parent / "programs.txt")
ASKED = int(os.environ.get("TINYGRAD_CNN_RANDOM_PROGRAMS", "0"))


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_recorded_program(number):
    lines, answer = RECORDED[number]
    what = differs(answer, play(lines, "tinygrad_cnn"))
    assert not what, f"{runnable(lines)}\n{what}"


@pytest.mark.slow
@pytest.mark.skipif(not ASKED, reason="TINYGRAD_CNN_RANDOM_PROGRAMS is not set")
def test_fresh_programs():
    pytest.importorskip("torch")
    from maker import faults

    first = random.randrange(10**9)
    found = list(faults(range(first, first + ASKED)))
    assert not found, "\n".join(found)
