"""Passkeys of practitioners: a password enrols the first, and in production opens nothing else."""

from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import update

from service.identity.tables import logins
from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.house_room import Town, town
from tests.passkey_room import ROOT, TURNED_AWAY, asked, enrolled, entered, refused


def test_a_doctors_first_passkey_follows_a_password_and_every_other_one_a_passkey(
    here: Town,
) -> None:
    doctor = here.doctor(f"zhou-{uuid4()}")
    device, second = Authenticator(), Authenticator()
    kept = enrolled(here, doctor, device)
    weak = here.doors.post(f"{ROOT}/registration", headers=doctor.headers)
    refused(weak, 403, "stronger-sign-in-required")
    assert 'acr_values="2"' in weak.headers["www-authenticate"]
    refused(
        here.doors.delete(f"{ROOT}/{kept}", headers=doctor.headers),
        403,
        "stronger-sign-in-required",
    )
    strong = here.person("zhou", entered(here, device.get(asked(here))).json())
    assert strong.id == doctor.id
    enrolled(here, strong, second)
    assert here.doors.delete(f"{ROOT}/{kept}", headers=strong.headers).status_code == 204


def test_in_production_a_password_opens_no_doctors_door_but_enrols_a_passkey(
    tmp_path: Path, clock: MovingClock
) -> None:
    kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
    with town(Settings(data=tmp_path / "data", kek=kek), clock) as here:
        doctor = here.doctor("zhou")
        answer = here.doors.get("/v1/doctor/panel", headers=doctor.headers)
        refused(answer, 403, "stronger-sign-in-required")
        assert 'acr_values="2"' in answer.headers["www-authenticate"]
        device = Authenticator()
        enrolled(here, doctor, device)
        strong = here.person("zhou", entered(here, device.get(asked(here))).json())
        assert here.doors.get("/v1/doctor/panel", headers=strong.headers).status_code == 200
        lin = here.resident("lin")
        assert here.doors.get("/v1/me", headers=lin.headers).status_code == 200


def test_a_doctor_who_is_shut_out_has_no_use_of_a_passkey(here: Town) -> None:
    doctor = here.doctor(f"zhou-{uuid4()}")
    device = Authenticator()
    enrolled(here, doctor, device)
    here.house.db.write(
        lambda conn: conn.execute(
            update(logins).where(logins.c.subject == UUID(doctor.id)).values(disabled=True)
        )
    )
    refused(entered(here, device.get(asked(here))), 401, TURNED_AWAY)
