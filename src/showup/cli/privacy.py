"""Implements `showup export` and `showup erase`: what Showup has about one person, and its erasure."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from showup.access.workspace import Workspace
    from showup.container import Container
    from showup.privacy.erase import Erased

Email = Annotated[str, typer.Argument(help="The person's email address.")]
OfWorkspace = Annotated[str | None, typer.Option("--workspace", help="Only this workspace. Default: all workspaces.")]
_ACTOR = "cli"


def export(
    email: Email,
    workspace: OfWorkspace = None,
    output: Annotated[Path | None, typer.Option(help="Write to this new file instead of the terminal.")] = None,
) -> None:
    """Print everything that Showup has about one person, as JSON: their records, and the events that name them.

    Example: showup export ann@acme.com --output ann.json
    """
    address = _normalize(email)

    if output is not None and output.exists():
        raise CliError(f"{output} exists. Choose the name of a new file.")
    found = run_command(lambda container: _export(container, workspace, address))
    if not found:
        raise CliError("Showup has nothing about this address.")
    if output is None:
        print_json({"workspaces": found})
    else:
        _write(output, {"workspaces": found})


async def _export(container: "Container", slug: str | None, email: str) -> dict[str, Any]:
    from showup.database.engine import driver_connection, transaction
    from showup.privacy import actions_store
    from showup.privacy.export import export_person
    from showup.privacy.person_scope import PersonUnknown

    found: dict[str, Any] = {}
    for one in await _workspaces(container, slug):
        async with transaction(container.engine) as tx:
            connection = await driver_connection(tx)
            at = container.clock()
            try:
                found[one.slug] = await export_person(connection, one.id, email, at)
            except PersonUnknown:
                continue
            counts = {"events": len(found[one.slug]["events"])}
            await actions_store.add(connection, "exported", workspace_id=one.id, actor=_ACTOR, at=at, counts=counts)
    return found


def _write(path: Path, document: dict[str, Any]) -> None:
    import msgspec

    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
    except OSError as fault:
        raise CliError(f"{path} can't be written: {fault.strerror}.") from None
    print(f"Wrote {path}.", file=sys.stderr)


def erase(
    email: Email,
    workspace: OfWorkspace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the address again.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase one person: from the log, all records, messages, leads and chats. Nothing brings them back.

    Deals, outcomes and all totals stay, under a pseudonym. Backups and other systems keep what they have, as
    docs/PRIVACY.md says.

    Example: showup erase ann@acme.com
    """
    address = _normalize(email)
    if not yes:
        _confirm(address)

    done = run_command(lambda container: _erase(container, workspace, address))
    if json:
        print_json({"workspaces": done})
    elif not done:
        print("Showup has nothing about this address.")
    for slug, erased in () if json else done.items():
        counts = ", ".join(f"{getattr(erased, name):,} {name}" for name in erased.__struct_fields__)
        print(f"Erased in the workspace {slug}: {counts}.")


async def _erase(container: "Container", slug: str | None, email: str) -> "dict[str, Erased]":
    from showup.cli.rebuild_output import progress
    from showup.privacy.erase import erase_person
    from showup.privacy.person_scope import NotErasable, PersonUnknown

    done: dict[str, Erased] = {}
    for one in await _workspaces(container, slug):
        with progress() as (on_start, on_progress):
            try:
                done[one.slug] = await erase_person(
                    *(container.engine, container.seal, one.id, email),
                    actor=_ACTOR,
                    at=container.clock(),
                    on_start=on_start,
                    on_progress=on_progress,
                )
            except PersonUnknown:
                continue
            except NotErasable as refusal:
                raise CliError(f"Nothing was erased in the workspace {one.slug}. {refusal}") from None
    return done


def _confirm(address: str) -> None:
    print(
        f"This erases {address} from the log, all records, messages, leads and chats. It can't be undone.\n"
        "Deals, outcomes and all totals stay, under a pseudonym."
    )
    if typer.prompt("Type the address to erase it", default="", show_default=False).strip().lower() != address:
        raise CliError("That is another address. Nothing was erased.")


def _normalize(email: str) -> str:
    from showup.values.email_address import is_email, normalize_email

    if not is_email(email):
        raise CliError(f"{email[:80]!r} is not an email address.")
    return normalize_email(email)


async def _workspaces(container: "Container", slug: str | None) -> "Sequence[Workspace]":
    from showup.access import workspaces_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        return [await get_workspace(tx, slug)] if slug else await workspaces_store.list_workspaces(tx)
