"""A number of patients and a seed in; the inbox of a synthetic clinic of one year out, and the truth about it."""

from pathlib import Path

from outcomes.clinic import dirt, exports, plan, truth, write, year
from outcomes.clinic.truth import OutcomeTruth, ProgrammeTruth, Share, Truth

__all__ = ["OutcomeTruth", "ProgrammeTruth", "Share", "Truth", "make"]


def make(folder: Path, patients: int = 900, seed: int = 7) -> Truth:
    """Writes `inbox/` and beside it `truth.json`; returns the truth. The same patients and seed give the same bytes."""
    planned = plan.load()
    lived = year.live_through(planned, patients, seed)
    files = write.inbox(lived, folder / "inbox")
    corrected = dirt.corrected(lived, exports.forms(lived, planned.measures["phq9"]))
    told = truth.tell(lived, files, corrected.to_list())
    told.save(folder / "truth.json")
    return told
