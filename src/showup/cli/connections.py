"""Implements `showup connections`: how workspaces connect to other systems."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from showup.access.connection import Connection
    from showup.container import Container
    from showup.dispatch.connection_check import ConnectionCheck

app = typer.Typer(no_args_is_help=True, help="Manage the connections to other systems and their credentials.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Workspace = Annotated[str, typer.Option(help="The connection's workspace.")]
Kind = Annotated[str, typer.Argument(help="The kind of system, such as calcom.")]
Name = Annotated[str, typer.Argument(help="The connection's name, unique in its kind.")]


@app.command("list")
def list_all(
    workspace: Annotated[str | None, typer.Option(help="Only this workspace.")] = None, json: Json = False
) -> None:
    """List the connections, without their credentials.

    Example: showup connections list --workspace acme
    """

    async def work(container: "Container") -> "list[Connection]":
        from showup.access import connections_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            workspace_id = (await get_workspace(tx, workspace)).id if workspace else None
            return await connections_store.list_connections(tx, workspace_id=workspace_id)

    connections = run_command(work)
    if json:
        print_json(connections)
        return
    rows = [
        {
            "workspace": connection.workspace,
            "kind": connection.kind,
            "name": connection.name,
            "settings": connection.settings,
            "credentials": connection.has_credentials,
        }
        for connection in connections
    ]
    print_table(rows, empty_message="There are no connections.")


@app.command("set")
def set_connection(
    kind: Kind,
    name: Name,
    workspace: Workspace = "default",
    setting: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A setting. May be repeated. Write lists as JSON.")
    ] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(help="A file with a JSON object of secrets. Use - to read stdin.")
    ] = None,
    json: Json = False,
) -> None:
    """Add or change a connection. Settings that you omit keep their values.

    Example: echo '{"api_key": "cal_live_…"}' | showup connections set calcom acme --credentials-file -
    """
    from showup.connections.catalogue import CONNECTION_KINDS

    if kind not in CONNECTION_KINDS:
        raise CliError(f"{kind!r} is not a kind of connection. Use one of {', '.join(CONNECTION_KINDS)}.")
    settings = _parse_settings(setting or [])
    credentials = None if credentials_file is None else _read_credentials(credentials_file)
    run_command(lambda container: _save(container, workspace, (kind, name), settings, credentials))
    _print_done({"workspace": workspace, "kind": kind, "name": name, "done": "set"}, json=json)


@app.command("test")
def check(kind: Kind, name: Name, workspace: Workspace = "default", json: Json = False) -> None:
    """Test a connection: check its credentials with the other system, and that everything in its settings exists.

    Exit with status 1 if there is a fault.

    Example: showup connections test calcom acme --workspace acme
    """

    async def work(container: "Container") -> "ConnectionCheck":
        from msgspec.structs import replace

        from showup.access.connection import CALCOM
        from showup.cli.fault_checks import check_webhooks
        from showup.container import check_connection

        result = await check_connection(container, await _find(container, workspace, kind, name))
        if kind != CALCOM:
            return result
        webhooks = await check_webhooks(container, name)
        return replace(result, message=f"{result.message}.\nWebhooks: {webhooks.message}")

    result = run_command(work)
    if json:
        print_json(result)
    elif not result.faults:
        print(f"{result.message.rstrip('.')}.")
    if result.faults:
        raise CliError("\n".join(f"{kind} {name}: {fault.rstrip('.')}." for fault in result.faults))


async def _find(container: "Container", workspace: str, kind: str, name: str) -> "Connection":
    from showup.access import connections_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        workspace_id = (await get_workspace(tx, workspace)).id
        connection = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
    if connection is None:
        raise CliError(f"{workspace} has no connection {kind} {name}. List them with `showup connections list`.")
    return connection


@app.command()
def remove(kind: Kind, name: Name, workspace: Workspace = "default", json: Json = False) -> None:
    """Remove a connection. Its scheduled deliveries wait until another connection replaces it.

    Example: showup connections remove slack team
    """
    from showup.access.connection import CALCOM

    if kind == CALCOM:
        raise CliError(
            "A Cal.com account can't be removed, because its events refer to it. "
            "To stop its webhooks, rotate its secret."
        )
    run_command(lambda container: _remove(container, workspace, kind, name))
    _print_done({"workspace": workspace, "kind": kind, "name": name, "done": "removed"}, json=json)


def _print_done(result: dict[str, str], *, json: bool) -> None:
    done = f"{result['done'].capitalize()} the connection {result['kind']} {result['name']}."
    print_json(result) if json else print(done)


async def _save(
    container: "Container",
    workspace: str,
    kind_and_name: tuple[str, str],
    settings: dict[str, Any],
    credentials: dict[str, Any] | None,
) -> None:
    from showup.access import connections_store
    from showup.access.connection import CALCOM
    from showup.access.settings_log_store import COMMAND_LINE
    from showup.connections.addresses import find_address_fault
    from showup.connections.setup import ConnectionSpec, amend
    from showup.database.engine import transaction

    kind, name = kind_and_name
    _refuse_environment_name(name)
    async with transaction(container.engine) as tx:
        workspace_id = (await get_workspace(tx, workspace)).id
        existing = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if kind == CALCOM and existing is None:
            raise CliError(f"There is no account {name!r} in {workspace}. Add it with `showup accounts add {name}`.")
        if kind == CALCOM and credentials is not None and set(credentials) != {"api_key"}:
            raise CliError(
                'An account has only the credentials {"api_key": "…"}. '
                "Change its secret with `showup accounts rotate-secret`."
            )
        change = ConnectionSpec(
            workspace_id=workspace_id,
            kind=kind,
            name=name,
            settings=settings,
            credentials=credentials,
        )
        if (address_fault := await find_address_fault(container.address_policy, change)) is not None:
            raise CliError(f"{address_fault.field}: {address_fault.because}")
        try:
            await amend(tx, container.seal, change, container.clock(), actor=COMMAND_LINE)
        except ValueError as fault:
            raise CliError(f"{str(fault)[0].upper()}{str(fault)[1:]}.") from None


def _refuse_environment_name(name: str) -> None:
    from showup.connections.environment import NAME

    if name == NAME:
        raise CliError(
            f"The name {NAME!r} is reserved for connections that the environment defines. "
            "Change their variables and restart Showup, or choose another name."
        )


async def _remove(container: "Container", workspace: str, kind: str, name: str) -> None:
    from showup.access.settings_log_store import COMMAND_LINE
    from showup.connections.setup import take_down
    from showup.database.engine import transaction

    _refuse_environment_name(name)
    async with transaction(container.engine) as tx:
        workspace_id = (await get_workspace(tx, workspace)).id
        is_removed = await take_down(
            tx, workspace_id=workspace_id, kind=kind, name=name, now=container.clock(), actor=COMMAND_LINE
        )
        if not is_removed:
            raise CliError(f"{workspace} has no connection {kind} {name}. List them with `showup connections list`.")


def _parse_settings(texts: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in texts]
    if invalid := next((key for key, sign, _ in pairs if not sign or not key), None):
        raise CliError(f"{invalid!r} is not a setting. Use the form KEY=VALUE.")
    return {key: _parse_value(value) for key, _, value in pairs}


def _parse_value(text: str) -> Any:
    """Parses a list, an object or a quoted text as JSON if it is valid; else returns the text unchanged."""
    import msgspec

    if text.startswith(("[", "{", '"')):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text)
    return text


def _read_credentials(file: Path) -> dict[str, Any]:
    import msgspec

    if str(file) == "-" and sys.stdin.isatty():
        raise CliError("Showup reads the credentials from stdin, which is a terminal. Pipe a JSON object into it.")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        raise CliError(f'{file} can\'t be read as a JSON object, such as {{"api_key": "…"}}.') from None
