"""A stored prompt tells nothing by its size: whoever has much to be told needs no larger frame."""

from datetime import timedelta

import pytest
from hypothesis import given, settings

from service.domain.risk.advice import MESSAGES
from service.domain.risk.assess import assess
from service.domain.risk.person import Person
from service.prompts import document
from service.prompts.head import Head
from service.prompts.levels import shown
from tests.unit.risk.people import NOW, Readings, people, person, readings, some_readings

AMPLE = document.FRAME * 3 // 4
DENSE = [
    shown(assess(person(seed, 18, 95), some_readings(seed), NOW), Head()) for seed in range(200)
]


@given(people(low=18), readings())
@settings(max_examples=60, deadline=None)
def test_every_prompt_fits_its_frame_amply(who: Person, found: Readings) -> None:
    text = document.spelled(shown(assess(who, found, NOW), Head()))
    whole = document.packed(text, NOW, NOW + timedelta(days=14))
    assert document.fits(whole)
    assert len(whole) < AMPLE


def test_even_every_model_and_message_at_once_fit() -> None:
    longest = max(DENSE, key=lambda one: len(document.spelled(one)))
    models = {row["model"]: row for one in DENSE for row in one["models"]}
    said = [
        {"id": one["id"], "text": {"zh": one["zh"], "en": one["en"]}, "citation": one["citation"]}
        for one in MESSAGES
    ]
    assert len(models) > 10
    text = document.spelled(longest | {"models": list(models.values()), "actions": said})
    assert document.fits(document.packed(text, NOW, None))


@pytest.mark.parametrize(
    ("size", "fits"), [(document.FRAME - 4, True), (document.FRAME - 3, False)]
)
def test_a_frame_has_room_up_to_the_length_field_of_the_seal(size: int, fits: bool) -> None:
    assert document.fits(bytes(size)) is fits
