"""A library of questionnaires in; out what the entrance compares exports with: names, answer words, items, totals, codings."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from outcomes.contract import SCORE, TEXT, YES_NO
from outcomes.instrument_model import Instrument, normalise

if TYPE_CHECKING:
    from outcomes.instruments import Library

SMALL: Final = pl.Int16()


def aliases(library: "Library") -> pl.DataFrame:
    """alias (as `normalise` writes it), questionnaire_id (or the id of a coding); ids are aliases too. Sorted, each alias once."""
    rows = {(normalise(name), form) for one in library.instruments.values() for name, form in names_of(one)}
    return frame(rows, {"alias": TEXT, "questionnaire_id": TEXT})


def names_of(one: Instrument) -> list[tuple[str, str]]:
    """Every name that an export may use in instrument_id, and what it stands for in clean tables."""
    given = [(form, form, coding.aliases if coding else one.aliases) for form, coding in one.forms.items()]
    return [(name, form) for own, form, aliases in given for name in (own, *aliases)]


def versions(library: "Library") -> dict[tuple[str, str], str]:
    """(questionnaire, instrument_version as `normalise` writes it) -> id of the coding that it tells."""
    return {
        (one.id, normalise(version)): form
        for form, (one, coding) in library.forms.items()
        if coding
        for version in (coding.id, *coding.versions)
    }


def labels(library: "Library") -> pl.DataFrame:
    """questionnaire_id (or coding), label (as `normalise` writes it), answer: the answer texts that the instruments list."""
    rows = {(form, normalise(label), answer) for form, (one, _) in library.forms.items() for label, answer in one.labels.items()}
    return frame(rows, {"questionnaire_id": TEXT, "label": TEXT, "answer": SMALL})


def item_facts(library: "Library") -> pl.DataFrame:
    """questionnaire_id (or coding), item, answer_min, answer_max: one row per item; totals-only questionnaires have none."""
    rows = [
        (form, item, *one.answers) for form, (one, _) in library.forms.items() if one.answers for item in range(1, (one.items or 0) + 1)
    ]
    return frame(rows, {"questionnaire_id": TEXT, "item": SMALL, "answer_min": SMALL, "answer_max": SMALL})


def total_facts(library: "Library") -> pl.DataFrame:
    """questionnaire_id (or coding), scale_id, total_min, total_max: one row per scale that an export may report a total of."""
    rows = [
        (form, measure.scale_id, measure.low / factor, measure.high / factor)
        for form, (one, coding) in library.forms.items()
        for measure in one.measures
        for factor in [coding.factor if coding else Decimal(1)]
    ]
    return frame(rows, {"questionnaire_id": TEXT, "scale_id": TEXT, "total_min": SCORE, "total_max": SCORE})


def untold(library: "Library") -> pl.DataFrame:
    """questionnaire_id (or coding), is_told, answers, step, beyond: forms of questionnaires whose coding an export must tell.

    `answers` says that it is that of the answers; else it is that of totals: they are multiples of `step` where all answers are whole,
    and one above `beyond` is no raw sum.
    """
    rows = []
    for form, (one, coding) in library.forms.items():
        largest = max((each.factor for each in one.codings), default=Decimal(1))
        highest = max(measure.high for measure in one.measures)
        if one.must_tell:
            step = largest / (coding.factor if coding else 1)
            rows.append((form, coding is not None, one.must_tell == "answers", step, highest / largest))
    return frame(rows, {"questionnaire_id": TEXT, "is_told": YES_NO, "answers": YES_NO, "step": SCORE, "beyond": SCORE})


def frame(rows: Any, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=columns, orient="row").sort(list(columns), nulls_last=False)
