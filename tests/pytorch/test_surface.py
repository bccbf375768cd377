"""The list of what of PyTorch is here is whole and true, and is told in the same words everywhere."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys

import pytest

from tinygrad_cnn.cli import main
from tinygrad_cnn.pytorch import record, report, sentences, standins, surface
from tinygrad_cnn.pytorch.names import FILE, names, ours, versions
from tinygrad_cnn.pytorch.surface import ABSENT, DIFFERS, HERE


@pytest.fixture(scope="module")
def entries():
    return surface.entries()


def test_each_name_that_is_not_here_has_a_sentence(entries):
    assert [f"{e.space}.{e.name}" for e in entries if e.status == ABSENT and not e.sentence] == []


@pytest.mark.parametrize("rows", [sentences.NOT_HERE, sentences.DIFFERENT], ids=["not here", "different"])
def test_each_word_speaks_of_a_name(rows):
    """Of a recorded one, or one of a module that stands in, or of which nothing is recorded."""
    paths = [f"{space}.{name}" for space, found in names().items() for name in found]
    paths += [*standins.ROOMS, *names()]
    spoken = {word: re.compile(sentences.pattern(word)) for words, _ in rows for word in words.split()}
    below = [word for word in spoken if word.endswith(".*") and word[:-2] not in names()]
    assert [w for w, p in spoken.items() if w not in below and not any(map(p.fullmatch, paths))] == []


@pytest.mark.parametrize("sentence", [s for rows in (sentences.NOT_HERE, sentences.DIFFERENT) for _, s in rows])
def test_a_sentence_goes_on_after_a_colon(sentence):
    assert not sentence.endswith(".")
    assert sentence == sentence.strip()


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("torch.add", True), ("torch.newaxis", True), ("torch.nn.Linear", True), ("torch.Tensor.add_", True),
        ("torch.nn.Module.train", True), ("torchvision.models.resnet18", True), ("torch.utils.dlpack", True),
        ("torch.fft", False), ("torch.jit", False), ("torch.hub.load", False), ("torch.Tensor.stft", False),
        ("torch.nothing.like.this", False), ("torch._assert", True),
    ],
)  # fmt: skip
def test_what_is_here_is_found_by_looking(path, here):
    assert surface.is_here(path) == here


def test_modules_say_more_of_what_they_do_not_have():
    """Each namespace that is recorded and is here; a class has no such way."""
    for space in names():
        if surface.is_here(space) and not space.rpartition(".")[2][0].isupper():
            assert hasattr(importlib.import_module(ours(space)), "__getattr__"), space


@pytest.mark.slow
def test_the_names_are_those_of_the_pytorch_that_is_installed():
    """Asked in a process of its own: what others have imported of it would count as well."""
    pytest.importorskip("torchvision")
    code = "from tinygrad_cnn.pytorch import record; print(record.written(record.record(), record.installed()), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if record.installed() == versions():
        assert done.stdout == FILE.read_text(encoding="utf-8"), done.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="written by Python 3.11 or newer, as the stubs are")
def test_the_page_is_up_to_date(entries):
    """python -m tinygrad_cnn.testing.stubs"""
    assert report.PAGE.read_text(encoding="utf-8") == report.page(entries)


# The command.


def test_info_counts_and_lists(capsys, entries):
    assert main(["info", "--surface"]) == 0
    out = capsys.readouterr().out
    total = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+)$", out, re.M)
    assert int(total[1]) == sum(map(int, total.groups()[1:])) == len(entries)
    assert "\ntorch.nn.init\n" in out


def test_info_looks_words_up(capsys):
    assert main(["info", "--surface", "STFT", "optim.adamw"]) == 0
    out = capsys.readouterr().out
    assert "istft stft" in out
    assert "numpy.fft works on x.numpy()" in out
    assert "torch.optim\n  AdamW\n" in out
    assert "SGD" not in out


def test_info_as_data(capsys):
    assert main(["info", "--surface", "--json", "torch.optim.sgd"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "of": versions(), "names": 1, HERE: 1, "spaces": {"torch.optim": {HERE: ["SGD"], DIFFERS: {}, ABSENT: {}}}
    }  # fmt: skip
