"""A Transit engine on loopback: the documented protocol, real AES-256-GCM, and ways to break it.

Written from the API documentation of OpenBao and Vault (see service/keys/providers/transit.py), so
that the provider meets the status codes, per-item errors and version rules of the real one: 400
with `batch_results` when an item fails, refusal of versions below the minima, trimming for good.
Every request is judged as the real one judges it: token, namespace, method, path, base64.
"""

import atexit
import base64
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from os import urandom
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from uvicorn.protocols.http.h11_impl import H11Protocol

TOKEN = "hvs.canary-token-5573"
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class UserError(Exception):
    """What the engine answers with 400 and a sentence."""


@dataclass
class EngineKey:
    """A named key with all its versions, under the engine's rules for minima."""

    kind: str
    exportable: bool
    versions: dict[int, bytes] = field(default_factory=lambda: {1: urandom(32)})
    latest: int = 1
    min_decryption: int = 1
    min_encryption: int = 0
    min_available: int = 0

    def described(self, name: str) -> dict[str, Any]:
        kept = range(max(self.min_decryption, self.min_available), self.latest + 1)
        return {
            "name": name,
            "type": self.kind,
            "exportable": self.exportable,
            "allow_plaintext_backup": False,
            "deletion_allowed": False,
            "derived": False,
            "keys": {str(number): 1_790_000_000 for number in kept},
            "latest_version": self.latest,
            "min_decryption_version": self.min_decryption,
            "min_encryption_version": self.min_encryption,
            "min_available_version": self.min_available,
        }

    def rotate(self) -> None:
        self.latest += 1
        self.versions[self.latest] = urandom(32)

    def configure(self, body: dict[str, Any]) -> None:
        decryption = int(body.get("min_decryption_version", self.min_decryption)) or 1
        encryption = int(body.get("min_encryption_version", self.min_encryption))
        if decryption > self.latest or encryption > self.latest:
            raise UserError("cannot set min version above the latest key version")
        if 0 < encryption < decryption:
            raise UserError("min encryption version must be at least min decryption version")
        if self.min_available > min(encryption, decryption):
            raise UserError("min version should not be less than min available version")
        self.min_decryption, self.min_encryption = decryption, encryption

    def trim(self, body: dict[str, Any]) -> None:
        wanted = int(body["min_available_version"])
        if self.min_encryption == 0:
            raise UserError("cannot be set when minimum encryption version is not set")
        if wanted < self.min_available or wanted < 1:
            raise UserError("minimum available version cannot be decremented")
        if wanted > min(self.min_encryption, self.min_decryption):
            raise UserError("minimum available version is too high")
        self.min_available = wanted
        self.versions = {number: key for number, key in self.versions.items() if number >= wanted}

    def encrypt(self, item: dict[str, Any]) -> dict[str, Any]:
        version = item.get("key_version", 0) or self.latest
        if version > self.latest or version < self.min_encryption:
            raise UserError("requested version for encryption is not allowed")
        nonce = urandom(12)
        text, bound = _decoded(item["plaintext"]), _decoded(item.get("associated_data", ""))
        sealed = nonce + AESGCM(self.versions[version]).encrypt(nonce, text, bound)
        written = base64.b64encode(sealed).decode()
        return {"ciphertext": f"vault:v{version}:{written}", "key_version": version}

    def decrypt(self, item: dict[str, Any]) -> dict[str, Any]:
        match = re.fullmatch(r"vault:v([0-9]+):(.+)", item["ciphertext"])
        if match is None:
            raise UserError("invalid ciphertext: no prefix")
        version, sealed = int(match[1]), _decoded(match[2])
        if version > self.latest:
            raise UserError("invalid ciphertext: version is too new")
        if version < self.min_decryption:
            raise UserError("ciphertext or signature version is disallowed by policy (too old)")
        bound = _decoded(item.get("associated_data", ""))
        try:
            text = AESGCM(self.versions[version]).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError):
            raise UserError("invalid ciphertext: unable to decrypt " + item["ciphertext"]) from None
        return {"plaintext": base64.b64encode(text).decode()}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise UserError("illegal base64 data") from None


