"""What the operator asks first: did last night work, how old is what is published, what waits. Reads small files only."""

import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any

from outcomes import runs
from outcomes.settings import Settings

SHOWN = 7


def status(settings: Settings, as_json: bool = False) -> tuple[int, str]:
    """Exit code (0, or 1 where nothing is published or the last run failed) and the text."""
    from outcomes import withdrawal

    history = runs.history(settings.paths.data)
    facts = {
        "clinic": settings.clinic.name,
        "published": _published(settings.paths.data, history),
        "release": _release(settings),
        "waiting": _waiting(settings.paths.inbox, settings.paths.data),
        "withdrawals": withdrawal.counts(settings.paths.data),
        "outbox": _outbox(settings),
        "runs": history[-SHOWN:],
    }
    failed = not facts["published"] or (history and not runs.ended_well(history[-1]))
    return int(bool(failed)), json.dumps(facts, default=str) if as_json else _text(facts)


def _published(data: Path, history: list[dict[str, Any]]) -> dict[str, Any] | None:
    shown = runs.current(data, "published")
    if shown is None:
        return None
    as_of = dt.date.fromisoformat(shown.name[:10])
    own = (run for run in reversed(history) if run["run_id"] == shown.name and run["status"] != runs.ROLLED_BACK)
    finished = next((run["finished_at"] for run in own if "finished_at" in run), None)
    back = runs.rolled_back(data)
    folder = str(data / "published" / "current")
    return {
        "run_id": shown.name,
        "as_of": as_of,
        "finished_at": finished,
        "folder": folder,
        "rolled_back_from": back["from"] if back else None,
    }


def _release(settings: Settings) -> dict[str, Any] | None:
    """What the gate let out of the last release, and from which as-of date on the next may come."""
    from outcomes import private, releases

    if not private.exists(settings.paths.data):
        return None
    with closing(private.connect(settings.paths.data)) as con:
        last = releases.last(con)
    return {**last.summary, "next": releases.next_on(last, settings.release_days)} if last else None


def _gate(release: dict[str, Any]) -> list[str]:
    """What is held and since when, and what the next release needs; nothing where nothing is hidden."""
    lines = []
    if release.get("courses"):
        lines += [f"released    {release['courses']} courses are in the figures"]
    if release.get("k") and release.get("patients"):
        lines += [f"            {release['patients']} patients have an outcome in them"]
        waiting = f"{release['waiting']} patients wait" if release["waiting"] else f"fewer than {release['k']} patients wait, or none,"
        lines += [f"            {waiting} for company: in each measure and window, {release['k']} new ones are counted at once"]
    if release.get("held"):
        of = release["held"] + release["fresh"]
        lines += [f"held        {release['held']} of {of} groups of figures are older, the oldest as of {release['oldest']}:"]
        lines += ["            each comes anew once enough people have joined it (why: published.held)"]
    if release.get("next"):
        lines += [f"next        a release may come with figures as of {release['next']} or later"]
    return lines


def _waiting(inbox: Path, data: Path) -> int:
    """Files of the inbox that no run has looked at in their present state."""
    seen = runs.seen(data)
    return sum(runs.mark(path) != seen.get(path.name) for path in runs.arrivals(inbox))


def _outbox(settings: Settings) -> list[dict[str, Any]]:
    """The letters that were not sent: what became of each, never to whom."""
    from outcomes.mail import sending

    told = ("kind", "as_of", "state", "attempts", "error", "next_at")
    return [{name: row[name] for name in told} for row in sending.waiting(settings.paths.data)]


def _withdrawals(counted: dict[str, int]) -> list[str]:
    if not counted["recorded"]:
        return []
    left = f"; the erasure of {counted['unfinished']} is unfinished: the next run finishes it" if counted["unfinished"] else ""
    return [f"withdrawn   {counted['recorded']} people were forgotten, and no export brings them back{left}"]


def _mail(letter: dict[str, Any]) -> str:
    """One letter of the outbox on one line."""
    tries = f"{letter['attempts']} tries" if letter["attempts"] != 1 else "1 try"
    then = {
        "awaiting_approval": "call `outcomes send --preview`, then `outcomes send --approve`",
        "given_up": "mend it, then call `outcomes send --retry`",
        "failed": f"again after {letter['next_at'][:16].replace('T', ' ')} UTC",
    }.get(letter["state"], "")
    parts = [
        f"{letter['kind']} as of {letter['as_of']}",
        letter["state"].replace("_", " "),
        tries if letter["attempts"] else "",
        letter["error"],
        then,
    ]
    return "outbox      " + "; ".join(part for part in parts if part)


def _text(facts: dict[str, Any]) -> str:
    published = facts["published"]
    lines = [facts["clinic"], ""]
    if published:
        lines += [f"published   figures as of {published['as_of']} (run {published['run_id']}, {_age(published['finished_at'])})"]
        if published["rolled_back_from"]:
            lines += [f"            rolled back from {published['rolled_back_from']}, by hand; the next release goes forward again"]
        lines += [f"            {published['folder']}", *_gate(facts["release"] or {})]
    else:
        lines += ["published   nothing yet: put exports into the inbox and call `outcomes run`"]
    lines += [
        f"waiting     {facts['waiting']} file(s) in the inbox",
        *_withdrawals(facts["withdrawals"]),
        *map(_mail, facts["outbox"]),
        "",
        "last runs",
    ]
    lines += [f"  {run['run_id']}  {run.get('line', run['status'])}" for run in reversed(facts["runs"])]
    return "\n".join(lines if facts["runs"] else [*lines, "  none"])


def _age(finished: str | None) -> str:
    if finished is None:
        return "age unknown"
    hours = (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(finished)).total_seconds() / 3600
    return f"{hours:.0f} h ago" if hours < 72 else f"{hours / 24:.0f} days ago"
