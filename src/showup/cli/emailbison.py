"""Implements `showup emailbison`: registers the webhook, reads leads and statistics, and shows how far that came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import counting_bar, print_json
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from showup.access.connection import Connection
    from showup.container import Container
    from showup.reconcile.lead_sync.walk_store import Walk

app = typer.Typer(no_args_is_help=True, help="Read campaigns and leads from EmailBison, and manage its webhook.")
Workspace = Annotated[str, typer.Option(help="The workspace, by its slug.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_REPORT_EVERY = 3_000


@app.command()
def register(workspace: Workspace = "default", json: Json = False) -> None:
    """Create or repair the webhook at EmailBison, with a new secret in its address; then test it.

    The old address works for another day. The custom variable of the meeting's status is created too.

    Example: showup emailbison register --workspace acme
    """

    async def work(container: "Container") -> dict[str, Any]:
        from showup.cli.emailbison_session import register_webhook

        return await register_webhook(container, await _find(container, workspace))

    result = run_command(work)
    if json:
        print_json(result)
    else:
        done = "created" if result["created"] else "repaired"
        print(f"The webhook {result['webhook_id']} was {done}. Its address is a secret.")
        if result["created_variable"]:
            print(f"The custom variable {result['created_variable']} was created.")
        if result["warning"]:
            print(f"Warning: {result['warning']}")
        elif not result["faults"]:
            print("Showup received its own test webhook at that address.")
    if result["faults"]:
        raise CliError(" ".join(f"{fault}." for fault in result["faults"]))


@app.command()
def status(workspace: Workspace = "default", json: Json = False) -> None:
    """Show whether EmailBison's data is up to date, how far the import came, and how to correct each fault.

    Example: showup emailbison status --workspace acme
    """

    async def work(container: "Container") -> dict[str, Any]:
        from showup.cli.emailbison_session import read_status

        return await read_status(container, await _find(container, workspace))

    row = run_command(work)
    if json:
        print_json(row)
    else:
        _print_status(row)
    if row["faults"]:
        raise typer.Exit(1)


@app.command()
def sync(
    workspace: Workspace = "default",
    full: Annotated[bool, typer.Option("--full", help="Read all leads and replies again, not only new ones.")] = False,
    json: Json = False,
) -> None:
    """Read campaigns, statistics, leads and replies now, to the end.

    `showup serve` does this every 15 minutes. To continue after an interruption, run the command again.

    Example: showup emailbison sync --full
    """

    async def work(container: "Container") -> dict[str, Any]:
        from showup.cli.emailbison_session import sync_now

        with _progress(quiet=json) as on_progress:
            return await sync_now(container, await _find(container, workspace), on_progress, full=full)

    row = run_command(work)
    if json:
        print_json(row)
    else:
        _print_status(row)


async def _find(container: "Container", workspace: str) -> "Connection":
    from showup.access import connections_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        workspace_id = (await get_workspace(tx, workspace)).id
        stored = await connections_store.list_connections(tx, workspace_id=workspace_id)
    found = next((one for one in stored if one.kind == "emailbison"), None)
    if found is None:
        raise CliError(
            f"{workspace} is not connected to EmailBison. Set EMAILBISON_URL and EMAILBISON_API_KEY and restart "
            "Showup, or run `showup connections set emailbison NAME`. docs/EMAILBISON.md shows how."
        )
    return found


def _print_status(row: dict[str, Any]) -> None:
    print(f"{row['workspace']}: {row['url']}")
    print(f"  workspace   {row['emailbison_workspace']}")
    print(f"  data        {row['data']}")
    print(f"  import      {row['import']}")
    print(f"  webhook     {row['webhook']}")
    for fault in row["faults"]:
        print(f"  to do       {fault}")


@contextmanager
def _progress(*, quiet: bool) -> "Iterator[Callable[[Walk], None]]":
    """Shows a bar on a terminal; elsewhere prints a line at intervals."""
    shown: dict[str, int] = {}
    with counting_bar(disable=quiet) as bar:
        tasks = {name: bar.add_task(name.replace("_", " "), total=None) for name in _LISTS}

        def on_progress(walk: "Walk") -> None:
            total = walk.expected if walk.first_ended_at is None else None
            bar.update(tasks[walk.list], completed=walk.read, total=total)
            if not bar.console.is_terminal and not quiet and walk.read >= shown.get(walk.list, 0) + _REPORT_EVERY:
                shown[walk.list] = walk.read
                of_all = "" if total is None else f" of {total:,}"
                print(f"{walk.list.replace('_', ' ')}: {walk.read:,}{of_all} so far", flush=True)

        yield on_progress


_LISTS = ("replies", "leads", "changed_leads")
