"""mypy and pyright know modules, optimizers, data and decorated functions: `modules.py` says what they are to find."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROBE = Path(__file__).with_name("modules.py")


def mypy(folder):
    """(line, whether it is an error, message) of all that mypy says."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--output", "json", str(PROBE)], capture_output=True, text=True, cwd=ROOT
    )
    for said in map(json.loads, done.stdout.splitlines()):
        if said["file"].endswith(PROBE.name):
            yield said["line"], said["severity"] == "error", said["message"]


def pyright(folder):
    """The same of pyright in its basic mode."""
    settings = {"include": [str(PROBE)], "extraPaths": [str(ROOT)], "typeCheckingMode": "basic"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [Path(sys.executable).with_name("basedpyright"), "--outputjson", "-p", str(folder)],
        capture_output=True,
        text=True,
    )
    for said in json.loads(done.stdout)["generalDiagnostics"]:
        yield said["range"]["start"]["line"] + 1, said["severity"] == "error", said["message"]


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_types_are_known_and_errors_are_found(checker, tmp_path):
    lines = dict(enumerate(PROBE.read_text().splitlines(), 1))
    expected = {n: line.split("  # is: ")[1] for n, line in lines.items() if "  # is: " in line}
    wrong = {n for n, line in lines.items() if line.endswith("  # wrong")}

    found, errors = {}, set()
    for n, error, message in checker(tmp_path):
        if error:
            errors.add(n)
        elif " is " in message and "reveal_type" in lines[n]:
            found[n] = re.sub(r"(\w+\.)+", "", message.rpartition(" is ")[2].strip('"'))
    assert found == expected
    assert errors == wrong
