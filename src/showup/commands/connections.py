"""`showup connections`: how workspaces reach other systems."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.connection import Connection
    from showup.assembly import House

app = typer.Typer(no_args_is_help=True, help="The connections to other systems, and their credentials.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Workspace = Annotated[str, typer.Option(help="The workspace it belongs to.")]
Kind = Annotated[str, typer.Argument(help="The other system, such as calcom.")]
Name = Annotated[str, typer.Argument(help="Its name among those of its kind.")]


@app.command("list")
def list_all(
    workspace: Annotated[str | None, typer.Option(help="Only this workspace's.")] = None, json: Json = False
) -> None:
    """List the connections, without their credentials.

    Example: showup connections list --workspace acme
    """

    async def work(house: "House") -> "list[Connection]":
        from showup.access import connections_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            workspace_id = (await workspace_named(tx, workspace)).id if workspace else None
            return await connections_store.list_connections(tx, workspace_id=workspace_id)

    found = inside(work)
    if json:
        as_json(found)
        return
    rows = [
        {
            "workspace": one.workspace,
            "kind": one.kind,
            "name": one.name,
            "settings": one.settings,
            "credentials": one.has_credentials,
        }
        for one in found
    ]
    as_table(rows, nothing="There are no connections.")


@app.command("set")
def put(
    kind: Kind,
    name: Name,
    workspace: Workspace = "default",
    setting: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="May be repeated; lists are JSON.")
    ] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(help="A file with a JSON object of secrets; - reads stdin.")
    ] = None,
) -> None:
    """Make or change a connection; what is not named stays as it is.

    Example: echo '{"api_key": "cal_live_…"}' | showup connections set calcom acme --credentials-file -
    """
    from showup.access.connection import KINDS

    if kind not in KINDS:
        raise Refused(f"{kind!r} is not a kind of connection: it is one of {', '.join(KINDS)}.")
    settings = _settings(setting or [])
    secrets = None if credentials_file is None else _secrets(credentials_file)
    inside(lambda house: _put(house, workspace, (kind, name), settings, secrets))
    print(f"Set the connection {kind} {name}.")


@app.command("test")
def try_out(kind: Kind, name: Name, workspace: Workspace = "default") -> None:
    """Try a connection: the other system is asked whether it takes the credentials and has what the settings name.

    Example: showup connections test calcom acme --workspace acme
    """
    from showup.commands.connections_trying import try_out as tried

    print(inside(lambda house: tried(house, workspace, kind, name)))


@app.command()
def remove(kind: Kind, name: Name, workspace: Workspace = "default") -> None:
    """Remove a connection; what was scheduled for it waits until there is another one.

    Example: showup connections remove slack team
    """
    from showup.access.connection import CALCOM

    if kind == CALCOM:
        raise Refused("An account stays, for the events that came from it: rotate its secret to take no more.")
    inside(lambda house: _remove(house, workspace, kind, name))
    print(f"Removed the connection {kind} {name}.")


async def _put(
    house: "House",
    workspace: str,
    called: tuple[str, str],
    settings: dict[str, Any],
    secrets: dict[str, Any] | None,
) -> None:
    from showup.access import connections_store
    from showup.access.connection import CALCOM
    from showup.database.engine import transaction
    from showup.deliveries.setting_up import Wanted, amend

    kind, name = called
    _refuse_environments(name)
    async with transaction(house.engine) as tx:
        workspace_id = (await workspace_named(tx, workspace)).id
        before = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if kind == CALCOM and before is None:
            raise Refused(f"There is no account {name!r} there: `showup accounts add {name}` makes it.")
        if kind == CALCOM and secrets is not None and set(secrets) != {"api_key"}:
            raise Refused('An account\'s credentials are {"api_key": "…"}; its secret is rotated instead.')
        wanted = Wanted(
            workspace_id=workspace_id,
            kind=kind,
            name=name,
            settings=settings,
            credentials=secrets,
        )
        try:
            await amend(tx, house.seal, wanted, house.clock())
        except ValueError as fault:
            raise Refused(f"{str(fault)[0].upper()}{str(fault)[1:]}.") from None


def _refuse_environments(name: str) -> None:
    from showup.deliveries.given import NAME

    if name == NAME:
        raise Refused(
            f"{NAME!r} is what the environment's own connections are called: change their variables and start Showup "
            "again, or take another name."
        )


async def _remove(house: "House", workspace: str, kind: str, name: str) -> None:
    from showup.database.engine import transaction
    from showup.deliveries.setting_up import take_down

    _refuse_environments(name)
    async with transaction(house.engine) as tx:
        workspace_id = (await workspace_named(tx, workspace)).id
        if not await take_down(tx, workspace_id=workspace_id, kind=kind, name=name, now=house.clock()):
            raise Refused(f"{workspace} has no connection {kind} {name}: `showup connections list` shows all.")


def _settings(given: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in given]
    if wrong := next((key for key, sign, _ in pairs if not sign or not key), None):
        raise Refused(f"{wrong!r} is not a setting: write KEY=VALUE.")
    return {key: _value(value) for key, _, value in pairs}


def _value(text: str) -> Any:
    """A list, an object or a text in quotes is JSON, if it can be read as that; else it is meant as it stands."""
    import msgspec

    if text.startswith(("[", "{", '"')):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text)
    return text


def _secrets(file: Path) -> dict[str, Any]:
    import msgspec

    if str(file) == "-" and sys.stdin.isatty():
        raise Refused("The credentials are read from stdin: pipe a JSON object into it.")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        raise Refused(f'{file} can\'t be read as a JSON object, such as {{"api_key": "…"}}.') from None
