"""Versions of what residents read, and from when an older consent is not enough."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consent.grant import Notice
from consent.vocabulary import Purpose
from service.domain.vocabulary.measures import MEASURES
from service.grants import notices
from service.grants.notices import (
    EVER,
    editions,
    measures_hash,
    notice_for,
    notice_texts,
    outdated_from,
    shelved,
)

FIRST = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = datetime(2027, 6, 1, tzinfo=UTC)

# A text that was agreed to is never edited: a change is a new version below it.
PINNED = {
    ("care", "1"): "6b60a5cc33db3376 3296be2df3452a20",
    ("care", "2"): "492db7ef85647e5a 4ad0374b8b5ffc25",
    ("care", "3"): "21198143861dc81b ee6a2c3837b86f17",
    ("care", "4"): "83d808499ac6bfd8 11bd1e457e72ad38",
    ("statistics", "1"): "de1e303d1c7bcc69 39b37f3c37779f4e",
    ("statistics", "2"): "257069481b372c95 f5f6880a5322e543",
    ("statistics", "3"): "ce8d697806f8bf98 ef71741e438fb074",
}


def row(version: str, **more: Any) -> dict[str, Any]:
    return {"id": "care", "version": version, "zh": f"第{version}版", "en": version, **more}


def shelf(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> None:
    made = shelved(rows)
    monkeypatch.setattr(notices, "editions", lambda: made)


def under(version: str) -> Notice:
    return Notice("care", version, "zh", "ab" * 32)


class TestOnTheShelf:
    def test_no_published_text_was_ever_edited(self) -> None:
        kept = {
            (one.id, one.version): f"{one.sha256('zh')[:16]} {one.sha256('en')[:16]}"
            for known in editions().values()
            for one in known
        }
        assert kept == PINNED

    def test_the_newest_is_read_today(self) -> None:
        assert notice_texts()["care"].version == editions()["care"][-1].version == "4"

    def test_every_purpose_of_a_grant_has_a_text_of_its_own_language(self) -> None:
        for id_, known in notice_texts().items():
            assert known.in_("zh").sha256 != known.in_("en").sha256
            assert known.in_("zh").id == id_

    def test_a_version_is_there_once(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            shelved([row("1"), row("1")])

    @pytest.mark.parametrize("effective", [None, datetime(2027, 1, 1)])  # noqa: DTZ001
    def test_a_material_version_says_from_when(self, effective: datetime | None) -> None:
        with pytest.raises(ValueError, match="instant"):
            shelved([row("1"), row("2", material=True, effective=effective)])


class TestMeasures:
    def test_the_newest_notice_was_written_for_the_measures_of_today(self) -> None:
        """Fails when a measure is added or moves to another class: publish a material version."""
        today = measures_hash({code: measure.data_class for code, measure in MEASURES.items()})
        assert {one.id: one.measures for one in notice_texts().values()} == dict.fromkeys(
            notice_texts(), today
        )

    def test_other_measures_need_a_material_version(self) -> None:
        with pytest.raises(ValueError, match="other measures"):
            shelved([row("1", measures="a"), row("2", measures="b")])
        material = row("2", measures="b", material=True, effective=FIRST)
        assert shelved([row("1", measures="a"), material])["care"][1].measures == "b"

    @pytest.mark.parametrize("changed", [{"a": "x"}, {"a": "x", "b": "x"}, {"a": "x", "c": "y"}])
    def test_a_new_or_moved_measure_is_another_hash(self, changed: dict[str, str]) -> None:
        assert measures_hash(changed) != measures_hash({"a": "x", "b": "y"})
        assert measures_hash({"b": "y", "a": "x"}) == measures_hash({"a": "x", "b": "y"})


class TestOutdated:
    def test_the_newest_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shelf(monkeypatch, row("1"), row("2", material=True, effective=FIRST))
        assert outdated_from(under("2")) is None

    def test_a_material_version_ends_the_older_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shelf(monkeypatch, row("0"), row("1"), row("2", material=True, effective=FIRST))
        assert outdated_from(under("0")) == outdated_from(under("1")) == FIRST

    def test_a_version_that_is_not_material_ends_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shelf(monkeypatch, row("1"), row("2", effective=FIRST))
        assert outdated_from(under("1")) is None

    def test_of_several_the_first_to_take_effect_counts(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        material: dict[str, Any] = {"material": True}
        shelf(
            monkeypatch,
            row("1"),
            row("2", effective=SECOND, **material),
            row("3", effective=FIRST, **material),
        )
        assert outdated_from(under("1")) == FIRST
        assert outdated_from(under("2")) == FIRST
        assert outdated_from(under("3")) is None

    def test_another_notice_does_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = {**row("2", material=True, effective=FIRST), "id": "statistics"}
        shelf(monkeypatch, row("1"), other)
        assert outdated_from(under("1")) is None

    @pytest.mark.parametrize("notice", [under("9"), Notice("cure", "1", "zh", "ab" * 32)])
    def test_what_is_not_on_the_shelf_never_was_enough(
        self, monkeypatch: pytest.MonkeyPatch, notice: Notice
    ) -> None:
        shelf(monkeypatch, row("1"))
        assert outdated_from(notice) == EVER

    def test_without_a_notice_there_is_none_to_be_outdated(self) -> None:
        assert outdated_from(None) is None


@pytest.mark.parametrize("notice", ["care", "statistics"])
def test_it_is_said_why_sensitive_data_are_needed_and_what_may_come_of_them(notice: str) -> None:
    """PIPL 30, and that nothing is refused without consent (PIPL 16)."""
    text = notice_texts()[notice].text
    for said in ("为什么需要：", "对您的影响：", "敏感个人信息", "不影响您使用"):
        assert said in text.zh
    for said in ("Why it is needed:", "What it may do to you:", "sensitive", "goes on as before"):
        assert said in text.en


@pytest.mark.parametrize("purpose", [Purpose.CARE, Purpose.STATISTICS])
def test_a_clearer_text_ends_no_consent(purpose: Purpose) -> None:
    newest = notice_for(frozenset({purpose}), "zh")
    known = editions()[newest.id]
    before = known[-2]
    assert not known[-1].material
    assert outdated_from(before.in_("zh")) is None


def test_todays_consent_is_good_today() -> None:
    for purpose in (Purpose.CARE, Purpose.STATISTICS):
        assert outdated_from(notice_for(frozenset({purpose}), "zh")) is None
