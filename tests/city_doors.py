"""The city's doors over HTTP, for tests: the whole application over one store of releases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from service.api.bare import application
from service.identity.revocations import Revocations
from service.identity.tables import revocations
from service.kit.db import Database
from service.kit.engines import metadata
from service.kit.tokens import Tokens
from tests.asgi import Doors, doors
from tests.city_room import NOW, SIGNER, make_tables


class Key(NamedTuple):
    kid: str
    private: Ed25519PrivateKey
    stage: str = "current"


class City:
    """The whole application over one store, entered with the token of an audience."""

    def __init__(self, app: FastAPI, opened: Doors) -> None:
        self.app = app
        self._doors = opened

    def get(self, path: str, *, audience: str | None = "city", **options: Any) -> httpx.Response:
        return self.request("GET", path, audience=audience, **options)

    def request(
        self, method: str, path: str, *, audience: str | None = "city", **options: Any
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if audience:
            headers["Authorization"] = f"Bearer {self._token(audience)}"
        return self._doors.request(method, path, headers=headers, **options)

    def _token(self, audience: str) -> str:
        token: str = self.app.state.tokens.issue(
            subject=uuid4(),
            audience=audience,
            scope=frozenset({audience}),
            auth_time=NOW,
            acr=1,
            family=uuid4(),
            now=NOW,
        )
        return token


@contextmanager
def open_city(database: Database, outlines: dict[str, Any] | None = None) -> Iterator[City]:
    """The application over a store, which is given its tables; nothing is published yet."""
    make_tables(database)
    metadata.create_all(database.engine, tables=[revocations])
    key = Key("jwt-test-1", SIGNER.private)
    app = application()
    app.state.db = database
    app.state.clock = lambda: NOW
    app.state.tokens = Tokens(app.state.issuer, lambda: [key])
    app.state.revocations = Revocations(database, lambda: NOW)
    app.state.outlines = outlines
    with doors(app) as opened:
        yield City(app, opened)
