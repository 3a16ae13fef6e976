"""A receipt has every mandatory field of ISO/IEC TS 27560 or is not made."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from consent.grant import Grant, Notice
from consent.receipt import (
    MANDATORY,
    NESTED,
    ConsentEvent,
    Party,
    ReceiptIncomplete,
    Terms,
    missing_fields,
    receipt_claims,
)
from consent.vocabulary import Text
from tests.unit.consent.people import BODY, LIFESTYLE, LIN, NOW, ZHOU, day, grant

NOTICE = Notice("care", "2026.1", "zh", "ab" * 32)
KANGMA = Party("kangma", "康码", "1 Health Road", "privacy@kangma.example", "controller")
DR_ZHOU = Party(ZHOU, "Dr Zhou", "2 Clinic Street", "zhou@clinic.example", "recipient")
TERMS = Terms(
    controller=KANGMA,
    storage_locations=("CN-330000",),
    retention_period=Text("直至删除", "until erased"),
    jurisdiction="CN",
    withdrawal_method=Text("在“授权”页面一键撤回。", "One tap on the page of grants."),
    collection_method=Text("本人填写", "Told by the resident"),
    rights=Text("查看与删除", "Read and erase"),
)
GIVEN = ConsentEvent("given", NOW, str(LIN))
GRANT = grant(LIFESTYLE, BODY, notice=NOTICE, observations_from=day("2025-01-01"))


def claims(
    granted: Grant = GRANT, events: tuple[ConsentEvent, ...] = (GIVEN,), **changes: Any
) -> dict[str, Any]:
    arguments: dict[str, Any] = {"recipient": DR_ZHOU, "terms": TERMS, "language": "zh"} | changes
    return receipt_claims(
        receipt_id=UUID(int=77), subject=LIN, grant=granted, events=events, **arguments
    )


def test_every_mandatory_field_is_there() -> None:
    made = claims()
    assert made.keys() == MANDATORY.keys()
    assert missing_fields(made) == []


@pytest.mark.parametrize(
    ("section", "field"),
    [(section, name) for section, names in MANDATORY.items() for name in names],
)
def test_a_missing_field_is_found(section: str, field: str) -> None:
    made = claims()
    parts = made[section] if isinstance(made[section], list) else [made[section]]
    del parts[-1][field]
    assert missing_fields(made) == [f"{section}.{field}"]


@pytest.mark.parametrize(
    ("section", "field"), [(section, name) for section, names in NESTED.items() for name in names]
)
def test_a_missing_field_inside_is_found(section: str, field: str) -> None:
    made = claims()
    found = made["processing"][section]
    del (found[-1] if isinstance(found, list) else found)[field]
    assert missing_fields(made) == [f"processing.{section}.{field}"]


@pytest.mark.parametrize(
    "odd", [{}, {"parties": "x", "events": [1], "processing": {"purposes": 3}}]
)
def test_claims_of_another_shape_are_incomplete(odd: dict[str, Any]) -> None:
    assert {"header.receipt_id", "parties.party_id", "events.event_time"} <= set(
        missing_fields(odd)
    )


def test_a_guardians_act_names_the_guardian() -> None:
    events = (ConsentEvent("given", NOW, "guardian"), ConsentEvent("withdrawn", NOW, str(LIN)))
    assert [one["entity_id"] for one in claims(events=events)["events"]] == ["guardian", str(LIN)]


def test_the_record_is_the_grant_and_each_receipt_another() -> None:
    header = claims()["header"]
    assert header["record_id"] == str(GRANT.id)
    assert header["receipt_id"] == str(UUID(int=77))


def test_names_what_was_agreed_to() -> None:
    processing = claims()["processing"]
    assert processing["purposes"] == [{"purpose": "care", "name": "家庭医生签约服务"}]
    assert [one["pii_type"] for one in processing["pii_information"]] == ["body", "lifestyle"]
    assert processing["pii_information"][0] == {
        "pii_type": "body",
        "name": "体征",
        "grade": 3,
        "sensitive": True,
        "sensitive_pii_category": "体征",
        "separate_consent": True,
    }
    assert processing["privacy_notice"] == {
        "id": "care",
        "version": "2026.1",
        "language": "zh",
        "sha256": "ab" * 32,
    }
    assert processing["observations"] == {"from": "2025-01-01", "to": None}


def test_speaks_the_language_asked_for() -> None:
    processing = claims(language="en")["processing"]
    assert processing["withdrawal_method"] == "One tap on the page of grants."
    assert processing["purposes"][0]["name"] == "Care by the signed family doctor"


def test_tells_giving_and_withdrawal() -> None:
    events = (GIVEN, ConsentEvent("withdrawn", NOW, str(LIN)))
    told = claims(replace(GRANT, withdrawn_at=NOW, valid_until=None), events)["events"]
    assert [(one["event_type"], one["event_state"]) for one in told] == [
        ("given", "active"),
        ("withdrawn", "withdrawn"),
    ]
    assert told[0]["event_time"] == "2026-05-04T08:30:00Z"
    assert told[0]["validity_duration"] == "2026-04-04T08:30:00Z/.."
    assert told[0]["entity_id"] == str(LIN)


def test_validity_has_its_end() -> None:
    assert claims()["events"][0]["validity_duration"].endswith("/2026-06-03T08:30:00Z")


def test_is_json_and_the_same_each_time() -> None:
    assert json.dumps(claims()) == json.dumps(claims())


def test_without_a_notice_there_is_no_receipt() -> None:
    with pytest.raises(ReceiptIncomplete) as caught:
        claims(replace(GRANT, notice=None))
    assert caught.value.fields == ["processing.privacy_notice"]


def test_without_an_event_there_is_no_receipt() -> None:
    with pytest.raises(ReceiptIncomplete) as caught:
        claims(events=())
    assert "events.event_time" in caught.value.fields


def test_a_recipient_nobody_can_reach_makes_no_receipt() -> None:
    with pytest.raises(ReceiptIncomplete) as caught:
        claims(recipient=replace(DR_ZHOU, contact=""))
    assert caught.value.fields == ["parties.party_contact"]
