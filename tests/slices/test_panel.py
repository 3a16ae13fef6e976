"""The panel: cards of the granted classes only, never stale, gone with the grant."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, update

from consent.vocabulary import DataClass
from service.domain.risk.stability import Steady
from service.grants import actions as grants
from service.grants import gate
from service.identity import actions as identity
from service.kit.clock import city_day
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.panel import actions, store
from service.panel.card import FRAME, MOST_DUE, Card, decode, encode, with_history
from service.panel.memory import memory_of
from service.panel.order import Position, Query, Row, named, narrowed, page_of
from service.panel.tables import panel_cards
from service.residents.profile import Profile
from tests.consent_room import Clinic, care_offer
from tests.record_room import REGIONS, observation, pressure

TODAY = date(2026, 11, 20)


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def panel(here: Clinic, doctor: UUID) -> dict[UUID, Card]:
    found = here.write(
        lambda conn: actions.rows(
            conn, here.vault, practitioner=doctor, regions=REGIONS, now=here.now
        )
    )
    return {row.resident: row.card for row in found}


def cards(here: Clinic) -> int:
    query = select(func.count()).select_from(panel_cards)
    return here.read(lambda conn: conn.execute(query).scalar_one())


def regroup(here: Clinic, resident: UUID) -> None:
    def job(conn: Connection) -> None:
        here.manage(conn, resident)
        actions.regroup(conn, here.vault, resident=resident, regions=REGIONS, now=here.now)

    here.write(job)


def test_a_card_shows_the_level_of_the_granted_classes_only(here: Clinic) -> None:
    zhou, wang = here.doctor_named(), here.doctor_named("王医生")
    seeing, blind = here.resident(), here.resident()
    for person in (seeing, blind):
        here.log(person, pressure(192, 118))
    here.sign(seeing, zhou, ["body"])
    here.sign(blind, zhou, ["lifestyle"])
    shown = panel(here, zhou)
    assert shown[seeing].level == 5
    assert shown[blind].level is None
    assert shown[seeing].last_seen == TODAY
    assert shown[blind].last_seen is None
    assert panel(here, wang) == {}


def test_a_card_follows_what_was_logged_after_it(here: Clinic) -> None:
    zhou, lin = here.doctor_named(), here.resident()
    here.sign(lin, zhou)
    here.log(lin, pressure(118, 76))
    before = panel(here, zhou)[lin]
    assert (before.level_change, before.level_changed_on) == (None, None)
    here.now += timedelta(days=1)
    # Nobody refreshes: the panel itself notices that the card is behind.
    here.log(lin, pressure(192, 118, "2026-11-21T08:00:00+08:00"))
    after = panel(here, zhou)[lin]
    assert after.level == 5
    assert after.previous_level == before.level
    assert after.level_changed_on == TODAY + timedelta(days=1)
    assert after.level_change == (None if before.level is None else 5 - before.level)


def test_a_refreshed_card_is_current(here: Clinic) -> None:
    zhou, lin = here.doctor_named(), here.resident()
    here.sign(lin, zhou)
    regroup(here, lin)
    here.log(lin, pressure())

    def is_current() -> bool:
        slot = here.read(lambda conn: store.slot(conn, lin, zhou))
        return slot is not None and slot.current

    assert not is_current()

    def refresh(conn: Connection) -> None:
        here.manage(conn, lin)
        actions.refresh(conn, here.vault, resident=lin, regions=REGIONS, now=here.now)

    here.write(refresh)
    assert is_current()


@pytest.mark.parametrize("how", ["withdraw", "end", "shut_out", "without-name"])
def test_who_may_no_longer_be_seen_is_on_no_panel(here: Clinic, how: str) -> None:
    zhou, lin, wei = here.doctor_named(), here.resident(), here.resident()
    signed = here.sign(lin, zhou)
    here.sign(wei, zhou)
    regroup(here, lin)
    assert set(panel(here, zhou)) == {lin, wei}
    assert signed.grant is not None
    if how == "end":
        here.end(lin)
    elif how == "shut_out":
        here.act(lin, grants.shut_out, on=True, now=here.now)
    else:
        here.withdraw(lin, signed.grant.grant.id)
    if how == "without-name":
        here.give(lin, care_offer(zhou, "body"))
    assert set(panel(here, zhou)) == {wei}
    regroup(here, lin)
    assert cards(here) == 1


def test_what_is_remembered_outlives_neither_records_nor_consent(
    here: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    zhou, lin, wei = here.doctor_named(), here.resident(), here.resident()
    signed = here.sign(lin, zhou)
    here.sign(wei, zhou)
    opened: list[UUID] = []
    real = here.vault.open
    monkeypatch.setattr(
        here.vault, "open", lambda one, permit: opened.append(permit.subject) or real(one, permit)
    )

    def looked() -> set[UUID]:
        opened.clear()
        panel(here, zhou)
        return set(opened)

    # The first look makes the cards, the second opens and remembers them.
    assert looked() == {lin, wei}
    assert looked() == {lin, wei}
    assert looked() == set()
    here.log(lin, pressure(192, 118))
    assert looked() == {lin}
    assert panel(here, zhou)[lin].level == 5
    assert looked() == set()
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)
    assert set(panel(here, zhou)) == {wei}
    # A permit lasts five minutes; then everything is decided and opened again.
    here.now += timedelta(minutes=5)
    assert looked() == {wei}


def test_what_is_over_or_forgotten_lies_in_no_memory(here: Clinic) -> None:
    """Nobody looks at the panel again: what is remembered goes all the same."""
    zhou, wang = here.doctor_named(), here.doctor_named("王医生")
    lin, wei, mei = here.resident(), here.resident(), here.resident()
    for who, doctor in ((lin, zhou), (wei, zhou), (mei, wang)):
        here.sign(who, doctor)
    for doctor in (zhou, zhou, wang, wang):
        panel(here, doctor)
    memory = memory_of(here.vault)

    def remembered() -> dict[UUID, set[UUID]]:
        return {doctor: set(rows) for doctor, rows in memory._panels.items()}

    assert remembered() == {zhou: {lin, wei}, wang: {mei}}
    here.vault.forget(lin)
    assert remembered() == {zhou: {wei}, wang: {mei}}
    panel(here, zhou)
    assert remembered()[zhou] == {lin, wei}
    here.vault.shred(lin, now=here.now, reason="asked")
    assert remembered() == {zhou: {wei}, wang: {mei}}
    here.now += timedelta(minutes=5) - timedelta(seconds=1)
    memory.sweep(here.now)
    assert remembered() == {zhou: {wei}, wang: {mei}}
    here.now += timedelta(seconds=1)
    memory.sweep(here.now)
    assert remembered() == {}


def test_a_large_panel_of_yesterday_is_read_twice(
    here: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards that the first look left as they were are remembered, and their turn comes next."""
    monkeypatch.setattr(actions, "RENEWED_AT_ONCE", 1)
    zhou = here.doctor_named()
    for _ in range(3):
        here.sign(here.resident(), zhou)
    panel(here, zhou)
    here.now += timedelta(days=1)
    looks = [[card.made_on for card in panel(here, zhou).values()] for _ in range(4)]
    assert [look.count(city_day(here.now)) for look in looks] == [1, 2, 3, 3]


