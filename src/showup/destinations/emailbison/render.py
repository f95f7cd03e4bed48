"""Renders a notification as an update of a lead: the new value of its status, and whether to stop its sequence."""

from collections.abc import Callable, Set

from msgspec import Struct

from showup.destinations.contract import CannotRender, NothingToSend, Notification
from showup.destinations.record_status import CREATED, event_of


class LeadUpdate(Struct, frozen=True, kw_only=True):
    """The update of the lead with this email.

    `event` is the booking's event as `record_status.event_of` names it. `status` is the value for it, "" for none.
    `stop`: whether EmailBison has to stop its sequences. `time_zone` is the workspace's.
    """

    email: str
    event: str
    status: str
    stop: bool = False
    time_zone: str = "UTC"


def render(
    notification: Notification, events: Set[str], status_for: Callable[[str], str], *, stops: bool
) -> LeadUpdate:
    """Returns the update. Raises CannotRender."""
    meeting = notification.redact_uids().require_meeting()
    if not meeting.guest.email:
        raise NothingToSend("the attendee has no email address, and EmailBison knows leads by email")
    if notification.kind not in events:
        raise CannotRender(f"EmailBison does not receive {notification.kind}")
    event = event_of(notification.kind, meeting)
    return LeadUpdate(
        email=meeting.guest.email,
        event=event,
        status=status_for(event),
        stop=stops and event == CREATED and meeting.status == "ACCEPTED",
        time_zone=notification.time_zone,
    )
