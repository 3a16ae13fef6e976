"""Clients that never finish: they are sent away in time and hold nobody else up."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
import uvicorn

from service.api import body
from service.app import create
from service.cli import connection
from service.cli.connection import BoundedConnection
from service.house import House, build, prepare
from service.kit.settings import Settings
from tests.meanwhile import PATIENCE
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
def running(house: House) -> Iterator[uvicorn.Server]:
    """A real server in a thread, with the connections of `kangma serve`."""
    config = uvicorn.Config(
        create(house), http=BoundedConnection, ws="none", port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE)


@contextmanager
def served(house: House) -> Iterator[tuple[str, int]]:
    """The address of such a server."""
    with running(house) as server:
        yield address_of(server)


def address_of(server: uvicorn.Server) -> tuple[str, int]:
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return host, port


def closed(one: socket.socket, seconds: float) -> bool:
    """Whether the other side hangs up within so many seconds."""
    one.settimeout(seconds)
    try:
        return one.recv(1) == b""
    except (TimeoutError, BlockingIOError):
        return False
    except ConnectionResetError:
        return True


@contextmanager
def unfinished(address: tuple[str, int]) -> Iterator[list[socket.socket]]:
    """Twenty silent connections, and twenty that stopped in the middle of a head."""
    with ExitStack() as stack:
        made = [stack.enter_context(socket.create_connection(address)) for _ in range(40)]
        for one in made[20:]:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: kangma\r\nX-Slow: ")
        yield made


def test_silent_and_dribbling_heads_are_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    with served(house) as address, unfinished(address) as heads:
        assert all(closed(one, PATIENCE) for one in heads)


def test_silent_and_dribbling_heads_hold_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 10 * PATIENCE)
    with served(house) as address, unfinished(address) as heads:
        well = httpx.get("http://{}:{}/healthz".format(*address), timeout=PATIENCE)
        assert well.status_code == 200
        assert not any(closed(one, 0) for one in heads)


def test_a_kept_connection_serves_the_next_request(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of one request does not run into the next."""
    given_up: list[BoundedConnection] = []
    clocks: list[asyncio.TimerHandle] = []
    await_head = BoundedConnection._await_head

    def noted(self: BoundedConnection) -> None:
        await_head(self)
        assert self._waiting is not None
        clocks.append(self._waiting)

    monkeypatch.setattr(BoundedConnection, "_await_head", noted)
    monkeypatch.setattr(BoundedConnection, "_give_up", given_up.append)
    with served(house) as address, httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        streams = []
        for asked in range(1, 4):
            answer = client.get("/healthz", timeout=PATIENCE)
            assert answer.status_code == 200
            streams.append(answer.extensions["network_stream"].get_extra_info("client_addr"))
            # Each request has a clock of its own, and none of them runs on after its head.
            assert len(clocks) == asked
            assert all(one.cancelled() for one in clocks)
    assert len(set(streams)) == 1
    assert given_up == []


def test_an_endless_head_is_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # By its length, not by the clock.
    monkeypatch.setattr(connection, "HEAD_SECONDS", 10 * PATIENCE)
    with served(house) as address, socket.create_connection(address, PATIENCE) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: kangma\r\n")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            write_headers(one)


def write_headers(one: socket.socket) -> None:
    """For as long as they are taken, if only into buffers on the way."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        one.sendall(b"X-More: " + b"a" * 4086 + b"\r\n")


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
    one.settimeout(PATIENCE)
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
    with running(house) as server:
        address = address_of(server)
        large = httpx.get("http://{}:{}{}".format(*address, LARGE), timeout=PATIENCE)
        whole = len(large.content) * ASKED
        wait_until(lambda: not server.server_state.connections)
        monkeypatch.setattr(connection, "STALLED_SECONDS", 0.3)
        with asking_for_much(address) as idle:
            wait_until(lambda: bool(server.server_state.connections))
            (mine,) = server.server_state.connections
            wait_until(lambda: mine not in server.server_state.connections)
            assert taken(idle, whole) < whole
        monkeypatch.setattr(connection, "STALLED_SECONDS", 10 * PATIENCE)
        with asking_for_much(address) as busy:
            wait_until(lambda: stalled(server))
            assert taken(busy, whole) >= whole
            # Who takes something again has no clock running against them.
            wait_until(lambda: not stalled(server))


def stalled(server: uvicorn.Server) -> bool:
    """Whether the clock runs against somebody who takes nothing."""
    return any(
        isinstance(one, BoundedConnection) and one._stalled is not None
        for one in list(server.server_state.connections)
    )


def wait_until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


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
    # Nothing but the clock ends it: the body goes on for ever.
    answer = here.town.doors.post(path, content=dribble(b'{"records": ['), headers=headers)
    assert refused(answer)["code"] == "too-slow"
    assert answer.status_code == 408
