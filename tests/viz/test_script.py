"""What the command does with a user's script: it runs as `python script.py` runs it, and a mistake is one line."""

from __future__ import annotations

import json
import sys

import pytest

from tinygrad_cnn.cli import main

COMMANDS = {
    "graph": ["graph", "work/net.py:loss"],
    "summary": ["summary", "work/net.py:net", "--input", "1,2"],
}
GOOD = """\
import tinygrad_cnn as tg
net = tg.nn.Linear(2, 2)
loss = net(tg.ones(1, 2)).sum()
"""


@pytest.fixture(params=COMMANDS)
def run(request, tmp_path, monkeypatch, capsys):
    """run(text): the exit code of a command with a script of this text, and what it said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()

    def run(text: str | bytes | None) -> tuple[int, str, str]:
        if text is not None:
            (tmp_path / "work" / "net.py").write_bytes(text.encode() if isinstance(text, str) else text)
        code = main(COMMANDS[request.param])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def mistake(found: tuple[int, str, str]) -> str:
    code, _, err = found
    assert code == 2
    *_, last = err.splitlines()
    return last.partition(": ")[2]


def test_what_a_script_sees(run, tmp_path):
    (tmp_path / "work" / "beside.py").write_text("WIDTH = 2\n")
    (tmp_path / "work" / "parts").mkdir()
    (tmp_path / "work" / "parts" / "__init__.py").write_text("")
    (tmp_path / "work" / "parts" / "more.py").write_text("DEPTH = 1\n")
    before = list(sys.path), sys.argv, set(sys.modules)
    code, _, err = run(
        "import json, pickle, sys\n"
        "from dataclasses import dataclass\n"
        "from pathlib import Path\n"
        "from beside import WIDTH\n"
        "from parts.more import DEPTH\n" + GOOD + "@dataclass\n"
        "class Pair:\n"
        "    a: int\n"
        "if __name__ == '__main__':\n"
        "    sys.exit('not run')\n"
        "seen = {'argv': sys.argv, 'path': sys.path[0], 'file': __file__, 'name': __name__}\n"
        "seen['pickled'] = pickle.loads(pickle.dumps(Pair(WIDTH))).a\n"
        "Path('seen.json').write_text(json.dumps(seen))\n"
    )
    assert code == 0, err
    work = tmp_path / "work"
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "argv": ["work/net.py"], "path": str(work.resolve()), "file": str(work / "net.py"), "name": "net", "pickled": 2
    }  # fmt: skip
    assert (list(sys.path), sys.argv) == before[:2]
    assert not {"net", "beside", "parts", "parts.more"} & (set(sys.modules) - before[2])


def test_its_folder_is_there_while_what_it_made_is_called(run, tmp_path):
    (tmp_path / "work" / "late.py").write_text("from tinygrad_cnn import ones\nX = ones(1, 2)\n")
    late = "def {}():\n    from late import X\n    return {}\n"
    net, loss = "import tinygrad_cnn as tg\nkept = tg.nn.Linear(2, 2)\n", "kept(X).sum()"
    code, _, err = run(net + late.format("net", "kept") + late.format("loss", loss))
    assert code == 0, err
    assert "late" not in sys.modules


def test_the_module_of_that_name_is_there_again(run, monkeypatch):
    mine = type(sys)("net")
    monkeypatch.setitem(sys.modules, "net", mine)
    assert run(GOOD)[0] == 0
    assert sys.modules["net"] is mine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "work/net.py: there is no such script"),
        ("x = 1\ny = = 2\n", "work/net.py, line 2: SyntaxError: invalid syntax"),
        ("x = '\0'\n", "work/net.py"),
        (b"x = '\xff'\n", "work/net.py"),
        ("x = 1\n\nx / 0\n", "work/net.py, line 3: ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError('a\\nb')\nf()\n", "work/net.py, line 2: KeyError: "),
        ("import nowhere_at_all\n", "work/net.py, line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("import tinygrad_cnn as tg\ntg.ones(2) @ tg.ones(3)\n", "work/net.py, line 2: "),
        ("raise SystemExit(0)\n", "work/net.py: it ended itself (SystemExit)"),
        (GOOD.replace("net", "nets").replace("loss", "lose"), "did you mean '"),
        ("x = 1\n", "work/net.py: there is no '"),
    ],
)
def test_a_mistake_is_one_line(run, text, said):
    before = list(sys.path), sys.argv
    assert said in mistake(run(text))
    assert (list(sys.path), sys.argv) == before
    assert "net" not in sys.modules


def test_names_that_are_nearly_right_are_told(run):
    said = mistake(run(GOOD.replace("net", "nets").replace("loss", "losses")))
    assert ("it has nets; did you mean 'nets'?" in said) or ("losses; did you mean 'losses'?" in said)
