"""Implements `showup verify`: checks the hash chains of the log."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import get_workspace, run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from showup.access.workspace import Workspace
    from showup.container import Container
    from showup.inbox.chain import ChainHead
    from showup.inbox.verification import ChainReport, VerificationReport

_MAX_BREAKS = 50


def verify(
    workspace: Annotated[str | None, typer.Option(help="Only this workspace. Default: all.")] = None,
    head: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER:HEX", help="A head that you stored earlier. May be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify that no event in the log was changed, removed, inserted or moved since it was applied.

    Print the head of each chain. Store the heads on another machine.
    With --head, also detect a log whose end was cut off, or that was rewritten completely.

    Example: showup verify --head 4711:9f2c…
    """
    heads = [_parse_head(text) for text in head or ()]
    verdict = run_command(lambda container: _verify_workspaces(container, workspace, heads))
    if json:
        print_json(verdict.to_dict())
    else:
        _print_verdict(verdict)
    if broken := verdict.break_count:
        raise CliError(f"The log differs from what was applied: {counted(broken, 'break')} found.")


def _parse_head(text: str) -> "ChainHead":
    from showup.inbox.chain import parse_head

    try:
        return parse_head(text)
    except ValueError:
        raise CliError(f"{text!r} is not a head. Use the form NUMBER:HEX, as `showup verify` prints it.") from None


async def _verify_workspaces(
    container: "Container", slug: str | None, heads: "Sequence[ChainHead]"
) -> "VerificationReport":
    from showup.access import workspaces_store
    from showup.database.engine import driver_connection
    from showup.inbox import verification

    # One snapshot for all reads, so that events applied meanwhile don't cause differences.
    snapshot_engine = container.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    async with snapshot_engine.connect() as tx:
        workspaces = await workspaces_store.list_workspaces(tx)
        selected: list[Workspace] = workspaces if slug is None else [await get_workspace(tx, slug)]
        connection = await driver_connection(tx)
        with _progress(
            await verification.count_links(connection, [workspace.id for workspace in selected])
        ) as on_progress:
            return await verification.verify(
                connection, {workspace.slug: workspace.id for workspace in selected}, heads, on_progress
            )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on stderr, if it is a terminal; each call of the function moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda read: bar.advance(task, read)


def _print_verdict(verdict: "VerificationReport") -> None:
    for slug, report in verdict.chains.items():
        _print_workspace(slug, report)
    for head in verdict.unknown_heads:
        print(f"head {head} is part of no chain: the end of the log was cut off, or the log was rewritten")


def _print_workspace(slug: str, report: "ChainReport") -> None:
    erased = f", {report.erased_count} erased" if report.erased_count else ""
    redacted = f", {report.redacted_count} redacted" if report.redacted_count else ""
    print(f"{slug}: {counted(report.link_count, 'link')}{erased}{redacted}, head {report.head or '-'}")
    for chain_break in report.breaks[:_MAX_BREAKS]:
        number = "-" if chain_break.number is None else str(chain_break.number)
        print(f"  {chain_break.kind}  number {number}  event {chain_break.event_id or '-'}: {chain_break.message}")
    if (more := report.break_count - _MAX_BREAKS) > 0:
        print(f"  … and {more} more")
