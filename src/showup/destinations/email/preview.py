"""The mail preview: keeps mail and sends nothing. The stored content of its deliveries is the only copy."""

from datetime import timedelta
from uuid import UUID

from showup.destinations.contract import Delivered, Pace
from showup.destinations.email.mail import Mail


class MailPreview:
    """Accepts every mail: for a first run without a mail account, and for simulated data."""

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        return Pace(rate_per_second=10_000, at_once=50, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Delivered:  # noqa: ARG002 - MailTransport
        return Delivered(provider="mail_preview")
