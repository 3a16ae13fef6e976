"""Whom to pull from: an operator pins an address and a public key under a name."""

import ipaddress
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.releases import artifact as artifacts
from service.releases.nodes import store
from service.releases.nodes.refusals import TrustRefused
from service.releases.nodes.store import Key, Node

OWN = "own"
"""The name of this node itself among the others."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KEY_BYTES = 32

BAD_NAME = Text(
    "名称只能含小写字母、数字和连字符，且不能是保留名。",
    "A node's name has lower-case letters, digits and hyphens, and is not a reserved word.",
)
BAD_URL = Text(
    "地址须为不含账号、路径和参数的 https 地址；仅本机可用 http。",
    "The address must be https without login, path or query; http is for this machine alone.",
)
BAD_KEY = Text(
    "密钥文件须为一个公开的 ed25519 密钥（jwk，或只含一个此类密钥的密钥集）。",
    "The key file must be one public Ed25519 key: a JWK, or a set of one.",
)
ANOTHER = Text(
    "该名称、地址或密钥已属于另一个节点。",
    "This name, address or key belongs to another node already.",
)


def trust(conn: Connection, *, name: str, url: str, key: bytes, now: datetime) -> Key:
    """Pin a key of a node. The same words again change nothing; TrustRefused for others' words.

    A second key is added beside the first: that is how an operator follows a renewal.
    """
    wanted = Node(_name(name), address(url))
    kid, public_key = read_key(key)
    known = [one for one in store.all_nodes(conn) if one.name == name or one.url == wanted.url]
    keys = [
        one
        for one in store.all_keys(conn)
        if one.public_key == public_key or (one.node, one.kid) == (name, kid)
    ]
    if known not in ([], [wanted]) or any(one[:3] != (public_key, name, kid) for one in keys):
        raise TrustRefused(ANOTHER)
    if not known:
        store.add_node(conn, wanted)
    if keys:
        return keys[0]
    made = Key(public_key, name, kid, now)
    store.add_key(conn, made)
    return made


def address(url: str) -> str:
    """The origin in one spelling; TrustRefused unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TrustRefused(BAD_URL) from None
    host = parts.hostname or ""
    plain = parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))
    extra = parts.username or parts.password or parts.query or parts.fragment
    if not host or not plain or extra or parts.path not in ("", "/"):
        raise TrustRefused(BAD_URL)
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(name: str) -> str:
    if not NAME.fullmatch(name) or name == OWN:
        raise TrustRefused(BAD_NAME)
    return name


def read_key(content: bytes) -> tuple[str, bytes]:
    """Name and raw bytes of the public key in a JWK, a set of one, or `GET .../signature`."""
    try:
        key = _only(json.loads(content))
        raw = artifacts.public_key_of(key)
        kid = key["kid"]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise TrustRefused(BAD_KEY) from None
    if len(raw) != KEY_BYTES or not isinstance(kid, str) or "d" in key:
        raise TrustRefused(BAD_KEY)
    return kid, raw


def _only(document: Any) -> Any:
    """A JWK, or the one in a key set or in the answer of `GET .../signature`."""
    if "key" in document:
        return document["key"]
    if "keys" not in document:
        return document
    (only,) = document["keys"]
    return only
