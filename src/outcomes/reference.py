"""Settings and the CSV files of `sql/ref` in, the frames of schema `ref` out; with the columns and types that every `ref` table has.

The tables of questionnaires and profiles come from `instruments`; `typed` holds them to the types given here, which SQL relies on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from outcomes import instrument_facts, instruments, sqlfiles
from outcomes.contract import DATE, SCORE, TEXT, WHOLE, YES_NO
from outcomes.instruments import Library, Profile
from outcomes.profile_model import OwnWindow
from outcomes.settings import Settings, Window, headline_window
from outcomes.sqlfiles import SqlFile, SqlFileError

REF: Final[dict[str, pl.Schema]] = {
    "setting": pl.Schema(
        {
            "as_of": DATE,
            "gap_days": WHOLE,
            "induction_days": WHOLE,
            "induction_gap_days": WHOLE,
            "ended_days": WHOLE,
            "baseline_from_days": WHOLE,
            "baseline_pick": TEXT,
            "durability_from": TEXT,
            "durability_loss": TEXT,
            "timezone": TEXT,
            "profile_id": TEXT,
            "headline_window_id": TEXT,
            "disclosure_rule": TEXT,
        }
    ),
    "window": pl.Schema(
        {
            "window_id": TEXT,
            "ordinal": WHOLE,
            "from_days": SCORE,
            "to_days": SCORE,
            "target_days": SCORE,
            "pick": TEXT,
            "anchor": TEXT,
            "by_hours": YES_NO,
            "until": TEXT,
            "is_own": YES_NO,
            "baseline_pick": TEXT,
            "baseline_from_days": WHOLE,
        }
    ),
    "profile_window": pl.Schema({"profile_id": TEXT, "window_id": TEXT, "is_paired": YES_NO}),
    "pair": pl.Schema(
        {
            "profile_id": TEXT,
            "instrument_id": TEXT,
            "window_id": TEXT,
            "contacts": WHOLE,
            "ordinal": WHOLE,
            "indication": TEXT,
            "partner_id": TEXT,
            "source": TEXT,
            "status": TEXT,
        }
    ),
    "profile_reason": pl.Schema({"profile_id": TEXT, "reason_id": TEXT, "label": TEXT}),
    "profile_metric": pl.Schema({"profile_id": TEXT, "metric_id": TEXT}),
    "scale": pl.Schema(
        {
            "instrument_id": TEXT,
            "questionnaire_id": TEXT,
            "scale_id": TEXT,
            "title": TEXT,
            "direction": TEXT,
            "sign": WHOLE,
            "how": TEXT,
            "factor": SCORE,
            "divisor": WHOLE,
            "items": WHOLE,
            "missing_allowed": WHOLE,
            "missing_fill": TEXT,
            "range_min": SCORE,
            "range_max": SCORE,
            "totals_only": YES_NO,
            "lookback_days": WHOLE,
            "status": TEXT,
        }
    ),
    "scale_item": pl.Schema(
        {
            "questionnaire_id": TEXT,
            "item": pl.Int16(),
            "instrument_id": TEXT,
            "domain": pl.Int16(),
            "slope": WHOLE,
            "offset": WHOLE,
            "asked_after": pl.Int16(),
        }
    ),
    "instrument": pl.Schema(instrument_facts.INSTRUMENT),
    "band": pl.Schema(instrument_facts.BAND),
    "band_set": pl.Schema(instrument_facts.BAND_SET),
    "reliability": pl.Schema(instrument_facts.RELIABILITY),
    "norm": pl.Schema(instrument_facts.NORM),
    "criterion": pl.Schema(
        {
            "questionnaire_id": TEXT,
            "criterion_id": TEXT,
            "cluster": TEXT,
            "item": pl.Int16(),
            "at_least": WHOLE,
            "needed": WHOLE,
        }
    ),
    "item_flag": pl.Schema(
        {
            "flag_id": TEXT,
            "instrument_id": TEXT,
            "item": pl.Int16(),
            "at_least": WHOLE,
            "title": TEXT,
            "source": TEXT,
            "status": TEXT,
        }
    ),
    "criterion_score": pl.Schema({"questionnaire_id": TEXT, "criterion_id": TEXT, "instrument_id": TEXT, "sex": TEXT, "at_least": SCORE}),
    "coding": pl.Schema({"coding_id": TEXT, "questionnaire_id": TEXT, "title": TEXT, "factor": SCORE}),
    "profile": pl.Schema(
        {
            "profile_id": TEXT,
            "version": TEXT,
            "title": TEXT,
            "source": TEXT,
            "status": TEXT,
            "unmeasured": TEXT,
            "reviewed_on": DATE,
            "review_due_on": DATE,
        }
    ),
    "rule": pl.Schema(
        {
            "profile_id": TEXT,
            "instrument_id": TEXT,
            "response_share": SCORE,
            "response_points": SCORE,
            "remission_side": TEXT,
            "remission_cut": SCORE,
            "caseness_side": TEXT,
            "caseness_cut": SCORE,
            "reliable_change": SCORE,
            "mcid_share": SCORE,
            "mcid_points": SCORE,
            "minimum_baseline": SCORE,
            "criterion_id": TEXT,
            "unmeasured": TEXT,
            "source": TEXT,
            "status": TEXT,
            "reviewed_on": DATE,
        }
    ),
    "threshold": pl.Schema({"profile_id": TEXT, "instrument_id": TEXT, "threshold": TEXT, "source": TEXT, "status": TEXT}),
    "expected": pl.Schema({"profile_id": TEXT, "indication": TEXT, "programme_id": TEXT, "instrument_id": TEXT, "role": TEXT}),
}

METRIC: Final = pl.Schema(
    {
        "metric_id": TEXT,
        "ordinal": WHOLE,
        "title": TEXT,
        "good_is": TEXT,
        "denominator": TEXT,
        "sentence": TEXT,
        "is_paired": YES_NO,
        "fingerprint": TEXT,
    }
)
PAIRS: Final = "core.pair"

INPUT_FILE: Final = pl.Schema(
    {
        "ingest_id": TEXT,
        "source_file": TEXT,
        "table_name": TEXT,
        "shape": TEXT,
        "format": TEXT,
        "bytes": pl.Int64(),
        "status": TEXT,
        "code": TEXT,
        "message": TEXT,
        "exported_on": DATE,
        "arrival": pl.Int64(),
        "as_of": DATE,
        "rows_in": pl.Int64(),
        "rows_accepted": pl.Int64(),
        "rows_duplicate": pl.Int64(),
        "rows_rejected": pl.Int64(),
        "rows_withdrawn": pl.Int64(),
    }
)

CLEAN_FILE: Final = pl.Schema({"ingest_id": TEXT, "table_name": TEXT, "sha256": TEXT})

RULE_RESULT: Final = pl.Schema(
    {
        "ingest_id": TEXT,
        "code": TEXT,
        "table_name": TEXT,
        "severity": TEXT,
        "column_name": TEXT,
        "message": TEXT,
        "checked": pl.Int64(),
        "violated": pl.Int64(),
    }
)

HELD: Final = pl.Schema({"table_name": TEXT, "breakdown": TEXT, "keys": TEXT, "because": TEXT, "shown_as_of": pl.Date()})
SHOWN: Final = pl.Schema({"table_name": TEXT, "fresh": pl.Int64(), "held": pl.Int64(), "oldest": pl.Date()})

WAITING: Final = pl.Schema({"course_id": TEXT, "instrument_id": TEXT, "window_id": TEXT})

_MOVED: Final = {
    **dict.fromkeys(("profile_id", "metric_id", "instrument_id", "window_id", "breakdown", "level", "cause_id"), TEXT),
    "since_on": pl.Date(),
}
CHANGE: Final = pl.Schema({**_MOVED, "numerator_change": pl.Int64(), "denominator_change": pl.Int64()})
ATTRIBUTION: Final = pl.Schema({**_MOVED, **dict.fromkeys(("courses", "events", "numerator", "denominator"), pl.Int64())})

META: Final = {
    "rule_result": RULE_RESULT,
    "clean_file": CLEAN_FILE,
    "held": HELD,
    "shown": SHOWN,
    "change": CHANGE,
    "attribution": ATTRIBUTION,
    "waiting": WAITING,
}


def tables(settings: Settings, library: Library, as_of: date) -> dict[str, pl.DataFrame]:
    """Every table `ref.<name>` that settings, questionnaires and profiles make. Raises InstrumentError for an unknown profile or window."""
    chosen = settings.report.profiles
    return instruments.ref_tables(library, chosen) | from_settings(settings, as_of, instruments.profiles(library, chosen))


def from_settings(settings: Settings, as_of: date, profiles: Sequence[Profile] = ()) -> dict[str, pl.DataFrame]:
    """`setting`, one row; `window`, one row per window of the settings, then of the profiles; `profile_window`, which profile asks which;
    `pair`, which measures are judged together.

    A profile's own window is called `<profile>.<window>`. A profile that names no window asks for its own, or, if it has none, for those
    of the settings. Raises InstrumentError where it names one that neither has.
    """
    setting = {
        "as_of": as_of,
        "gap_days": settings.course.gap_days,
        "induction_days": settings.course.induction_days,
        "induction_gap_days": settings.course.induction_gap_days,
        "ended_days": settings.course.ended_days or settings.course.gap_days,
        "baseline_from_days": settings.baseline.from_days,
        "baseline_pick": settings.baseline.pick,
        "durability_from": settings.durability.start,
        "durability_loss": settings.durability.loss,
        "timezone": settings.clinic.timezone,
        "profile_id": settings.report.profile,
        "headline_window_id": headline_window(settings),
        "disclosure_rule": settings.disclosure.rule,
    }
    own = [(f"{profile.id}.{window.id}", window) for profile in profiles for window in profile.all_windows]
    windows = [
        {
            "window_id": name,
            "ordinal": ordinal,
            "from_days": str(window.from_days),
            "to_days": None if window.to_days is None else str(window.to_days),
            "target_days": None if window.target_days is None else str(window.target_days),
            "pick": window.pick,
            "anchor": window.anchor,
            "by_hours": window.by_hours,
            "until": window.until,
            "is_own": ordinal > len(settings.windows),
            **_counted_from(window, settings),
        }
        for ordinal, (name, window) in enumerate([*((window.id, window) for window in settings.windows), *own], start=1)
    ]
    of_settings = [window.id for window in settings.windows]
    asked = [(profile.id, name, False) for profile in profiles for name in _asked(profile, of_settings)]
    asked += [(profile.id, f"{profile.id}.{profile.pair.window.id}", True) for profile in profiles if profile.pair]
    return {
        "setting": typed(pl.DataFrame([setting]), REF["setting"]),
        "window": typed(pl.DataFrame(windows, infer_schema_length=None), REF["window"]),
        "pair": _pairs(profiles),
        "profile_window": pl.DataFrame(asked, schema=REF["profile_window"], orient="row"),
    }


def _counted_from(window: Window, settings: Settings) -> dict[str, object]:
    """The baseline rule that a profile's window names; nothing for a window that is counted from the baseline of the settings."""
    rule = window.baseline if isinstance(window, OwnWindow) else None
    if rule is None:
        return {"baseline_pick": None, "baseline_from_days": None}
    return {"baseline_pick": rule.pick, "baseline_from_days": settings.baseline.from_days if rule.from_days is None else rule.from_days}


