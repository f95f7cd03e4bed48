"""Implements `showup secrets rotate`: gives the stored secrets a new key."""

import secrets as random_secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import run_command_with_config
from showup.values.counted import counted

if TYPE_CHECKING:
    from showup.container import Container, ProcessConfig

app = typer.Typer(no_args_is_help=True, help="Manage the key that encrypts stored secrets.")
_ACTOR = "cli"
_KEY_BYTES = 32


@app.callback()
def secrets() -> None:
    """Manage the key that encrypts stored secrets."""


@app.command()
def rotate(
    drop_old: Annotated[
        bool,
        typer.Option("--drop-old", help="Then forget the old key. Links in mails sent before stop working."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Encrypt all stored secrets with a new key, in two steps with a restart between them.

    The first run adds a new key, and asks for a restart of Showup, which then accepts both. The second run encrypts all
    secrets with the new key. With SHOWUP_SECRET_KEY, add the new key yourself: NEW,OLD. An interrupted run can be
    repeated.

    Example: showup secrets rotate
    """
    result = run_command_with_config(lambda container, config: _rotate(container, config, drop_old=drop_old))
    print_json(result) if json else print(result["next"])


async def _rotate(container: "Container", config: "ProcessConfig", *, drop_old: bool) -> dict[str, Any]:
    from showup.access.secret_rotation_store import rotate as encrypt_again
    from showup.access.secrets_at_rest import replace_keys
    from showup.container import data_folder
    from showup.database.engine import driver_connection, transaction
    from showup.privacy import actions_store

    settings = container.settings
    keeps_key = settings.database_url is None and settings.secret_key is None
    newest, *old = (key.strip() for key in config.secret_keys.split(",") if key.strip())
    if not old:
        if not keeps_key:
            raise CliError(
                "SHOWUP_SECRET_KEY has one key. Put a new one and a comma before it, restart Showup, and repeat this."
            )
        replace_keys(data_folder(settings), [random_secrets.token_urlsafe(_KEY_BYTES), newest])
        text = "Added a new key. Restart Showup now, so that it knows both, and run this again."
        return {"state": "key_added", "encrypted": 0, "next": text}
    count = await encrypt_again(container.engine, container.seal)
    async with transaction(container.engine) as tx:
        await actions_store.add(
            *(await driver_connection(tx), "secrets_rotated"),
            workspace_id=None,
            actor=_ACTOR,
            at=container.clock(),
            counts={"secrets": count},
        )
    done = f"{counted(count, 'secret')} encrypted with the newest key; none needs an older one."
    if not keeps_key:
        text = "Remove the old key from SHOWUP_SECRET_KEY when links in mails sent before need not work any more."
    elif drop_old:
        replace_keys(data_folder(settings), [newest])
        text = "The old key is gone."
    else:
        text = "Links in mails sent before still need the old key. `showup secrets rotate --drop-old` removes it."
    return {"state": "rotated", "encrypted": count, "next": f"{done} {text}"}
