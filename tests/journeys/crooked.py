"""A proxy in front of a real server that cuts answers, changes them, or waits: a bad line."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Crooked:
    """`bend` is given the path and the honest answer; `cut` paths lose their second half."""

    url: str
    behind: str
    bend: Callable[[str, Answer], Answer] = lambda _, answer: answer
    cut: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None

    def honest(self) -> None:
        self.bend, self.before = lambda _, answer: answer, lambda _: None
        self.cut.clear()


@contextmanager
def crooked(behind: str) -> Iterator[Crooked]:
    """Serve it on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def _pass(self) -> None:
            made.seen.append(self.path)
            made.before(self.path)
            try:
                status, headers, body = made.bend(self.path, self._asked())
            except httpx.TransportError:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            whole = self.path not in made.cut
            self.wfile.write(body if whole else body[: len(body) // 2])
            self.close_connection = not whole

        def _asked(self) -> Answer:
            length = int(self.headers.get("Content-Length") or 0)
            told = ("authorization", "content-type", "dpop")
            headers = {name: self.headers[name] for name in told if name in self.headers}
            answer = httpx.request(
                self.command,
                made.behind + self.path,
                content=self.rfile.read(length),
                headers=headers,
                timeout=120,
            )
            kept = {
                name: answer.headers[name]
                for name in ("content-type", "location")
                if name in answer.headers
            }
            return answer.status_code, kept, answer.content

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Crooked(f"http://127.0.0.1:{server.server_address[1]}", behind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