def _pairs(profiles: Sequence[Profile]) -> pl.DataFrame:
    rows = [
        {
            "profile_id": profile.id,
            "instrument_id": pair.instrument,
            "window_id": f"{profile.id}.{pair.window.id}",
            "contacts": pair.contacts,
            "ordinal": ordinal,
            "indication": indication,
            "partner_id": partner,
            "source": pair.source,
            "status": pair.status,
        }
        for profile in profiles
        if (pair := profile.pair)
        for indication, partner, ordinal in pair.partners
    ]
    return pl.DataFrame(rows, schema=REF["pair"])


def _asked(profile: Profile, of_settings: Sequence[str]) -> list[str]:
    own = {window.id: f"{profile.id}.{window.id}" for window in profile.own_windows}
    known = dict.fromkeys(of_settings)
    for name in profile.windows:
        if name not in own and name not in known:
            raise instruments.InstrumentError(f"profile {profile.id} asks for window {name}, which neither it nor the settings have")
    return [own.get(name, name) for name in profile.windows or [*(own or of_settings)]]


def from_folder(folder: Path) -> dict[str, pl.DataFrame]:
    """Every CSV file of the folder by its name (whole numbers, decimals (18, 6), true/false, dates or text; empty is null), and `metric`.

    `metric` is what the files of the folder `metric` beside it say of themselves in their headers.
    """
    frames = {path.stem: _shipped(path.read_bytes()) for path in sorted(folder.glob("*.csv"))}
    return frames | {"metric": _metrics(sqlfiles.read_folder(folder.parent, ["metric"]))}


