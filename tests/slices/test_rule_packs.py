"""A pack is signed and kept, every prompt names its own, and a trial tells counts alone."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli import rules as commands
from service.cli.commands import tree
from service.domain.risk import rules
from service.domain.risk.rules import SHIPPED, PackRefused
from service.house import House
from service.jobs.contribute import contribute
from service.jobs.rules import follow, trial
from service.keys.system import SystemKeys
from service.kit.errors import IntegrityBroken
from service.kit.settings import Settings
from service.prompts import document, levels, packs
from service.prompts.story import Story
from tests.api.test_contributions_api import agree
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.record_room import pressures


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened
    rules.enforce(SHIPPED)


def stricter(pack: str = "2026.2") -> dict[str, Any]:
    """High normal blood pressure is yellow."""
    document = copy.deepcopy(dict(SHIPPED.document)) | {"pack": pack}
    document["levels"]["bp_stratum"] |= {"正常高值": 3, "低危": 3}
    return document


def activate(here: Town, document: dict[str, Any]) -> None:
    packs.activate(here.house.settings.data, here.house.system, document)
    follow(here.house)


def file_of(here: Town, pack: str) -> Path:
    return here.house.settings.data / packs.FOLDER / f"{pack}.jws"


def high_normal(here: Town, login: str) -> Person:
    who = here.resident(login)
    answer = here.doors.post(
        "/v1/me/records", json={"records": pressures(125, 82)}, headers=who.headers
    )
    assert answer.status_code == 200, answer.text
    return who


def prompt(here: Town, who: Person) -> tuple[int, str]:
    body = here.doors.get("/v1/me/prompt", headers=who.headers).json()
    return body["level"], body["rule_pack"]


def test_a_stored_prompt_is_made_anew_under_another_pack_and_names_it(here: Town) -> None:
    lin = high_normal(here, "lin")
    assert prompt(here, lin) == (2, SHIPPED.pack)
    activate(here, stricter())
    assert prompt(here, lin) == (3, "2026.2")
    shown = here.doors.get("/v1/models/five_level_mapping").json()
    assert shown["version"] == "2026.2"


def test_a_prompt_that_is_made_while_the_pack_changes_is_made_anew(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was judged by the pack of before, and is kept when the next one is in force already."""
    lin = high_normal(here, "lin")
    spelled = document.spelled

    def late(shown: Mapping[str, Any]) -> bytes:
        monkeypatch.setattr(document, "spelled", spelled)
        activate(here, stricter())
        return spelled(shown)

    monkeypatch.setattr(document, "spelled", late)
    assert prompt(here, lin) == (2, SHIPPED.pack)
    assert prompt(here, lin) == (3, "2026.2")


