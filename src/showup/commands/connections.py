"""`showup connections`: how workspaces reach other systems."""

import sys
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
    setting: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="May be repeated.")] = None,
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
    """Try a connection: its credentials are opened and, for Cal.com, shown to its API.

    Example: showup connections test calcom acme --workspace acme
    """
    print(inside(lambda house: _try_out(house, workspace, kind, name)))


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

    kind, name = called
    async with transaction(house.engine) as tx:
        workspace_id = (await workspace_named(tx, workspace)).id
        before = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if kind == CALCOM and before is None:
            raise Refused(f"There is no account {name!r} there: `showup accounts add {name}` makes it.")
        if kind == CALCOM and secrets is not None and set(secrets) != {"api_key"}:
            raise Refused('An account\'s credentials are {"api_key": "…"}; its secret is rotated instead.')
        if before is not None:
            settings = before.settings | settings
            kept = await connections_store.credentials(tx, house.seal, before.id)
            secrets = None if secrets is None else (kept or {}) | secrets
        await connections_store.put(
            tx,
            house.seal,
            workspace_id=workspace_id,
            kind=kind,
            name=name,
            settings=settings,
            credentials=secrets,
        )


async def _try_out(house: "House", workspace: str, kind: str, name: str) -> str:
    from showup.access import connections_store
    from showup.access.connection import CALCOM
    from showup.database.engine import transaction

    async with transaction(house.engine) as tx:
        workspace_id = (await workspace_named(tx, workspace)).id
        found = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if found is None:
            raise Refused(f"There is no connection {kind} {name}: `showup connections list` shows them.")
        secrets = await connections_store.credentials(tx, house.seal, found.id) or {}
    if kind != CALCOM:
        return "Its credentials can be opened." if secrets else "It has no credentials."
    return await _ask_calcom(house, name, secrets)


async def _ask_calcom(house: "House", name: str, secrets: dict[str, Any]) -> str:
    import httpx2

    from showup.access.account import DEFAULT

    given = house.settings.calcom_api_key
    key = secrets.get("api_key") or (given.get_secret_value() if given and name == DEFAULT else None)
    if key is None:
        return "It takes webhooks. It has no API key, so Cal.com can't be asked anything."
    try:
        async with httpx2.AsyncClient(timeout=10) as client:
            answer = await client.get(
                f"{house.settings.calcom_api_url}/me",
                headers={"Authorization": f"Bearer {key}", "cal-api-version": "2024-06-14"},
            )
    except httpx2.HTTPError as fault:
        raise Refused(f"Cal.com's API does not answer ({type(fault).__name__}): try again later.") from None
    if answer.status_code in (401, 403):
        raise Refused("Cal.com refuses the API key: make another one there, and set it here.")
    if answer.is_error:
        raise Refused(f"Cal.com's API answers {answer.status_code}: try again later.")
    return "Cal.com accepts the API key."


def _settings(given: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in given]
    if wrong := next((key for key, sign, _ in pairs if not sign or not key), None):
        raise Refused(f"{wrong!r} is not a setting: write KEY=VALUE.")
    return {key: value for key, _, value in pairs}


def _secrets(file: Path) -> dict[str, Any]:
    import msgspec

    if str(file) == "-" and sys.stdin.isatty():
        raise Refused("The credentials are read from stdin: pipe a JSON object into it.")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        raise Refused(f'{file} can\'t be read as a JSON object, such as {{"api_key": "…"}}.') from None
