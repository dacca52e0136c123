"""A server on loopback that holds one file and answers as scripted, fault by fault; it remembers what it was asked and sent."""

import hashlib
import http.server
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Answer:
    """How a request is answered; by default well."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)  # before all others
    body: bytes | None = None  # instead of the file
    change: bytes | None = None  # what the file becomes before this answer
    stop: int | None = None  # sends so many bytes of what it announces
    then: Literal["close", "stall", "reset"] = "close"
    announce: int = 0  # so many bytes more in Content-Length than there are
    flip: int | None = None  # a bit of this byte of the file is wrong
    ranges: bool = True  # heeds Range
    validates: bool = True  # heeds If-Range
    named: bool = True  # gives an ETag


@dataclass
class Request:
    """What was asked, and how many bytes of a body went out."""

    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


class FaultServer:
    """Answers the requests of each path by its script, then well."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.scripts: dict[str, list[Answer]] = {}
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.world = self
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def script(self, *answers: Answer, path: str = "/images.zip") -> str:
        """Let a path be answered so; its address."""
        self.scripts[path] = list(answers)
        return self.address + path

    def __enter__(self) -> "FaultServer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        world: FaultServer = self.server.world
        request = Request(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
        world.requests.append(request)
        answer = world.scripts[self.path].pop(0) if world.scripts.get(self.path) else Answer()
        world.content = world.content if answer.change is None else answer.change
        status, headers, body = reply(answer, request, world.content)
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body) + answer.announce)} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        part = body if answer.stop is None else body[: answer.stop]
        request.sent = len(part)  # before the client can have it all and go on
        self.wfile.write(part)
        self.end(answer, world)

    def end(self, answer, world):
        if answer.then == "stall":
            world.closing.wait()
        if answer.then == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def log_message(self, *_):
        pass


def reply(answer, request, content):
    """Status, headers and body of an answer that the script leaves to the server."""
    if answer.status != 200 or answer.body is not None:
        return answer.status, {}, answer.body or b""
    etag = tag(content)
    headers = {"ETag": etag} if answer.named else {}
    if answer.flip is not None:
        content = content[: answer.flip] + bytes([content[answer.flip] ^ 1]) + content[answer.flip + 1 :]
    if not (request.range and answer.ranges) or (answer.validates and request.if_range != etag):
        return 200, headers, content
    first = int(re.fullmatch(r"bytes=(\d+)-", request.range)[1])
    if first >= len(content):
        return 416, headers | {"Content-Range": f"bytes */{len(content)}"}, b""
    return 206, headers | {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}, content[first:]


def tag(content):
    """The ETag of a file."""
    return f'"{hashlib.sha256(content).hexdigest()[:8]}"'
