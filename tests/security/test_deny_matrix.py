"""Every operation times every persona: exactly the cells of `deny_table` are let in.

All others are turned away: without an acceptable token for that door by 401, otherwise by 404 or
403. For one operation and one status all of them read the same bytes, and about somebody who is
hidden from them what they read about nobody at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import httpx
import pytest

from tests.contract.validated import document
from tests.house_room import Person
from tests.security.deny_table import (
    CLASSLESS,
    GUARDIAN,
    LET_IN,
    OWNER,
    PERSONAS,
    SIGNED,
    WITHDRAWN,
)
from tests.security.matrix_crowd import CANARY, Crowd, every_ask, gathered
from tests.security.matrix_states import Prepared
from tests.standing_room import Standing, Ward

TURNED_AWAY = {401: "unauthenticated", 403: "refused", 404: "not-found"}
RELATED = {CLASSLESS, WITHDRAWN}
"""Of those turned away, who has or had to do with the person they ask about."""
OF_THE_ASKER = {"break-glass-needs-acr"}
"""Rules that look at the asker alone, and are told before anybody is looked for."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    with gathered(tmp_path_factory.mktemp("matrix"), request.param) as here:
        yield here


LAST = (
    *("withdraw_grant_of_child", "end_contract_of_child"),
    *("erase_class_of_child", "leave_child", "erase_me_of_child"),
    *("withdraw_grant", "end_contract", "erase_class", "erase_me"),
)
"""What these let in ends what the others ask for."""
ENDED_BY = {"leave_child": GUARDIAN}
"""Who ends it, where it is not the owner: one guardian has to stay."""


@dataclass(frozen=True)
class Knock:
    """One persona at one operation, which named what is there or (`ghost`) what is nowhere."""

    name: str
    persona: str
    ghost: bool
    answer: httpx.Response

    @property
    def expected(self) -> bool:
        return not self.ghost and self.persona in LET_IN[self.name]

    @property
    def let_in(self) -> bool:
        code = TURNED_AWAY.get(self.answer.status_code)
        return code is None or self.answer.json()["code"] != code

    @property
    def told(self) -> tuple[object, ...]:
        """All that is said to who was turned away, but for the number of the request."""
        body = self.answer.json()
        headers = dict(self.answer.headers)
        assert body.pop("request_id") == headers.pop("x-request-id")
        return self.answer.status_code, body, headers


@pytest.fixture(scope="module")
def knocks(crowd: Crowd) -> list[Knock]:
    """Everybody at every door. Those that are turned away knock first; what ends comes last."""
    ghosts = every_ask(nowhere(crowd.here))
    prepared = Prepared(crowd)
    found = []
    for name in (*(one for one in LET_IN if one not in LAST), *LAST):
        for persona in sorted(PERSONAS, key=lambda one: one in LET_IN[name]):
            ender = ENDED_BY.get(name, OWNER)
            if name in LAST and persona in LET_IN[name] and persona != ender:
                continue
            ready = prepared.ready(name, persona)
            answer = ready.sent(crowd)
            found.append(Knock(name, persona, False, answer))
            # Whom the audience of the door keeps out is never looked at any further.
            if answer.status_code != 401 and name in ghosts and ghosts[name].path != ready.ask.path:
                ghost = replace(ready, ask=ghosts[name]).sent(crowd)
                found.append(Knock(name, persona, True, ghost))
    return found


def nowhere(here: Standing) -> Standing:
    """The same town, with ids that nobody and nothing there has."""
    nobody = Person(str(uuid4()), "nobody", "", None)
    no_child = Ward(str(uuid4()), str(uuid4()), str(uuid4()))
    ids = {name: str(uuid4()) for name in ("grant", "record", "release")}
    return replace(here, resident=nobody, child=no_child, **ids)


def test_the_table_has_every_operation() -> None:
    declared = {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }
    assert set(LET_IN) == declared


def test_whatever_can_be_served_is_served_to_somebody() -> None:
    """What is left lets nobody in here; the table says why beside each."""
    nowhere_served = {"begin_federated_sign_in", "end_federated_sign_in"}
    of_grown_people = {"get_explanation_of_child"}
    closed = {name for name, personas in LET_IN.items() if not personas}
    assert closed == nowhere_served | of_grown_people


def test_exactly_the_cells_of_the_table_are_let_in(knocks: list[Knock]) -> None:
    wrong = []
    for one in knocks:
        served = one.answer.is_success or not one.expected
        if one.let_in is not one.expected or one.answer.status_code >= 500 or not served:
            wrong.append(
                (one.name, one.persona, one.ghost, one.answer.status_code, one.answer.text)
            )
        if one.persona not in {OWNER, SIGNED}:
            assert CANARY not in one.answer.text, one
    assert wrong == []


def test_all_who_are_turned_away_alike_read_the_same_bytes(knocks: list[Knock]) -> None:
    """For one operation and one status: whoever asks, and for what is there or nowhere.

    A 403 names the rule, so it has one text for each rule.
    """
    texts: dict[tuple[object, ...], list[Knock]] = {}
    for one in knocks:
        if not one.expected:
            key = one.name, one.answer.status_code, one.answer.json().get("rule")
            texts.setdefault(key, []).append(one)
    for same in texts.values():
        for one in same:
            assert one.told == same[0].told, (one, same[0])
    assert sum(len(same) for same in texts.values()) > 1000


def test_only_who_knows_the_subject_is_told_the_rule(knocks: list[Knock]) -> None:
    """To everybody else what is there and hidden is as what is nowhere."""
    told = {(one.name, one.persona): one.told for one in knocks if one.ghost}
    compared = 0
    for one in knocks:
        rule = None if one.let_in else one.answer.json().get("rule")
        if rule in OF_THE_ASKER:
            rule = None
        assert rule is None or (one.persona in RELATED and not one.ghost), one
        if not one.expected and not one.ghost and rule is None and (one.name, one.persona) in told:
            assert one.told == told[one.name, one.persona], one
            compared += 1
    assert compared > 90
