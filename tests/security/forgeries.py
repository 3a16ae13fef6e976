"""Ways to make a token that looks like one of ours and is not, one builder a trick.

Each takes `Target` (what a thief may know, and for the cruder tricks even the signing key) and
answers the text that is sent as a bearer token.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER = 2**252 + 27742317777372353535851937790883648493
"""L of RFC 8032: S + L signs as well as S for a reader that does not check the range."""


@dataclass(frozen=True)
class Target:
    """One audience's door: the issuer, a caller who exists, and the key that signs now."""

    issuer: str
    audience: str
    subject: str
    family: str
    kid: str
    key: Ed25519PrivateKey
    seconds: int
    others: dict[str, str]
    """Genuine tokens of other kinds: refresh, receipt, erasure, code, audit, release."""

    @property
    def public(self) -> Ed25519PublicKey:
        return self.key.public_key()

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid}

    @property
    def claims(self) -> dict[str, Any]:
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "iat": self.seconds,
            "exp": self.seconds + 600,
            "jti": str(uuid4()),
            "scope": "me",
            "auth_time": self.seconds,
            "acr": "2",
            "sid": self.family,
        }

    def signed(self, header: Any = None, claims: Any = None) -> str:
        """A token over these members, signed with the true key."""
        return self.signed_bytes(
            json.dumps(header or self.header).encode(), json.dumps(claims or self.claims).encode()
        )

    def signed_bytes(self, header: bytes, payload: bytes) -> str:
        text = f"{url64(header)}.{url64(payload)}"
        return f"{text}.{url64(self.key.sign(text.encode()))}"

    def with_header(self, **members: Any) -> str:
        return self.signed({**self.header, **members})

    def with_claims(self, **members: Any) -> str:
        changed = {**self.claims, **members}
        return self.signed(claims={name: one for name, one in changed.items() if one is not ...})


Forgery = Callable[[Target], str]
FORGERIES: dict[str, Forgery] = {}


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def trick(name: str, make: Forgery) -> None:
    assert name not in FORGERIES
    FORGERIES[name] = make


def _unsigned(spelling: str, signature: str = "") -> Forgery:
    def make(target: Target) -> str:
        header = json.dumps({**target.header, "alg": spelling}).encode()
        return f"{url64(header)}.{url64(json.dumps(target.claims).encode())}.{signature}"

    return make


def _keyed_by(secret_of: Callable[[Target], bytes], kid: Any = None, bits: int = 256) -> Forgery:
    """An HMAC whose secret is something public."""

    def make(target: Target) -> str:
        header = {**target.header, "alg": f"HS{bits}", "kid": kid or target.kid}
        text = f"{url64(json.dumps(header).encode())}.{url64(json.dumps(target.claims).encode())}"
        kind = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[bits]
        mac = hmac.HMAC(secret_of(target), kind)
        mac.update(text.encode())
        return f"{text}.{url64(mac.finalize())}"

    return make


def _raw(target: Target) -> bytes:
    return target.public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _jwk(target: Target) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": url64(_raw(target))}


def _spki(encoding: Encoding) -> Callable[[Target], bytes]:
    return lambda target: target.public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


for spelling in ("none", "None", "NONE", "nOnE", "none ", "\tnone", "", "nonE\u0000"):
    trick(f"alg {spelling!r}", _unsigned(spelling))
    trick(f"alg {spelling!r} with a signature", _unsigned(spelling, "AAAA"))
for bits in (256, 384, 512):
    trick(f"HS{bits} with the public key as PEM", _keyed_by(_spki(Encoding.PEM), bits=bits))
    trick(f"HS{bits} with the public key as DER", _keyed_by(_spki(Encoding.DER), bits=bits))
    trick(f"HS{bits} with the public key raw", _keyed_by(_raw, bits=bits))
    trick(
        f"HS{bits} with the public key as JWK",
        _keyed_by(lambda target: json.dumps(_jwk(target)).encode(), bits=bits),
    )
