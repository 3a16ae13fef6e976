"""In which data class what a rule of care looks for is kept."""

from consent.vocabulary import DataClass
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES


def class_of(name: str) -> DataClass:
    """The class in which records that tell this name are kept."""
    kind, colon, code = name.partition(":")
    if not colon:
        return MEASURES[name].data_class
    return INSTRUMENTS[code].data_class if kind == "questionnaire" else CODES[kind][code].data_class