def test_a_change_of_level_names_the_pack_it_was_judged_by(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pack changes between the level and its explanation."""
    story = levels._story

    def late(*given: Any) -> Story:
        activate(here, stricter())
        return story(*given)

    monkeypatch.setattr(levels, "_story", late)
    lin = high_normal(here, "lin")
    (moment,) = here.doors.get("/v1/me/prompts", headers=lin.headers).json()["items"]
    told = here.doors.get(f"/v1/me/explanations/{moment['explanation']}", headers=lin.headers)
    assert (told.json()["to_level"], told.json()["rule_pack"]) == (2, SHIPPED.pack)


def test_of_two_packs_of_one_name_at_once_the_first_is_kept(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two operators look at the same moment, and find nothing as late as their packs."""
    signed, first, second = packs._signed, stricter(), stricter()
    second["levels"]["relief_from"] = 5

    def late(written: Mapping[str, Any], system: SystemKeys) -> str:
        monkeypatch.setattr(packs, "_signed", signed)
        activate(here, first)
        return signed(written, system)

    monkeypatch.setattr(packs, "_signed", late)
    with pytest.raises(PackRefused):
        activate(here, second)
    kept = packs.newest(here.house.settings.data, here.house.system)
    assert kept.document == first
    assert [file.name for file in file_of(here, "2026.2").parent.iterdir()] == ["2026.2.jws"]


def test_a_process_that_starts_later_judges_by_the_newest_pack(here: Town) -> None:
    activate(here, stricter("2026.2"))
    activate(here, stricter("2026.10"))
    rules.enforce(SHIPPED)
    follow(here.house)
    assert rules.in_force().pack == "2026.10"


def test_a_night_job_counts_by_the_newest_pack(here: Town) -> None:
    activate(here, stricter())
    rules.enforce(SHIPPED)
    contribute(here.house, now=here.house.clock())
    assert rules.in_force().pack == "2026.2"


def test_a_pack_must_be_later_than_the_one_in_force(here: Town) -> None:
    activate(here, stricter("2026.5"))
    for pack in ("2026.5", "2026.4", SHIPPED.pack):
        with pytest.raises(PackRefused) as refusal:
            activate(here, stricter(pack))
        assert [fault.pointer for fault in refusal.value.faults] == ["/pack"]


def test_a_changed_pack_is_in_force_nowhere(here: Town) -> None:
    activate(here, stricter())
    rules.enforce(SHIPPED)
    file = file_of(here, "2026.2")
    header, payload, signature = file.read_text().strip().split(".")
    other = "A" if payload[10] != "A" else "B"
    for forged in (
        f"{header}.{payload[:10]}{other}{payload[11:]}.{signature}",
        f"{header}.{payload}.",
        "nothing",
        "",
    ):
        file.write_text(forged)
        with pytest.raises(IntegrityBroken):
            follow(here.house)
        assert rules.in_force() is SHIPPED


def test_a_pack_under_another_name_is_refused(here: Town) -> None:
    activate(here, stricter())
    file_of(here, "2026.2").rename(file_of(here, "2026.3"))
    with pytest.raises(IntegrityBroken):
        packs.newest(here.house.settings.data, here.house.system)


def test_a_signature_for_another_use_is_refused(here: Town) -> None:
    """A token of this very deployment, of a key that is published."""
    activate(here, stricter())
    lin = here.resident()
    file_of(here, "2026.2").write_text(lin.access)
    with pytest.raises(IntegrityBroken):
        packs.newest(here.house.settings.data, here.house.system)


def test_a_trial_counts_who_agrees_in_tens_and_changes_nothing(here: Town) -> None:
    people = [high_normal(here, f"person{number}") for number in range(12)]
    for who in people[:9]:
        agree(here, who)
    now = here.house.clock()
    few = trial(here.house, rules.read(stricter()), now=now)
    assert (few.residents, few.would_change) == (None, None)
    assert few.as_facts()["would_change"] == "fewer than 10"
    for who in people[9:11]:
        agree(here, who)
    found = trial(here.house, rules.read(stricter()), now=now)
    assert (found.residents, found.would_change, found.rise, found.fall) == (10, 10, 10, None)
    assert (found.pack, found.in_force) == ("2026.2", SHIPPED.pack)
    same = trial(here.house, rules.read({**SHIPPED.document, "pack": "2026.2"}), now=now)
    assert (same.residents, same.would_change) == (10, None)
    assert prompt(here, people[0]) == (2, SHIPPED.pack)
    assert rules.in_force() is SHIPPED


def test_commands_show_try_and_activate(
    here: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def open_house() -> Iterator[House]:
        yield here.house

    monkeypatch.setattr(commands, "open_house", open_house)
    runner = CliRunner()

    def run(*words: str) -> Any:
        return runner.invoke(tree(), ["rules", *words])

    shown = json.loads(run("show").stdout)
    assert shown == SHIPPED.document
    file = tmp_path / "pack.json"
    file.write_text(json.dumps(stricter()), "utf-8")
    tried = json.loads(run("preview", str(file), "--json").stdout)
    assert tried["residents"] == "fewer than 10"
    assert rules.in_force() is SHIPPED
    assert json.loads(run("activate", str(file), "--json").stdout)["pack"] == "2026.2"
    again = run("activate", str(file))
    assert again.exit_code == 2
    assert "later than the pack in force" in " ".join(again.output.split())
    for text in ("{", json.dumps({**stricter("2026.9"), "levels": {}})):
        file.write_text(text, "utf-8")
        assert run("activate", str(file)).exit_code == 2
    assert rules.in_force().pack == "2026.2"
