"""System keys: the blind index, secrets and signing keys with their stages."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Thread

import pytest

from service.keys.keystore import Keystore
from service.keys.system import KID, SystemKeys
from service.keys.tables import system_keys
from service.kit.errors import IntegrityBroken
from tests.keyring_room import found


@pytest.fixture
def keystore(keystore_url: str, tmp_path: Path) -> Iterator[Keystore]:
    opened = found(keystore_url, tmp_path)
    yield opened
    opened.close()


def test_a_blind_index_is_the_same_in_every_process(keystore: Keystore) -> None:
    first, second = SystemKeys(keystore), SystemKeys(keystore)
    index = first.blind_index("phone", "13800000000")
    assert len(index) == 16
    assert index == second.blind_index("phone", "13800000000")
    assert index != first.blind_index("login", "13800000000")
    assert index != first.blind_index("phone", "13800000001")


def test_two_deployments_blind_apart(keystore: Keystore, tmp_path: Path) -> None:
    elsewhere = found(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other")
    here, there = SystemKeys(keystore), SystemKeys(elsewhere)
    assert here.blind_index("phone", "1") != there.blind_index("phone", "1")
    assert here.signing_key("jwt").kid != there.signing_key("jwt").kid
    elsewhere.close()


def test_secrets_are_many_and_lasting(keystore: Keystore) -> None:
    names = ["statistics", "cursor", "code", "audit"]
    made = {name: SystemKeys(keystore).secret(name) for name in names}
    assert {len(secret) for secret in made.values()} == {32}
    assert len(set(made.values())) == 4
    assert {name: SystemKeys(keystore).secret(name) for name in names} == made


def test_processes_that_start_together_agree(keystore: Keystore) -> None:
    start, made = Barrier(4), []

    def begin() -> None:
        system = SystemKeys(keystore)
        start.wait()
        made.append((system.secret("code"), system.signing_key("jwt").kid))

    threads = [Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


@pytest.mark.parametrize("name", ["jwt", "receipt", "release", "audit", "prescription"])
def test_a_signing_key_signs_and_its_public_key_verifies(keystore: Keystore, name: str) -> None:
    key = SystemKeys(keystore).signing_key(name)
    assert KID.fullmatch(key.kid)
    again = SystemKeys(keystore).signing_key(name)
    again.public.verify(key.private.sign(b"words"), b"words")
    assert again.kid == key.kid


def test_stages_pass_from_next_to_retired(keystore: Keystore) -> None:
    system = SystemKeys(keystore)
    seen = [_stages(system)]
    for _ in range(3):
        system.renew_signing_key("jwt")
        seen.append(_stages(system))
    assert set(seen[0]) == {"current", "next"}
    for before, after in pairwise(seen):
        assert after["current"] == before["next"]
        assert after["previous"] == before["current"]
        assert after["next"] not in before.values()
    assert seen[0]["current"] not in seen[3].values()
    assert _stages(SystemKeys(keystore)) == seen[3]


def test_a_verifier_that_cached_the_set_knows_the_new_signer(keystore: Keystore) -> None:
    signer, verifier = SystemKeys(keystore), SystemKeys(keystore)
    cached = {key.kid for key in verifier.signing_keys("jwt")}
    signer.renew_signing_key("jwt")
    assert signer.signing_key("jwt").kid in cached


def test_a_moved_system_key_does_not_open(keystore: Keystore) -> None:
    system = SystemKeys(keystore)
    system.secret("code")
    system.secret("cursor")
    rows = {row.name: row for row in keystore.system()}
    with keystore.engine.execution_options(kangma_writes=True).begin() as conn:
        conn.execute(
            system_keys.update()
            .where(system_keys.c.name == "secret-code")
            .values(wrapped=rows["secret-cursor"].wrapped)
        )
    with pytest.raises(IntegrityBroken):
        SystemKeys(keystore).secret("code")


@pytest.mark.parametrize("name", ["", "UPPER", "a" * 15, "dot.dot", "1st"])
def test_an_odd_name_is_refused(keystore: Keystore, name: str) -> None:
    for ask in (SystemKeys(keystore).secret, SystemKeys(keystore).signing_keys):
        with pytest.raises(ValueError, match="small letters"):
            ask(name)
    assert keystore.system() == []


def _stages(system: SystemKeys) -> dict[str, str]:
    return {key.stage: key.kid for key in system.signing_keys("jwt")}
