"""Taking a passkey away takes away what it opened."""

from tests.authenticator import Authenticator
from tests.house_room import Person, Town
from tests.passkey_room import asked, enrolled, entered, refused


def test_a_removed_passkey_ends_the_sign_ins_of_whoever_has_it(here: Town, lin: Person) -> None:
    mine, stolen = Authenticator(), Authenticator()
    enrolled(here, lin, mine)
    owner = here.person(lin.login, entered(here, mine.get(asked(here))).json())
    lost = enrolled(here, owner, stolen)
    thief = here.person(lin.login, entered(here, stolen.get(asked(here))).json())
    assert here.doors.get("/v1/me", headers=thief.headers).status_code == 200
    gone = here.doors.delete(f"/v1/auth/passkeys/{lost}", headers=owner.headers)
    assert gone.status_code == 204
    refused(here.doors.get("/v1/me", headers=thief.headers), 401, "unauthenticated")
    more = here.token(grant_type="refresh_token", refresh_token=thief.refresh or "")
    assert more.status_code == 401
    assert here.doors.get("/v1/me", headers=owner.headers).status_code == 200
    kept = here.token(grant_type="refresh_token", refresh_token=owner.refresh or "")
    assert kept.status_code == 200