class Engine:
    """The ASGI application, its state, and the switches of a test."""

    def __init__(self, *, mount: str = "transit", namespace: str | None = None) -> None:
        self.token = TOKEN
        self.keys: dict[str, EngineKey] = {}
        self.namespace = namespace
        self.asked: Counter[str] = Counter()
        """How often each operation was asked for."""
        self.largest_batch = 0
        self.stuck: threading.Event | None = None
        """Answer nothing before this is set."""
        self.status: int | None = None
        """Answer everything with this status instead."""
        self.page: bytes | None = None
        """Answer everything with these bytes instead, as a proxy in between would."""
        self.cut = 0
        """Close so many connections when their request arrives."""
        self._start = f"/v1/{mount}/"
        self._lock = threading.Lock()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self.stuck is not None:
            self.stuck.wait(60)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self._answer(scope["method"], scope["path"], headers, body)
        content = self.page if self.page is not None else json.dumps(answer).encode()
        if status == 204:
            content = b""
        start = {"type": "http.response.start", "status": status, "headers": []}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": content})

    def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if self.status is not None:
            return self.status, {"errors": ["out of order"]}
        wrong_place = headers.get("x-vault-namespace") != self.namespace
        if headers.get("x-vault-token") != self.token or wrong_place:
            return 403, {"errors": ["permission denied"]}
        if not path.startswith(self._start):
            return 404, {"errors": ["no handler for route"]}
        steps = path.removeprefix(self._start).split("/")
        self.asked[steps[-1] if len(steps) == 3 else steps[0]] += 1
        try:
            with self._lock:
                return self._done(method, steps, json.loads(body or b"{}"))
        except UserError as refusal:
            return 400, {"errors": [str(refusal)]}

    def _done(
        self, method: str, steps: list[str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        name = steps[1]
        key = self.keys.get(name)
        match (method, steps[0], *steps[2:]):
            case ("GET", "keys"):
                return (
                    (404, {"errors": []}) if key is None else (200, {"data": key.described(name)})
                )
            case ("POST", "keys"):
                kind = body.get("type", "aes256-gcm96")
                self.keys.setdefault(name, EngineKey(kind, bool(body.get("exportable"))))
                return 200, {"data": self.keys[name].described(name)}
        if key is None:
            raise UserError("encryption key not found")
        match (method, steps[0], *steps[2:]):
            case ("POST", "keys", "rotate"):
                key.rotate()
            case ("POST", "keys", "config"):
                key.configure(body)
            case ("POST", "keys", "trim"):
                key.trim(body)
                return 204, {}
            case ("POST", "encrypt"):
                return self._batch(body, key.encrypt)
            case ("POST", "decrypt"):
                return self._batch(body, key.decrypt)
            case _:
                return 405, {"errors": ["unsupported operation"]}
        return 200, {"data": key.described(name)}

    def _batch(
        self, body: dict[str, Any], act: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> tuple[int, dict[str, Any]]:
        items = body.get("batch_input")
        if not items:
            raise UserError("missing batch input to process")
        self.largest_batch = max(self.largest_batch, len(items))
        results, failed = [], False
        for item in items:
            try:
                results.append(act(item) | {"reference": ""})
            except UserError as refusal:
                failed = True
                results.append({"error": str(refusal), "reference": ""})
        return (400 if failed else 200), {"data": {"batch_results": results}}


class TransitServer:
    """The engine behind uvicorn on a port of its own, in a thread."""

    def __init__(self, engine: Engine, *, certificate: tuple[Path, Path] | None = None) -> None:
        self.engine = engine
        self._scheme = "http" if certificate is None else "https"
        file, key = certificate or (None, None)

        class Cutting(H11Protocol):
            """Closes connections unanswered as long as the engine says so."""

            def data_received(self, data: bytes) -> None:
                if engine.cut:
                    engine.cut -= 1
                    self.transport.close()
                    return
                super().data_received(data)

        settings = uvicorn.Config(
            engine,
            host="127.0.0.1",
            port=0,
            http=Cutting,
            log_level="critical",
            lifespan="off",
            ssl_certfile=file,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> "TransitServer":
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < deadline, "the engine did not start"
            time.sleep(0.01)
        return self

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"{self._scheme}://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def uri(server: TransitServer, folder: Path, name: str, more: str = "") -> str:
    """The address of a key, with the token in a closed file of the folder."""
    token = folder / "token"
    if not token.exists():
        token.touch(0o600)
        token.write_text(TOKEN)
    return f"transit:{server.url}/transit/{name}?token-source=file:{token}{more}"


@cache
def shared() -> TransitServer:
    """One for this process; who breaks things starts another."""
    server = TransitServer(Engine()).start()
    atexit.register(server.stop)
    return server
