"""A rule pack moves levels and nothing else, and says what is wrong with it."""

import copy
import threading
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.risk import rules
from service.domain.risk.facts import Facts
from service.domain.risk.judgement import judge
from service.domain.risk.models import MODELS, described, evaluate
from service.domain.risk.rules import SHIPPED, PackRefused, read


def changed(*place: Any, to: Any, pack: str = "2026.2") -> dict[str, Any]:
    """The shipped document under a new name, with one value of its levels changed."""
    document = copy.deepcopy(dict(SHIPPED.document)) | {"pack": pack}
    inner = document["levels"]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = to
    return document


def test_shipped_pack_holds_the_tables_of_the_model() -> None:
    shown = MODELS["five_level_mapping"].parameters
    assert all(shown[name] == table for name, table in SHIPPED.document["levels"].items())
    assert rules.in_force() is SHIPPED


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (None, ""),
        ([], ""),
        ({"pack": "2026.2"}, ""),
        ({**SHIPPED.document, "pack": "next"}, "/pack"),
        ({**SHIPPED.document, "pack": 2026.2}, "/pack"),
        ({**SHIPPED.document, "reason": {"zh": "因", "en": " "}}, "/reason"),
        ({**SHIPPED.document, "levels": {}}, "/levels"),
        (changed("extra", to={}), "/levels"),
        (changed("lipid_2023", "low", to=True), "/levels/lipid_2023"),
        (changed("lipid_2023", "low", to=0), "/levels/lipid_2023"),
        (changed("lipid_2023", "low", to=6), "/levels/lipid_2023"),
        (changed("lipid_2023", "none", to=1), "/levels/lipid_2023"),
        (changed("lipid_2023", "high", to=2), "/levels/lipid_2023"),
        (changed("urgent", "bp_ge_180_110", to=4), "/levels/urgent"),
        (changed("china_par_pct", to=[]), "/levels/china_par_pct"),
        (changed("china_par_pct", to=[[1, 1]]), "/levels/china_par_pct"),
        (changed("china_par_pct", to=[[0, 1], [0, 2]]), "/levels/china_par_pct"),
        (changed("china_par_pct", to=[[0, 3], [10, 2]]), "/levels/china_par_pct"),
        (changed("china_par_pct", to=[[0, 1], [float("nan"), 2]]), "/levels/china_par_pct"),
        (changed("composite", to=[[0, 1], [50, 4]]), "/levels/composite"),
        (changed("chronic_floor", to=2.0), "/levels/chronic_floor"),
    ],
)
def test_what_is_no_pack_is_refused_at_its_place(document: Any, pointer: str) -> None:
    with pytest.raises(PackRefused) as refusal:
        read(document)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    ),
    st.sampled_from(sorted(SHIPPED.document["levels"])),
)
def test_reading_a_pack_is_total(anything: Any, table: str) -> None:
    for document in (anything, changed(table, to=anything)):
        with suppress(PackRefused):
            assert read(document).pack == document["pack"]


def test_a_pack_moves_the_level_only_where_it_is_tried() -> None:
    facts = Facts(sex="male", age=46)
    facts.set_pressure(125, 82)
    stricter = read(_worse_high_normal())
    assert judge(facts).level == 2
    with rules.under(stricter):
        elsewhere: list[int | None] = []
        beside = threading.Thread(target=lambda: elsewhere.append(judge(facts).level))
        beside.start()
        beside.join()
        assert (judge(facts).level, elsewhere) == (3, [2])
    assert judge(facts).level == 2


def _worse_high_normal() -> dict[str, Any]:
    document = changed("bp_stratum", "正常高值", to=3)
    document["levels"]["bp_stratum"]["低危"] = 3
    return document


def test_calculator_and_description_of_the_levels_follow_the_pack() -> None:
    assert described(MODELS["five_level_mapping"])["version"] == SHIPPED.pack
    with rules.under(read(_worse_high_normal())):
        answer = evaluate("five_level_mapping", {"bp_stratum": "正常高值"})
        shown = described(MODELS["five_level_mapping"])
    assert answer["value"]["level"] == 3
    assert (shown["version"], shown["parameters"]["bp_stratum"]["正常高值"]) == ("2026.2", 3)
    assert evaluate("five_level_mapping", {"bp_stratum": "正常高值"})["value"]["level"] == 2


def test_packs_are_ordered_by_year_and_number() -> None:
    names = ["2026.2", "2026.10", "2027.1"]
    orders = [read({**SHIPPED.document, "pack": name}).order for name in names]
    assert orders == sorted(orders)
    assert orders[0] > SHIPPED.order
