"""The data files are whole, agree with each other and with the policy words."""

import re
import tomllib
from importlib.resources import files
from itertools import pairwise

import pytest

from consent.vocabulary import CLASSES
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.indicators import INDICATORS, parse_targets
from service.domain.vocabulary.measures import MEASURES, VERSION, measure
from service.domain.vocabulary.record import KINDS, STATED_KINDS
from service.domain.vocabulary.sources import exact

DATA = files("service.domain.vocabulary") / "data"


def test_all_measures_and_indicators_are_there() -> None:
    assert (len(MEASURES), len(INDICATORS), len(CLASSES)) == (189, 100, 11)


def test_every_file_carries_the_same_edition() -> None:
    for name in ("units.toml", "options.toml", "codes.toml"):
        assert tomllib.loads((DATA / name).read_text("utf-8"))["version"] == VERSION
    for name in ("measures.csv", "indicators.csv"):
        assert (DATA / name).read_text("utf-8").startswith(f"# version: {VERSION}.")


def test_a_measure_is_either_coded_or_a_number_with_unit_and_bounds() -> None:
    for m in MEASURES.values():
        if m.coded:
            assert m.unit is None
            assert m.options
            assert m.options_from
        else:
            assert m.unit is not None
            assert m.plausible.low is not None
            assert m.plausible.high is not None
            assert m.plausible.low < m.plausible.high, m.code


def test_usual_range_lies_within_the_plausible_one() -> None:
    for m in MEASURES.values():
        for bound in m.usual:
            assert bound is None or m.plausible.holds(bound), m.code


def test_only_series_measures_have_frames() -> None:
    for m in MEASURES.values():
        assert (m.frame is not None) == (m.storage == "series"), m.code


def test_loinc_codes_pass_their_check_digit() -> None:
    coded = [m.loinc for m in MEASURES.values() if m.loinc]
    assert len(coded) == 87
    for loinc in coded:
        number, digit = loinc.split("-")
        # Mod 10 over all digits, those at odd places from the right doubled as one number.
        odd = str(int(number[::-1][::2]) * 2)
        total = sum(map(int, odd + number[::-1][1::2]))
        assert -total % 10 == int(digit), loinc


def test_answers_are_the_ones_the_models_read() -> None:
    smoking = measure("smoking_status")
    assert smoking is not None
    assert list(smoking.options or ()) == ["never", "former", "some days", "every day"]
    strip = measure("urine_protein_strip")
    assert strip is not None
    assert list(strip.options or ()) == ["neg", "trace", "1+", "2+", "3+", "4+"]


@pytest.mark.parametrize(
    ("formula", "value"),
    [("1/18.016", 1 / 18.016), ("-32/1.8", -32 / 1.8), ("50*0.52*0.789", 20.514)],
)
def test_factors_are_exact_fractions(formula: str, value: float) -> None:
    assert float(exact(formula)) == pytest.approx(value, rel=1e-15)


def test_codes_cover_every_kind_that_states_something() -> None:
    assert set(CODES) == STATED_KINDS | {"workout"}
    assert set(CODES) <= set(KINDS)
    for kind, entries in CODES.items():
        for name, code in entries.items():
            assert re.fullmatch(r"[a-z0-9_]{2,40}", name)
            assert (code.kind, code.code) == (kind, name)
            assert code.name.zh
            assert code.name.en


def test_what_discriminates_is_in_the_gravest_classes() -> None:
    assert CODES["condition"]["hiv_infection"].data_class.grade == 5
    assert {code.data_class.grade for code in CODES["family_history"].values()} == {5}
    assert INSTRUMENTS["phq9"].data_class == "mental"


def test_targets_keep_what_a_plan_says() -> None:
    (first, second) = INDICATORS["xt_fitness_pass"].targets
    assert (first.year, first.op, first.number) == (2020, ">=", 90.0)
    assert (second.year, second.op, second.number) == (2030, ">=", 92.0)
    (relative,) = INDICATORS["qs_salt"].targets
    assert (relative.text, relative.number) == ("rel-20%@baseline", None)
    with pytest.raises(ValueError, match="not a target"):
        parse_targets("2030=5")


def test_instruments_total_into_known_measures_of_their_class() -> None:
    assert len(INSTRUMENTS) == 21
    for instrument in INSTRUMENTS.values():
        assert bool(instrument.items) == (instrument.items_withheld is None)
        if instrument.total and instrument.total != "ipaq_met_min_week":
            assert MEASURES[instrument.total].data_class is instrument.data_class


def test_bands_leave_no_gap() -> None:
    for instrument in INSTRUMENTS.values():
        for sex in {band.sex for band in instrument.bands}:
            bands = [band for band in instrument.bands if band.sex == sex]
            for lower, upper in pairwise(bands):
                assert upper.low == lower.high + 1, instrument.id


def test_items_under_copyright_are_not_shipped() -> None:
    for name in ("minicog", "mmse", "parqplus", "ais", "health_literacy"):
        assert not INSTRUMENTS[name].items