def test_a_deny_that_begins_meanwhile_closes_a_remembered_row(here: Clinic) -> None:
    zhou, lin, wei = here.doctor_named(), here.resident(), here.resident()
    here.sign(lin, zhou)
    here.sign(wei, zhou)
    begins = here.now + timedelta(minutes=1)
    offer = care_offer(zhou, "profile")
    here.give(lin, replace(offer, deny=True, separate_consent=(), valid_from=begins))
    # The second look remembers the rows, for as long as their permits are good.
    assert set(panel(here, zhou)) == set(panel(here, zhou)) == {lin, wei}
    here.now = begins
    assert set(panel(here, zhou)) == {wei}


def test_who_left_office_has_no_panel_however_large_it_was(here: Clinic) -> None:
    zhou, wang = here.doctor_named(), here.doctor_named("王医生")
    people = {here.resident() for _ in range(actions.ASKED_ONE_BY_ONE + 1)}
    for person in people:
        here.sign(person, zhou)
    other = here.resident()
    here.sign(other, wang)
    assert set(panel(here, zhou)) == people

    def disable(conn: Connection) -> None:
        identity.disable_practitioner(conn, zhou, now=here.now)
        actions.clear(conn, zhou)

    here.write(disable)
    assert panel(here, zhou) == {}
    asked = here.read(
        lambda conn: gate.admit_panel(conn, here.vault, practitioner=zhou, now=here.now)
    )
    assert asked == {}
    assert set(panel(here, wang)) == {other}


def test_a_changed_grant_makes_the_card_anew(here: Clinic) -> None:
    zhou, lin = here.doctor_named(), here.resident()
    signed = here.sign(lin, zhou, ["body"])
    here.log(lin, pressure(192, 118))
    assert panel(here, zhou)[lin].level == 5
    assert signed.grant is not None
    here.act(
        lin,
        grants.change,
        signed.grant.grant.id,
        offer=care_offer(zhou, "profile", "lifestyle"),
        now=here.now,
    )
    card = panel(here, zhou)[lin]
    # The level of before rested on classes that are closed now, so it is not even history.
    assert (card.level, card.previous_level) == (None, None)


