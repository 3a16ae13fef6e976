"""A permit is made by `decide` in this process, unchanged and in time, or it is worth nothing."""

import ast
import copy
import os
import pickle
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from consent import signet
from consent.decide import PERMIT_LIFE
from consent.decision import Permit, PermitExpired, PermitForged
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from consent.window import Window
from tests.unit.consent.people import (
    BODY,
    CLINIC,
    DOCTOR,
    LIFESTYLE,
    NOW,
    RESIDENT,
    SECOND,
    ask,
    day,
    grant,
)

ROOT = Path(__file__).resolve().parents[3]


def doctors_permit() -> Permit:
    granted = grant(BODY, LIFESTYLE, observations_from=day("2025-01-01"))
    permit = ask(DOCTOR, BODY, grants=(granted,)).permit
    assert permit is not None
    return permit


CHANGES: dict[str, list[Any]] = {
    "subject": [uuid4()],
    "actor": [
        Actor(ActorKind.PRACTITIONER, DOCTOR.id, 3),
        Actor(ActorKind.RESIDENT, DOCTOR.id, DOCTOR.acr),
        Actor(DOCTOR.kind, DOCTOR.id + " ", DOCTOR.acr),
        replace(DOCTOR, clinic=CLINIC),
        replace(DOCTOR, roles=frozenset({"nurse"})),
    ],
    "classes": [
        ALL_CLASSES,
        frozenset({BODY, LIFESTYLE}),
        frozenset(),
        {BODY},
        frozenset({"x"}),
        (BODY,),
    ],
    "purpose": [Purpose.SELF_CARE],
    "action": [Action.WRITE],
    "grant": [None, uuid4()],
    "rule": ["own-record", "signed-doctor "],
    "owner": [True, 0],
    "window": [None, Window(None, None), Window(day("2024-12-31"), None), ()],
    "revision": [8, 7.0, None],
    "expires_at": [NOW + PERMIT_LIFE + SECOND / 1000, datetime(2999, 1, 1, tzinfo=UTC), None],
    "seal": [b"", bytes(32), "seal", None],
}


def test_a_genuine_permit_verifies() -> None:
    doctors_permit().verify(NOW)


def test_the_changes_below_cover_every_field() -> None:
    assert CHANGES.keys() == {field.name for field in fields(Permit)}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in CHANGES.items() for v in vs])
class TestChanged:
    def test_replacing_a_field_fails_at_once(self, field: str, value: Any) -> None:
        with pytest.raises(PermitForged):
            replace(doctors_permit(), **{field: value})

    def test_forcing_a_field_is_found(self, field: str, value: Any) -> None:
        permit = doctors_permit()
        object.__setattr__(permit, field, value)
        with pytest.raises(PermitForged):
            permit.verify(NOW)


class TestMadeByHand:
    def parts(self, **changes: Any) -> dict[str, Any]:
        permit = doctors_permit()
        return {field.name: getattr(permit, field.name) for field in fields(permit)} | changes

    def test_constructing_needs_the_seal(self) -> None:
        with pytest.raises(PermitForged):
            Permit(**self.parts(seal=os.urandom(32)))

    def test_the_seal_of_one_permit_fits_no_other(self) -> None:
        own = ask(RESIDENT, BODY).permit
        assert own is not None
        with pytest.raises(PermitForged):
            Permit(**self.parts(seal=own.seal))

    def test_leaving_the_constructor_out_does_not_help(self) -> None:
        bare = object.__new__(Permit)
        with pytest.raises(PermitForged):
            bare.verify(NOW)

    def test_the_same_parts_are_the_same_permit(self) -> None:
        assert Permit(**self.parts()) == doctors_permit()

    def test_a_subclass_cannot_bring_a_verify_of_its_own(self) -> None:
        with pytest.raises(TypeError):
            type("Kind", (Permit,), {"verify": lambda self, now=None: None})

    def test_fields_cannot_run_into_each_other(self) -> None:
        first = ask(Actor(ActorKind.PRACTITIONER, "ab"), BODY, grants=(grant(BODY, to="ab"),))
        assert first.permit is not None
        for rule, name in (("signed-doctora", "b"), ("signed-docto", "rab")):
            with pytest.raises(PermitForged):
                replace(first.permit, rule=rule, actor=Actor(ActorKind.PRACTITIONER, name))

    def test_permits_are_frozen(self) -> None:
        with pytest.raises(AttributeError):
            doctors_permit().owner = True  # type: ignore[misc]


