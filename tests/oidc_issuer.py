"""An OpenID provider on a port of this machine: real HTTP, real keys, and lies on request."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CLIENT, SECRET = "kangma", "a secret of the provider's"
GENERATED: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "EdDSA": Ed25519PrivateKey.generate,
}


class Issuer:
    """One provider. `claims` and `header` are laid over what it says; ... takes a member away."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.url = ""
        self.account = "account-of-zhou"
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
        self.description: dict[str, Any] = {}
        self.keys: dict[str, tuple[str, Any]] = {}
        self.current = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.rotate("ES256")

    def rotate(self, algorithm: str = "ES256") -> None:
        """Sign with a new key, and publish it alone."""
        self.current = token_urlsafe(8)
        self.keys = {self.current: (algorithm, GENERATED[algorithm]())}

    def browse(self, url: str) -> dict[str, str]:
        """A person's browser: go where it is sent, agree, and come back with what was added."""
        answer = httpx.get(url, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["location"])
        return {name: values[0] for name, values in parse_qs(parts.query).items()}

    # -- what it answers --------------------------------------------------------------------------

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.description,
        }

    def published(self) -> dict[str, Any]:
        return {"keys": [self._jwk(kid, *pair) for kid, pair in self.keys.items()]}

    def authorize(self, asked: dict[str, str]) -> str:
        assert (asked["response_type"], asked["scope"]) == ("code", "openid")
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = self.codes.pop(form["code"], None)
        said = sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(said).rstrip(b"=").decode()
        if (
            authorization != f"Basic {expected}"
            or known is None
            or known["code_challenge"] != challenge
            or known["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(known)}

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(self.clock())
        said = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.account,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked["nonce"],
            "amr": ["pwd", "mfa"],
            **self.claims,
        }
        claims = {name: value for name, value in said.items() if value is not ...}
        algorithm, key = self.keys[self.current]
        header = {"kid": self.current, "alg": algorithm, **self.header}
        if self.sign is not None:
            return self.sign(header, claims)
        return jwt.encode(claims, key, algorithm, headers=header)

    def _jwk(self, kid: str, algorithm: str, key: Any) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
        return {**made, "kid": kid, "alg": algorithm, "use": "sig"}


@contextmanager
def provider(issuer: Issuer | None = None) -> Iterator[Issuer]:
    """Serve a provider until the block ends."""
    ours = issuer or Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            ours.asked.append(parts.path)
            if parts.path == "/authorize":
                asked = {name: one[0] for name, one in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("location", ours.authorize(asked))
                self.end_headers()
                return
            pages = {"/.well-known/openid-configuration": ours.described, "/keys": ours.published}
            self._answer(200, pages[parts.path]())

        def do_POST(self) -> None:
            ours.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: one[0] for name, one in parse_qs(body).items()}
            self._answer(*ours.token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ours.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
