"""Consent receipts: signed, complete, the same every time, and broken by any changed byte."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from consent.receipt import MANDATORY, missing_fields
from consent.vocabulary import Language
from service.grants import actions, receipts
from service.grants.notices import notice_texts
from service.kit.db import Database
from tests.consent_room import Clinic, care_offer, statistics_offer

ISSUER = "https://kangma.test"


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def receipt(here: Clinic, resident: UUID, grant: UUID, language: Language = "en") -> str:
    def make(conn: Any) -> str:
        permit = here.manage(conn, resident)
        return receipts.receipt(
            conn,
            permit,
            actions.get(conn, here.vault, permit, grant),
            key=here.system.signing_key("receipt"),
            issuer=ISSUER,
            language=language,
        )

    return here.read(make)


def claims(here: Clinic, token: str) -> dict[str, Any]:
    key = here.system.signing_key("receipt").public
    read: dict[str, Any] = jwt.decode(token, key, algorithms=["EdDSA"], issuer=ISSUER)
    return read


def test_a_receipt_follows_the_grant_from_giving_to_withdrawal(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    grant = here.give(lin, care_offer(zhou)).grant.id
    given = receipt(here, lin, grant)
    here.act(lin, actions.change, grant, offer=care_offer(zhou, "body"), now=here.now)
    changed = receipt(here, lin, grant)
    here.withdraw(lin, grant)
    ended = receipt(here, lin, grant)
    told = [
        [event["event_type"] for event in claims(here, token)["events"]]
        for token in (given, changed, ended)
    ]
    assert told == [["given"], ["given", "changed"], ["given", "changed", "withdrawn"]]
    assert claims(here, ended)["events"][-1]["event_state"] == "withdrawn"
    ids = {claims(here, token)["header"]["receipt_id"] for token in (given, changed, ended)}
    assert len(ids) == 3
    assert claims(here, ended)["header"]["record_id"] == str(grant)
    assert ended == receipt(here, lin, grant)


@pytest.mark.parametrize("kind", ["care", "statistics"])
def test_a_receipt_has_every_mandatory_field(here: Clinic, kind: str) -> None:
    lin = here.resident()
    offer = care_offer(here.doctor_named()) if kind == "care" else statistics_offer()
    read = claims(here, receipt(here, lin, here.give(lin, offer).grant.id))
    assert missing_fields(read) == []
    assert set(MANDATORY) <= set(read)
    assert read["header"]["pii_principal_id"] == str(lin)
    # The hash is that of the text the resident was shown.
    shown = notice_texts()[kind].text.zh
    notice = read["processing"]["privacy_notice"]
    assert (notice["id"], notice["language"]) == (kind, "zh")
    assert notice["sha256"] == sha256(shown.encode()).hexdigest()


def test_any_changed_byte_breaks_a_receipt(here: Clinic) -> None:
    lin = here.resident()
    token = receipt(here, lin, here.give(lin, statistics_offer()).grant.id)
    assert claims(here, token)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        if token[place] == ".":
            continue
        with pytest.raises(jwt.PyJWTError):
            claims(here, token[:place] + other + token[place + 1 :])
