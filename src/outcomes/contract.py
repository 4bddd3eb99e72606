"""The clean tables: what every row that passed the entrance looks like.

A clean table is a Parquet file per taken-in export file. Instants are UTC without a zone mark; the date beside an instant
is the calendar date at the site. An empty value is null, never a code. Counts and scores are integers or decimals.
What values a column may hold is a rule and stands in `expectations/`; what a questionnaire may hold stands in `instruments/`.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

TEXT: Final = pl.String()
WHOLE: Final = pl.Int32()
SCORE: Final = pl.Decimal(18, 6)
DATE: Final = pl.Date()
INSTANT: Final = pl.Datetime("us")
YES_NO: Final = pl.Boolean()
SET: Final = pl.List(pl.String())


@dataclass(frozen=True)
class Column:
    """One column of a clean table.

    `made` columns are computed by the entrance and never read from an export; `required` columns must be in the export's header.
    """

    name: str
    type: pl.DataType
    meaning: str
    unit: str = ""
    required: bool = False
    made: bool = False


@dataclass(frozen=True)
class Table:
    """One clean table: `key` is the business key that a corrected export replaces by; `prefixes` are the file names it is recognised by."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    prefixes: tuple[str, ...] = ()
    accounted: bool = True

    @property
    def schema(self) -> pl.Schema:
        """Name and type of every column, in order, provenance last."""
        account = ACCOUNT if self.accounted else ()
        return pl.Schema({column.name: column.type for column in (*self.columns, *account, *PROVENANCE)})

    @property
    def readable(self) -> dict[str, Column]:
        """The columns that an export may bring."""
        return {column.name: column for column in self.columns if not column.made}

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


ACCOUNT: Final = (
    Column("source_rows", WHOLE, "How many rows of the export file this row was made from", "count", made=True),
    Column("content", pl.UInt64(), "Fingerprint of the row's values, to tell a repeated row from a corrected one", made=True),
)
PROVENANCE: Final = (
    Column("source_file", TEXT, "Name of the export file when it was first seen", made=True),
    Column("source_line", pl.Int64(), "Line of the export file (a form's first line in the long shape); the header is line 1", made=True),
    Column("ingest_id", TEXT, "SHA-256 of the export file's bytes", made=True),
)

PATIENT: Final = Table(
    name="patient",
    meaning="One patient, known only by a pseudonym",
    key=("patient_id",),
    prefixes=("patients", "patient"),
    columns=(
        Column("patient_id", TEXT, "Pseudonym of the patient", required=True),
        Column("site_id", TEXT, "Site that treats the patient"),
        Column("sex", TEXT, "Sex as the clinic records it"),
        Column("age_band", TEXT, "Age in bands, at enrolment"),
        Column("birth_year", WHOLE, "Year of birth", "year"),
        Column("ethnicity", TEXT, "Ethnicity as the clinic records it"),
        Column("occupation", TEXT, "Occupation group"),
        Column("indication", TEXT, "Why the patient is treated"),
        Column("indication_subtype", TEXT, "Subtype of the indication"),
        Column("failed_antidepressants", WHOLE, "Antidepressants that failed before", "count"),
        Column("prior_psychotherapy", YES_NO, "Had psychotherapy before"),
        Column("programme_id", TEXT, "Programme the patient enrolled in"),
        Column("enrolled_on", DATE, "Day of enrolment"),
        Column("screened_on", DATE, "Day of screening"),
        Column("screen_result", TEXT, "Result of screening"),
        Column("exclusion_reason", TEXT, "Why screening excluded the patient"),
        Column("withdrawn_on", DATE, "Day on which the patient withdrew consent; wins over every later export"),
    ),
)

