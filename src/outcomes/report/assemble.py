"""A published snapshot and the settings in, the whole report out, before it is dressed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from outcomes import numerals
from outcomes.report import change, facts, meaning, pictures, programmes, quality, sections
from outcomes.report.model import Block, Picture, QualityReport, Report, Section
from outcomes.report.release import clean, opened, opened_for_quality
from outcomes.report.words import Words
from outcomes.settings import Settings


def report(snapshot: Path, settings: Settings) -> Report:
    """Everything the dresses show. Raises FileNotFoundError where the folder holds no release."""
    with opened(snapshot) as release:
        words = Words(release, numerals.of(settings.report.locale))
        return _report(words, settings)


def _report(words: Words, settings: Settings) -> Report:
    top = facts.headline(words)
    screen = facts.first(words, top)
    day, clinic = words.numerals.day(words.release.as_of), clean(settings.clinic.name)
    of_data = _of_data(words, clinic)
    metric = next(iter(top.rates)) if top else "response"
    tasks = len([task for task in screen.tasks if task.who != "Nobody"])
    return Report(
        clinic=clinic,
        title=f"{clinic}: outcomes as of {day}",
        as_of=words.release.as_of.isoformat(),
        day=day,
        first=screen,
        trend=pictures.trend(words, top.measure, metric) if top else Picture("trend", "Trend", "No rate is defined.", None),
        sections=(
            *sections.built(words, top),
            Section("c9", "C9 Data quality", tuple(quality.summary(words))),
            Section("c10", "C10 Definitions and citations", (*meaning.definitions(words), meaning.benchmarks(words))),
            Section("c11", "C11 What changed since the last release", tuple(change.blocks(words))),
        ),
        quality=of_data.sections,
        programmes=tuple(programmes.built(words, settings)),
        metrics=tuple(meaning.metric_pages(words)),
        dictionary=meaning.dictionary(words),
        caveat=meaning.CAVEAT,
        subject=f"{_capital(facts.brief(words, top))}; {_asks(screen.verdict, tasks)} ({clinic}, {day})",
        quality_subject=of_data.subject,
        quality_answer=of_data.answer,
    )


def quality_report(warehouse: Path, settings: Settings) -> QualityReport:
    """What the owners of the data are told of a night without a release."""
    with opened_for_quality(warehouse) as release:
        return _of_data(Words(release, numerals.of(settings.report.locale)), clean(settings.clinic.name))


def _of_data(words: Words, clinic: str) -> QualityReport:
    day, good = words.numerals.day(words.release.as_of), facts.data_quality(words)
    subject = f"Data quality: {_asks(good.verdict, 0)} ({clinic}, {day})"
    return QualityReport(clinic, day, subject, " ".join(good.lines), tuple(quality.built(words)))


def _asks(verdict: str, tasks: int) -> str:
    return "nothing unusual" if verdict == "good" else f"take a look, {tasks} to do" if tasks else "take a look"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def digest(parts: object) -> str:
    """What stands for a part of the report, whatever its date."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def every_block(whole: Report) -> Iterator[Block]:
    """Every block of the report, in order."""
    yield whole.trend
    for section in (*whole.sections, *whole.programmes, *whole.quality, *whole.metrics, whole.dictionary):
        yield from section.blocks


def said(whole: Report) -> dict[str, object]:
    """The first screen as plain data."""
    return asdict(whole.first)
