"""Every lesson of the course runs as a reader runs it: a fresh process, warnings as errors, and what it says is right.

In processes of their own, since lessons register ops and kernels, which other tests must not see.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# lesson, further arguments, lines that its output must have (regular expressions)
LESSONS = [
    ("01_scalar_graph", (), [r"f = \(x·w \+ b\)·x = 8\.0 ", r"└─ x = 2\.0", r"6 nodes, 6 edges\."]),
    (
        "02_backward_by_hand",
        (),
        [r"df/dx +-5\.1808\d+ +-5\.1808\d+ +-5\.1808", r"between the engines: (0\.0e\+00|\d\.\de-1[5-9])"],
    ),
    (
        "03_topological_order",
        (),
        [r"each once .* df/dx =  2 +wrong", r"every time .* df/dx = 10 +wrong", r"tinygrad_cnn +df/dx =  8 +right"],
    ),
    ("04_broadcasting", (), [r"^\[18\. 22\. 26\.\]$", r"one number, 1,000,000\."]),
    ("05_linear_regression", (), [r"exact solution +1\.499 +-1\.001", r"gradient descent: y = 1\.499·x -1\.001"]),
    (
        "06_new_op",
        (),
        [r"^gradcheck\(bump\): True", r"^gradcheck\(bad_bump\): GradcheckError", r"the error to 0\.00\d+\."],
    ),
    ("07_convolution", (), [r"^seven loops +\d", r"both gradients agree: True"]),
    ("08_pooling", (), [r"^  0   9   1   3 .* 0  10   0   0$", r"the loops and the library agree"]),
    (
        "09_softmax_cross_entropy",
        (),
        [r"library's +\[4\.248\S+ 4\.539\S+ 9\.999\S+\]", r"gradient differ by (0e\+00|\de-1[6-9])"],
    ),
    (
        "10_reading_digits",
        ("--epochs", "10"),
        [r"^1442 training images, 355 test images", r"^Test accuracy (9[89]\.\d\d|100\.00)%"],
    ),
    (
        "11_drawing_the_graph",
        ("--out", "{folder}/new"),
        [
            r"^  1\. cross_entropy: ",
            r"conv2d .*\(2 of 2 uses\)",
            r"took 9 steps, .* has norm 11\.18",
            r"^written: .*graph\.svg, .*steps\.html$|^no pictures: no layout program",
        ],
    ),
    (
        "12_second_derivatives",
        (),
        [
            r"\[8\.0, 12\.0, 12\.0, 6\.0, 0\.0\]",
            r"6 Newton .* x = \(1\.000000, 1\.000000\)",
            r"differ by \de-(0[89]|1\d)",
        ],
    ),
    ("13_faster_kernel", (), [r"300 random shapes: \de-1[3-6]", r"faster and equal: True"]),
    ("14_batch_norm", (), [r"^dx: formula and library differ by \de-1[4-7]", r"^with batch norm .* layer 50: 0\.6"]),
    (
        "15_many_processes",
        (),
        [r"^  rank 0: images  0 to ", r"of the whole batch \[-2\.5343 -0\.3697\]", r"weight \[ 1\.519476 -0\.499189\]"],
    ),
    (
        "16_small_gpt",
        ("--steps", "20"),
        [
            r"loss of 2\.56, who can add 0\.90",
            r"^step    0: loss 2\.\d",
            r"^step   20: loss 1\.\d",
            r"never saw are right",
        ],
    ),
    (
        "17_functions_of_functions",
        (),
        [
            r"^4\.weight +\(64, 10, 72\) +mean = backward's: True",
            r"reverse over reverse: True",
            r"times v: True",
            r"columns are less work",
            r"rows are less work",
        ],
    ),
]
SLOW = {"16_small_gpt", "06_new_op", "07_convolution", "10_reading_digits", "14_batch_norm", "15_many_processes"}


def run(name: str, *arguments: str) -> str:
    """The output of a lesson; it must succeed, and warn of nothing."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments]
    # One thread each: programs that run side by side would otherwise wait for each other's threads.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


def marked(name: str, *rest):
    return pytest.param(name, *rest, id=name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.mark.parametrize(("name", "arguments", "lines"), [marked(*lesson) for lesson in LESSONS])
def test_lesson(name, arguments, lines, tmp_path):
    output = run(name, *(word.format(folder=tmp_path) for word in arguments))
    for line in lines:
        assert re.search(line, output, re.MULTILINE), f"{line!r} is not in the output:\n{output}"
    assert "Notice" in output
    written = sorted(path.name for path in tmp_path.rglob("*.*"))
    assert written == (["graph.svg", "steps.html"] if "\nwritten: " in output else [])


def lessons() -> list[str]:
    return sorted(path.stem for path in EXAMPLES.glob("[0-9]*.py"))


def test_every_lesson_is_tested():
    assert lessons() == [name for name, *_ in LESSONS]


@pytest.mark.parametrize("name", lessons())
def test_a_lesson_opens_with_its_question(name):
    first = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(rf'"""{name[:2]}\. .+\?', first)


@pytest.mark.parametrize("name", lessons())
def test_a_lesson_fits_on_two_screens(name):
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 110


def test_the_table_of_contents_has_every_lesson():
    contents = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\d\d)\]\((\S+)\.py\) \|", contents, re.MULTILINE)
    assert [(name[:2], name) for name in lessons()] == listed
