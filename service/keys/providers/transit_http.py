"""Calls to the Transit engine of HashiCorp Vault or OpenBao.

Every answer is judged by its status alone; what it says in words is never repeated, for it could
quote a ciphertext. 403 makes the token be read again, because agents renew it in its file. Calls
that change nothing are tried twice when a connection breaks; no call is repeated after a timeout.
Paths and members: <https://openbao.org/api-docs/secret/transit/> and
<https://developer.hashicorp.com/vault/api-docs/secret/transit>.
"""

import os
import ssl
import threading
import weakref
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from consent.vocabulary import Text
from service.keys.providers.breaker import Breaker
from service.keys.providers.secret import Secret
from service.keys.wrapping import KeyRefused
from service.kit.errors import Unavailable

DEFAULT_TOKEN = "env:KANGMA_KEK_TOKEN"  # noqa: S105 - where it is, not what
TIMEOUTS = httpx.Timeout(5.0, connect=2.0)
"""Seconds for each part of a call, and for connecting."""
_OPTIONS = frozenset({"token-source", "namespace", "ca"})


@dataclass(frozen=True, slots=True)
class TransitUri:
    """`transit:https://HOST:PORT/MOUNT/KEY?token-source=file:PATH&namespace=NAME&ca=FILE`."""

    base: str
    mount: str
    key: str
    token: Secret
    namespace: str | None
    authority: Path | None

    @classmethod
    def parse(cls, uri: str) -> "TransitUri":
        """The address, or KeyRefused with what is wrong; nothing of it is quoted."""
        parts = urlsplit(uri.removeprefix("transit:"))
        mount, _, key = parts.path.strip("/").rpartition("/")
        if not parts.hostname or not mount or not key:
            raise _wrong(
                "应为 transit:https://主机/挂载点/密钥名。", "must be https://HOST/MOUNT/KEY."
            )
        if parts.username or parts.password:
            raise _wrong("不得含用户名或口令。", "holds a name or a password.")
        if parts.scheme != "https" and not (parts.scheme == "http" and _loops_back(parts.hostname)):
            raise _wrong("须使用 https。", "must use https.")
        options = _options(parts.query)
        authority = options.get("ca")
        return cls(
            f"{parts.scheme}://{parts.netloc}",
            mount,
            key,
            Secret(options.get("token-source", DEFAULT_TOKEN)),
            options.get("namespace"),
            None if authority is None else Path(authority),
        )

    def path(self, *steps: str) -> str:
        """The path of an operation, such as ("encrypt", key) or ("keys", key, "rotate")."""
        return "/".join(("/v1", self.mount, *(quote(step, safe="") for step in steps)))


def _options(query: str) -> dict[str, str]:
    found = parse_qs(query, keep_blank_values=True)
    if not found.keys() <= _OPTIONS or any(len(values) != 1 for values in found.values()):
        raise _wrong("有未知或重复的选项。", "has an unknown option or one twice.")
    return {name: value for name, (value,) in found.items()}


def _loops_back(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(zh: str, en: str) -> KeyRefused:
    return KeyRefused(Text(f"transit 地址{zh}", f"The transit address {en}"))


class TransitHttp:
    """One process's way to the engine: pooled connections, a breaker, the token of now."""

    def __init__(self, address: TransitUri, breaker: Breaker | None = None) -> None:
        self.address = address
        self._breaker = breaker or Breaker()
        self.begin_anew()
        _ways.add(self)

    def begin_anew(self) -> None:
        """No connection yet; a forked child must not speak through those of its parent."""
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._token: str | None = None

    def read(self, *steps: str) -> tuple[int, dict[str, Any]]:
        """GET: (status, `data` of the answer)."""
        return self._call("GET", steps, None, repeat=True)

    def ask(self, *steps: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST of something that changes nothing: encrypt, decrypt."""
        return self._call("POST", steps, body, repeat=True)

    def change(self, *steps: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST that changes the key; KeyRefused when the engine does not do it."""
        status, data = self._call("POST", steps, body, repeat=False)
        if status >= 400:
            raise KeyRefused(
                Text(
                    f"密钥服务没有执行 {steps[-1]}（{status}）。",
                    f"The key service did not do {steps[-1]} ({status}).",
                )
            )
        return data

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    # -- inside ------------------------------------------------------------------------------

    def _call(
        self, method: str, steps: tuple[str, ...], body: dict[str, Any] | None, *, repeat: bool
    ) -> tuple[int, dict[str, Any]]:
        """(status, data) of any answer but a refusal of the token or a failure of the server."""
        with self._breaker.guarding():
            response = self._send(method, steps, body, repeat=repeat)
            if response.status_code == 403 and self._renewed():
                response = self._send(method, steps, body, repeat=repeat)
            if response.status_code >= 500 or response.status_code in (429, 472, 473):
                raise _unavailable(f"HTTP {response.status_code}")
            data = {} if response.status_code == 204 else _data(response)
        if response.status_code == 403:
            # The other side is well, so this does not open the circuit.
            raise Unavailable(_DENIED)
        return response.status_code, data

    def _send(
        self, method: str, steps: tuple[str, ...], body: dict[str, Any] | None, *, repeat: bool
    ) -> httpx.Response:
        client = self._connected()
        headers = {"X-Vault-Token": self._current(), "X-Vault-Request": "true"}
        if self.address.namespace is not None:
            headers["X-Vault-Namespace"] = self.address.namespace
        path = self.address.path(*steps)
        for last in (not repeat, True):
            try:
                return client.request(method, path, json=body, headers=headers)
            except httpx.TimeoutException:
                raise _unavailable("timeout") from None
            except httpx.HTTPError as failure:
                # A kept connection may have been closed by the other side just now.
                if last:
                    raise _unavailable(type(failure).__name__) from None
        raise AssertionError("the last try returns or raises")

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    base_url=self.address.base,
                    timeout=TIMEOUTS,
                    verify=_trust(self.address.authority),
                    # No proxy of the environment sees keys, and no redirect takes the token along.
                    trust_env=False,
                    follow_redirects=False,
                )
            return self._client

    def _current(self) -> str:
        token = self._token
        if token is None:
            token = self._token = self.address.token.read()
        return token

    def _renewed(self) -> bool:
        """Whether the token's source holds another one than was refused just now."""
        before, self._token = self._token, self.address.token.read()
        return self._token != before


def _trust(authority: Path | None) -> ssl.SSLContext | bool:
    if authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(authority))
    except OSError:
        pass
    raise _wrong("的 ca 无法读取。", "names a ca that cannot be read.")


def _data(response: httpx.Response) -> dict[str, Any]:
    """The `data` member; an answer that is not Transit's (a proxy's page) counts as a failure."""
    try:
        answer = response.json()
        data = answer.get("data") or {}
        if isinstance(data, dict):
            return data
    except (ValueError, AttributeError):
        pass
    raise _unavailable("not an answer of Transit")


def _unavailable(kind: str) -> Unavailable:
    return Unavailable(
        Text(f"密钥服务没有应答（{kind}）。", f"The key service does not answer ({kind}).")
    )


_DENIED = Text(
    "密钥服务拒绝了令牌或其权限。", "The key service refused the token or what it may do."
)
_ways: "weakref.WeakSet[TransitHttp]" = weakref.WeakSet()


def _begin_anew() -> None:
    for way in _ways:
        way.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
