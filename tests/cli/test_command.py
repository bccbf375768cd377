"""The command as a whole: help, version, info, and what a missing command says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "usage: tinygrad-cnn " + command in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"tinygrad_cnn {tg.__version__}\n"


@pytest.mark.parametrize("argv", [[], ["fly"]])
def test_no_such_command_is_one_line(capsys, argv):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_info(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert tg.__version__ in out
    assert "kernels" in out
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["threads"] >= 1


def test_python_m():
    done = subprocess.run([sys.executable, "-m", "tinygrad_cnn", "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("tinygrad_cnn ")


def test_the_command_imports_no_pictures():
    code = (
        "import sys, tinygrad_cnn.cli as c; c.parser(); print([m for m in sys.modules if 'viz' in m or m == 'numba'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
