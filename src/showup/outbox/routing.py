"""Routes a planned delivery to its destinations: one delivery for each. Pure."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from showup.outbox.delivery import Delivery
from showup.outbox.planned import PlannedDelivery
from showup.outbox.subscriptions import Subscription, subscribed_destinations

_SELF_BOOKING: Final = "self-booking: all attendees are team members"
_SWITCHED_OFF: Final = "mails of this kind are switched off"


def route(
    booking_id: UUID,
    planned: PlannedDelivery,
    subscriptions: Sequence[Subscription],
    *,
    simulated: bool,
) -> list[Delivery]:
    """Return the deliveries of a booking's notification. Those of a simulation or a sample go to the mail preview.

    A message to an attendee is mailed, and goes to the destinations that subscribe to it, such as text messages. A
    reminder that was skipped is recorded once, as a mail (PI13). A booking without an external attendee is announced
    to nobody: its deliveries are skipped (M06).
    """
    subscribed = () if simulated else subscribed_destinations(subscriptions, planned.kind, planned.decided_at)
    if planned.is_announcement:
        destinations: list[str | None] = [*subscribed]
    else:
        destinations = [None, *(() if planned.state == "skipped" else subscribed)]
    deliveries = [_delivery(booking_id, planned, one, simulated=simulated) for one in destinations]
    if not planned.is_mailed and planned.state == "scheduled":
        # Only the mail is off: text messages and other subscribers still receive the notification.
        deliveries[0] = replace(deliveries[0], state="skipped", because=_SWITCHED_OFF)
    return [_skipped(one) for one in deliveries] if planned.is_internal else deliveries


def _skipped(delivery: Delivery) -> Delivery:
    return replace(delivery, state="skipped", because=_SELF_BOOKING)


def _delivery(booking_id: UUID, planned: PlannedDelivery, destination: str | None, *, simulated: bool) -> Delivery:
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
        state=planned.state,
        because=planned.because,
        details=planned.details,
        simulated=simulated,
    )
