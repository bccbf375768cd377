"""What an editor offers while somebody types, asked of pyright's language server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


class Editor:
    """An editor's side of the language server protocol, on one file."""

    def __init__(self, folder: Path):
        self.uri = (folder / "open.py").as_uri()
        command = [Path(sys.executable).with_name("basedpyright-langserver"), "--stdio"]
        self.server = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.asked = 0
        root = folder.as_uri()
        folders = [{"uri": root, "name": "project"}]
        self.ask("initialize", processId=None, rootUri=root, workspaceFolders=folders, capabilities={})
        self.send("initialized")

    def send(self, method: str, **parameters) -> None:
        self.write({"method": method, "params": parameters})

    def write(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()

    def ask(self, method: str, **parameters):
        """The server's answer; what it asks meanwhile gets none but null."""
        self.asked += 1
        self.write({"id": self.asked, "method": method, "params": parameters})
        while True:
            message = self.read()
            if "method" in message and "id" in message:
                items = message.get("params", {}).get("items", [])
                self.write({"id": message["id"], "result": [None] * len(items)})
            elif message.get("id") == self.asked:
                return message["result"]

    def read(self) -> dict:
        length = 0
        while line := self.server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self.server.stdout.read(length))

    def at_the_end_of(self, text: str, method: str):
        """What the server says to this text, with the cursor at its end."""
        document = {"uri": self.uri, "languageId": "python", "version": self.asked, "text": text}
        self.send("textDocument/didOpen", textDocument=document)
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        answer = self.ask(f"textDocument/{method}", textDocument={"uri": self.uri}, position=position)
        self.send("textDocument/didClose", textDocument={"uri": self.uri})
        return answer

    def close(self) -> None:
        self.server.kill()
        self.server.communicate()


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}))
    editor = Editor(folder)
    yield editor
    editor.close()


HEAD = "import tinygrad_cnn as tg\nimport tinygrad_cnn.nn.functional as F\nx = tg.ones(2)\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [("x.sum().", "mean backward shape add_ reshape"), ("tg.", "cat conv2d no_grad nn"), ("F.", "conv2d relu linear")],
)
def test_names_are_completed(editor, text, expected):
    answer = editor.at_the_end_of(HEAD + text, "completion")
    offered = {item["label"] for item in (answer["items"] if isinstance(answer, dict) else answer)}
    assert set(expected.split()) <= offered


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("F.conv2d(", "stride: Window = 1"),
        ("tg.cat(", "tensors: Sequence[Tensor]"),
        ("x.sum(", "keepdim: bool = False"),
        ("tg.nn.Conv2d(", "padding_mode: str = "),
    ],
)
def test_signatures_are_shown(editor, text, expected):
    (signature, *_) = editor.at_the_end_of(HEAD + text, "signatureHelp")["signatures"]
    assert expected in signature["label"]
