"""The record of PyTorch's answers: what is kept of one, what it does not let pass, how it is written and missed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import oracle
import pytest
from oracle import ANSWERS, TESTS, differences, plain, read, written

import tinygrad_cnn as tg

nan, inf = float("nan"), float("inf")


def recorded(answer):
    return read(json.loads(json.dumps(written(plain(answer)))))


def told(mine, theirs, rtol=0.0, atol=0.0):
    return list(differences(plain(mine), recorded(theirs), lambda x: (rtol, atol)))


LONG = np.random.default_rng(0).normal(size=(7, 11, 3))


@pytest.mark.parametrize(
    "answer",
    [
        None, True, 3, 2.5, nan, -inf, "text", b"\0", [], {}, {"a": [1, (2, {"b": None})]}, tg.ones(2).shape,
        tg.float16, tg.tensor([[0.1, nan], [inf, -0.0]]), tg.tensor(1e-300).double(), tg.zeros(0, 3),
        tg.tensor([True, False]), np.float16(0.1), np.int8(-3), 2**53 + np.arange(3), LONG, LONG.astype(np.float32),
        LONG > 0, (9 * LONG).astype(int), np.where(LONG > 1, nan, LONG), np.full(100, -inf), np.zeros(100, np.float32),
    ],
)  # fmt: skip
def test_an_answer_is_its_own_record(answer):
    assert told(answer, answer) == []


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (1, True), (1, 1.0), (1.0, 1 + 1e-9), (0.0, nan), ("a", "b"), ("a", None), ([1], [1, 2]), ({"a": 1}, {"b": 1}),
        ([[1.0], {"a": 2.0}], [[1.0], {"a": 3.0}]), (tg.ones(2), tg.ones(2).double()), (tg.ones(2), tg.ones(1, 2)),
        (tg.tensor([1, 2]), tg.tensor([1, 3])), (tg.tensor([True]), tg.tensor([False])), (tg.ones(1), [1.0]),
        (tg.tensor([1.0]), tg.tensor([nan])), (LONG, LONG.astype(np.float32)), (LONG, LONG.reshape(7, 33)),
        (LONG, LONG.transpose(1, 0, 2).reshape(LONG.shape)), (LONG, LONG + 1e-9), (LONG, -LONG), (LONG > 0, LONG > 1),
        (np.where(LONG > 1, nan, LONG), LONG), (np.where(LONG > 1, nan, 0), np.where(LONG < -1, nan, 0)),
        (np.where(LONG > 1, inf, 0), np.where(LONG > 1, -inf, 0)), (np.arange(40), np.arange(40)[::-1].copy()),
    ],
)  # fmt: skip
def test_another_answer_is_told(mine, theirs):
    assert told(mine, theirs)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-10), (np.float32, 1e-6)])
def test_no_number_of_a_long_array_may_be_wrong(dtype, rtol):
    x = LONG.astype(dtype)
    assert told(x * dtype(1 + rtol / 2), x, rtol) == []
    for i in range(0, x.size, 5):
        wrong = x.copy()
        wrong.flat[i] += dtype(200 * rtol)
        assert told(wrong, x, rtol), i
        wrong.flat[i], wrong.flat[i - 8] = x.flat[i - 8], x.flat[i]
        assert told(wrong, x, rtol), i


def test_an_answer_can_hold_no_object():
    with pytest.raises(TypeError, match="object"):
        plain([object()])


def test_every_record_belongs_to_a_module():
    modules = {path.relative_to(TESTS).with_suffix("") for path in TESTS.rglob("test_*.py")}
    assert {path.relative_to(ANSWERS).with_name(path.name.split(".")[0]) for path in ANSWERS.rglob("*.*")} <= modules


# Asking.


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """ask(question, recording): in a folder of its own, of a PyTorch that knows one thing."""
    monkeypatch.setattr(oracle, "TESTS", tmp_path)
    monkeypatch.setattr(oracle, "ANSWERS", tmp_path / "answers")
    library = SimpleNamespace(arange=np.arange, __version__="9.9")
    monkeypatch.setattr(oracle, "torch", lambda: library)

    def run(question, recording=False):
        record = oracle.Record(tmp_path / "test_rows.py")
        answer = oracle.PyTorch(record, "test_a_row", recording)(question)
        if recording:
            record.write()
        return answer

    run.library = library
    return run


def test_a_record_answers_without_pytorch(ask, monkeypatch):
    assert ask(lambda m: m.arange(3), recording=True).tolist() == [0, 1, 2]
    monkeypatch.setattr(oracle, "torch", lambda: None)
    assert ask(lambda m: m.nothing).tolist() == [0, 1, 2]


def test_a_question_that_is_not_recorded(ask):
    with pytest.raises(pytest.fail.Exception, match=r"'test_a_row' is not recorded.* tests/test_rows.py --record$"):
        ask(lambda m: m.arange(3))


def test_pytorch_may_not_say_otherwise(ask):
    ask(lambda m: m.arange(3), recording=True)
    ask.library.arange = lambda n: 2 * np.arange(n)
    with pytest.raises(pytest.fail.Exception, match=r"PyTorch 9.9 does not say what is recorded of 'test_a_row'"):
        ask(lambda m: m.arange(3))


@pytest.mark.parametrize("size", [1, 60_000])  # a record as text, and packed
def test_equal_answers_are_equal_bytes(ask, tmp_path, size):
    kept = []
    for _ in range(2):
        ask(lambda m: ["answer"] * size, recording=True)
        (file,) = tmp_path.glob("answers/*")
        kept.append((file.name, file.read_bytes()))
    assert kept[0] == kept[1]
    assert len(ask(lambda m: ["answer"] * size)) == size


@pytest.mark.slow
def test_recording_leaves_no_answer_that_nobody_asks_for(tmp_path):
    shutil.copy(TESTS / "oracle.py", tmp_path)
    (tmp_path / "conftest.py").write_text("from oracle import *\n")
    (tmp_path / "torch.py").write_text("def set_num_threads(n): pass\n")
    (tmp_path / "test_it.py").write_text(
        "def test_a(pytorch): assert pytorch(lambda m: 3) == 3\n"
        "def test_b(pytorch): assert pytorch(lambda m: 4, 'four') == pytorch(lambda m: 4)\n"
        "def test_c(): assert False, 'it does not ask, so it is not run'\n"
    )
    (tmp_path / "answers").mkdir()
    for name in ("test_it", "test_gone"):
        (tmp_path / "answers" / f"{name}.json").write_text('{"test_gone": 1}')
    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--record"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (file,) = tmp_path.glob("answers/*")
    assert json.loads(file.read_text()) == {"four": 4, "test_a": 3, "test_b": 4}


@pytest.mark.parametrize(
    ("option", "arguments"),
    [
        ({"keyword": "a"}, []),
        ({"markexpr": "a"}, []),
        ({"maxfail": 1}, []),
        ({"numprocesses": 2}, []),
        ({}, ["a.py::b"]),
    ],
)
def test_a_part_of_a_module_is_not_recorded(option, arguments):
    with pytest.raises(pytest.UsageError, match="folders and modules"):
        oracle.pytest_configure(SimpleNamespace(option=SimpleNamespace(record=True, **option), args=arguments))
