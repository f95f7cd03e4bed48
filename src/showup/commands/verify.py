"""`showup verify`: whether the log still proves itself."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.workspace import Workspace
    from showup.assembly import House
    from showup.inbox.chain import Head
    from showup.inbox.verifying import Findings, Verdict

_MOST_SHOWN = 50


def verify(
    workspace: Annotated[str | None, typer.Option(help="Of this workspace alone (else of all).")] = None,
    head: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER:HEX", help="A head noted earlier; may be given again.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove that nothing in the log was changed, taken out, put in or moved since it was applied.

    Prints the head of each chain. Note it on another machine: with --head it also shows that nobody has cut the
    log's end off, or written all of it anew.

    Example: showup verify --head 4711:9f2c…
    """
    heads = [_head(text) for text in head or ()]
    verdict = inside(lambda house: _verdict(house, workspace, heads))
    if json:
        as_json(verdict.told())
    else:
        _print(verdict)
    if broken := verdict.broken:
        raise Refused(f"The log is not what was applied: {broken} broken place{'' if broken == 1 else 's'}.")


def _head(text: str) -> "Head":
    from showup.inbox.chain import head_of

    try:
        return head_of(text)
    except ValueError:
        raise Refused(f"{text!r} is no head: write it as `showup verify` printed it, NUMBER:HEX.") from None


async def _verdict(house: "House", slug: str | None, heads: "Sequence[Head]") -> "Verdict":
    from showup.access import workspaces_store
    from showup.database.engine import raw
    from showup.inbox import verifying

    # One moment for all that is read, so that what is applied meanwhile breaks nothing.
    reading = house.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    async with reading.connect() as tx:
        every = await workspaces_store.list_workspaces(tx)
        asked: list[Workspace] = every if slug is None else [await workspace_named(tx, slug)]
        connection = await raw(tx)
        with _progress(await verifying.count(connection, [one.id for one in asked])) as advance:
            return await verifying.verify(connection, {one.slug: one.id for one in asked}, heads, advance)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr that each call moves on; nothing where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda read: bar.advance(task, read)


def _print(verdict: "Verdict") -> None:
    for slug, findings in verdict.found.items():
        _print_workspace(slug, findings)
    for head in verdict.unknown:
        print(f"head {head}: part of no chain, so the end was cut off or all was written anew")


def _print_workspace(slug: str, findings: "Findings") -> None:
    erased = f", {findings.erased} erased" if findings.erased else ""
    print(f"{slug}: {findings.links} links{erased}, head {findings.head or '-'}")
    for place in findings.places[:_MOST_SHOWN]:
        where = "-" if place.number is None else str(place.number)
        print(f"  {place.broken}  number {where}  event {place.event_id or '-'}: {place.says}")
    if (more := findings.broken - _MOST_SHOWN) > 0:
        print(f"  … and {more} more")