trick(
    "HS256 with PEM and no newline at the end",
    _keyed_by(lambda target: _spki(Encoding.PEM)(target).rstrip()),
)
trick("HS256 with an empty secret", _keyed_by(lambda _: b"\0"))
trick("HS256 with /dev/null for a key", _keyed_by(lambda _: b"\0", kid="../../../dev/null"))


def _foreign(algorithm: str) -> Forgery:
    def make(target: Target) -> str:
        keys: dict[str, Any] = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "RS256": lambda: _RSA,
            "PS256": lambda: _RSA,
            "EdDSA": Ed25519PrivateKey.generate,
        }
        headers = {"typ": "at+jwt", "kid": target.kid}
        return jwt.encode(target.claims, keys[algorithm](), algorithm=algorithm, headers=headers)

    return make


_RSA = rsa.generate_private_key(65537, 2048)
for algorithm in ("ES256", "RS256", "PS256", "EdDSA"):
    trick(f"{algorithm} with a foreign key", _foreign(algorithm))


def _announced(**members: Any) -> Forgery:
    """Signed with a key of the forger's, which the header offers for the check."""

    def make(target: Target) -> str:
        mine = Ed25519PrivateKey.generate()
        public = mine.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": url64(public)}
        offered = {name: jwk if value == "jwk" else value for name, value in members.items()}
        header = {**target.header, **offered}
        text = f"{url64(json.dumps(header).encode())}.{url64(json.dumps(target.claims).encode())}"
        return f"{text}.{url64(mine.sign(text.encode()))}"

    return make


HOSTILE = "https://203.0.113.9/keys.json"
trick("jku", _announced(jku=HOSTILE))
trick("jku with a foreign kid", _announced(jku=HOSTILE, kid="mine"))
trick("x5u", _announced(x5u=HOSTILE))
trick("jwk", _announced(jwk="jwk"))
trick("jwk and no kid that is known", _announced(jwk="jwk", kid="mine"))
trick("x5c", _announced(x5c=["MIIB"]))
trick("a foreign kid", lambda target: target.with_header(kid="somebody-else-1"))
trick("no kid", lambda t: t.signed({"alg": "EdDSA", "typ": "at+jwt"}))
# The following carry a true signature: only the strictness of the header stands in the way.
for name, value in {
    "jku": HOSTILE,
    "x5u": HOSTILE,
    "jwk": {},
    "x5c": [],
    "x5t": "AA",
    "b64": False,
    "zip": "DEF",
    "enc": "A256GCM",
    "cty": "JWT",
    "unknown": 1,
}.items():
    trick(f"true signature and {name}", lambda t, n=name, v=value: t.with_header(**{n: v}))  # type: ignore[misc]
trick("crit", lambda target: target.with_header(crit=["exp"]))
trick("crit with b64", lambda target: target.with_header(crit=["b64"], b64=True))
trick("empty crit", lambda target: target.with_header(crit=[]))
trick("kid of 10 kB", lambda target: target.with_header(kid="k" * 10_240))
trick("kid of 33", lambda target: target.with_header(kid="k" * 33))
for kid in ("../jwt", "jwt/1", "jwt\\1", "jwt.1", "jwt 1", "jwt\n", "", "jwt\0", "%2e%2e", "钥"):
    trick(f"kid {kid!r}", lambda target, kid=kid: target.with_header(kid=kid))  # type: ignore[misc]
for odd in (None, 1, True, [], {}):
    trick(f"kid {odd!r}", lambda target, odd=odd: target.with_header(kid=odd))  # type: ignore[misc]
    trick(f"alg {odd!r}", lambda target, odd=odd: target.with_header(alg=odd))  # type: ignore[misc]
for alg in ("eddsa", "EDDSA", "Ed25519", "EdDSA ", "HS256", "RS256", "ES256"):
    trick(f"alg {alg!r} over a true signature", lambda t, alg=alg: t.with_header(alg=alg))  # type: ignore[misc]
for typ in ("JWT", "at+JWT", "application/at+jwt", "dpop+jwt", "refresh+jwt", "", None):
    trick(f"typ {typ!r}", lambda target, typ=typ: target.with_header(typ=typ))  # type: ignore[misc]
