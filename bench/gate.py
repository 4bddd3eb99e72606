"""What somebody learns from nightly tables who knows who completed when, but not how: by publisher; and what the gate costs.

    python bench/gate.py [--nights 90] [--seeds 3] [--year-seeds 2] [--per-night 2]

Four sites, three programmes, two completed patients a night. *Proven*: patients whose outcome follows from all that was ever printed.
*Coverage*: patients in printed cells, as a share of those who completed, by breakdown: the sum over all nights of the ones, divided by
that of the others (each patient counts in every night), and at the end. CPU seconds of the audit are of the nights in which something
is compared; the others cost nothing.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from outcomes.disclosure import Rule
from outcomes.gate import attack, simulation
from outcomes.gate.simulation import Clinic, Guards, Ledger, publish_gated, publish_simply

PUBLISHERS: dict[str, tuple[int, Callable[[object], Ledger]]] = {
    "exact": (11, lambda nights: publish_simply(nights, simulation.exact)),
    "1 to 10 hidden": (11, lambda nights: publish_simply(nights, simulation.threshold(10))),
    "1 to 10 pooled": (11, lambda nights: publish_simply(nights, simulation.exact, Rule("cms", 1, 10))),
    "1 to 4 hidden, rounded to 5": (5, lambda nights: publish_simply(nights, simulation.rounded(4, 5))),
    "1 to 7 hidden, rounded to 5": (8, lambda nights: publish_simply(nights, simulation.rounded(7, 5))),
    "gate, k = 5": (5, lambda nights: publish_gated(nights, Guards(k=5))),
    "gate, k = 8": (8, lambda nights: publish_gated(nights, Guards(k=8))),
    "gate, k = 11": (11, lambda nights: publish_gated(nights, Guards(k=11))),
}


def coverage(ledgers: Sequence[Ledger]) -> str:
    """Share of patient-nights, and of patients on the last night, by breakdown."""
    said = []
    for breakdown in simulation.BREAKDOWNS:
        rows = [row for ledger in ledgers for row in ledger.covered if row[1] == breakdown]
        last = [row for row in rows if row[0] == max(r[0] for r in rows)]
        shares = [sum(row[2] for row in some) / sum(row[3] for row in some) for some in (rows, last)]
        said.append(f"{breakdown} {shares[0]:.0%} (end {shares[1]:.0%})")
    return ", ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--year-seeds", type=int, default=2)
    parser.add_argument("--per-night", type=int, default=2)
    asked = parser.parse_args()
    clinic = Clinic(asked.nights, asked.per_night)
    total = clinic.nights * clinic.per_night + clinic.extra
    print(f"{total} patients, {clinic.nights} nights, {asked.seeds} seeds")
    print(f"{'publisher':30} {'proven':>16} {'groups < k':>12}")
    for name, (k, publish) in PUBLISHERS.items():
        learned = [attack.from_everything(publish(simulation.nights(clinic, seed)).prints, k) for seed in range(asked.seeds)]
        people = " ".join(str(told.people) for told in learned)
        print(f"{name:30} {people:>16} {' '.join(str(told.few) for told in learned):>12}", flush=True)
    print()
    for title, year in {
        "a year, k = 11": Clinic(365, asked.per_night),
        "a year, k = 11, uneven": Clinic(365, asked.per_night, sites=(0.55, 0.3, 0.12, 0.03), programmes=(0.7, 0.25, 0.05)),
        "a year, k = 11, corrections": Clinic(365, asked.per_night, corrected=0.001, withdrawn=0.0005),
    }.items():
        began = sum(os.times()[:2])
        ledgers = [publish_gated(simulation.nights(year, seed), Guards(k=11)) for seed in range(asked.year_seeds)]
        spent = (sum(os.times()[:2]) - began) / asked.year_seeds
        seconds = [one for ledger in ledgers for one in ledger.seconds]
        learned = [attack.from_everything(ledger.prints, 11) for ledger in ledgers]
        print(f"{title}: covered {coverage(ledgers)}")
        proven, few = (" ".join(str(told[i]) for told in learned) for i in (0, 1))
        audits = f"audit {max(seconds):.2f} s a night at most, {sum(seconds) / len(seconds):.2f} s on average"
        print(f"    proven {proven}, groups < k {few}; {audits}; {spent:.0f} s CPU a year", flush=True)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
