"""Rule packs as they are kept: one signed file each, the newest of which is in force.

A file is a compact JWS (RFC 7515, EdDSA) whose payload is the document, signed with the system key
"rules"; no key ever retires from verifying, so an old prompt can be explained by the pack it
names. Files are only added. Every machine of a deployment needs the same folder.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import jwt

from consent.vocabulary import Text
from service.domain.risk.rules import SHIPPED, PackFault, PackRefused, Rules, read
from service.keys.system import SystemKeys
from service.kit.errors import IntegrityBroken

FOLDER = "rules"
KEY = "rules"
TYPE = "kangma-rules+jws"
NOT_LATER = Text(
    "须晚于现行包；要回到旧表，请用新的名称。",
    "It must be later than the pack in force; to go back, give the old tables a new name.",
)


def newest(data: Path, system: SystemKeys) -> Rules:
    """The latest pack of the folder, or the shipped one where that is later or alone.

    A file that was not signed here, or is no pack, is `IntegrityBroken`: nobody's level may rest
    on it.
    """
    found = [_opened(file, system) for file in sorted((data / FOLDER).glob("*.jws"))]
    return max([SHIPPED, *found], key=lambda rules: rules.order)


def activate(data: Path, system: SystemKeys, document: Mapping[str, Any]) -> Rules:
    """Sign a document and keep it; it is in force from the next look on. `PackRefused` if not."""
    rules = read(document)
    if rules.order <= newest(data, system).order:
        raise PackRefused([PackFault("/pack", NOT_LATER)])
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _write(folder / f"{rules.pack}.jws", _signed(document, system))
    return rules


def _signed(document: Mapping[str, Any], system: SystemKeys) -> str:
    key = system.signing_key(KEY)
    payload = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return jwt.api_jws.encode(
        payload.encode(),
        key.private,
        algorithm="EdDSA",
        headers={"kid": key.kid, "typ": TYPE},
    )


def _opened(file: Path, system: SystemKeys) -> Rules:
    text = file.read_text("ascii", errors="replace").strip()
    try:
        key = system.verifying_keys(KEY)[str(jwt.get_unverified_header(text)["kid"])]
        signed = jwt.api_jws.decode_complete(text, key, algorithms=["EdDSA"])
        rules = read(json.loads(signed["payload"]))
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise IntegrityBroken from None
    # A pack under another's name would hide which one a prompt was made by.
    if signed["header"].get("typ") != TYPE or file.stem != rules.pack:
        raise IntegrityBroken
    return rules


def _write(file: Path, text: str) -> None:
    """Whole or not at all, on the disk before it counts, and never in the place of another."""
    # A lock would not do: machines share the folder, and not every file system locks one.
    with NamedTemporaryFile("w", encoding="ascii", dir=file.parent, suffix=".draft") as draft:
        draft.write(text + "\n")
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, file)
        except FileExistsError:
            raise PackRefused([PackFault("/pack", NOT_LATER)]) from None
