"""The verbs of the command `outcomes`. Each imports what it needs when it runs, so that help and status answer at once."""

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outcomes import __version__
from outcomes.runs import Exit

if TYPE_CHECKING:
    from outcomes.settings import Settings

app = typer.Typer(
    help="From a ketamine clinic's exports to response and remission figures that can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Engine(StrEnum):
    plain = "plain"
    prefect = "prefect"


class LogStyle(StrEnum):
    auto = "auto"
    text = "text"
    json = "json"


Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
Log = Annotated[LogStyle, typer.Option("--log", help="Bars on a terminal (auto), plain lines, or JSON lines.")]
AsOf = Annotated[dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The date the figures stand for.")]
CONFIG = Path("outcomes.toml")


def _settings(path: Path) -> "Settings":
    from outcomes.settings import SettingsError, load

    try:
        return load(path)
    except SettingsError as error:
        typer.secho(str(error), err=True)
        raise typer.Exit(Exit.USAGE) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    pass


@app.command()
def run(
    config: Config = CONFIG,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything in a copy and publish nothing.")] = False,
    engine: Annotated[Engine, typer.Option(help="plain: the steps, no server. prefect: a recorded flow run.")] = Engine.plain,
    accept: Annotated[list[str], typer.Option(help="A rule that may be broken this once, by its code.")] = [],  # noqa: B006
    log_style: Log = LogStyle.auto,
) -> None:
    """The nightly job, once. The same files and date twice change nothing.

    Example: [bold]outcomes run --as-of 2026-02-01[/bold]
    """
    from outcomes import log, verbs

    settings = _settings(config)
    with log.speaking(log_style.value) as say:
        wanted = verbs.Wanted(as_of.date() if as_of else None, tuple(accept), dry_run, engine.value)
        code, line = verbs.run(settings, config, wanted, say)
    typer.echo(line)
    raise typer.Exit(code)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the clinic is put.")] = Path("demo"),
    patients: Annotated[int, typer.Option(min=50, help="How many patients it has.")] = 900,
    log_style: Log = LogStyle.auto,
) -> None:
    """A synthetic clinic of a year with known truth, through the whole night; prints the headline table.

    Example: [bold]outcomes demo /tmp/clinic[/bold]
    """
    from outcomes import log, verbs

    with log.speaking(log_style.value) as say:
        code, text = verbs.demo(folder, patients, say)
    typer.echo(text)
    raise typer.Exit(code)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The folder to set up.")]) -> None:
    """A commented outcomes.toml and its folders; what is there stays.

    Example: [bold]outcomes init /srv/outcomes[/bold]
    """
    from outcomes import verbs

    typer.echo(verbs.init(folder))


@app.command()
def serve(config: Config = CONFIG) -> None:
    """Keeps the schedule of the settings (cron in the clinic's time zone) until it is stopped; needs a Prefect server or starts one.

    Example: [bold]outcomes serve --config /srv/outcomes/outcomes.toml[/bold]
    """
    from outcomes import verbs

    verbs.serve(_settings(config), config.resolve())


@app.command()
def status(config: Config = CONFIG, log_style: Log = LogStyle.auto) -> None:
    """The last runs, the age of what is published, and what waits.

    Example: [bold]outcomes status[/bold]
    """
    from outcomes import overview

    code, text = overview.status(_settings(config), as_json=log_style is LogStyle.json)
    typer.echo(text)
    raise typer.Exit(code)


@app.command()
def compare(
    config: Config = CONFIG,
    instrument: Annotated[str | None, typer.Option(help="Only this measure, by its id.")] = None,
) -> None:
    """The published rates under every profile and every baseline rule beside each other: by how much definitions move a number.

    Example: [bold]outcomes compare --instrument phq9[/bold]
    """
    from outcomes import verbs

    code, text = verbs.compare(_settings(config), instrument)
    typer.echo(text)
    raise typer.Exit(code)


@app.command()
def doctor(
    config: Config = CONFIG,
    mail: Annotated[bool, typer.Option("--mail", help="Also connect to the mail server and log in; sends nothing.")] = False,
) -> None:
    """Checks the installation and the folders; each trouble comes with its mend.

    Example: [bold]outcomes doctor[/bold]
    """
    from outcomes import doctor as ward

    code, text = ward.examine(config, mail)
    typer.echo(text)
    raise typer.Exit(code)


@app.command()
def benchmark(config: Config = CONFIG) -> None:
    """What others have published, beside the clinic's own figures of the last release; never a target.

    Example: [bold]outcomes benchmark[/bold]
    """
    from outcomes import benchmark as pack

    settings = _settings(config)
    release = settings.paths.data / "published" / "current" / "outcomes.duckdb"
    if not release.exists():
        typer.secho("nothing is published yet: call `outcomes run`", err=True)
        raise typer.Exit(Exit.USAGE)
    typer.echo(pack.terminal(release, settings.clinic.name))


@app.command()
def tables(
    kind: Annotated[
        str | None, typer.Argument(help="burnout, compassion, anxiety, ptsd or resistant; without it, all that the clinic runs.")
    ] = None,
    config: Config = CONFIG,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Markdown, not a table for a terminal.")] = False,
) -> None:
    """The tables of each kind of programme (T0 to T4), from the last release.

    Example: [bold]outcomes tables ptsd[/bold]
    """
    from outcomes import verbs

    code, text = verbs.tables(_settings(config), kind, as_markdown)
    typer.echo(text, err=code != Exit.OK)
    raise typer.Exit(code)


@app.command()
def send(
    folder: Annotated[Path, typer.Argument(help="Where --preview puts its files.")] = Path("preview"),
    config: Config = CONFIG,
    preview: Annotated[bool, typer.Option("--preview", help="Write .eml files into FOLDER; no connection is opened.")] = False,
    to: Annotated[str | None, typer.Option(help="The letters of the last release to this one address of the settings.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Let go what awaits an approval, and later letters like it.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try now what failed or was given up.")] = False,
    log_style: Log = LogStyle.auto,
) -> None:
    """Sends what waits in the outbox. Exit code 5: some of it waits on.

    Example: [bold]outcomes send --preview mails[/bold]
    """
    from outcomes import log, verbs

    settings = _settings(config)
    with log.speaking(log_style.value) as say:
        code, text = verbs.send(settings, verbs.Mail(folder if preview else None, to, approve, retry), say)
    typer.echo(text, err=code == Exit.USAGE)
    raise typer.Exit(code)


@app.command()
def report(
    config: Config = CONFIG,
    open_path: Annotated[bool, typer.Option("--open-path", help="Print the page's path and nothing else, to open it with.")] = False,
) -> None:
    """Renders the last release again: one page, a PDF, a site; prints where they are.

    Example: [bold]xdg-open "$(outcomes report --open-path)"[/bold]
    """
    from outcomes import verbs

    code, text = verbs.report(_settings(config), open_path)
    typer.echo(text, err=code != Exit.OK)
    raise typer.Exit(code)


@app.command()
def rebuild(config: Config = CONFIG, as_of: AsOf = None, log_style: Log = LogStyle.auto) -> None:
    """Everything again from the raw files, in the order in which they came, then a night.

    Example: [bold]outcomes rebuild --as-of 2026-02-01[/bold]
    """
    from outcomes import log, verbs

    settings = _settings(config)
    with log.speaking(log_style.value) as say:
        code, line = verbs.rebuild(settings, as_of.date() if as_of else None, say)
    typer.echo(line)
    raise typer.Exit(code)


@app.command()
def explain(
    metric: Annotated[str, typer.Argument(help="Metric, by its id: response.")],
    instrument: Annotated[str, typer.Argument(help="Measure, by its id: phq9.")],
    window: Annotated[str, typer.Argument(help="Window, by its id: d30.")],
    config: Config = CONFIG,
    by: Annotated[str, typer.Option("--by", help="Breakdown.")] = "all",
    level: Annotated[str, typer.Option(help="Group of the breakdown.")] = "all",
    profile: Annotated[str | None, typer.Option(help="Profile; without it, that of the report.")] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Also the courses behind it, from the private warehouse.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """From a published rate to its definition, its counts by reason, and the runs and files that fed it.

    Example: [bold]outcomes explain response phq9 d30 --by site --level north[/bold]
    """
    from outcomes import explain as tracing

    asked = (metric, instrument, window)
    code, text = tracing.explain(_settings(config), asked, by, level, profile, rows=rows, as_json=as_json)
    typer.echo(text, err=code != Exit.OK)
    raise typer.Exit(code)


@app.command()
def prune(
    config: Config = CONFIG,
    keep: Annotated[int | None, typer.Option(min=1, help="How many of each to keep; without it, what [limits] says.")] = None,
) -> None:
    """Removes old snapshots of the release and of the warehouse, never the current ones. A night does so at its end.

    Example: [bold]outcomes prune --keep 2[/bold]
    """
    from outcomes import keeping

    code, text = keeping.prune(_settings(config), keep)
    typer.echo(text, err=code != Exit.OK)
    raise typer.Exit(code)


@app.command()
def rollback(
    run_id: Annotated[str | None, typer.Argument(help="The run whose release readers shall see; without it, the one before.")] = None,
    config: Config = CONFIG,
) -> None:
    """Shows readers an earlier release again, whole and at once; the next release goes forward from the newest.

    Example: [bold]outcomes rollback 2026-01-25-0031[/bold]
    """
    from outcomes import keeping

    code, text = keeping.rollback(_settings(config), run_id)
    typer.echo(text, err=code != Exit.OK)
    raise typer.Exit(code)


@app.command()
def forget(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file with one pseudonym a line, or - for standard input.")] = "",
    config: Config = CONFIG,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Everybody for whom an export tells a day of withdrawal.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only search all files for them.")] = False,
    as_of: AsOf = None,
    log_style: Log = LogStyle.auto,
) -> None:
    """Removes people who have withdrawn from every file that is kept, for good, and searches all files for them.

    Nobody is named on the command line, where others could read it.

    Example: [bold]outcomes forget withdrawn.txt[/bold]
    """
    from outcomes import forgetting, log

    settings = _settings(config)
    wanted = forgetting.Wanted(_lines(source), withdrawn, check, as_of.date() if as_of else None)
    with log.speaking(log_style.value) as say:
        code, text = forgetting.forget(settings, wanted, say)
    typer.echo(text, err=code == Exit.USAGE)
    raise typer.Exit(code)


def _lines(source: str) -> tuple[str, ...]:
    """The lines of a file or of standard input; none where no source is named."""
    import sys

    if not source:
        return ()
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        # The text of such an error quotes what was typed, which may be a pseudonym.
        typer.secho(f"the list could not be read ({type(error).__name__}); name a file with one pseudonym a line, or -", err=True)
        raise typer.Exit(Exit.USAGE) from None
    return tuple(text.splitlines())


@app.command(hidden=True)
def docs(check: Annotated[bool, typer.Option("--check", help="Only compare; 1 if a page is stale.")] = False) -> None:
    """Writes the generated pages of docs/ (for developers, in a checkout)."""
    from outcomes import pages

    stale = pages.write(check)
    for name in stale:
        typer.echo(f"{'stale' if check else 'written'}: {name}")
    raise typer.Exit(Exit.CRASH if check and stale else Exit.OK)