class TestElsewhere:
    def test_a_permit_is_never_stored(self) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError):
                pickle.dumps(doctors_permit(), protocol)

    def test_a_copy_is_the_permit_itself(self) -> None:
        permit = doctors_permit()
        assert copy.copy(permit) is permit
        assert copy.deepcopy(permit) is permit

    def test_a_permit_of_another_process_is_worth_nothing_here(self) -> None:
        script = (
            "from tests.unit.consent.test_permit import doctors_permit;"
            "print(doctors_permit().seal.hex())"
        )
        told = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        seal = bytes.fromhex(told.stdout.strip())
        assert len(seal) == 32
        with pytest.raises(PermitForged):
            replace(doctors_permit(), seal=seal)

    def test_a_forked_child_has_a_signet_of_its_own(self) -> None:
        script = (
            "import os; from tests.unit.consent.people import *;"
            "from consent.decision import PermitForged;"
            "permit = ask(RESIDENT, BODY).permit; child = os.fork()\n"
            "if child == 0:\n"
            "    try: permit.verify(NOW)\n"
            "    except PermitForged: os._exit(17)\n"
            "    os._exit(0)\n"
            "permit.verify(NOW)\n"
            "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
        )
        ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
        assert ended.returncode == 17


class TestTime:
    def test_ends_at_its_instant(self) -> None:
        permit = doctors_permit()
        permit.verify(permit.expires_at - timedelta(microseconds=1))
        with pytest.raises(PermitExpired):
            permit.verify(permit.expires_at)

    def test_without_an_instant_the_clock_is_asked(self) -> None:
        current = ask(RESIDENT, BODY, now=datetime.now(UTC)).permit
        past = ask(RESIDENT, BODY, now=datetime.now(UTC) - PERMIT_LIFE).permit
        assert current is not None
        assert past is not None
        current.verify()
        with pytest.raises(PermitExpired):
            past.verify()


class TestSecret:
    def test_the_seal_is_not_printed(self) -> None:
        permit = doctors_permit()
        assert "seal" not in repr(permit)
        assert permit.seal.hex() not in repr(permit)
        assert str(permit.seal) not in repr(permit)

    def test_the_seal_depends_on_the_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = signet.press(b"text")
        assert before == signet.press(b"text")
        other = blake2b(key=os.urandom(32), digest_size=32)
        monkeypatch.setattr(signet, "_keyed", other)
        assert before != signet.press(b"text")

    def test_a_seal_is_keyed_blake2b_and_uses_nothing_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = os.urandom(32)
        monkeypatch.setattr(signet, "_keyed", blake2b(key=key, digest_size=32))
        for text in (b"", b"text", b"text", bytes(300)):
            assert signet.press(text) == blake2b(text, key=key, digest_size=32).digest()

    def test_nothing_but_decide_and_permit_reaches_the_signet(self) -> None:
        importers = {
            str(path.relative_to(ROOT))
            for package in ("consent", "service", "clients", "bench")
            for path in (ROOT / package).rglob("*.py")
            if _names_signet(path)
        }
        assert importers == {"consent/decide.py", "consent/decision.py"}


def _names_signet(path: Path) -> bool:
    source = path.read_text("utf-8")
    if "signet" not in source:
        return False
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
        elif isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        else:
            continue
        if any(module.startswith("consent.signet") for module in modules):
            return True
    return False
