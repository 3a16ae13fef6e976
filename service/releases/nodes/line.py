"""The line to another node: HTTP with an end in time and in size, to that node and no other."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from service.releases.nodes.credentials import Credential
from service.releases.nodes.refusals import away
from service.releases.nodes.store import Node

TOKEN_PATH = "/v1/auth/token"  # noqa: S105 - an address, not a secret
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
LONGEST = 120.0
"""Seconds one answer may take from first to last byte, however it drips."""
DOCUMENT = 16 * 1024 * 1024
TABLE = 128 * 1024 * 1024
"""Bytes an answer may have once it is unpacked."""
OK, UNAUTHORIZED = 200, 401


class Line:
    """Signed in at one node. Redirects are not followed, nor are proxies of the environment."""

    def __init__(self, node: Node, credential: Credential, http: httpx.Client) -> None:
        self._node, self._credential, self._http = node, credential, http
        self._token: str | None = None

    def document(self, path: str) -> dict[str, Any]:
        """A JSON object; PullRefused when it is none."""
        try:
            found = json.loads(self.content(path, DOCUMENT))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise away(self._node.name, "的答复无法读取", "answered what cannot be read")
        return found

    def content(self, path: str, most: int) -> bytes:
        """The bytes at a path; NodeAway unless they come whole, in time and within `most`."""
        if self._token is None:
            self._token = self._sign_in()
        status, body = self._send("GET", path, most)
        if status == UNAUTHORIZED:
            # The token ran out in the middle of a long pull.
            self._token = self._sign_in()
            status, body = self._send("GET", path, most)
        if status != OK:
            raise away(self._node.name, f"答复了状态 {status}", f"answered with status {status}")
        return body

    def _sign_in(self) -> str:
        form = self._credential.form(self._node.url + TOKEN_PATH)
        self._token = None
        status, body = self._send("POST", TOKEN_PATH, DOCUMENT, form)
        try:
            token = json.loads(body)["access_token"] if status == OK else None
        except (ValueError, LookupError, TypeError):
            token = None
        if not isinstance(token, str):
            raise away(self._node.name, "不接受该凭证", "does not accept the credential")
        return token

    def _send(
        self, method: str, path: str, most: int, form: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        url = self._node.url + path
        headers = self._credential.headers(method, url, self._token)
        body, end = bytearray(), time.monotonic() + LONGEST
        try:
            with self._http.stream(method, url, data=form, headers=headers) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > most or time.monotonic() > end:
                        raise away(
                            self._node.name, "的答复过大或过慢", "answers too much or too slow"
                        )
                return answer.status_code, bytes(body)
        except httpx.HTTPError:
            raise away(
                self._node.name, "没有完整答复", "did not answer, or not to the end"
            ) from None


@contextmanager
def line(node: Node, credential: Credential) -> Iterator[Line]:
    # Without `trust_env` no proxy or .netrc of the environment stands between the two nodes.
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http:
        yield Line(node, credential, http)
