"""Signing with a doctor: contract and grant in one step, and each ends the other's reach."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from consent.vocabulary import DataClass
from service.contracts import store
from service.contracts.tables import contracts
from service.grants import actions, signing
from service.grants.tables import grants
from service.kit.db import Database
from service.kit.errors import Conflict, Invalid, NotFound, StepUpRequired
from service.kit.ids import new_id
from tests.consent_room import Clinic, care_offer


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def rows(here: Clinic) -> tuple[int, int]:
    count = [select(func.count()).select_from(table) for table in (contracts, grants)]
    return here.read(lambda conn: tuple(conn.execute(one).scalar_one() for one in count))


def test_signing_makes_the_care_grant_with_the_name_in_it(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou, ["body", "lifestyle"])
    assert signed.grant is not None
    assert signed.grant.contract == signed.contract.id
    shown = actions.shown(signed.grant, here.now)
    assert shown["data_classes"] == ["profile", "lifestyle", "body"]
    assert shown["actions"] == ["read", "write"]
    assert shown["separate_consent"] == ["body"]
    assert here.asked(zhou, lin).rule == "signed-doctor"
    assert here.read(lambda conn: store.panel_of(conn, zhou)) == [lin]


def test_a_resident_has_one_contract_at_a_time(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.sign(lin, zhou)
    for doctor in (zhou, wang):
        with pytest.raises(Conflict):
            here.sign(lin, doctor)
    assert rows(here) == (1, 1)
    here.end(lin)
    here.sign(lin, wang)
    assert rows(here) == (2, 2)
    assert (here.asked(wang, lin).allow, here.asked(zhou, lin).allow) == (True, False)


def test_a_signing_with_a_fault_keeps_nothing(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    for doctor, classes, pointer in (
        (zhou, ["body", "aura"], "/data_classes/1"),
        (zhou, [], "/data_classes"),
        (new_id(), ["body"], "/doctor_id"),
    ):
        with pytest.raises(Invalid) as told:
            here.sign(lin, doctor, classes)
        assert [fault.pointer for fault in told.value.faults] == [pointer]
    with pytest.raises(StepUpRequired):
        here.act(
            lin,
            signing.sign,
            doctor=zhou,
            package="basic",
            data_classes=["genetic"],
            now=here.now,
            stepped_up=False,
        )
    assert rows(here) == (0, 0)


def test_ending_the_contract_withdraws_its_grant(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou)
    beside = here.give(lin, care_offer(zhou, "mental"))
    ended = here.end(lin)
    assert ended.grant is not None
    assert ended.grant.grant.status(here.now) == "withdrawn"
    assert ended.contract.ended_at == here.now
    # What was granted beside the contract stays on record and opens nothing without one.
    assert here.act(lin, actions.get, beside.grant.id).grant.status(here.now) == "active"
    assert here.asked(zhou, lin).allow is False
    with pytest.raises(NotFound):
        here.end(lin)


def test_withdrawing_the_grant_ends_the_reach_of_the_contract(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou)
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)
    assert here.asked(zhou, lin).rule == "withdrawn"
    current = here.act(lin, signing.current)
    assert current.contract.active
    assert current.grant is not None
    assert current.grant.withdrawn
    here.give(lin, care_offer(zhou, "body"))
    assert here.asked(zhou, lin).classes == {DataClass.BODY}


def test_of_signings_at_the_same_moment_one_wins(
    here: Clinic, database_url: str, keystore_url: str
) -> None:
    lin = here.resident()
    doctors = [here.doctor_named(f"医生{n}") for n in range(4)]
    processes = [Database(database_url) for _ in doctors]
    outcomes: list[UUID | type[Exception]] = []

    def sign(database: Database, doctor: UUID) -> None:
        def job(conn: object) -> UUID:
            signed = signing.sign(
                conn,  # type: ignore[arg-type]
                here.vault,
                here.manage(conn, lin),  # type: ignore[arg-type]
                doctor=doctor,
                package="basic",
                data_classes=["body"],
                now=here.now,
            )
            return signed.contract.id

        try:
            outcomes.append(database.write(job))
        except Exception as error:
            outcomes.append(type(error))

    threads = [
        threading.Thread(target=sign, args=pair) for pair in zip(processes, doctors, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.close()
    assert sorted(str(one) for one in outcomes if one is Conflict) == [str(Conflict)] * 3
    assert rows(here) == (1, 1)