@cache
def _shipped(text: bytes) -> pl.DataFrame:
    return _exact(pl.read_csv(text, infer_schema_length=None, try_parse_dates=True))


def _metrics(files: Iterable[SqlFile]) -> pl.DataFrame:
    """Raises SqlFileError for a metric that lacks one of the facts of METRIC."""
    for file in files:
        if missing := sorted(set(sqlfiles.FACTS) - set(file.facts)):
            raise SqlFileError(f"{file.table} does not say its {missing[0]} in the header")
    rows = [
        {
            "metric_id": file.name,
            "ordinal": int(file.facts["order"]),
            "is_paired": PAIRS in file.reads,
            "fingerprint": sqlfiles.fingerprint(file),
            **{name: file.facts[name] for name in METRIC if name in file.facts},
        }
        for file in files
    ]
    return pl.DataFrame(rows, schema=METRIC).sort("ordinal", "metric_id")


def typed(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The schema's columns in its order and types; a column that the frame lacks is null.

    Raises ValueError for a column that the schema does not know.
    """
    unknown = [name for name in frame.columns if name not in schema]
    if unknown:
        raise ValueError(f"unknown columns: {', '.join(unknown)}")
    return frame.select((pl.col(name) if name in frame.columns else pl.lit(None)).cast(type_).alias(name) for name, type_ in schema.items())


def _exact(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).cast(SCORE))
