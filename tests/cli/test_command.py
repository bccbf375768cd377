"""The command as a whole: help, version, info, and what a missing command says."""

from __future__ import annotations

import json
import os
import stat
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


# files that are damaged, disks that are full: one line


def one_line(*args, code=2, **options):
    """What the command says on standard error, which is one line without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_cnn", *map(str, args)],
        stdout=options.get("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        preexec_fn=options.get("before"),
    )  # fmt: skip
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if not line.startswith("epoch ")]
    assert len(lines) == 1, done.stderr
    return lines[0], done.stdout


@pytest.fixture
def damaged(tmp_path):
    """A script that loads a checkpoint which is damaged."""
    tg.save({"weight": tg.ones(3, 2)}, tmp_path / "x.pt")
    content = bytearray((tmp_path / "x.pt").read_bytes())
    content[content.index(b"\x93NUMPY") + 135] ^= 255
    (tmp_path / "x.pt").write_bytes(content)
    script = tmp_path / "script.py"
    script.write_text(
        "import tinygrad_cnn as tg\n"
        "net = tg.nn.Linear(2, 3)\n"
        f"net.load_state_dict(tg.load({str(tmp_path / 'x.pt')!r}))\n"
    )
    return script


@pytest.mark.parametrize("command", ["graph", "summary"])
def test_a_damaged_checkpoint_is_one_line(command, damaged, capsys):
    assert main([command, f"{damaged}:net", "--input", "1,2"]) == 2
    said = capsys.readouterr().err
    assert "x.pt is damaged" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "1" * 10_000, '{"schema": "tinygrad_cnn.viz/1"}', "[]"])
def test_damaged_snapshots_are_one_line(content, tmp_path, capsys):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(content)
    out = tmp_path / "c.html"
    assert main(["diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "-o", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path, capsys):
    code = main(["train", "--epochs", "1", "--limit", "64", "--save", "/dev/full"])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out.startswith("test accuracy ")  # the training was not in vain
    assert "--save: the weights were not written" in captured.err
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    with open("/dev/full", "w") as full:
        said, _ = one_line("info", stdout=full)
    assert "No space left" in said


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    def small():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    path = tmp_path / "x.pt"
    said, out = one_line("train", "--epochs", "1", "--limit", "64", "--json", "--save", path, before=small)
    assert "File too large" in said
    assert json.loads(out)["saved"] is None
    assert os.listdir(tmp_path) == []
