"""Routes a planned delivery to its destinations: one delivery for each. Pure."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from showup.outbox.delivery import Delivery
from showup.outbox.planned import PlannedDelivery
from showup.outbox.subscriptions import Subscription, subscribed_destinations

# These destinations keep records of prospects: a meeting without an outside attendee is not for them.
_PROSPECT_DESTINATIONS: Final = frozenset({"clickup", "notion"})
_SELF_BOOKING: Final = "self-booking: all attendees are team members"


def route(
    booking_id: UUID, planned: PlannedDelivery, subscriptions: Sequence[Subscription], *, simulated: bool
) -> list[Delivery]:
    """Return the deliveries of a booking's notification. Those of a simulation or a sample go to the mail preview.

    A message to an attendee is mailed, and goes to the destinations that subscribe to it, such as text messages. A
    reminder that was skipped is recorded once, as a mail (PI13).
    """
    subscribed = () if simulated else subscribed_destinations(subscriptions, planned.kind, planned.decided_at)
    if planned.is_announcement:
        return [_delivery(booking_id, planned, one, simulated=simulated) for one in subscribed]
    mail = _delivery(booking_id, planned, None, simulated=simulated)
    others = () if planned.state == "skipped" else subscribed
    return [mail, *(_delivery(booking_id, planned, one, simulated=simulated) for one in others)]


def _delivery(booking_id: UUID, planned: PlannedDelivery, destination: str | None, *, simulated: bool) -> Delivery:
    is_self_booking = planned.is_internal and destination in _PROSPECT_DESTINATIONS
    return Delivery(
        booking_id=booking_id,
        event_id=planned.event_id,
        key=planned.key if destination is None else f"{destination}/{planned.key}",
        destination=destination or ("mail_preview" if simulated else "email"),
        kind=planned.kind,
        recipient=planned.recipient,
        booking_version=planned.booking_version,
        decided_at=planned.decided_at,
        due_at=planned.due_at,
        expires_at=planned.expires_at,
        state="skipped" if is_self_booking else planned.state,
        because=_SELF_BOOKING if is_self_booking else planned.because,
        details=planned.details,
        simulated=simulated,
    )
