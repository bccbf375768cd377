"""The README's programs run, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygrad_cnn.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.S)


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


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)", README):
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_the_test_command_is_there():
    assert README.count("python -m pytest\n") == 1
