"""Documents the city reads. Each is made from stored bytes, so it says the same every time."""

import json
import re
from typing import Any

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.domain.anonymity import specification as specifications
from service.domain.anonymity import zcdp
from service.domain.anonymity.specification import NANO
from service.kit.errors import BadRequest, NotFound
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases import indicators as readings
from service.releases import store
from service.releases.store import Artifact

RELEASE_ID = re.compile(r"[a-z0-9-]{1,40}")
NO_SUCH_VALUE = Text(
    "参数值不在发布规范的范围内。", "A parameter names nothing that the specification publishes."
)


def find(conn: Connection, release_id: str) -> Artifact:
    kept = store.artifact(conn, release_id) if RELEASE_ID.fullmatch(release_id) else None
    if kept is None:
        raise NotFound
    return kept


def listed(conn: Connection) -> bytes:
    """Every release, newest first."""
    items = []
    for _, raw, _ in reversed(store.manifests(conn)):
        manifest = json.loads(raw)
        items.append(
            {
                "release_id": manifest["release_id"],
                "cadence": manifest["cadence"],
                "by": manifest["by"],
                "period": manifest["period"],
                "as_of": manifest["as_of"],
                "published_at": manifest["published_at"],
                "specification": manifest["specification"]["version"],
                "rho": manifest["privacy"]["rho"],
                "epsilon": manifest["privacy"]["epsilon"],
                "attempt": manifest["attempt"],
                "rows": manifest["table"]["rows"],
                "table_sha256": manifest["table"]["sha256"],
                "manifest_sha256": artifacts.sha256(raw),
            }
        )
    return canonical_json({"items": items, "next": None})


def signature(kept: Artifact) -> bytes:
    """The JWS, with the public key to check it by; the key is also in the service's key set."""
    kid = artifacts.kid_of(kept.signature)
    return canonical_json(
        {
            "jws": kept.signature,
            "key": artifacts.jwk(kept.public_key, kid),
            "kid": kid,
            "manifest_sha256": kept.manifest_sha256,
        }
    )


def cells(kept: Artifact, wanted: dict[str, str]) -> bytes:
    """The cells that match every given value exactly; BadRequest for a value of no cell."""
    rows = artifacts.read_csv(kept.csv)
    for name, value in wanted.items():
        if not any(row[name] == value for row in rows):
            raise BadRequest(NO_SUCH_VALUE, code="unknown-value", pointer=f"/query/{name}")
    items = [
        {name: row[name] for name in artifacts.CELL}
        for row in rows
        if all(row[name] == value for name, value in wanted.items())
    ]
    return canonical_json({"items": items, "next": None})


def indicators(conn: Connection) -> bytes:
    """Every indicator the newest releases carry; an empty list before the first release."""
    newest = newest_of_each(conn)
    items = list(readings.read(specifications.current(), newest))
    release = newest[-1].release_id if newest else None
    return canonical_json({"items": items, "next": None, "release_id": release})


def newest_of_each(conn: Connection) -> list[Artifact]:
    """The newest release of every cadence, in the order in which they were published."""
    last: dict[str, tuple[str, str]] = {}
    for release_id, raw, _ in store.manifests(conn):
        manifest = json.loads(raw)
        as_of = manifest["as_of"], release_id
        last[manifest["cadence"]] = max(as_of, last.get(manifest["cadence"], ("", "")))
    found = [find(conn, release_id) for _, release_id in last.values()]
    return sorted(found, key=lambda kept: kept.sequence)


def specification(conn: Connection) -> bytes:
    """What is published and for how much budget, with its signature once a run was announced."""
    current = specifications.current()
    signed = store.specification(conn, current.sha256)
    return canonical_json(
        {
            "id": current.id,
            "version": current.version,
            "sha256": current.sha256,
            "signature": signed.signature if signed else None,
            "source": current.source.decode(),
            "document": current.as_document(),
        }
    )


def budget(conn: Connection) -> bytes:
    """The ledger: caps, what was spent, and for which releases."""
    current = specifications.current()
    delta = current.budget.delta
    scopes = [
        {
            "scope": entry.scope,
            "cap": _amount(entry.cap_nano_rho, delta),
            "spent": _amount(entry.spent_nano_rho, delta),
            "left": _amount(entry.cap_nano_rho - entry.spent_nano_rho, delta),
        }
        for entry in store.all_budgets(conn)
    ]
    charges = [
        {
            "release_id": charge.release_id,
            "scope": charge.scope,
            "amount": _amount(charge.nano_rho, delta),
            "attempts": attempts,
            "state": "published" if published else "voided" if charge.voided_at else "charged",
            "charged_at": charge.charged_at.isoformat(timespec="seconds"),
        }
        for charge, attempts, published in store.ledger(conn)
    ]
    per_year = current.budget.year_nano_rho
    return canonical_json(
        {
            "unit": "resident",
            "delta": delta,
            "year_cap": _amount(per_year, delta),
            "meaning": _meaning(per_year).both(),
            "budgets": scopes,
            "charges": charges,
        }
    )


def _amount(nano_rho: int, delta: float) -> dict[str, Any]:
    rho = nano_rho / NANO
    return {
        "nano_rho": nano_rho,
        "rho": rho,
        "epsilon": round(zcdp.epsilon_of(rho, delta), 4),
    }


def _meaning(nano_rho: int) -> Text:
    guess = f"{zcdp.best_guess(nano_rho / NANO):.1%}"
    return Text(
        f"最强的攻击者猜测您是否参加，猜对的机会为 {guess}，而不是 50%。",
        f"The best possible attacker guesses whether you took part with {guess} instead of 50%.",
    )


def imported_series() -> bytes:
    """Aggregates from elsewhere. None is imported yet; the shape is fixed."""
    return canonical_json({"items": [], "next": None})
