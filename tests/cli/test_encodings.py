"""Every command prints under every encoding of standard output."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tinygrad_cnn.cli import COMMANDS, main

SCRIPT = """
# Größe: ‖x‖
import tinygrad_cnn as tg
print("prints ‖ é 中")
größe = tg.nn.Linear(3, 2)
loss = größe(tg.ones(5, 3)).norm()
"""
LINES = {  # for each command, lines that print as much as it can
    "train": ["train --epochs 1 --limit 64 --run {folder}/größe"],
    "eval": ["eval {folder}/größe", "eval {folder}/größe --json"],
    "predict": ["predict {folder}/größe.png --run {folder}/größe"],
    "export": ["export {folder}/größe -o {folder}/größe.npz"],
    "launch": ["launch -n 1 info"],
    "info": ["info", "info --json"],
    "bench": [],  # both need seconds
    "warmup": ["warmup"],
    "graph": ["graph {script}:loss"],
    "diff": [],
    "live": [],  # it serves until it is ended
    "summary": ["summary {script}:größe --input 5,3", "summary {script} --input 5,3 --json", "summary lenet"],
}
SLOW = ("train", "eval", "predict", "export", "launch", "warmup")


class Terminal(io.TextIOWrapper):
    """A stream of some encoding that keeps what is written."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)

    def text(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def printed(monkeypatch, tmp_path):
    (tmp_path / "größe.py").write_text(SCRIPT, encoding="utf-8")
    pytest.importorskip("PIL.Image").new("L", (8, 8)).save(tmp_path / "größe.png")

    def run(line, encoding):
        out, err = Terminal(encoding), Terminal(encoding)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        try:
            code = main([word.format(script=tmp_path / "größe.py", folder=tmp_path) for word in line.split()])
        except SystemExit as stop:
            code = stop.code
        assert out.errors == err.errors == "strict", "as they were before"
        return code, out.text(), err.text()

    return run


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_every_command_prints_under_every_encoding(printed, encoding):
    assert set(LINES) == set(COMMANDS)
    for command, lines in LINES.items():
        for line in (f"{command} --help", *(() if command in SLOW else lines)):
            code, out, err = printed(line, encoding)
            assert (code, bool(out)) == (0, True), (line, out, err)


@pytest.mark.slow
def test_those_that_take_longer_do_so_under_the_least_of_them(printed, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for command in SLOW:
        for line in LINES[command]:
            code, out, err = printed(line, "ascii")
            assert code == 0, (line, out, err)


def test_the_graph_of_a_script_that_fails_is_printed_too(printed, tmp_path):
    (tmp_path / "größe.py").write_text(SCRIPT.replace("(5, 3)", "(5, 4)"), encoding="utf-8")
    code, out, err = printed("graph {script} -- --größe", "ascii")
    assert code == 2
    assert "(failed: RuntimeError: linear: " in out
    assert "gro\\xdfe.py, line 6: RuntimeError: linear: " in err


def test_what_an_encoding_lacks_is_spelled(printed):
    _, out, err = printed("graph {script}:loss", "ascii")
    assert "||g|| = " in out
    assert "prints || e \\u4e2d" in out + err
    assert "‖g‖ = " in printed("graph {script}:loss", "utf-8")[1]
    assert printed("summary größe.py", "ascii")[2].startswith("tinygrad-cnn summary: ")


@pytest.mark.skipif(sys.platform == "win32", reason="sets a locale of POSIX")
@pytest.mark.parametrize(
    "told",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "cp1252"}],
    ids=lambda told: next(iter(told)),
)
def test_the_environment_chooses_the_encoding(told, tmp_path):
    (tmp_path / "net.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "tinygrad_cnn", "graph", "net.py:loss"]
    done = subprocess.run(command, env={**os.environ, **told}, cwd=tmp_path, capture_output=True, timeout=120)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"||g|| = " in done.stdout
