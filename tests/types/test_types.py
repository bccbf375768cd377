"""What mypy and pyright find in the probes, which say it; in the README and in the examples they find nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROBES = sorted(Path(__file__).parent.glob("[!ct]*.py"))


def mypy(folder, *paths):
    """(file, line, whether it is an error, message) of all that mypy says.

    With the project's settings, which differ from the default mode in nothing that matters to a user's file: so it
    finds in its cache what the project's own check has found out about the package.
    """
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--output", "json", "--scripts-are-modules", *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    asked = {path.name for path in paths}  # it reads the package as well
    for said in map(json.loads, done.stdout.splitlines()):
        if Path(said["file"]).name in asked:
            yield Path(said["file"]).name, said["line"], said["severity"] == "error", said["message"]


def pyright(folder, *paths):
    """The same of pyright in its basic mode."""
    settings = {
        "include": [str(path) for path in paths],
        "extraPaths": [str(ROOT), str(ROOT / "examples" / "seeds")],
        "typeCheckingMode": "basic",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [Path(sys.executable).with_name("basedpyright"), "--outputjson", "-p", str(folder)],
        capture_output=True,
        text=True,
    )
    for said in json.loads(done.stdout)["generalDiagnostics"]:
        line = said["range"]["start"]["line"] + 1
        yield Path(said["file"]).name, line, said["severity"] == "error", said["message"]


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("probe", PROBES, ids=lambda path: path.stem)
def test_types_are_known_and_errors_are_found(checker, probe, tmp_path):
    lines = dict(enumerate(probe.read_text().splitlines(), 1))
    expected = {n: line.split("  # is: ")[1] for n, line in lines.items() if "  # is: " in line}
    wrong = {n for n, line in lines.items() if line.endswith("  # wrong")}

    found, errors = {}, set()
    for _, n, error, message in checker(tmp_path, probe):
        if error:
            errors.add(n)
        elif " is " in message and "reveal_type" in lines[n]:
            found[n] = re.sub(r"(\w+\.)+", "", message.rpartition(" is ")[2].strip('"'))
    assert found == expected
    assert errors == wrong


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_readme_and_the_examples_are_right(checker, tmp_path):
    programs = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    readme = tmp_path / "readme.py"
    readme.write_text("\n".join(programs), encoding="utf-8")
    examples = sorted((ROOT / "examples").rglob("*.py"))
    found = list(checker(tmp_path, readme, *examples))
    assert [(file, line, message) for file, line, error, message in found if error] == []
