"""Clients that never finish: they are sent away in time and hold nobody else up."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
import uvicorn

from service.api import body
from service.app import create
from service.cli import connection
from service.cli.connection import HEAD_LIMIT, BoundedConnection
from service.house import House, build, prepare
from service.kit.settings import Settings
from tests.standing_room import Standing, refused, standing


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("slow")) as opened:
        yield opened


@pytest.fixture
def house(tmp_path: Path) -> House:
    settings = Settings(
        data=tmp_path / "data", kek=f"file:{tmp_path / 'keys' / 'kek.json'}", profile="test"
    )
    prepare(settings)
    return build(settings)


@contextmanager
def served(house: House) -> Iterator[tuple[str, int]]:
    """The address of a real server in a thread, with the connections of `kangma serve`."""
    config = uvicorn.Config(
        create(house), http=BoundedConnection, ws="none", port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def closed(one: socket.socket, seconds: float) -> bool:
    """Whether the other side hangs up within so many seconds."""
    one.settimeout(seconds)
    try:
        return one.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_silent_and_dribbling_heads_are_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    with served(house) as address, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address)) for _ in range(20)]
        dribbling = [stack.enter_context(socket.create_connection(address)) for _ in range(20)]
        for one in dribbling:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: kangma\r\nX-Slow: ")
        began = time.monotonic()
        assert httpx.get("http://{}:{}/healthz".format(*address)).status_code == 200
        assert time.monotonic() - began < 0.5
        assert all(closed(one, 5) for one in (*silent, *dribbling))


def test_a_kept_connection_serves_the_next_request(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of one request does not run into the next."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with served(house) as address, httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            time.sleep(0.4)
        ports = {client.get("/healthz").extensions["network_stream"].get_extra_info("client_addr")}
        assert len(ports) == 1


def test_an_endless_head_is_cut(house: House) -> None:
    with served(house) as address, socket.create_connection(address) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: kangma\r\n")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            write_headers(one, 50 * HEAD_LIMIT)


def write_headers(one: socket.socket, size: int) -> None:
    for _ in range(size // 4096):
        one.sendall(b"X-More: " + b"a" * 4086 + b"\r\n")
        time.sleep(0.002)


LARGE = "/static-offline-docs/swagger-ui-bundle.js"
ASKED = 20
"""Times the large file is asked for: more than the buffers on the way can hold."""


@contextmanager
def asking_for_much(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(address)
        one.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: kangma\r\n\r\n".encode() * ASKED)
        yield one


def taken(one: socket.socket, most: int) -> int:
    """How many bytes come until `most` have, or the other side hangs up."""
    one.settimeout(30)
    found = 0
    while found < most:
        try:
            piece = one.recv(1 << 16)
        except ConnectionResetError:
            break
        if not piece:
            break
        found += len(piece)
    return found


def test_who_asks_for_much_and_takes_nothing_is_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STALLED_SECONDS", 0.3)
    with served(house) as address:
        whole = len(httpx.get("http://{}:{}{}".format(*address, LARGE)).content) * ASKED
        with asking_for_much(address) as idle:
            time.sleep(2)
            assert taken(idle, whole) < whole
        with asking_for_much(address) as busy:
            assert taken(busy, whole) >= whole


def test_a_websocket_is_not_opened(house: House) -> None:
    with served(house) as address:
        answer = httpx.get(
            "http://{}:{}/v1/me".format(*address),
            headers={
                "connection": "upgrade",
                "upgrade": "websocket",
                "sec-websocket-version": "13",
                "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
            },
        )
        assert answer.status_code == 401


async def dribble(first: bytes) -> AsyncIterator[bytes]:
    yield first
    while True:
        await anyio.sleep(0.05)
        yield b" "


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/me/records", "application/json"),
        ("/v1/me/grants", "application/json"),
        ("/v1/auth/token", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_never_ends_is_refused_in_time(
    here: Standing, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.4)
    headers = here.resident.headers | {"content-type": kind}
    began = time.monotonic()
    answer = here.town.doors.post(path, content=dribble(b'{"records": ['), headers=headers)
    assert refused(answer)["code"] == "too-slow"
    assert answer.status_code == 408
    assert time.monotonic() - began < 10
