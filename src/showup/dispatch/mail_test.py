"""Really sends one mail, as a workspace sends its mails, and reports the provider's answer."""

import asyncio
from typing import Final
from uuid import uuid4

from msgspec import Struct

from showup.access.secrets_at_rest import DecryptionError
from showup.access.workspace import Workspace
from showup.destinations.contract import Delivered
from showup.destinations.email.destination import Mail, MailPreview
from showup.dispatch.destination_resolver import DestinationResolver

_SUBJECT: Final = "Test mail from Showup"
_TEXT: Final = "This is a test mail from Showup. If you can read it, Showup can email your attendees.\n"


class MailTestResult(Struct, frozen=True, kw_only=True):
    """The result of a test mail.

    `provider` is None if the workspace only stores its mails. `because` is None if the provider accepted it, as
    `reference`.
    """

    provider: str | None
    reference: str | None = None
    because: str | None = None


async def send_test_mail(
    resolver: DestinationResolver, workspace: Workspace, *, sender: str, address: str
) -> MailTestResult:
    """Sends the mail; returns within the provider's own time limit, whatever the provider does."""
    try:
        mail = await resolver.mail(workspace)
    except (DecryptionError, ValueError) as fault:
        return MailTestResult(provider="mail", because=f"{workspace.slug} can't send mail: {fault}")
    if isinstance(mail.transport, MailPreview):
        return MailTestResult(provider=None, because="mails are stored in the mail preview, and not sent")
    provider, timeout = str(mail.transport), mail.pace.timeout.total_seconds()
    content = Mail(sender=sender, to=address, subject=_SUBJECT, text=_TEXT, html=f"<p>{_TEXT}</p>")
    try:
        async with asyncio.timeout(timeout):
            outcome = await mail.transport.send(uuid4(), content)
    except TimeoutError:
        return MailTestResult(provider=provider, because=f"{provider} did not answer within {timeout:.0f} seconds")
    if isinstance(outcome, Delivered):
        return MailTestResult(provider=provider, reference=outcome.reference)
    return MailTestResult(provider=provider, because=outcome.because.rstrip("."))
