"""The README tells the truth: its programs run, its commands print what it shows, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.S)
SHOWN = re.findall(r"```text\n(.*?)```", README, re.S)
TEXTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("viz/*.md"), *ROOT.glob("tinygrad_cnn/**/*.md")]
)


@pytest.mark.slow
def test_programs_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope = {"__name__": "__main__"}
    for program in PROGRAMS:
        exec(compile(program, "README.md", "exec"), scope)
    assert "conv2d" in capsys.readouterr().out
    assert (tmp_path / "steps.html").stat().st_size > 50_000


def test_commands_exist():
    named = set(re.findall(r"tinygrad-cnn ([a-z]+)", README))
    assert named
    assert named <= set(COMMANDS)


def numberless(text):
    return re.sub(r"[\d,.]*\d", "#", text)


@pytest.mark.slow
def test_a_first_run_prints_what_is_shown(capsys, monkeypatch):
    lines = SHOWN[0].splitlines()
    monkeypatch.setattr(tg.kernels, "not_compiled", lambda: ["conv"])
    main(["train"])
    captured = capsys.readouterr()
    assert [numberless(line) for line in lines] == [
        numberless(captured.err.splitlines()[-1]), numberless(captured.out.strip())
    ]  # fmt: skip
    shown, found = (float(re.search(r"test accuracy ([\d.]+)%", text)[1]) for text in (lines[-1], captured.out))
    assert abs(shown - found) < 1


def test_the_graph_that_is_shown(tmp_path):
    (command,) = re.findall(r"tinygrad-cnn (graph \S+neurons -o \S+)", README)
    *arguments, _ = command.split()
    arguments[1] = str(ROOT / arguments[1])
    assert main([*arguments, str(tmp_path / "neurons.txt")]) == 0
    assert (tmp_path / "neurons.txt").read_text(encoding="utf-8") == SHOWN[1]


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (path.parent / link).exists(), link


def test_the_readme_links_to_nothing_that_only_a_clone_has():
    """A package index shows it too, by itself; so it names files and does not link to them."""
    assert re.findall(r"\]\((?!https://|#)([^)]*)", README) == []
    assert re.findall(r"<(?:img|a|picture)\b", README) == []
    named = re.findall(r"`((?:examples|tests|tinygrad_cnn|viz)/[\w./]*|\w+\.md)`", README)
    assert len(named) > 8
    for name in named:
        places = ROOT / name, ROOT / "tinygrad_cnn" / name, ROOT / "examples" / name
        assert any(place.exists() for place in places), name


def test_the_test_command_is_there():
    assert README.count("python -m pytest -n 2\n") == 1


def test_the_first_command_brings_no_tools_for_developers():
    first, second = re.findall(r"pip install (.*?) &&", README)[:2]
    assert first == '-e ".[all]"'
    assert second == '-e ".[all,dev]"'
