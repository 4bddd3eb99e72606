"""The record of a night that did not do its work in, the letter to the operators out: what readers see, what happened, what to do.

No cell of an export: a record holds codes of rules, names of steps and kinds of errors.
"""

import datetime as dt
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from outcomes.letter import Letter
from outcomes.mail.message import header
from outcomes.settings import Settings

RELEASE_SUITES: Final = ("outcome_summary", "score_summary", "input_file", "volume")
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body style="font-family: sans-serif; font-size: 16px; line-height: 1.4; max-width: 40em">
{body}
</body></html>
"""


def letter(settings: Settings, record: Mapping[str, Any], history: Sequence[Mapping[str, Any]], shown: str | None) -> Letter:
    """The letter about one record. `history` are the runs before it, `shown` the run whose release readers see."""
    what = "was blocked" if record["status"] == "blocked" else "failed"
    night = f"the night of {record['as_of']}" if "as_of" in record else "a night"
    banner = f"figures as of {shown[:10]} stay" if shown else "nothing is published yet"
    subject = f"{header(settings.clinic.name)}: {night} {what}; {banner}"
    parts = list(_parts(record, history, shown, f"{night} {what}".capitalize()))
    text = "\n\n".join(f"{heading}\n{'-' * len(heading)}\n" + "\n".join(lines) for heading, lines in parts)
    body = "\n".join(
        f"<h{1 if n == 0 else 2}>{html.escape(heading)}</h{1 if n == 0 else 2}>\n{_listed(p)}" for n, (heading, p) in enumerate(parts)
    )
    page = _PAGE.format(title=html.escape(subject), body=body)
    return Letter("failure", subject, page, text + "\n", digest="\n".join([what, *(line for _, lines in parts[1:] for line in lines)]))


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _parts(
    record: Mapping[str, Any], history: Sequence[Mapping[str, Any]], shown: str | None, title: str
) -> Iterator[tuple[str, list[str]]]:
    """Heading and lines of each part, the first screen first."""
    yield title, [_banner(record, history, shown), _series(history)]
    yield "What happened", [*_happened(record), f"Run {record['run_id']}."]
    yield "What to do", _to_do(record)


def _banner(record: Mapping[str, Any], history: Sequence[Mapping[str, Any]], shown: str | None) -> str:
    if shown is None:
        return "Nothing is published yet, so readers see nothing."
    as_of = dt.date.fromisoformat(shown[:10])
    days = (dt.date.fromisoformat(record["as_of"]) - as_of).days if "as_of" in record else None
    age = f", {days} day{'s' * (days != 1)} before this night" if days is not None and days > 0 else ""
    finished = next((str(run["finished_at"])[:16].replace("T", " ") for run in reversed(history) if run.get("run_id") == shown), None)
    when = f" They were released on {finished} UTC." if finished else ""
    return f"Readers go on seeing the last good release: figures as of {as_of}{age} (run {shown}).{when}"


def _series(history: Sequence[Mapping[str, Any]]) -> str:
    failed = 1
    for run in reversed(history):
        if run.get("status") not in ("blocked", "failed"):
            return f"Nights in a row that did not do their work: {failed}. The last that did: {run.get('run_id', 'unknown')}."
        failed += 1
    return f"Nights in a row that did not do their work: {failed}. None has done it yet."


def _happened(record: Mapping[str, Any]) -> list[str]:
    if record["status"] == "blocked":
        says = _rules()
        return ["The data forbid publication:", *(f"{code}: {says.get(code, 'see docs/rules.md')}" for code in record["rules"])]
    if "step" in record:
        return [f"The step {record['step']} failed with {record['error']}."]
    return [str(record["line"])]


def _to_do(record: Mapping[str, Any]) -> list[str]:
    if record["status"] == "blocked":
        return [
            "1. Call `outcomes status`: it names the files of the night, and those that were refused.",
            "2. Ask whoever made the export whether this is meant. If not, drop a corrected export into the inbox.",
            "3. Call `outcomes run`; if it is meant, and the rule may be broken, with `--accept` and the rule's code.",
        ]
    return [
        "1. Call `outcomes doctor`: it says of each thing that is wrong with the installation how to mend it (disk, rights, versions).",
        "2. Call `outcomes run`: it takes in everything that waits. Nothing is half done.",
        '3. If it fails again, send the line under "What happened" to whoever looks after the program; it holds no cell of an export.',
    ]


def _rules() -> dict[str, str]:
    """What each rule against publication says, by its code."""
    from outcomes.suites import suite

    return {rule.code: rule.message for table in RELEASE_SUITES for rule in suite(f"release/{table}")}
