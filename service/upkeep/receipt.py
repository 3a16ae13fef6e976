"""The signed receipt of an erasure: what is gone, and until when a backup may hold its key."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from consent.vocabulary import DataClass
from service.grants import receipts
from service.keys.system import SystemKeys
from service.kit.ids import new_id

KEYSTORE_RETENTION = timedelta(days=30)
"""R_k of sealing.md section 1: the oldest backup of the keystore that may still hold the key."""
ERASURE_TYPE = "erasure-receipt+jwt"


class Receipt(NamedTuple):
    """`final_at` is said in the signed text too."""

    final_at: datetime
    signed: str


def issue(
    system: SystemKeys, issuer: str, resident: UUID, data_class: DataClass | None, now: datetime
) -> Receipt:
    """The receipt for a person, or for one class of theirs, erased now."""
    final = now + KEYSTORE_RETENTION
    claims = {
        "jti": str(new_id()),
        "sub": str(resident),
        "iat": int(now.timestamp()),
        "event": "erased" if data_class is None else "class-erased",
        "legal_basis": "PIPL 47",
        "erased_at": now.isoformat(),
        "final_at": final.isoformat(),
    }
    if data_class is not None:
        claims["data_class"] = data_class.value
    key = system.signing_key("receipt")
    return Receipt(final, receipts.signed(claims, key=key, typ=ERASURE_TYPE, issuer=issuer))
