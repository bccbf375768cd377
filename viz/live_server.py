"""The server of a live page: for this machine, for whoever knows its address, and for nothing but that page.

A page of another site can let a browser ask here too, so a request is looked at before anything is done:

- the address holds a token of 128 random bits; without it, everything is "not found";
- the Host is the address that was printed: a name that someone lets point here (DNS rebinding) is another one;
- the Origin, where the browser tells one, is this page; a change (POST) has to tell it, and to be JSON;
- the method is GET or POST, the protocol stays HTTP, and what is asked and sent is short;
- what can be asked for are the four names of `ROUTES`. No part of an address becomes a path of a file.

Connections that have not shown the token are few at a time: a new one takes the place of the oldest.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

ADDRESS = "127.0.0.1"
STRANGERS = 32  # connections that have not shown the token
LONGEST = 2_000  # characters of an address
LARGEST = 10_000  # bytes that are sent here
PATIENCE = 10.0  # seconds for the next bytes of a request
LINGER = 1.0  # seconds for the rest of one that is refused

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refused(Exception):
    """A request that is not answered, but with this status."""

    def __init__(self, status: HTTPStatus, said: str = ""):
        super().__init__(said)
        self.status, self.said = status, said


class Server(ThreadingTCPServer):
    """Serves what a `Live` has to show, each connection in a thread of its own."""

    allow_reuse_address = os.name == "posix"  # elsewhere it would let others take the port as well
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(self, shown: Any, port: int = 0):
        self.shown = shown
        self.token = secrets.token_urlsafe(16)
        self.strangers: dict[int, socket.socket] = {}  # oldest first
        self.lock = threading.Lock()
        super().__init__((ADDRESS, port), Handler)
        self.host = f"{ADDRESS}:{self.server_address[1]}"
        self.url = f"http://{self.host}/{self.token}/"
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.strangers[id(request)] = request
            oldest = next(iter(self.strangers)) if len(self.strangers) > STRANGERS else None
            turned_away = self.strangers.pop(oldest) if oldest is not None else None
        if turned_away is not None:
            _hang_up(turned_away)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.known(request)
        super().shutdown_request(request)

    def known(self, request: Any) -> None:
        """This one has shown the token, or is gone."""
        with self.lock:
            self.strangers.pop(id(request), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # who asked has gone
            super().handle_error(request, client_address)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One request: looked at, then answered."""

    server: Server
    timeout = PATIENCE
    server_version, sys_version = "tinygrad-cnn", ""

    def parse_request(self) -> bool:
        """Whether this is a request that may be answered; what is wrong with another one has been said then."""
        if not super().parse_request():
            return False
        try:
            self._look()
        except Refused as refused:
            self.send_error(refused.status)
            return False
        self.server.known(self.connection)
        return True

    def _look(self) -> None:
        told, here = self.headers, self.server.host
        if self.request_version not in ("HTTP/1.0", "HTTP/1.1"):
            raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if self.command not in ("GET", "POST"):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED)
        if len(self.path) > LONGEST:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
        if told.get_all("Host") != [here]:
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST)
        origins = told.get_all("Origin", [])
        if any(origin != f"http://{here}" for origin in origins) or (self.command == "POST" and not origins):
            raise Refused(HTTPStatus.FORBIDDEN)
        if told.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(HTTPStatus.FORBIDDEN)
        if "Upgrade" in told or "Transfer-Encoding" in told:
            raise Refused(HTTPStatus.BAD_REQUEST)
        before, _, rest = self.path.partition("/")
        token, end, name = rest.partition("/")
        known = secrets.compare_digest(token.encode("latin-1", "replace"), self.server.token.encode())
        if before or not known or not end:
            raise Refused(HTTPStatus.NOT_FOUND)
        self.route = ROUTES.get((self.command, urlsplit(name).path))
        if self.route is None:
            raise Refused(HTTPStatus.NOT_FOUND)

    def do_GET(self) -> None:
        try:
            status, kind, body = HTTPStatus.OK, *self.route(self)  # type: ignore[misc]
        except Refused as refused:
            status, kind, body = refused.status, "application/json", _json({"error": refused.said})
        self._answer(status, kind, body)

    do_POST = do_GET

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": f"{kind}; charset=utf-8", "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
        if status >= HTTPStatus.BAD_REQUEST:
            self._hear_out()

    def _hear_out(self) -> None:
        """Let it say what it has to say, for a moment: it reads the answer when that is done."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)
        end = time.monotonic() + LINGER
        while time.monotonic() < end and self.connection.recv(65536):
            pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._answer(code, "text/plain", b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""

    # what can be asked for

    def page(self) -> tuple[str, bytes]:
        return "text/html", self.server.shown.shown()

    def after(self) -> tuple[str, bytes]:
        """What there is to show, as soon as it is another version than the one that was named."""
        query = urlsplit(self.path).query
        if not query.isascii() or not query.isdigit() or len(query) > 12:
            raise Refused(HTTPStatus.BAD_REQUEST, "expected the number of a version")
        return "application/json", _json(self.server.shown.after(int(query)))

    def pin(self) -> tuple[str, bytes]:
        return "application/json", _json(self.server.shown.pin(self._sent()))

    def export(self) -> tuple[str, bytes]:
        return "text/html", self.server.shown.export(self._sent()).encode()

    def _sent(self) -> Any:
        """What was sent, which is short and JSON."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "expected a length")
        if len(length) > 9 or int(length) > LARGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {LARGEST} bytes")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected JSON")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "expected JSON") from None


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


ROUTES: dict[tuple[str, str], Any] = {
    ("GET", ""): Handler.page,
    ("GET", "after"): Handler.after,
    ("POST", "pin"): Handler.pin,
    ("POST", "export"): Handler.export,
}