trick("no typ", lambda t: t.signed({"alg": "EdDSA", "kid": t.kid}))

AUDIENCES = ("resident", "doctor", "city")


def _other(audience: str) -> str:
    return AUDIENCES[(AUDIENCES.index(audience) + 1) % 3]


for claim in ("iss", "aud", "sub", "exp", "iat", "jti", "scope", "auth_time", "acr", "sid"):
    trick(f"no {claim}", lambda target, claim=claim: target.with_claims(**{claim: ...}))  # type: ignore[misc]
    trick(f"{claim} null", lambda target, claim=claim: target.with_claims(**{claim: None}))  # type: ignore[misc]
trick("aud of another door", lambda t: t.with_claims(aud=_other(t.audience)))
trick("aud list with a foreign one", lambda t: t.with_claims(aud=[t.audience, "elsewhere"]))
trick("aud list of all doors", lambda t: t.with_claims(aud=list(AUDIENCES)))
trick("aud list of one", lambda t: t.with_claims(aud=[t.audience]))
trick("aud empty list", lambda t: t.with_claims(aud=[]))
trick("aud prefix", lambda t: t.with_claims(aud=t.audience[:-1]))
trick("aud superstring", lambda t: t.with_claims(aud=f"{t.audience} "))
trick("aud in capitals", lambda t: t.with_claims(aud=t.audience.upper()))
trick("aud of the issuer", lambda t: t.with_claims(aud=t.issuer))
trick("iss prefix", lambda t: t.with_claims(iss=t.issuer[:-1]))
trick("iss suffix", lambda t: t.with_claims(iss=t.issuer[1:]))
trick("iss superstring", lambda t: t.with_claims(iss=f"{t.issuer}.example"))
trick("iss with a slash", lambda t: t.with_claims(iss=f"{t.issuer}/"))
trick("iss in capitals", lambda t: t.with_claims(iss=t.issuer.upper()))
trick("iss list", lambda t: t.with_claims(iss=[t.issuer]))
trick("iss empty", lambda t: t.with_claims(iss=""))
for name, exp in {
    "exp past": -6,
    "exp now": 0,
    "exp 901 s away": 901,
    "exp in a year": 31_536_000,
}.items():
    trick(name, lambda t, exp=exp: t.with_claims(exp=t.seconds + exp))  # type: ignore[misc]
for absurd in (0, -1, 1 << 40, 1 << 63, 1e99, "9999999999", True, [], {}, float("inf")):
    trick(f"exp {absurd!r}", lambda t, absurd=absurd: t.with_claims(exp=absurd))  # type: ignore[misc]
trick("exp as a fraction", lambda t: t.with_claims(exp=t.seconds + 599.5))
trick("exp as text", lambda t: t.with_claims(exp=str(t.seconds + 600)))
trick("nbf in the future", lambda t: t.with_claims(nbf=t.seconds + 60))
trick("iat in the future", lambda t: t.with_claims(iat=t.seconds + 60))
trick("iat after exp", lambda t: t.with_claims(iat=t.seconds + 601))
trick("an old iat and a long life", lambda t: t.with_claims(iat=t.seconds - 400))
trick("auth_time after iat", lambda t: t.with_claims(auth_time=t.seconds + 3600))
trick("acr 9", lambda t: t.with_claims(acr="9"))
trick("acr as a number", lambda t: t.with_claims(acr=2))
trick("cnf that is not understood", lambda t: t.with_claims(cnf={"kid": "x"}))
trick("cnf with a short thumbprint", lambda t: t.with_claims(cnf={"jkt": "AAAA"}))
trick("bound to a key, sent as bearer", lambda t: t.with_claims(cnf={"jkt": url64(bytes(32))}))

for kind in ("refresh", "receipt", "erasure", "code", "audit", "release"):
    trick(f"{kind} as access token", lambda target, kind=kind: target.others[kind])  # type: ignore[misc]


