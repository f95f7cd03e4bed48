"""Implements `showup leads`: imports the leads of campaigns from CSV files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from showup.campaigns.imports_store import LeadImport
    from showup.campaigns.lead_file.file import LeadFile
    from showup.container import Container

app = typer.Typer(no_args_is_help=True, help="Import the leads of campaigns, and match them to bookings.")

_PREVIEW_ROWS = 10
_SHOWN_REJECTIONS = 20


@app.callback()
def leads() -> None:
    """Import the leads of campaigns, and match them to bookings."""


@app.command("import")
def import_file(  # noqa: PLR0913, PLR0917  # each is an option of the command
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The export of a sales tool or a spreadsheet.")],
    workspace: Annotated[str, typer.Option(help="The workspace, by its slug.")] = "default",
    campaign: Annotated[
        str | None,
        typer.Option(help="Campaign of the rows that have no campaign of their own. Default: the file's name."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Use a column as this field. May be repeated."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1252. Default: detected.")] = None,
    separator: Annotated[str | None, typer.Option(help="Such as ';'. Default: detected.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", "--dry-run", help="Import nothing, and show the first rows as they are read.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import leads from a CSV file.

    The same file with the same options is imported once. To continue after an interruption, run the command again.

    Example: showup leads import instantly.csv --campaign "Founders NL" --preview
    """
    lead_file = _open(file, columns or [], encoding, separator)
    name = campaign or file.stem
    if preview:
        _print_preview(lead_file, name, as_json=json)
        return

    async def work(container: "Container") -> "LeadImport":
        return await _import(container, lead_file, workspace, name, quiet=json)

    done = run_command(work)
    if json:
        print_json(_report(lead_file, done))
    else:
        _print_report(done)


def _open(file: Path, columns: list[str], encoding: str | None, separator: str | None) -> "LeadFile":
    from showup.campaigns.lead_file.columns import UnknownColumn
    from showup.campaigns.lead_file.file import ReadingOptions, UnusableFile, open_lead_file

    options = ReadingOptions(
        columns=dict(_parse_pair(pair) for pair in columns),
        encoding=encoding,
        separator="\t" if separator == "\\t" else separator,
    )
    try:
        return open_lead_file(file, options)
    except (UnusableFile, UnknownColumn) as fault:
        raise CliError(f"{file}: {fault}") from None
    except OSError as fault:
        raise CliError(f"{file} can't be read ({fault.strerror}).") from None


def _parse_pair(pair: str) -> tuple[str, str]:
    name, equals, field = pair.rpartition("=")
    if not equals or not name:
        raise CliError(f"--map {pair!r} is not COLUMN=FIELD, such as 'E-Mail=email'.")
    return name, field


async def _import(
    container: "Container", lead_file: "LeadFile", slug: str, campaign: str, *, quiet: bool
) -> "LeadImport":
    from showup.campaigns.imports_store import ImportTaken
    from showup.commands.import_leads import ImportRequest, import_leads
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        workspace = await get_workspace(tx, slug)
    request = ImportRequest(
        workspace_id=workspace.id,
        file=lead_file,
        file_name=lead_file.path.name,
        campaign=campaign,
        actor="cli",
    )
    try:
        with _progress(quiet=quiet) as on_progress:
            return await import_leads(container.engine, request, container.clock, on_progress, seal=container.seal)
    except ImportTaken:
        raise CliError("Another process imports the same file. Wait until it is done.") from None
    except OSError as fault:
        raise CliError(f"{lead_file.path} can't be read any more ({fault.strerror}).") from None


def _report(lead_file: "LeadFile", done: "LeadImport") -> dict[str, Any]:
    return {**_format(lead_file), **{name: getattr(done, name) for name in done.__struct_fields__}}


def _format(lead_file: "LeadFile") -> dict[str, Any]:
    return {
        "encoding": lead_file.encoding,
        "separator": lead_file.layout.separator,
        "columns": lead_file.mapping.named(),
        "unused_columns": lead_file.mapping.unused(),
    }


def _print_preview(lead_file: "LeadFile", campaign: str, *, as_json: bool) -> None:
    from showup.campaigns.lead_file.rows import LeadRow, RejectedRow

    rows = lead_file.first_rows(_PREVIEW_ROWS)
    leads = [
        {
            "line": row.line,
            "email": row.lead.email,
            "name": row.lead.name,
            "company": row.lead.company,
            "campaign": row.campaign or campaign,
        }
        for row in rows
        if isinstance(row, LeadRow)
    ]
    rejected = [{"line": row.line, "reason": row.reason} for row in rows if isinstance(row, RejectedRow)]
    if as_json:
        print_json({**_format(lead_file), "preview": leads, "rejected_rows": rejected})
        return
    print(f"Read as {lead_file.encoding}, separated by {lead_file.layout.separator!r}.")
    for field, names in lead_file.mapping.named().items():
        print(f"  {field}: {', '.join(names)}")
    if unused := lead_file.mapping.unused():
        print(f"  not used: {', '.join(unused)}")
    print_table(leads, empty_message="None of the first rows is a lead.")
    for one in rejected:
        print(f"line {one['line']}: {one['reason']}")


def _print_report(done: "LeadImport") -> None:
    accepted, blank = counted(done.accepted, "lead"), counted(done.ignored, "blank row")
    print(f"Imported {accepted}; {done.repeated:,} repeated, {blank}. Campaign of rows without one: {done.campaign}.")
    for reason, count in sorted(done.rejected.items()):
        print(f"{counted(count, 'row')} rejected: {reason}")
    for one in done.rejected_rows[:_SHOWN_REJECTIONS]:
        print(f"  line {one.line}: {one.reason}")
    if (more := len(done.rejected_rows) - _SHOWN_REJECTIONS) > 0:
        print(f"  and {more:,} more: --json lists the first 1,000")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[["LeadImport"], None]]:
    """Shows how many rows were read, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("leads", total=None)

        def on_progress(progress: "LeadImport") -> None:
            bar.update(task, description=f"{counted(progress.accepted, 'lead')}, line {progress.position:,}")

        yield on_progress
