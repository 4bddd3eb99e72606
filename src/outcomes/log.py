"""What a run says while it works: events in, lines on a terminal or JSON lines out. No event carries a cell of an export."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

Style = Literal["auto", "text", "json"]
Say = Callable[..., None]


def silent(event: str, **fields: Any) -> None:
    """Says nothing; for callers that only want the result."""


def _as_json(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}, default=str), file=sys.stderr, flush=True)


def _as_text(event: str, **fields: Any) -> None:
    if event in {"begin", "advance"}:
        return
    rest = "  ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    print(f"{event:<14} {rest}".rstrip(), file=sys.stderr, flush=True)


def to_logger(logger: Any) -> Say:
    """A `say` that writes each event as one line of a logger; what only moves a bar is left out."""

    def say(event: str, **fields: Any) -> None:
        if event not in {"begin", "advance"}:
            logger.info("%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))

    return say


@contextmanager
def speaking(style: Style) -> Iterator[Say]:
    """A `say(event, **fields)`: bars on a terminal, plain lines where there is none, JSON lines on request.

    The events `begin` (step, of) and `advance` (step) move the bars; every other event is a line.
    """
    if style == "json":
        yield _as_json
    elif style == "text" or not sys.stderr.isatty():
        yield _as_text
    else:
        with _bars() as say:
            yield say


@contextmanager
def _bars() -> Iterator[Say]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars: dict[str, Any] = {}

        def say(event: str, **fields: Any) -> None:
            step = str(fields.get("step", ""))
            if event == "begin":
                bars[step] = progress.add_task(step, total=fields["of"])
            elif event == "advance":
                progress.advance(bars[step])
            elif event == "done":
                progress.update(bars[step], completed=progress.tasks[bars[step]].total)
            elif event in {"refused", "warning", "blocked", "failed", "waiting"}:
                progress.console.print(f"[bold]{event}[/bold] " + "  ".join(f"{k}={v}" for k, v in fields.items()), highlight=False)

        yield say
