"""`showup accounts`: the Cal.com accounts, each with its webhook address and its secret."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands import accounts_routes
from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.accounts_store import StoredAccount
    from showup.assembly import House

app = typer.Typer(no_args_is_help=True, help="The Cal.com accounts whose webhooks are taken.")
app.command()(accounts_routes.route)
app.command()(accounts_routes.routes)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Secret = Annotated[str | None, typer.Option(help="The webhook secret (else one is made).")]

# Cal.com's word for having none: a signature by it proves nothing.
_NO_SECRET = "no-secret-provided"  # noqa: S105 - that word, no secret


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name in the webhook's address.")],
    workspace: Annotated[str, typer.Option(help="The workspace that its bookings belong to.")] = "default",
    secret: Secret = None,
    json: Json = False,
) -> None:
    """Make an account; prints its webhook address and, this once, its secret.

    Example: showup accounts add acme --workspace acme
    """
    from showup.access.account import Credentials, WebhookSecret

    _refuse_unusable(name)
    chosen = _chosen(secret)

    async def work(house: "House") -> str:
        from showup.access import accounts_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            credentials = Credentials(webhook_secrets=(WebhookSecret(chosen),))
            workspace_id = (await workspace_named(tx, workspace)).id
            made = await accounts_store.add(
                tx, house.seal, name=name, workspace_id=workspace_id, credentials=credentials
            )
            if made is None:
                raise Refused(
                    f"There is an account {name!r} already: `showup accounts rotate-secret {name}` "
                    "gives it another secret."
                )
        return house.settings.public_url

    _tell(name, f"{inside(work)}/webhooks/calcom/{name}", chosen, json=json)


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the accounts, without their secrets.

    Example: showup accounts list --json
    """
    rows = inside(_listed)
    as_json(rows) if json else as_table(rows, nothing="There are no accounts.")


@app.command("rotate-secret")
def rotate_secret(
    name: Annotated[str, typer.Argument(help="The account.")] = "default",
    secret: Secret = None,
    keep_for: Annotated[int, typer.Option(min=0, help="Hours that the old secret stays good.")] = 24,
    json: Json = False,
) -> None:
    """Give an account a new secret; the old one stays good for a while, so that no webhook is lost.

    Example: showup accounts rotate-secret acme --keep-for 48
    """
    chosen = _chosen(secret)

    async def work(house: "House") -> str:
        await _rotate(house, name, chosen, timedelta(hours=keep_for))
        return house.settings.public_url

    _tell(name, f"{inside(work)}/webhooks/calcom/{name}", chosen, json=json)


async def _rotate(house: "House", name: str, secret: str, kept_for: timedelta) -> None:
    from showup.access import accounts_store
    from showup.access.account import DEFAULT, rotated
    from showup.database.engine import transaction

    if name == DEFAULT and house.secrets_given:
        raise Refused(
            "The default account's secret is in the environment: put the new one into CALCOM_WEBHOOK_SECRET "
            "and the old one into CALCOM_WEBHOOK_SECRET_PREVIOUS, then start Showup again."
        )
    async with transaction(house.engine) as tx:
        account = await accounts_store.find_to_change(tx, name)
        if account is None:
            raise Refused(f"There is no account {name!r}: `showup accounts list` shows them.")
        before = account.credentials(house.seal)
        after = rotated(before, secret, now=house.clock(), kept_for=kept_for)
        await accounts_store.set_credentials(tx, house.seal, account.id, after)


async def _listed(house: "House") -> list[dict[str, object]]:
    from showup.access import accounts_store
    from showup.access.account import DEFAULT
    from showup.database.engine import transaction

    def row(account: "StoredAccount") -> dict[str, object]:
        given = account.name == DEFAULT and bool(house.secrets_given)
        return {
            "name": account.name,
            "workspace": account.workspace,
            "has_secret": given or bool(account.credentials(house.seal).webhook_secrets),
            "has_routes": account.has_routes,
            "url": f"{house.settings.public_url}/webhooks/calcom/{account.name}",
        }

    async with transaction(house.engine) as tx:
        return [row(account) for account in await accounts_store.list_accounts(tx)]


def _refuse_unusable(name: str) -> None:
    from showup.access.workspace import is_slug

    if not is_slug(name):
        raise Refused(f"{name!r} can't name an account: use lower-case letters, digits and hyphens.")


def _chosen(secret: str | None) -> str:
    from showup.access.account import make_secret

    if secret is None:
        return make_secret()
    if not secret.strip() or secret == _NO_SECRET:
        raise Refused("That secret protects nothing: leave --secret away to have a good one made.")
    return secret


def _tell(name: str, url: str, secret: str, *, json: bool) -> None:
    if json:
        as_json({"name": name, "url": url, "secret": secret})
        return
    print(f"Webhook address  {url}")
    print(f"Secret           {secret}")
    print("\nGive both to a webhook at Cal.com (Settings, Developer, Webhooks). The secret is not shown again.")