SESSION: Final = Table(
    name="session",
    meaning="One planned or given session",
    key=("session_id",),
    prefixes=("sessions", "session"),
    columns=(
        Column("session_id", TEXT, "Identifier of the session", required=True),
        Column("patient_id", TEXT, "Pseudonym of the patient", required=True),
        Column("site_id", TEXT, "Site where the session took place"),
        Column("started_at", INSTANT, "Start of the session, UTC; null where the export gives only a date", required=True),
        Column("started_on", DATE, "Calendar date of the start at the site", made=True),
        Column("kind", TEXT, "What the session is for", required=True),
        Column("phase", TEXT, "Phase label of the clinic, if it gives one"),
        Column("route", TEXT, "Route of administration"),
        Column("dose_mg", SCORE, "Dose given", "mg"),
        Column("weight_kg", SCORE, "Body weight", "kg"),
        Column("dose_mg_per_kg", SCORE, "Dose per body weight", "mg/kg"),
        Column("duration_min", SCORE, "Length of the session", "min"),
        Column("modality", SET, "Psychotherapies of the session, separated by + ; or |"),
        Column("programme_id", TEXT, "Programme of the session"),
        Column("group_size", WHOLE, "Patients treated together", "count"),
        Column("status", TEXT, "What became of the session; empty means completed"),
        Column("sbp_before_mmhg", WHOLE, "Systolic pressure before", "mmHg"),
        Column("dbp_before_mmhg", WHOLE, "Diastolic pressure before", "mmHg"),
        Column("hr_before_bpm", WHOLE, "Heart rate before", "1/min"),
        Column("sbp_peak_mmhg", WHOLE, "Highest systolic pressure", "mmHg"),
        Column("dbp_peak_mmhg", WHOLE, "Highest diastolic pressure", "mmHg"),
        Column("hr_peak_bpm", WHOLE, "Highest heart rate", "1/min"),
        Column("sbp_after_mmhg", WHOLE, "Systolic pressure after", "mmHg"),
        Column("dbp_after_mmhg", WHOLE, "Diastolic pressure after", "mmHg"),
        Column("hr_after_bpm", WHOLE, "Heart rate after", "1/min"),
        Column("spo2_min_pct", WHOLE, "Lowest oxygen saturation", "%"),
        Column("cadss_total", SCORE, "CADSS total in the session", "points"),
        Column("cadss6_total", SCORE, "CADSS-6 total in the session", "points"),
        Column("meq30_total", SCORE, "MEQ-30 total after the session", "points"),
        Column("dissociation_onset_min", SCORE, "Dose to first dissociation", "min"),
        Column("dissociation_peak_min", SCORE, "Dose to strongest dissociation", "min"),
        Column("dissociation_resolved_min", SCORE, "Dose to end of dissociation", "min"),
        Column("ready_to_leave_min", SCORE, "Dose to readiness to leave", "min"),
        Column("monitored_min", SCORE, "Time under observation", "min"),
    ),
)

FORM: Final = Table(
    name="form",
    meaning="One filled-in questionnaire",
    key=("form_id",),
    prefixes=("questionnaires", "questionnaire", "forms", "scores"),
    columns=(
        Column("form_row", pl.Int64(), "Number of the form inside its file; joins form and answer", made=True),
        Column("form_id", TEXT, "Identifier of the form; made from patient, instrument, scale and time where the export has none"),
        Column("patient_id", TEXT, "Pseudonym of the patient", required=True),
        Column("session_id", TEXT, "Session the form belongs to"),
        Column("site_id", TEXT, "Site where the form was filled in"),
        Column("instrument_id", TEXT, "Questionnaire; aliases are translated at the entrance", required=True),
        Column("instrument_version", TEXT, "Version or language of the questionnaire"),
        Column("scale_id", TEXT, "Scale that reported_total is the total of; `total` unless the export says otherwise"),
        Column("answered_at", INSTANT, "When the form was filled in, UTC; null where the export gives only a date", required=True),
        Column("answered_on", DATE, "Calendar date of the answer at the site", made=True),
        Column("reported_total", SCORE, "Total as the export reports it", "points"),
        Column("answers", WHOLE, "Item answers that the form brings", "count", made=True),
    ),
)

ANSWER: Final = Table(
    name="answer",
    meaning="One answered item of a form",
    key=("form_row", "item"),
    accounted=False,
    columns=(
        Column("form_row", pl.Int64(), "Number of the form inside its file", made=True),
        Column("instrument_id", TEXT, "Questionnaire of the form"),
        Column("item", pl.Int16(), "Number of the item, from 1", required=True),
        Column("answer", pl.Int16(), "Answer as a number", "points", required=True),
    ),
)

ADVERSE_EVENT: Final = Table(
    name="adverse_event",
    meaning="One adverse event",
    key=("event_id",),
    prefixes=("adverse_events", "adverse_event"),
    columns=(
        Column("event_id", TEXT, "Identifier of the event", required=True),
        Column("session_id", TEXT, "Session in which it happened"),
        Column("patient_id", TEXT, "Pseudonym of the patient", required=True),
        Column("term", TEXT, "What happened, as a code of the clinic's list", required=True),
        Column("severity", TEXT, "How severe it was"),
        Column("is_serious", YES_NO, "Serious in the regulatory sense"),
        Column("onset_min", SCORE, "Dose to onset", "min"),
        Column("resolved_min", SCORE, "Dose to end", "min"),
    ),
)

SESSION_OBSERVATION: Final = Table(
    name="session_observation",
    meaning="One observation during a session: a point of a curve",
    key=("session_id", "kind", "minute"),
    prefixes=("session_observations", "session_observation", "observations"),
    columns=(
        Column("session_id", TEXT, "Session in which it was made", required=True),
        Column("patient_id", TEXT, "Pseudonym of the patient", required=True),
        Column("minute", SCORE, "Dose to observation", "min", required=True),
        Column("kind", TEXT, "What was observed: dissociation, or another code of the clinic's list", required=True),
        Column("value", SCORE, "What was seen, in the unit of the kind", required=True),
    ),
)

TABLES: Final = {table.name: table for table in (PATIENT, SESSION, FORM, ANSWER, ADVERSE_EVENT, SESSION_OBSERVATION)}
