"""A published snapshot and the settings in, the whole report out, before it is dressed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from outcomes import numerals
from outcomes.report import change, facts, meaning, pictures, programmes, quality, sections
from outcomes.report.model import Block, Picture, QualityReport, Report, Said, Section
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
    good = facts.data_quality(words)
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
        quality=tuple(quality.built(words)),
        programmes=tuple(programmes.built(words, settings)),
        metrics=tuple(meaning.metric_pages(words)),
        dictionary=meaning.dictionary(words),
        caveat=meaning.CAVEAT,
        subject=f"{_capital(facts.brief(words, top))}; {_asks(screen.verdict, tasks)} ({clinic}, {day})",
        quality_subject=_quality_subject(good, clinic, day),
        quality_answer=" ".join(good.lines),
    )


def quality_report(warehouse: Path, settings: Settings) -> QualityReport:
    """What the owners of the data are told of a night without a release."""
    with opened_for_quality(warehouse) as release:
        words = Words(release, numerals.of(settings.report.locale))
        day, clinic, good = words.numerals.day(release.as_of), clean(settings.clinic.name), facts.data_quality(words)
        return QualityReport(clinic, day, _quality_subject(good, clinic, day), " ".join(good.lines), tuple(quality.built(words)))


def _quality_subject(good: Said, clinic: str, day: str) -> str:
    return f"Data quality: {_asks(good.verdict, 0)} ({clinic}, {day})"


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
