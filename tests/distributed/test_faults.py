"""A rank that fails ends the job, with a message that names it, the call and the shapes; nothing ever hangs."""

from __future__ import annotations

import re
import time

import pytest
from ranks import needs_mpi, ranks

CALL = r"all_reduce\(float32 \(2, 3\), op=SUM\)"
STEP = "the ranks of a group must make the same calls in the same order"

# what goes wrong, what standard error must have (regular expressions)
FAULTS = [
    ("raises", [r"KeyError: 'no such thing'", rf"rank 1 of 3 failed with KeyError: .* its last call was 1, {CALL}"]),
    ("exits", [rf"rank 1 of 3 ended with exit code 7; its last call was 1, {CALL}"]),
    ("ends", [rf"{STEP}.* of rank 2 is {CALL}, of rank 1 the end of its program"]),
    ("late", [rf"{CALL}: rank 1 has not come within 3 s; this is call 2 of rank 2"]),
    ("another call", [rf"{STEP}.* call 2 of rank \d is .*broadcast\(float32 \(2, 3\), src=0\)", CALL, "rank 1"]),
    ("another shape", [rf"{STEP}.* call 2 of rank \d is .*all_reduce\(float32 \(40, 3\), op=SUM\)", CALL, "rank 1"]),
    ("nan", [r"the gradient of weight, float32 \(2, 3\), has 6 NaN and 0 infinite numbers on rank 1"]),
    ("goes on", [rf"{STEP}.* call 2 of rank \d is .*broadcast\(float32 \(2, 3\), src=0\)"]),
]


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize(("what", "lines"), FAULTS, ids=[what for what, _ in FAULTS])
def test_a_rank_that_fails_ends_all(what, lines):
    start = time.monotonic()
    done = ranks(3, "faults", what)
    assert time.monotonic() - start < 60
    assert done.returncode != 0
    for line in lines:
        assert re.search(line, done.stderr + done.stdout, re.DOTALL), done.stderr