def _twice(place: str, member: str, value: str) -> Forgery:
    def make(target: Target) -> str:
        header, claims = json.dumps(target.header), json.dumps(target.claims)
        if place == "header":
            header = f'{header[:-1]}, "{member}": {value}}}'
        else:
            claims = f'{claims[:-1]}, "{member}": {value}}}'
        return target.signed_bytes(header.encode(), claims.encode())

    return make


trick("sub twice", _twice("claims", "sub", f'"{uuid4()}"'))
trick("aud twice", _twice("claims", "aud", '"resident"'))
trick("exp twice", _twice("claims", "exp", "9999999999"))
trick("an unknown claim twice", _twice("claims", 'x": 1, "x', "2"))
trick("a nested member twice", _twice("claims", "x", '{"a": 1, "a": 2}'))
trick("alg twice", _twice("header", "alg", '"none"'))
trick("kid twice", _twice("header", "kid", '"jwt-1"'))
trick("typ twice", _twice("header", "typ", '"at+jwt"'))


def _pieces(change: Callable[[list[str]], str]) -> Forgery:
    return lambda target: change(target.signed().split("."))


def _loose_last(segment: str) -> str:
    """The same bytes in another spelling: the last character carries spare bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def _malleable(target: Target) -> str:
    text, _, signature = target.signed().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    scalar = int.from_bytes(raw[32:], "little") + ORDER
    return f"{text}.{url64(raw[:32] + scalar.to_bytes(32, 'little'))}"


trick("signature with S + L", _malleable)
trick("signature in another spelling", _pieces(lambda p: f"{p[0]}.{p[1]}.{_loose_last(p[2])}"))
trick("padding", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2]}=="))
trick("padding inside", _pieces(lambda p: f"{p[0]}=.{p[1]}.{p[2]}"))
trick("standard alphabet", _pieces(lambda p: f"{p[0]}+.{p[1]}.{p[2]}"))
trick("a line break", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2][:40]}%0A{p[2][40:]}"))
trick("trailing bytes", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2]}AAAA"))
trick("a trailing dot", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2]}."))
trick("a fourth part", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2]}.AAAA"))
trick("five parts", _pieces(lambda p: f"{p[0]}.{p[1]}.{p[2]}.AAAA.AAAA"))
trick("no signature", _pieces(lambda p: f"{p[0]}.{p[1]}."))
trick("no signature and no dot", _pieces(lambda p: f"{p[0]}.{p[1]}"))
trick("a zero signature", _pieces(lambda p: f"{p[0]}.{p[1]}.{url64(bytes(64))}"))
trick("a short signature", _pieces(lambda p: f"{p[0]}.{p[1]}.{url64(bytes(32))}"))
trick("another payload", _pieces(lambda p: f"{p[0]}.{url64(b'{}')}.{p[2]}"))
trick("payload is a list", lambda t: t.signed_bytes(json.dumps(t.header).encode(), b"[]"))
trick("payload is no JSON", lambda t: t.signed_bytes(json.dumps(t.header).encode(), b"x"))
trick("payload is deep", lambda t: t.signed_bytes(json.dumps(t.header).encode(), b"[" * 1500))
trick("header is a list", lambda t: t.signed_bytes(b"[]", json.dumps(t.claims).encode()))
trick(
    "payload has a BOM", lambda t: t.signed_bytes(json.dumps(t.header).encode(), b"\xef\xbb\xbf{}")
)
trick("nested", lambda t: t.signed_bytes(json.dumps(t.header).encode(), t.signed().encode()))
trick(
    "nested with cty",
    lambda t: t.signed_bytes(json.dumps({**t.header, "cty": "JWT"}).encode(), t.signed().encode()),
)


def _serialised(target: Target, general: bool) -> str:
    protected, payload, signature = target.signed().split(".")
    one = {"protected": protected, "signature": signature}
    form = {"payload": payload, "signatures": [one]} if general else {"payload": payload, **one}
    return json.dumps(form, separators=(",", ":"))


trick("flattened JSON", lambda target: _serialised(target, general=False))
trick("general JSON", lambda target: _serialised(target, general=True))
trick("twice in one header", lambda target: f"{target.signed()}, {target.signed()}")
trick("nothing", lambda _: "")
trick("a guess", lambda _: "admin")
