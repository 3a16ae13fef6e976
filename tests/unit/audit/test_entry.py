"""What the hash of an entry covers, held against an encoder of JSON."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.vocabulary import Action, ActorKind, Purpose
from service.audit.entry import Entry, canonical

TEXTS = st.text(max_size=12)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENTRIES = st.builds(
    Entry,
    at=st.integers(0, 2**52).map(lambda micros: EPOCH + timedelta(microseconds=micros)),
    actor_kind=st.sampled_from(ActorKind),
    actor_id=TEXTS,
    subject=st.uuids(),
    action=st.sampled_from(Action),
    purpose=st.sampled_from(Purpose),
    classes=st.binary(max_size=20),
    decision=st.sampled_from(["allow", "deny"]),
    rule=TEXTS,
    revision=st.integers(0, 2**60),
    request_id=TEXTS,
    row_count=st.integers(0, 2**31),
    actor_name=st.none() | TEXTS,
    on_behalf_of=st.none() | TEXTS,
    automatic=st.booleans(),
    grant_id=st.none() | st.uuids(),
)


@given(ENTRIES, st.integers(1, 2**60), st.integers(0, 2**60))
def test_it_is_what_an_encoder_of_json_makes_of_the_fields(
    entry: Entry, seq: int, leaf: int
) -> None:
    fields = [
        "kangma access 2",
        entry.subject.hex,
        seq,
        leaf,
        (entry.at - EPOCH) // timedelta(microseconds=1),
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.on_behalf_of,
        entry.automatic,
        entry.action,
        entry.purpose,
        entry.classes.hex(),
        entry.decision,
        entry.rule,
        None if entry.grant_id is None else entry.grant_id.hex,
        entry.revision,
        entry.request_id,
        entry.row_count,
    ]
    expected = json.dumps(fields, separators=(",", ":"), ensure_ascii=True)
    assert canonical(entry, seq, leaf) == expected.encode()


@pytest.mark.parametrize("odd", ["4", 4.0, None])
def test_what_is_no_whole_number_has_no_spelling(odd: object) -> None:
    """A cell of another type that looks alike must not have the hash of the true one."""
    entry = Entry(
        at=EPOCH,
        actor_kind=ActorKind.RESIDENT,
        actor_id="",
        subject=UUID(int=1),
        action=Action.READ,
        purpose=Purpose.CARE,
        classes=b"",
        decision="allow",
        rule="",
        revision=odd,  # type: ignore[arg-type]
        request_id="",
    )
    with pytest.raises((ValueError, TypeError)):
        canonical(entry, 1, 0)
