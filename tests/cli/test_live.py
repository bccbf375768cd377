"""tinygrad-cnn live: what is served and to whom, that it follows its files, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest

from tinygrad_cnn.viz import live_process, live_server

SCRIPT = """\
import tinygrad_cnn as tg

w = tg.tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
"""


class Served:
    """A server with nothing behind it, and requests to it word for word."""

    page = b"the page"

    def __init__(self):
        self.asked = []
        self.server = live_server.Server(self)
        self.port = self.server.server_address[1]
        self.home = f"/{self.server.token}/"

    def shown(self):
        return self.page

    def after(self, version):
        self.asked.append(version)
        return {"version": version + 1}

    def pin(self, asked):
        self.asked.append(asked)
        return {"document": None}

    export = None

    def ask(self, method="GET", name="", host=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        path = name if name.startswith("/") else self.home + name
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        headers = {"Host": host or self.server.host, **headers}
        if body is not None:
            headers.setdefault("Content-Length", len(body))
        for key, value in headers.items():
            if value is not None:
                connection.putheader(key, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        said = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return said

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def raw(self, data, wait=5.0):
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as s:
            s.sendall(data)
            out = b""
            while more := s.recv(65536):
                out += more
        return out


@pytest.fixture(scope="module")
def served():
    it = Served()
    yield it
    it.close()


JSON = {"Content_Type": "application/json"}


def test_who_knows_the_address_gets_the_page_and_no_one_may_keep_or_embed_it(served):
    status, headers, body = served.ask()
    assert (status, body) == (200, b"the page")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not any(name.startswith("Access-Control") for name in headers)
    assert "Python" not in headers["Server"]


def test_it_listens_on_the_loopback_address_alone(served):
    assert served.server.socket.getsockname()[0] == "127.0.0.1"
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((own, served.port), timeout=2)


def test_each_token_is_new_and_long():
    tokens = set()
    for _ in range(2):
        served = Served()
        tokens.add(served.server.token)
        served.close()
    assert len(tokens) == 2
    assert all(len(token) >= 22 for token in tokens)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/favicon.ico", "//", "/x/", "/{token}", "/{token}x/", "/{token}/../", "/{token}/../../etc/passwd",
        "/{token}/..%2f..%2fetc%2fpasswd", "/{token}/%2e%2e/", "/{token}//etc/passwd", "/{token}/page",
        "/{token}/model.py", "/{token}/after/", "/{token}/./", "/{token}/\\..\\model.py", "/{token}/pin",
        "/{token}/export", "http://127.0.0.1/{token}/", "/{TOKEN}/", "/{token}/%00", "/%7Btoken%7D/",
        "/{token}/after%3f0", "{token}/", "x/{token}/",
    ],
)  # fmt: skip
def test_nothing_else_is_there(served, path):
    path = path.replace("{token}", served.server.token).replace("{TOKEN}", served.server.token.swapcase())
    data = f"GET {path} HTTP/1.1\r\nHost: {served.server.host}\r\n\r\n".encode()
    assert served.raw(data).split(b"\r\n")[0] == b"HTTP/1.0 404 Not Found"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"])
def test_no_other_method(served, method):
    status, headers, body = served.ask(method)
    assert status == 405
    assert body == b""
    assert not any(name.startswith("Access-Control") for name in headers)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "",
     "0.0.0.0:{port}", "127.0.0.1:{port}.evil.example", "user@127.0.0.1:{port}", "2130706433:{port}"],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here_is_refused(served, host):
    """DNS rebinding: the page of another site asks its own name, which leads to this machine by now."""
    status, _, body = served.ask(host=host.replace("{port}", str(served.port)) or " ")
    assert (status, body) == (421, b"")


@pytest.mark.parametrize("hosts", [[], ["evil.example", None], [None, None]])
def test_no_host_or_two_are_refused(served, hosts):
    lines = "".join(f"Host: {host or served.server.host}\r\n" for host in hosts)
    assert b" 421 " in served.raw(f"GET {served.home} HTTP/1.1\r\n{lines}\r\n".encode())
    assert served.raw(f"GET {served.home}\r\n{lines}\r\n".encode()) == b"", "HTTP/0.9 has no status"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1"}, {"Origin": "http://localhost:{port}"}, {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "anything"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["", "after?0", "pin"])
def test_another_origin_is_refused(served, name, headers):
    before = list(served.asked)
    headers = {key: value.replace("{port}", str(served.port)) for key, value in headers.items()}
    post = name == "pin"
    if post:
        headers = {"Origin": f"http://{served.server.host}", **headers, **JSON}
    status, _, body = served.ask("POST" if post else "GET", name, body=b"{}" if post else None, **headers)
    assert (status, body) == (403, b"")
    assert served.asked == before


def test_a_change_has_to_say_where_it_comes_from_and_to_be_json(served):
    own = f"http://{served.server.host}"
    assert served.ask("POST", "pin", body=b'{"a": 1}', Origin=own, **JSON)[0] == 200
    assert served.asked[-1] == {"a": 1}
    assert served.ask("POST", "pin", body=b"{}", **JSON)[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        assert served.ask("POST", "pin", body=b"{}", Origin=own, Content_Type=kind)[0] == 415
    for body in (b"", b"{", b"\xff", b"[" * 5000):
        assert served.ask("POST", "pin", body=body, Origin=own, **JSON)[0] == 400
    assert served.ask("POST", "", body=b"{}", Origin=own, **JSON)[0] == 404
    assert served.ask("POST", "after?0", body=b"{}", Origin=own, **JSON)[0] == 404


@pytest.mark.parametrize("query", ["", "-1", "x", "1e3", "²", "1" * 13, "1&2", "../", "0%00"])
def test_a_version_is_a_number(served, query):
    data = f"GET {served.home}after?{query} HTTP/1.1\r\nHost: {served.server.host}\r\n\r\n".encode("latin-1")
    assert b" 400 " in served.raw(data).split(b"\r\n")[0]


def test_a_websocket_is_refused(served):
    wish = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "a" * 24,
    }
    assert served.ask(Origin="http://evil.example", **wish)[0] == 403
    assert served.ask(Origin=f"http://{served.server.host}", **wish)[0] == 400
    assert served.ask(**wish)[0] == 400


def test_what_is_too_large_is_refused(served):
    own = f"http://{served.server.host}"
    large = b" " * 10_000_000
    assert served.ask("POST", "pin", body=large, Origin=own, **JSON)[0] == 413
    assert served.ask("POST", "pin", body=b"", Content_Length="9" * 30, Origin=own, **JSON)[0] == 413
    for length in ("", "-1", "0x10", "1e9", "²".encode()):
        assert served.ask("POST", "pin", body=b"", Content_Length=length, Origin=own, **JSON)[0] == 411
    chunked = {"Transfer_Encoding": "chunked"}
    assert served.ask("POST", "pin", body=b"", Content_Length=None, Origin=own, **JSON, **chunked)[0] == 400
    assert served.ask(name="x" * 5_000)[0] == 414
    assert served.ask(name="x" * 100_000)[0] == 414
    assert served.ask(Long="x" * 100_000)[0] == 431
    assert served.ask(**{f"H{i}": "x" for i in range(200)})[0] == 431
    assert served.ask()[0] == 200


def test_noise_is_no_request(served):
    for noise in (b"\r\n\r\n", b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        answer = served.raw(noise)
        assert answer == b"" or b" 4" in answer.split(b"\r\n")[0] or b" 505 " in answer.split(b"\r\n")[0]
    assert served.ask()[0] == 200


def test_many_connections_that_say_nothing_keep_nobody_out(served):
    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(150)]
    for s in idle[::3]:
        s.sendall(b"GET /")
    assert served.ask()[0] == 200
    assert len(served.server.strangers) <= live_server.STRANGERS
    assert threading.active_count() < live_server.STRANGERS + 20
    for s in idle:
        s.close()
    assert served.ask()[0] == 200


def test_one_that_says_nothing_is_left_after_a_while(served, monkeypatch):
    monkeypatch.setattr(live_server.Handler, "timeout", 0.1)
    assert served.raw(b"GET /") == b""


# the whole command


ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}


def listen():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def children(pid):
    out = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    return [int(p) for p, parent in map(str.split, out.splitlines()) if int(parent) == pid]


def gone(pids):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return True
        time.sleep(0.05)
    return False


class Command:
    """The command in a process of its own."""

    def __init__(self, *words, cwd=None):
        options = {"preexec_fn": listen} if os.name == "posix" else {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tinygrad_cnn", "live", *words], cwd=cwd, env=ENV,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip
        self.url = urlsplit(self.process.stdout.readline().strip())

    def ask(self, name="", what=None):
        connection = http.client.HTTPConnection(self.url.netloc, timeout=60)
        body = None if what is None else json.dumps(what)
        headers = {} if what is None else {"Content-Type": "application/json", "Origin": f"http://{self.url.netloc}"}
        connection.request("GET" if what is None else "POST", self.url.path + name, body, headers)
        answer = connection.getresponse()
        return answer.read().decode()

    def after(self, version):
        return json.loads(self.ask(f"after?{version}"))

    def settled(self, version=0):
        """Where things stand when a run that is newer than this version is over."""
        while (now := self.after(version))["running"] or now["version"] == version:  # which takes longer than it waits
            version = now["version"]
        return now

    def document(self):
        data = re.search(r'id="data">(.*?)</script>', self.ask(), re.S)[1]
        return json.loads(data)["document"]

    def ends_by(self, name):
        """It says nothing, and leaves no process."""
        number = getattr(signal, name)
        pids = children(self.process.pid)
        pids += [grandchild for child in pids for grandchild in children(child)]
        assert pids
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err
        assert self.process.returncode == (-9 if name == "SIGKILL" else 128 + number)
        assert gone(pids)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    (folder / "net.py").write_text(SCRIPT)
    with Command("net.py:loss", cwd=folder) as it:
        it.folder = folder
        yield it
        if os.path.isdir("/proc"):
            it.ends_by("SIGINT")


def ops(document):
    return [n["op"] for n in document["nodes"] if n["kind"] == "op"]


@pytest.mark.slow
def test_it_follows_its_files(command):
    """The script, a module beside it, an error, a module that is not there, and the end of each."""

    def write(name, text):
        version = command.after(0)["version"]
        (command.folder / name).write_text(text)
        return command.settled(version)

    now = command.settled()
    assert now["trouble"] is None
    assert ops(command.document()) == ["mul", "sum"]
    now = write("net.py", SCRIPT + "loss = loss + undefined\n")
    assert now["trouble"]["text"] == "net.py, line 5: NameError: name 'undefined' is not defined"
    assert 'File "net.py", line 5' in now["trouble"]["trace"]
    assert ops(command.document()) == ["mul", "sum", "NameError"], "what ran before it"

    now = write("net.py", SCRIPT.replace("loss =", "import helper\nloss = helper.twice(w) +"))
    assert "No module named 'helper'" in now["trouble"]["text"]
    now = write("helper.py", "def twice(x):\n    return (x * 2).sum()\n")
    assert now["trouble"] is None
    assert ops(command.document()) == ["mul", "sum", "mul", "sum", "add"]
    now = write("helper.py", "def twice(x):\n    return (x * 2).sin(\n")
    assert "SyntaxError" in now["trouble"]["text"]
    now = write("helper.py", "def twice(x):\n    return (x * 2).max()\n")
    assert now["trouble"] is None
    assert ops(command.document())[1] != "sum"
    now = write("net.py", "import os\nos._exit(3)\n")
    assert "exit code 3" in now["trouble"]["text"]
    now = write("net.py", SCRIPT)
    assert now["trouble"] is None


@pytest.mark.slow
def test_a_script_that_never_ends_is_ended_by_the_next_change(command):
    (command.folder / "net.py").write_text("while True: pass\n")
    version = 0
    while not (now := command.after(version))["running"]:
        version = now["version"]
    (command.folder / "net.py").write_text(SCRIPT)
    assert command.settled(now["version"])["trouble"] is None


@pytest.mark.slow
def test_a_pin_is_answered_by_the_engine(command):
    assert command.settled()["trouble"] is None
    answer = json.loads(command.ask("pin", {"node": "w", "index": [1], "value": -3}))
    document = answer["document"]
    values = {n["id"]: document["tensors"][n["value"]].get("values") for n in document["nodes"]}
    assert (values["w"], values["sum"]) == ([1, -3], [10])
    arrived = document["passes"][0]["steps"][-1]
    assert document["tensors"][arrived["gradient"]]["values"] == [2, -6]
    assert json.loads(command.ask("pin", {}))["document"]["tensors"] != document["tensors"]
    saved = command.ask("export", {"node": "w", "index": [0], "from": -1, "to": 1})
    assert len(json.loads(re.search(r'id="data">(.*?)</script>', saved, re.S)[1])["document"]["sweep"]["values"]) == 21


@pytest.mark.parametrize(
    "asked",
    [
        [], 3, {"node": "w"}, *({"node": node, "index": [0], "value": 1} for node in ("mul", "lost", ["w"])),
        *({"node": "w", "index": index, "value": 1} for index in ([2], [-1], [0.5], [True], [0, 0], [], 0, None)),
        *({"node": "w", "index": [0], "value": value} for value in ("1", None, float("nan"), 1e999, True, [1])),
        {"node": "w", "index": [0], "value": 1, "more": 1},
    ],
)  # fmt: skip
def test_what_cannot_be_pinned_is_refused(command, asked):
    command.settled()
    answer = json.loads(command.ask("pin", asked))
    assert list(answer) == ["error"]
    assert command.process.poll() is None


@pytest.mark.slow
def test_where_processes_cannot_fork_another_one_is_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(live_process, "FORKS", False)
    (tmp_path / "net.py").write_text(SCRIPT)
    task = {"target": str(tmp_path / "net.py"), "inputs": [], "arguments": []}
    runner = live_process.Runner()
    runs = [runner.start(**task) for _ in range(2)]
    assert runs[0].answer() is None, "it was ended by the next one"
    assert runs[1].answer()["trouble"] is None
    assert runs[1].ask(node="w", index=[0], value=5.0)["document"]["passes"][0]["steps"]
    assert runs[0].pid != runs[1].pid
    pids = [process.pid for process in runner.ready]
    runner.close()
    assert gone(pids)
    assert runs[1].ask(node="w", index=[0], value=5.0) is None


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at processes")
def test_killed_it_leaves_no_process_either(tmp_path):
    """As Ctrl-C does, when the tests with the other command are over."""
    (tmp_path / "net.py").write_text("import subprocess\nsubprocess.run(['sleep', '60'])\n")
    with Command("net.py", cwd=tmp_path) as it:
        it.after(0)
        it.ends_by("SIGKILL")


def test_mistakes_are_one_line(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SCRIPT)
    assert said("live", "none.py") == (2, "", "tinygrad-cnn live: none.py: there is no such script\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = said("live", "net.py", "--port", port)
    assert taken == (2, "", f"tinygrad-cnn live: port {port}: Address already in use\n")
    assert said("live", "net.py", "--port", "65536")[0] == 2
