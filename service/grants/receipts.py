"""Consent receipts: what was agreed, signed so that anybody with the public key can check it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import jwt
from sqlalchemy import Connection

from consent.decision import Permit
from consent.receipt import ConsentEvent, Party, Terms, receipt_claims
from consent.vocabulary import GranteeKind, Language, Text
from service.clinics import store as clinics
from service.grants.body import Kept
from service.identity import store as identity
from service.keys.system import SigningKey
from service.kit.errors import NotFound

TYPE = "consent-receipt+jwt"
WITHDRAWAL = Text(
    "在本应用“授权”页面撤回，或发送 DELETE /v1/me/grants/{id}；下一次请求即生效。",
    "Withdraw under Grants in the app, or send DELETE /v1/me/grants/{id}; it holds from the next "
    "request on.",
)

COLLECTION = Text(
    "由居民本人填写或从其设备导入，或由其授权的医生补录。",
    "Told by the resident, imported from their devices, or added by a doctor they allowed to.",
)
RETENTION = Text(
    "直至居民删除该类数据或账户；此后最多 30 天，密钥库的备份也不再保留其密钥。",
    "Until the resident erases the kind of data or the account; no more than 30 days after that, "
    "no backup of the keystore holds its keys either.",
)
RIGHTS = Text(
    "您可以随时查看、更正、导出、删除自己的档案，撤回授权，并查看谁看过您的数据。",
    "You may read, correct, export and erase your record, withdraw consent, and see who looked.",
)

NO_RECEIPT = Text(
    "拒绝不是同意，因此没有同意回执。", "A refusal is no consent, so there is no receipt of one."
)


def receipt(
    conn: Connection,
    permit: Permit,
    kept: Kept,
    *,
    key: SigningKey,
    issuer: str,
    language: Language,
) -> str:
    """A receipt of everything that happened to a grant so far, as a JWS (EdDSA).

    The same grant in the same state always gives the same bytes: Ed25519 signs without chance.
    """
    if kept.grant.deny:
        raise NotFound(NO_RECEIPT)
    claims = receipt_claims(
        # The id of a receipt is that of the grant's version it tells about.
        receipt_id=uuid5(kept.grant.id, f"receipt {kept.grant.version}"),
        subject=permit.subject,
        grant=kept.grant,
        recipient=_recipient(conn, kept, issuer),
        terms=_terms(issuer),
        events=tuple(
            ConsentEvent(event.what, event.at, event.by or str(permit.subject))
            for event in kept.events
        ),
        language=language,
    )
    return signed(claims, key=key, typ=TYPE, issuer=issuer)


def signed(claims: Mapping[str, Any], *, key: SigningKey, typ: str, issuer: str) -> str:
    """A JWS in compact form over claims that name their issuer."""
    headers = {"typ": typ, "kid": key.kid}
    return jwt.encode({"iss": issuer, **claims}, key.private, algorithm="EdDSA", headers=headers)


def _recipient(conn: Connection, kept: Kept, issuer: str) -> Party:
    grantee = kept.grant.grantee
    if grantee.kind is GranteeKind.PRACTITIONER:
        doctor = identity.practitioner(conn, UUID(grantee.id))
        if doctor is not None:
            return Party(grantee.id, doctor.name, doctor.clinic, doctor.clinic, "recipient")
    if grantee.kind in (GranteeKind.CLINIC, GranteeKind.ROLE):
        id, _, role = grantee.id.partition(":")
        clinic = clinics.clinic(conn, UUID(id))
        if clinic is not None:
            name = f"{clinic.name} ({role})" if role else clinic.name
            return Party(grantee.id, name, clinic.name, clinic.name, "recipient")
    return Party(grantee.id, grantee.id, issuer, issuer, "recipient")


def _terms(issuer: str) -> Terms:
    return Terms(
        controller=Party(issuer, "Kangma 康码", issuer, issuer, "controller"),
        storage_locations=("CN",),
        retention_period=RETENTION,
        jurisdiction="CN",
        withdrawal_method=WITHDRAWAL,
        collection_method=COLLECTION,
        rights=RIGHTS,
    )
