"""Downloads, from a server on this machine that does what servers and networks do."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.data import download as module
from tinygrad_cnn.data import load, write_idx
from tinygrad_cnn.data.download import download
from tinygrad_cnn.data.mnist import FILES, PUBLISHED, read_mnist
from tinygrad_cnn.data.published import DownloadError, Published

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
SUM = hashlib.sha256(CONTENT).hexdigest()
HALF = 150_000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, self.path.split("/")[1].replace("-", "_"))()
        self.close_connection = True

    def answer(self, content=CONTENT, status=200, length=None, send=None, **headers):
        self.send_response(status)
        told = {"Content-Length": len(content) if length is None else length, "Connection": "close", **headers}
        for name, value in told.items():
            if value != "":
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content if send is None else content[:send])
        self.wfile.flush()

    def rest(self, whole=CONTENT, send=None, **headers):
        """The part that is asked for, as servers do it that know ranges."""
        tag = headers.get("ETag", "")
        begin = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        if self.headers.get("If-Range", tag) != tag:
            begin = 0
        if begin >= len(whole):
            self.answer(b"", 416)
        elif begin:
            at = f"bytes {begin}-{len(whole) - 1}/{len(whole)}"
            self.answer(whole[begin:], 206, send=send, Content_Range=at, **headers)
        else:
            self.answer(whole, send=send, **headers)

    # what a server may do

    def right(self):
        self.answer()

    def ranges(self):
        self.rest()

    def cuts_off(self):
        self.rest(send=100_000, ETag='"a"')

    def cuts_off_without_ranges(self):
        self.answer(send=HALF if len(self.server.asked) == 1 else None)

    def cuts_off_always(self):
        self.rest(send=100)

    def another_version(self):
        first = len(self.server.asked) == 1
        old = bytes(len(CONTENT))
        self.rest(old, HALF, ETag='"old"') if first else self.rest(ETag='"new"')

    def stalls(self):
        self.answer(send=HALF)
        self.server.over.wait(5)

    def stalls_at_once(self):
        self.server.over.wait(5)

    def wrong(self):
        self.answer(CONTENT[:-1] + b"x")

    def page(self):
        self.answer(b"<html>Please log in</html>", Content_Type="text/html")

    def too_short(self):
        self.answer(length=len(CONTENT) - 10)

    def too_long(self):
        self.answer(length=len(CONTENT) + 10)

    def enormous(self):
        self.answer(length=10**15)

    def endless(self):
        self.answer(length="", Transfer_Encoding="chunked", content=b"")
        for _ in range(100):
            self.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")

    def no_length(self):
        self.answer(length="")

    def nonsense_length(self):
        self.answer(length="many")

    def another_part(self):
        self.answer(CONTENT, 206, Content_Range=f"bytes 7-{len(CONTENT)}/{len(CONTENT)}")

    def nothing_more(self):
        self.answer(b"", 416) if "Range" in self.headers else self.answer()

    def redirects(self):
        self.answer(b"", 302, Location="/ranges/x")

    def redirects_with_a_length(self):
        self.answer(b"", 302, length=10**30, Location="/ranges/x")

    def redirects_without_end(self):
        self.answer(b"", 302, length="", Location="/ranges/x")
        while not self.server.over.is_set():  # or nobody reads it
            self.wfile.write(bytes(65536))

    def redirects_in_a_circle(self):
        self.answer(b"", 302, Location=f"/redirects-in-a-circle/{len(self.server.asked)}")

    def redirects_to_a_file(self):
        self.answer(b"", 302, Location=f"file://{__file__}")

    def redirects_to_ftp(self):
        self.answer(b"", 302, Location="ftp://127.0.0.1/x")

    def forbidden(self):
        self.answer(b"no", 403)

    def broken(self):
        self.answer(b"no", 500)

    def no_http(self):
        self.wfile.write(b"hello\r\n\r\n")

    def mnist(self):
        self.answer((self.server.folder / self.path.split("/")[-1]).read_bytes())


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.over, server.folder = [], threading.Event(), tmp_path / "published"
        server.daemon_threads = True
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def fetch(server, path, *ways, checksum=SUM, timeout=5.0, largest=10**6):
    download([f"{server.url}/{way}/x" for way in ways], path, checksum, timeout, largest)


GIVE = {
    "right": 1, "ranges": 1, "cuts-off": 3, "cuts-off-without-ranges": 2, "another-version": 2, "no-length": 1,
    "nonsense-length": 1, "redirects": 2,
    "redirects-with-a-length": 2, "redirects-without-end": 2,
}  # fmt: skip


@pytest.mark.parametrize("way", GIVE)
def test_what_arrives_is_whole(server, tmp_path, way):
    path = tmp_path / "deep" / "er" / "x"
    fetch(server, path, way)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["x"]
    assert len(server.asked) == GIVE[way]
    assert server.asked[0][1]["User-Agent"].startswith("tinygrad_cnn/")
    fetch(server, path, "wrong")  # it is there: nobody is asked
    assert len(server.asked) == GIVE[way]


def test_the_rest_is_asked_for_of_the_same_version(server, tmp_path):
    fetch(server, tmp_path / "x", "cuts-off")
    asked = [(headers.get("Range"), headers.get("If-Range")) for _, headers in server.asked]
    assert asked == [(None, None), ("bytes=100000-", '"a"'), ("bytes=200000-", '"a"')]


FAIL = {
    "cuts-off-always": r"broke off after 300 of 300,000 bytes",
    "stalls": "sent nothing any more",
    "stalls-at-once": "could not be reached: timed out",
    "wrong": rf"gave other bytes than the published ones \(SHA256 \w+, expected {SUM}\)",
    "page": "gave other bytes",
    "too-short": "gave other bytes",
    "too-long": r"broke off.*300000 bytes read|broke off after 300,000 of 300,010 bytes",
    "enormous": "has 1,000,000,000,000,000 bytes, expected at most 1,000,000",
    "endless": "sends more than 1,000,000 bytes",
    "another-part": "answered 206 with a part that was not asked for",
    "redirects-in-a-circle": "answered 302 .*redirect error",
    "redirects-to-a-file": "answered 302 Found - Redirection to url 'file:.*not allowed",
    "redirects-to-ftp": "could not be reached: it sends on to 'ftp://127.0.0.1/x', which is no address of http",
    "forbidden": "answered 403 Forbidden",
    "broken": "answered 500 Internal Server Error",
    "no-http": "could not be reached: .*hello",
}


@pytest.mark.parametrize("way", FAIL)
def test_another_mirror_is_asked(server, tmp_path, way):
    """What went wrong is told; with a mirror that is right, nothing is."""
    path = tmp_path / "x"
    with pytest.raises(DownloadError, match=rf"x was not downloaded: {server.url}/{way}/x {FAIL[way]}"):
        fetch(server, path, way, timeout=0.15)
    assert not path.exists()
    fetch(server, path, way, "ranges", timeout=0.15)
    assert path.read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["x"]


def test_mirrors_that_are_not_there(server, tmp_path):
    gone = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gone.server_close()
    addresses = [f"http://127.0.0.1:{gone.server_address[1]}/x", "ftp://a/x", "file:///etc/passwd", "x", "http://"]
    with pytest.raises(DownloadError) as caught:
        download(addresses, tmp_path / "x", SUM)
    assert re.search(r"could not be reached: .*refused", str(caught.value))
    assert str(caught.value).count("is no address of http or https") == 3
    with pytest.raises(DownloadError, match="no mirror is known"):
        download([], tmp_path / "x", SUM)
    assert os.listdir(tmp_path) == []
    download([*addresses, f"{server.url}/right"], tmp_path / "x", SUM)


def test_what_has_arrived_is_gone_on_with(server, tmp_path):
    """The next time, and from another mirror; if it is no part of the file, from the beginning."""
    path, part = tmp_path / "x", tmp_path / "x.part"
    with pytest.raises(DownloadError):
        fetch(server, path, "stalls", timeout=0.1)
    assert part.read_bytes() == CONTENT[:HALF]
    server.asked.clear()
    fetch(server, path, "ranges")
    assert [headers["Range"] for _, headers in server.asked] == [f"bytes={HALF}-"]
    assert path.read_bytes() == CONTENT
    for begun, way, requests in (
        (CONTENT, "broken", 0), (b"wrong", "ranges", 2), (b"wrong", "right", 1), (bytes(400_000), "nothing-more", 2)
    ):  # fmt: skip
        path.unlink()
        part.write_bytes(begun)
        server.asked.clear()
        fetch(server, path, way)
        assert (path.read_bytes(), len(server.asked)) == (CONTENT, requests)
        assert os.listdir(tmp_path) == ["x"]


def test_checksums(server, tmp_path):
    fetch(server, tmp_path / "x", "right", checksum=hashlib.md5(CONTENT).hexdigest().upper())
    with pytest.raises(DownloadError, match=r"\(MD5 \w{32}, expected 0{32}\)"):
        fetch(server, tmp_path / "y", "right", checksum="0" * 32)
    for checksum in ("", "abc", "g" * 64, "0" * 40):
        with pytest.raises(ValueError, match="neither SHA-256 nor MD5"):
            fetch(server, tmp_path / "y", "right", checksum=checksum)


def test_a_full_disk_is_no_fault_of_a_mirror(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        fetch(server, tmp_path / "x", "right", "right")
    assert not isinstance(caught.value, DownloadError)
    assert (os.listdir(tmp_path), len(server.asked)) == (["x.part"], 1)


def _fetched(url, path, results):
    download([url], path, SUM)
    results.put(Path(path).read_bytes() == CONTENT)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs locks of files")
def test_several_processes_fetch_it_once(server, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    told = (f"{server.url}/cuts-off/x", str(tmp_path / "x"), results)
    processes = [context.Process(target=_fetched, args=told) for _ in range(2)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [True] * 2
    for process in processes:
        process.join()
    assert len(server.asked) == 3
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_one_that_is_killed_is_gone_on_with(server, tmp_path):
    program = "import sys; from tinygrad_cnn.data.download import download; download([sys.argv[1]], *sys.argv[2:])"
    told = [f"{server.url}/stalls/x", str(tmp_path / "x"), SUM]
    process = subprocess.Popen([sys.executable, "-c", program, *told])
    while not (tmp_path / "x.part").exists() or not (tmp_path / "x.part").stat().st_size:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert os.listdir(tmp_path) == ["x.part"]
    fetch(server, tmp_path / "x", "ranges")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert 0 < int(server.asked[-1][1]["Range"][6:-1]) <= HALF


def test_the_bar(server, tmp_path, monkeypatch, capsys):
    """On a terminal; elsewhere nothing is said."""
    fetch(server, tmp_path / "x", "cuts-off")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fetch(server, tmp_path / "y", "cuts-off")
    shown = capsys.readouterr().err
    assert "y: " in shown
    assert "300k/300k" in shown


# data sets


@pytest.fixture
def published(server):
    """A small MNIST on the server, and where it is."""
    server.folder.mkdir()
    for part, n in ((True, 4), (False, 2)):
        for file, array in zip(FILES[part], (np.arange(n * 6).reshape(n, 2, 3), np.arange(n))):
            write_idx(server.folder / f"{file}.gz", array.astype(np.uint8))
    sums = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in server.folder.iterdir()]
    return Published([f"{server.url}/broken", f"{server.url}/mnist"], sums)


def test_mnist(published, tmp_path, server):
    images, labels = read_mnist(tmp_path, download=published)
    assert (images.shape, labels.tolist()) == ((4, 2, 3), [0, 1, 2, 3])
    assert sorted(os.listdir(tmp_path / "MNIST" / "raw")) == sorted(name for name, _ in published.resources)
    asked = len(server.asked)
    assert read_mnist(tmp_path, train=False, download=published)[0].shape == (2, 2, 3)
    assert len(server.asked) == asked  # both parts have come


def test_mnist_that_cannot_be_downloaded(published, tmp_path, server):
    gone = Published([f"{server.url}/forbidden"], published.resources)
    why = r"MNIST: missing train-images-idx3-ubyte and train-labels.*expected in .*was not downloaded: .*403 Forbidden"
    with pytest.raises(FileNotFoundError, match=why):
        read_mnist(tmp_path, download=gone)
    with pytest.raises(FileNotFoundError, match="download=True fetches them; or put the published files there"):
        read_mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="it is none of the known files"):
        read_mnist(tmp_path, download=Published([server.url], []))


def test_data_by_name(published, tmp_path, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "FashionMNIST", published)
    train_images, *_, test_labels = load("fashion-mnist", tmp_path, download=True)
    assert (train_images.shape, test_labels.tolist()) == ((4, 1, 2, 3), [0, 1])


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_known_of_the_published_files(name):
    mirrors, resources = PUBLISHED[name]
    assert {file for file, _ in resources} == {f"{file}.gz" for part in FILES.values() for file in part}
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for _, checksum in resources)
    assert all(re.match("https?://.*/$", mirror) for mirror in mirrors)
