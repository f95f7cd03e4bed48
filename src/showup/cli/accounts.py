"""Implements `showup accounts`: the Cal.com accounts, each with its webhook URL and its secret."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showup.access.account import SECRET_OVERLAP
from showup.cli import account_routes
from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.public_url import unreachable_warning
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from showup.access.accounts_store import StoredAccount
    from showup.container import Container

OverlapHours = Annotated[int, typer.Option(min=0, help="How many hours the old secret stays valid.")]
_OVERLAP_HOURS = SECRET_OVERLAP // timedelta(hours=1)

app = typer.Typer(no_args_is_help=True, help="Manage the Cal.com accounts that send webhooks.")
app.command()(account_routes.route)
app.command()(account_routes.routes)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Secret = Annotated[
    str | None, typer.Option(help="The webhook secret, or - to read it from stdin. Default: generate one.")
]
SecretFile = Annotated[Path | None, typer.Option(help="A file with the webhook secret.")]

# Cal.com's value for "no secret": a signature made with it proves nothing.
_NO_SECRET = "no-secret-provided"  # noqa: S105 - Cal.com's value, not a secret


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The account's name in its webhook URL.")],
    workspace: Annotated[str, typer.Option(help="The workspace for the account's bookings.")] = "default",
    secret: Secret = None,
    secret_file: SecretFile = None,
    json: Json = False,
) -> None:
    """Add an account, and print its webhook URL and its secret. The secret is shown only once.

    Example: showup accounts add acme --workspace acme
    """
    _check_name(name)
    webhook_secret = _choose_secret(secret, secret_file)

    async def work(container: "Container") -> str:
        from showup.commands.accounts import add_account
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            is_added = await add_account(
                tx,
                container.seal,
                name=name,
                workspace_id=(await get_workspace(tx, workspace)).id,
                secret=webhook_secret,
                now=container.clock(),
            )
            if not is_added:
                raise CliError(
                    f"There is already an account {name!r}. "
                    f"To give it a new secret, run `showup accounts rotate-secret {name}`."
                )
        return container.settings.public_url

    _print_account(name, f"{run_command(work)}/webhooks/calcom/{name}", webhook_secret, json=json)


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the accounts, without their secrets.

    Example: showup accounts list --json
    """
    rows = run_command(_account_rows)
    if json:
        print_json(rows)
        return
    table = [{name: value for name, value in row.items() if name != "warning"} for row in rows]
    print_table(table, empty_message="There are no accounts.")
    # All accounts have the same address, so one sentence warns of it.
    if rows and (warning := rows[0]["warning"]) is not None:
        print(f"\nWarning: {warning}")


@app.command("rotate-secret")
def rotate_secret(
    name: Annotated[str, typer.Argument(help="The account's name.")] = "default",
    secret: Secret = None,
    secret_file: SecretFile = None,
    overlap_hours: OverlapHours = _OVERLAP_HOURS,
    json: Json = False,
) -> None:
    """Rotate an account's webhook secret. The old secret stays valid for some hours, so that no webhook is lost.

    Example: showup accounts rotate-secret acme --overlap-hours 48
    """
    webhook_secret = _choose_secret(secret, secret_file)

    async def work(container: "Container") -> str:
        await _rotate_account(container, name, webhook_secret, timedelta(hours=overlap_hours))
        return container.settings.public_url

    _print_account(name, f"{run_command(work)}/webhooks/calcom/{name}", webhook_secret, json=json)


async def _rotate_account(container: "Container", name: str, secret: str, overlap: timedelta) -> None:
    from showup.access.account import DEFAULT
    from showup.commands.accounts import rotate_secret
    from showup.database.engine import transaction

    if name == DEFAULT and container.environment_secrets:
        raise CliError(
            "The default account's secret is set in the environment, so this command can't change it. "
            "Set CALCOM_WEBHOOK_SECRET to the new secret and CALCOM_WEBHOOK_SECRET_PREVIOUS to the old one, "
            "then restart Showup."
        )
    async with transaction(container.engine) as tx:
        is_rotated = await rotate_secret(
            tx, container.seal, name=name, secret=secret, now=container.clock(), overlap=overlap
        )
        if not is_rotated:
            raise CliError(f"There is no account {name!r}. List the accounts with `showup accounts list`.")


async def _account_rows(container: "Container") -> list[dict[str, object]]:
    from showup.access import accounts_store
    from showup.access.account import DEFAULT
    from showup.database.engine import transaction

    def row(account: "StoredAccount") -> dict[str, object]:
        has_environment_secret = account.name == DEFAULT and bool(container.environment_secrets)
        return {
            "name": account.name,
            "workspace": account.workspace,
            "has_secret": has_environment_secret or bool(account.credentials(container.seal).webhook_secrets),
            "has_routes": account.has_routes,
            "url": f"{container.settings.public_url}/webhooks/calcom/{account.name}",
            "warning": unreachable_warning(container.settings.public_url),
        }

    async with transaction(container.engine) as tx:
        return [row(account) for account in await accounts_store.list_accounts(tx)]


def _check_name(name: str) -> None:
    from showup.access.workspace import is_slug

    if not is_slug(name):
        raise CliError(f"{name!r} is not a valid account name. Use lower-case letters, digits and hyphens.")


def _choose_secret(value: str | None, file: Path | None) -> str:
    from showup.access.account import MIN_SECRET_LENGTH, make_secret
    from showup.cli.secret_input import read_secret

    secret = read_secret(value, file, "--secret")
    if secret is None:
        return make_secret()
    if not secret.strip() or secret == _NO_SECRET:
        raise CliError("--secret is blank or Cal.com's placeholder for no secret. Omit --secret to generate a secret.")
    if len(secret) < MIN_SECRET_LENGTH:
        raise CliError(
            f"The secret is too short: it has {len(secret)} characters, and at least {MIN_SECRET_LENGTH} are required. "
            "Omit --secret to generate a secret."
        )
    return secret


def _print_account(name: str, url: str, secret: str, *, json: bool) -> None:
    warning = unreachable_warning(url)
    if json:
        print_json({"name": name, "url": url, "secret": secret, "warning": warning})
        return
    print(f"Webhook URL  {url}")
    print(f"Secret       {secret}")
    print("\nEnter both in a webhook at Cal.com (Settings > Developer > Webhooks). The secret is not shown again.")
    if warning is not None:
        print(f"\nWarning: {warning}")