def test_a_card_of_one_resident_opens_for_no_other(here: Clinic) -> None:
    zhou, lin, wei = here.doctor_named(), here.resident(), here.resident()
    for person in (lin, wei):
        here.sign(person, zhou)
    panel(here, zhou)
    slot = here.read(lambda conn: store.slot(conn, lin, zhou))
    assert slot is not None
    here.write(
        lambda conn: conn.execute(
            update(panel_cards)
            .where(panel_cards.c.resident_id == wei)
            .values(sealed_card=slot.sealed_card)
        )
    )
    with pytest.raises(IntegrityBroken):
        panel(here, zhou)


def test_every_sealed_card_has_one_size_and_no_name_in_it(here: Clinic) -> None:
    zhou = here.doctor_named()
    for name in ("林", "欧阳" * 50):
        person = here.resident(Profile(name, date(1968, 3, 9), "female", "330106"))
        here.sign(person, zhou)
        here.log(person, pressure(), observation({"bmi": 31.0}))
    panel(here, zhou)
    sealed = here.read(
        lambda conn: [bytes(one) for one in conn.scalars(select(panel_cards.c.sealed_card))]
    )
    assert len({len(one) for one in sealed}) == 1
    assert not any("林".encode() in one for one in sealed)


# The order of a panel, which needs no database.


def card(name: str, level: int | None, due: date | None) -> Card:
    return Card(
        name=name,
        birth_date=date(1960, 1, 1),
        sex="male",
        level=level,
        previous_level=None,
        level_changed_on=None,
        due=() if due is None else (("blood_pressure", due),),
        last_seen=None,
        basis="",
        made_on=TODAY,
    )


PEOPLE = {
    "赵": card("赵一", 3, TODAY + timedelta(days=3)),
    "安": card("安二", 5, TODAY + timedelta(days=9)),
    "李": card("李三", 5, TODAY - timedelta(days=9)),
    "王": card("王四", None, None),
}


def listed(query: Query) -> str:
    rows = [Row(UUID(int=n), one, None) for n, one in enumerate(PEOPLE.values())]  # type: ignore[arg-type]
    return "".join(row.card.name[0] for row in narrowed(named(rows, query), query, TODAY))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (Query(), "李安赵王"),
        (Query(sort="due"), "李赵安王"),
        (Query(sort="name"), "安李王赵"),
        (Query(level=5), "李安"),
        (Query(due=True), "李"),
        (Query(due=False), "安赵王"),
        (Query(q="三"), "李"),
        (Query(q="无"), ""),
    ],
)
def test_a_panel_is_read_riskiest_and_most_overdue_first(query: Query, names: str) -> None:
    assert listed(query) == names


def test_pages_join_to_the_whole_list_even_when_somebody_leaves() -> None:
    rows = [Row(UUID(int=n), PEOPLE["赵"], None) for n in range(7)]  # type: ignore[arg-type]
    seen: list[UUID] = []
    after: Position | None = None
    while True:
        shown, after = page_of(rows, 3, after)
        seen += [row.resident for row in shown]
        if after is None:
            break
    assert seen == [row.resident for row in rows]
    _, after = page_of(rows, 3, None)
    assert after is not None
    left = [row for row in rows if row.resident != after.resident]
    assert [row.resident.int for row in page_of(left, 3, after)[0]] == [4, 5, 6]
    assert page_of([], 3, None) == ([], None)


def test_a_card_is_read_back_as_it_was_kept() -> None:
    since = datetime(2026, 11, 20, 9, 30, 15, 250, UTC)
    held = Steady(5, tuple((low, since) for low in range(1, 5)))
    for one in PEOPLE.values():
        assert decode(encode(one)) == one
        due = (("cardiovascular_risk", TODAY),) * MOST_DUE
        waiting = replace(one, name="欧阳" * 50, due=due, held=held, due_more=12)
        assert decode(encode(waiting)) == waiting
        assert len(encode(waiting)) < FRAME - 8
        # As cards were kept before levels were held on them.
        older = json.dumps(json.loads(encode(waiting))[:-2]).encode()
        assert decode(older) == replace(waiting, held=Steady(), due_more=0)
        # As they were kept while two checks were all that could be due.
        older = json.dumps(json.loads(encode(waiting))[:-1]).encode()
        assert decode(older) == replace(waiting, due_more=0)


def test_a_level_that_stays_keeps_the_day_it_changed() -> None:
    first, later = card("赵", 3, None), card("赵", 4, None)
    risen = with_history(later, first)
    assert (risen.previous_level, risen.level_change, risen.level_changed_on) == (3, 1, TODAY)
    assert with_history(later, risen) == risen
    assert with_history(first, None) == first


def test_due_only_names_what_the_classes_can_tell(here: Clinic) -> None:
    zhou, lin = here.doctor_named(), here.resident()
    here.sign(lin, zhou, ["body"])
    here.log(lin, pressure())
    shown = panel(here, zhou)[lin]
    assert shown.due == (("blood_pressure", date(2027, 11, 20)),)
    assert DataClass.SCREENING not in here.asked(zhou, lin).classes
