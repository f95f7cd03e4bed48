"""The outbox: mail that is kept and leaves for nowhere. The stored content of its deliveries is all there is of it."""

from datetime import timedelta
from uuid import UUID

from showup.destinations.contract import Delivered, Pace
from showup.destinations.email.mail import Mail


class Outbox:
    """Takes every mail: for a first run without any account, and for all that is simulated."""

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        return Pace(rate_per_second=10_000, at_once=50, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Delivered:  # noqa: ARG002 - what a carrier is given
        return Delivered(provider="outbox")
