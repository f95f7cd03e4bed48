"""Implements `showup email test`: really sends one mail, as the workspace sends its mails, and reports the answer."""

from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from showup.access.workspace import Workspace
    from showup.container import Container
    from showup.destinations.email.settings import SenderRule
    from showup.dispatch.destination_resolver import DestinationResolver
    from showup.policy import SenderPolicy


class SentTest(Struct, frozen=True, kw_only=True):
    """The result of a test mail. `chosen_by` says why this sender; `because` is None if the provider accepted it."""

    to: str
    sender: str
    chosen_by: str
    provider: str
    reference: str | None = None
    because: str | None = None


def send_test(
    address: Annotated[str, typer.Argument(help="The address to send the test mail to.")],
    organizer: Annotated[
        str | None, typer.Option(help="Use the sender of this organizer's meetings. Default: of all other meetings.")
    ] = None,
    page: Annotated[
        str | None, typer.Option(help="Use the sender of this booking page, such as https://book.example.com.")
    ] = None,
    workspace: Annotated[str, typer.Option(help="The workspace whose mail is tested.")] = "default",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send a test mail, and print the sender and the provider's answer.

    Exit with status 1 if the provider does not accept the mail.

    Example: showup email test you@example.com --organizer ann@example.org
    """
    from showup.values.email_address import is_mailbox

    if not is_mailbox(address):
        raise CliError(f"{address!r} is not an email address. Use one such as you@example.com.")
    result = run_command(lambda container: _send(container, workspace, address, organizer, page))
    if json:
        print_json(result)
    else:
        print(f"Sender  {result.sender} ({result.chosen_by})")
        print(f"By      {result.provider}")
    if result.because is not None:
        raise CliError(f"The test mail was not sent: {result.because}.")
    if not json:
        print(f"\n{result.provider} accepted the mail to {address}; its id is {result.reference}.")


async def _send(
    container: "Container", workspace: str, address: str, organizer: str | None, page: str | None
) -> SentTest:
    from showup.container import build_destination_resolver, open_http_clients
    from showup.database.engine import transaction
    from showup.dispatch.mail_test import send_test_mail

    async with transaction(container.engine) as tx:
        found = await get_workspace(tx, workspace)
    async with open_http_clients(container) as clients:
        resolver = build_destination_resolver(container, clients)
        await _require_provider(resolver, found)
        sender, chosen_by = _choose_sender(await _load_senders(container, found.id), organizer, page)
        result = await send_test_mail(resolver, found, sender=sender, address=address)
    assert result.provider is not None, "checked above"
    return SentTest(
        to=address,
        sender=sender,
        chosen_by=chosen_by,
        provider=result.provider,
        reference=result.reference,
        because=result.because,
    )


async def _load_senders(container: "Container", workspace_id: "UUID") -> "list[SenderRule | SenderPolicy]":
    """Returns the senders in the order in which they are tried: the workspace's, then those of showup.toml."""
    from showup.connections.senders_store import sender_rules
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        return [*await sender_rules(tx, workspace_id), *container.settings.policy.senders]


async def _require_provider(resolver: "DestinationResolver", workspace: "Workspace") -> None:
    """Raises CliError if the workspace can't send mail."""
    from showup.access.secrets_at_rest import DecryptionError
    from showup.destinations.email.destination import MailPreview

    try:
        mail = await resolver.mail(workspace)
    except (DecryptionError, ValueError) as fault:
        raise CliError(f"{workspace.slug} can't send mail: {fault}.") from None
    if isinstance(mail.transport, MailPreview):
        raise CliError(
            f"{workspace.slug} sends no mail, but stores it in the mail preview at /mail. Set RESEND_API_KEY or "
            "SMTP_URL, or a connection resend or smtp, and try again."
        )


def _choose_sender(
    senders: "Sequence[SenderRule | SenderPolicy]", organizer: str | None, page: str | None
) -> tuple[str, str]:
    """Returns the address that would send such a meeting's mails, and why. Raises CliError if none would."""
    from showup.destinations.links import host_of
    from showup.values.email_address import email_domain

    if not senders:
        raise CliError(
            "No sender is set. Add one in the dashboard, under Settings, Senders, or a row to [[senders]] in "
            'showup.toml, such as from = "you@example.com", and restart Showup.'
        )
    host, domain = host_of(page), email_domain(organizer) or None
    for sender in senders:
        if sender.host is None and sender.domain is None:
            return sender.address, "for all other meetings"
        if sender.host is not None and sender.host == host:
            return sender.address, f"for the booking page {host}"
        if sender.domain is not None and sender.domain == domain:
            return sender.address, f"for organizers at {domain}"
    if organizer is None and page is None:
        first = senders[0]
        return first.address, f"the first sender, for {first.host or first.domain}"
    raise CliError(
        "No sender matches. Add one for this host or domain, or one for all other meetings: in the dashboard, under "
        "Settings, Senders, or to [[senders]] in showup.toml, and restart Showup."
    )
